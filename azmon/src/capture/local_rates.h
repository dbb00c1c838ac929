// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace azmon::capture {

/// The sampling rates of the spans that are open in this process, so that their children are kept at the same rate. Only spans kept at
/// less than 100 % are entered. Any thread.
class LocalRates {
 public:
  /// @param span_id  8 bytes
  void Add(std::string_view span_id, double rate);
  void Remove(std::string_view span_id);
  std::optional<double> Find(std::string_view span_id) const;

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, double> rates;
  };
  static std::uint64_t Key(std::string_view span_id);
  Shard& ShardOf(std::uint64_t key) { return shards_[key % kShards]; }
  const Shard& ShardOf(std::uint64_t key) const { return shards_[key % kShards]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace azmon::capture
