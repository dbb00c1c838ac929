// SPDX-License-Identifier: MIT
// A segment: a run of blocks of records that is filled once, read by every destination and given up as a whole.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/clock.h"
#include "base/files.h"
#include "journal/definitions.h"
#include "journal/format.h"
#include "journal/journal.h"

namespace azmon::journal {

class Store;

struct Counts {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};
using CountsByDestination = std::array<Counts, kDestinations>;

/// Guarded by the journal's lock, but for the bytes below `written`, which never change.
struct Segment {
  std::shared_ptr<Store> store;  ///< whose it is
  std::uint64_t sequence = 0;    ///< in its store
  std::size_t written = 0;
  /// Its bytes; null if they are in a file alone.
  std::shared_ptr<const base::Mapping> memory;
  std::weak_ptr<const std::string> loaded;  ///< of a segment without memory, while somebody reads it
  std::size_t hot_bytes = 0;  ///< of its file in the ring directory, by which it outlives the process; 0: there is none
  std::size_t spilled = 0;    ///< so many of its bytes are in the storage directory
  bool is_sealed = false;     ///< nothing is appended any more
  Position first = 0;       ///< of its records in this process's order; 0: it has none
  Position last = 0;
  Position offset = 0;      ///< positions in the file are lower by it (modulo 2^64)
  CountsByDestination unread;
  base::SteadyTime created{};  ///< the steady clock's time at which its age was 0
  std::unordered_set<std::uint32_t> defined;  ///< ids of the scopes and resources it holds

  std::size_t Capacity() const { return memory ? memory->Bytes() : written; }
  bool HasUnread() const;
  /// A destination outside this process has not settled all of it.
  bool HasRemoteUnread() const;
  /// Everything in it outlives the process.
  bool IsDurable() const { return hot_bytes != 0 || spilled >= written; }
};

/// The record of a definition in the ids of a store, or nullptr.
using DefinitionSource = std::function<const Definition*(std::uint32_t id)>;

/// Where a run of records comes from, to be entered in its block.
struct RunOrigin {
  std::uint64_t ring = 0;
  std::uint64_t begin = 0;  ///< position of the run's first byte in the ring
};

struct Appended {
  std::size_t bytes = 0;  ///< taken from the head of the run; 0: not even its first record fits
  std::uint32_t records = 0;
  std::uint32_t damaged = 0;  ///< records, or stretches of bytes, that were left out of what was taken
  CountsByDestination counts;
  std::size_t needed = 0;  ///< room that the first record needs, if none was taken
};

/// Writes the segment's header into its memory.
void BeginSegment(Segment& segment, const SegmentHeader& header);

/// Copies the whole records at the head of `run` into the segment, as far as they fit, with the definitions that it lacks before them.
/// Their checksums are verified on the way.
/// @param run    records at multiples of 8
/// @param first  position of the first record in the store
Appended AppendRun(Segment& segment, std::string_view run, RunOrigin origin, std::uint64_t first, const Hash& journal, std::uint64_t age_ns,
                   const DefinitionSource& definitions);

}  // namespace azmon::journal
