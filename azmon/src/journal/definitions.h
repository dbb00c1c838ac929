// SPDX-License-Identifier: MIT
// The resources and scopes of a journal, by id.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "otlp/record.h"

namespace azmon::journal {

/// The record of a scope or resource. Its bytes never move.
struct Definition {
  std::string bytes;
  std::uint32_t resource_id = 0;  ///< of a scope; 0 for a resource
};

/// Grows only. One writer at a time; readers need no lock, also in a forked child whose parent was writing.
class Definitions {
 public:
  Definitions() = default;
  Definitions(const Definitions&) = delete;
  Definitions& operator=(const Definitions&) = delete;
  ~Definitions();

  /// @param resource_id  of a scope; 0: this is a resource
  /// @return its id, from 1; 0 if there are limits::kDefinitionsMax
  std::uint32_t Add(std::uint32_t resource_id, std::string_view message, std::string_view schema_url);
  /// A copy of all of another table, with the same ids.
  void CopyFrom(const Definitions& other);

  const Definition* Find(std::uint32_t id) const {
    if (id == 0 || id >= count_.load(std::memory_order_acquire)) return nullptr;
    return &(*chunks_[id / kChunk].load(std::memory_order_acquire))[id % kChunk];
  }

 private:
  static constexpr std::size_t kChunk = 256;
  using Chunk = std::array<Definition, kChunk>;
  void Put(Definition definition);

  std::array<std::atomic<Chunk*>, limits::kDefinitionsMax / kChunk> chunks_{};
  std::atomic<std::uint32_t> count_{1};
};

/// The bytes of such a record.
std::string DefinitionRecord(std::uint32_t id, std::uint32_t resource_id, std::string_view message, std::string_view schema_url);

}  // namespace azmon::journal
