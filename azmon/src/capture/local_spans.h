// SPDX-License-Identifier: MIT
// What the spans that are open in this process pass on to their children and log records.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fork.h"
#include "capture/root_operation.h"

namespace azmon::capture {

/// By span id. Only spans that pass something on are entered. Any thread.
class LocalSpans {
 public:
  struct Inheritance {
    std::optional<double> sample_rate;              ///< percent; absent: 100
    std::shared_ptr<const RootOperation> operation;  ///< of the outermost request above or at the span; may be null
  };

  /// @param span_id  8 bytes
  void Put(std::string_view span_id, Inheritance inheritance);
  void Remove(std::string_view span_id);
  /// Of a span that is not open, or passes nothing on, nothing.
  Inheritance Find(std::string_view span_id) const;

 private:
  using Map = std::unordered_map<std::uint64_t, Inheritance>;
  static constexpr std::size_t kShards = 16;
  /// Nodes of removed entries that wait for the next ones, in each shard.
  static constexpr std::size_t kSpareMax = 64;
  struct Shard {
    mutable base::ForkMutex mutex;
    Map spans;
    std::vector<Map::node_type> spare;
  };
  static std::uint64_t Key(std::string_view span_id);
  Shard& ShardOf(std::uint64_t key) { return shards_[key % kShards]; }
  const Shard& ShardOf(std::uint64_t key) const { return shards_[key % kShards]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace azmon::capture
