// SPDX-License-Identifier: MIT
// A journal keeps a process's telemetry records until every destination has read them.
//
// Application threads put records into rings, each its own; the journal thread moves them into segments, which every destination reads at
// its own cursor. Rings and segments lie in shared memory (tmpfs), so that they outlive a killed process; what a destination is slow to
// take is copied to the storage directory. A start, or a sibling with the same destinations, adopts and delivers what a dead process left.
// Bytes: docs/reference/journal-format.md. `capture` appends, `deliver` and `meter` read, `distro` reports the ledger. Knows nothing of
// HTTP or of what a record means.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
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

/// Why a record was given up. The numbers are stored in records (otlp::Annotations::lost_item): none is ever used again. Names are those of Application Insights' SDK statistics (exporter spec section 9) where it has one.
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
  kBufferFull,           ///< its thread was faster than the journal: the ring had no room
  kStorageDisabled,      ///< CLIENT_STORAGE_DISABLED: as kStorageCapacity where there is no storage directory
  kStorageFailed,        ///< what was stored could not be read back whole
  kExpired,              ///< waited longer than limits::kStorageAgeMax
  kCount
};
std::string_view Name(DropReason reason);

using DropCounts = std::array<std::uint64_t, static_cast<std::size_t>(DropReason::kCount)>;

/// Counts of records of one destination. accepted = delivered + sum of dropped + in_journal, at any moment. A record is delivered when all
/// items that it gave were taken.
struct Ledger {
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t in_journal = 0;
  DropCounts dropped{};
  /// Items that the destination refused, or that a record could not give: a span's own and its events, data points. Counted beside the sum,
  /// because a record may give several. One with a refused item is dropped, even if its other items were taken; one of which an item could
  /// not be made is delivered with the rest.
  DropCounts dropped_items{};

  std::uint64_t DroppedTotal() const;
  /// Given up by the journal itself before the destination had answered for them.
  std::uint64_t LostWaiting() const;
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
  DropCounts dropped{};
  DropCounts dropped_items{};  ///< as of the Ledger
  /// Records that the destination wants again: appended anew for this destination alone, in this order. Their count, delivered and
  /// dropped add up to the records of the batch.
  std::vector<otlp::RecordView> again;

  void Drop(DropReason reason, std::uint64_t records = 1) { dropped[static_cast<std::size_t>(reason)] += records; }
  void DropItems(DropReason reason, std::uint64_t items) { dropped_items[static_cast<std::size_t>(reason)] += items; }
};

/// The first destinations, which are other programs and so have an identity.
inline constexpr std::size_t kRemoteDestinations = 2;

struct JournalOptions {
  std::uint64_t bytes_max = limits::kStorageBytesMax;  ///< the oldest segment is recycled above it
  std::size_t segment_bytes = limits::kSegmentBytes;
  std::size_t ring_bytes = limits::kRingBytes;  ///< a power of two
  /// Flags of the destinations that get what is adopted.
  std::uint8_t adopting = otlp::kForAzure | otlp::kForOtlp;
  /// Where rings and segments lie: the first that is a tmpfs with room. None: in private memory, and a crash loses them.
  std::vector<std::string> ring_directories;
  /// Where what waits for long is written: the first that can be used. None: nothing is written.
  std::vector<std::string> storage_directories;
  /// What makes each remote destination the same to another process: its endpoint and key. Only hashes of it are stored.
  std::array<std::string, kRemoteDestinations> identities;
  /// Gets a line when a directory fails and when it works again. Called without locks, on the journal thread or the constructor's; must
  /// not block. May be empty.
  std::function<void(std::string_view)> warn;
  const base::Clock* clock = &base::SystemClock();
  /// What the machine says: the memory that this process's cgroup may use, and whether other hosts see what lies in a directory.
  std::function<std::uint64_t()> memory_limit = [] { return base::CgroupMemoryBytes(); };
  std::function<bool(const base::FileDescriptor&)> is_shared_by_hosts = base::IsNetworkFileSystem;
  /// Called once in a forked child that comes to use the journal, on the thread that does, when the child's own journal stands and before
  /// its thread runs: the readers are not here and have to be started anew. May call the journal. May be empty.
  std::function<void()> on_fork;
};

