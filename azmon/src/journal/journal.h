// SPDX-License-Identifier: MIT
// A journal keeps a process's telemetry records until every destination has read them.
//
// One writer side, one cursor a destination. `capture` appends, `deliver` reads, `distro` reports the ledger. Knows nothing of HTTP or of
// what a record means. Records wait in segments in memory; each segment holds copies of the resource and scope records that its
// records belong to, so that a segment can be read alone.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "otlp/record.h"

namespace azmon::journal {

/// Who reads a journal. Each has its own cursor, pace and counted losses.
enum class Destination : std::uint8_t {
  kAzure = 0,
  kOtlp = 1,
  kMeter = 2,    ///< inside this process: counts what the others may never see
  kConsole = 3,  ///< inside this process: standard error
};
inline constexpr std::size_t kDestinations = 4;

std::string_view Name(Destination destination);

/// The flag of otlp::RecordFlags by which a record is meant for the destination.
constexpr std::uint8_t FlagOf(Destination destination) {
  switch (destination) {
    case Destination::kAzure: return otlp::kForAzure;
    case Destination::kOtlp: return otlp::kForOtlp;
    case Destination::kConsole: return otlp::kForConsole;
    case Destination::kMeter: break;
  }
  return otlp::kForMeter;
}

/// Why a record was given up. Names are those of Application Insights' SDK statistics (exporter spec section 9) where it has one.
enum class DropReason : std::uint8_t {
  kStorageCapacity,      ///< CLIENT_PERSISTENCE_CAPACITY: recycled at the cap before the destination read it
  kRefused,              ///< the destination answered with a status that no retry changes
  kSampledOut,           ///< the service sampled it out
  kMalformed,            ///< its bytes do not parse, or give no item
  kTooLarge,             ///< alone over the destination's limit
  kNotDelivered,         ///< still waiting when the process ended and nowhere to keep it
  kThrottled,            ///< over the destination's own rate
  kUnsupported,          ///< the destination has nothing that it could become
  kNotFinite,            ///< a metric whose values are NaN or infinite, which JSON cannot say
  kNoValue,              ///< a metric without a value
  kCount
};
std::string_view Name(DropReason reason);

/// Counts of records of one destination. accepted = delivered + sum of dropped + in_journal, at any moment.
struct Ledger {
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t in_journal = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::kCount)> dropped{};

  std::uint64_t DroppedTotal() const;
};

/// The number of a record in the order of appending; the first is 1. Scope and resource records have none.
using Position = std::uint64_t;

struct ScopeRef {
  otlp::RecordView scope;
  otlp::RecordView resource;
};

/// What a destination reads at a time. Views stay valid as long as the batch lives.
struct Batch {
  struct Entry {
    otlp::RecordView record;
    Position position = 0;
  };
  std::vector<Entry> entries;  ///< in order of position; only records meant for the destination
  Position end = 0;            ///< settle up to here, inclusive; skipped records lie below it as well
  std::size_t bytes = 0;       ///< sum of the records' sizes

  /// The scope that a record belongs to and its resource.
  const ScopeRef& ScopeOf(const otlp::RecordView& record) const;

  std::unordered_map<std::uint32_t, ScopeRef> scopes;
  std::vector<std::shared_ptr<const void>> pins;
};

/// What became of the records of a batch.
struct Settlement {
  std::uint64_t delivered = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::kCount)> dropped{};
  /// Records that the destination wants again: appended anew for this destination alone, in this order. Their count, delivered and
  /// dropped add up to the records of the batch.
  std::vector<otlp::RecordView> again;

  void Drop(DropReason reason, std::uint64_t records = 1) { dropped[static_cast<std::size_t>(reason)] += records; }
};

struct JournalOptions {
  std::uint64_t bytes_max = limits::kStorageBytesMax;  ///< the oldest segment is recycled above it
  std::size_t segment_bytes = limits::kSegmentBytes;
};

class Journal {
 public:
  explicit Journal(JournalOptions options = {});
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  /// Appends a resource that records may belong to. Kept for the life of the journal.
  /// @param message  bytes of an OTLP Resource
  /// @return its id, to be given to AddScope
  std::uint32_t AddResource(std::string_view message, std::string_view schema_url);

  /// Appends an instrumentation scope of a resource. Kept for the life of the journal.
  /// @param message  bytes of an OTLP InstrumentationScope
  /// @return its id: the owner of the records made by it
  std::uint32_t AddScope(std::uint32_t resource_id, std::string_view message, std::string_view schema_url);

  /// Appends one span, log or metric record; readers see it whole or not at all.
  ///
  /// @param record  its owner came from AddScope; its flags say which destinations it is for (none: it is counted nowhere and dropped)
  /// @return its position, or kTooLarge (nothing was written; the loss is in the ledger)
  /// Any thread. Blocks only for other appends and reads, never for a disk or a network.
  Result<Position> Append(const otlp::RecordView& record);

  /// Called on the appending thread when something becomes readable for a destination that had nothing to read, and when its unread
  /// bytes reach `bytes`. Set once, before the first append. The listener must not call the journal.
  void SetListener(std::size_t bytes, std::function<void()> listener);

  /// The next records for a destination from its cursor on, at most so many records and bytes (but at least one record). Does not move
  /// the cursor: reading again gives the same records.
  /// @param after  read only what lies behind this position (0: from the cursor), for a second batch while the first is in flight
  Batch Read(Destination destination, std::size_t records_max, std::size_t bytes_max, Position after = 0) const;

  /// Moves the cursor behind `batch` and enters what became of its records. Batches are settled in the order in which they were read.
  void Settle(Destination destination, const Batch& batch, const Settlement& settlement);

  /// Bytes and records that the destination has not settled.
  struct Backlog {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };
  Backlog BacklogOf(Destination destination) const;

  /// The position of the newest record; a flush waits until a destination's cursor has passed it.
  Position End() const;
  /// Everything at or below it is settled for the destination.
  Position Settled(Destination destination) const;

  Ledger LedgerOf(Destination destination) const;

  /// Gives up everything that waits for a destination, counted with `reason`.
  void Abandon(Destination destination, DropReason reason);

 private:
  struct Segment;
  struct Cursor {
    Position settled = 0;
    std::uint64_t backlog_records = 0;
    std::uint64_t backlog_bytes = 0;
    Ledger ledger;
  };

  Position AppendLocked(const otlp::RecordView& record);
  void RecycleLocked();
  Segment& WritableSegmentLocked(std::size_t record_bytes);

  const JournalOptions options_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Segment>> segments_;
  std::uint64_t bytes_ = 0;
  Position end_ = 0;
  std::array<Cursor, kDestinations> cursors_;
  /// The record of a scope or resource.
  struct Definition {
    std::string bytes;
    std::uint32_t resource_id = 0;  ///< of a scope
  };
  std::vector<Definition> definitions_;  ///< index = id
  std::size_t listener_bytes_ = 0;
  std::function<void()> listener_;
};

}  // namespace azmon::journal