/// What was found in the journals of dead processes.
struct AdoptionCounts {
  std::uint64_t journals = 0;
  std::uint64_t records = 0;
  std::uint64_t damaged = 0;      ///< records, or stretches of bytes, that could not be read
  std::uint64_t quarantined = 0;  ///< files without a whole header
  std::uint64_t newer = 0;        ///< files of a later format, left as they are
  std::uint64_t forgotten = 0;    ///< journals of other destinations that were removed because nobody came for them in 48 hours
};

class Core;
class ForkWord;

class Journal {
 public:
  /// Until Start() the threads that append do the journal thread's work themselves, and Step() is called by whoever drives the journal.
  explicit Journal(JournalOptions options = {});
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  /// Close() with no time, if it was not called.
  ~Journal();

  /// Starts the journal thread, with all signals blocked, and with it adoption. Once, after SetListener.
  /// @return kSystem if there is no thread or eventfd to be had; the journal then works as before Start()
  Result<void> Start();

  /// Appends a resource that records may belong to. Kept for the life of the journal.
  /// @param message  bytes of an OTLP Resource
  /// @return its id, to be given to AddScope; 0 at limits::kDefinitionsMax
  std::uint32_t AddResource(std::string_view message, std::string_view schema_url);

  /// Appends an instrumentation scope of a resource. Kept for the life of the journal.
  /// @param message  bytes of an OTLP InstrumentationScope
  /// @return its id: the owner of the records made by it; 0 at limits::kDefinitionsMax, or if the resource's id is 0
  std::uint32_t AddScope(std::uint32_t resource_id, std::string_view message, std::string_view schema_url);

  /// Appends one span, log or metric record; readers see it whole or not at all. From the return on it survives the process, if the
  /// thread has a ring in shared memory.
  ///
  /// @param record  its owner came from AddScope; its flags say which destinations it is for (none: it is counted nowhere and dropped)
  /// @return kTooLarge, kStorageFull (the thread's ring is full), kMalformed (no such owner): nothing was written, the loss is in the
  ///         ledger; kCancelled after Close()
  /// Any thread, also in a forked child, which gets a journal of its own. Waits for nothing: a copy into the thread's ring. Exceptions
  /// that wait for the journal's lock, never for a disk: a thread's first record, records over limits::kRingRecordBytesMax, and threads
  /// beyond limits::kPrivateRingsMax.
  Result<void> Append(const otlp::RecordView& record);

  /// Called when something becomes readable for a destination that had nothing to read, and when its unread bytes reach `bytes`, on
  /// whichever thread noticed. Set once, before the first append. The listener must not call the journal.
  void SetListener(std::size_t bytes, std::function<void()> listener);

  // Readers. Each call first takes what lies in the rings.

  /// The next records for a destination from its cursor on, at most so many records and bytes (but at least one record). Does not move
  /// the cursor: reading again gives the same records. Reads a file if the records are in the storage directory alone.
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
  AdoptionCounts Adopted() const;

  /// Gives up everything that waits for a destination, counted with `reason`.
  void Abandon(Destination destination, DropReason reason);

  /// What the journal thread does: drains the rings, adopts, writes to the storage directory what is due, removes what was read.
  /// @return when to call again if nothing is appended
  base::SteadyTime Step(base::SteadyTime now);

  /// Takes no more records. What still waits is written to the storage directory; what then neither lies there nor in shared memory is
  /// given up as kNotDelivered, the rest stays in_journal for the next start. Destinations have stopped reading. Idempotent.
  /// @return by the deadline plus 50 ms, also if the disk does not answer
  void Close(base::SteadyTime deadline);

 private:
  struct Owner;
  Core& Get() const;
  Core& Renew(Owner* parent) const;

  ForkWord& fork_word_;
  mutable std::atomic<Owner*> owner_;  ///< another one in a forked child
};

}  // namespace azmon::journal
