// SPDX-License-Identifier: MIT
// The inside of a journal: one a process, so a forked child makes its own.
//
// Two locks' worth of state: `mutex_` guards what readers and the drain share and is never held over a call that a disk could delay;
// `step_mutex_` serialises the journal thread's work (in its absence: whoever calls Step or Close), which may wait for the disk.
// core.cc: rings, appending, segments. directories.cc: where they lie. core_read.cc: readers and the ledger. keeper.cc: the journal
// thread, spilling, closing. adoption.cc: what dead processes left.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "journal/definitions.h"
#include "journal/journal.h"
#include "journal/ring.h"
#include "journal/segment.h"
#include "journal/store.h"

namespace azmon::journal {

/// A word that a forked child finds empty, also after a raw clone: MADV_WIPEONFORK.
class ForkWord {
 public:
  static ForkWord& Instance();
  /// Never 0; another number in each process. Costs a load.
  std::uint64_t Get() {
    const std::uint64_t value = word_->load(std::memory_order_relaxed);
    return value != 0 ? value : Renew();
  }

 private:
  ForkWord();
  std::uint64_t Renew();
  std::atomic<std::uint64_t>* word_;
  std::atomic<std::uint64_t> last_{0};
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  /// @param parent  the journal of the parent process, whose definitions this one goes on with; else null
  Core(const JournalOptions& options, const Core* parent);
  ~Core();

  const JournalOptions& Options() const { return options_; }
  std::uint64_t Process() const { return process_; }
  base::SteadyTime Now() const { return clock_.Now(); }
  bool HasThread() const { return has_thread_.load(std::memory_order_relaxed); }

  Result<void> Start();
  std::uint32_t AddDefinition(std::uint32_t resource_id, std::string_view message, std::string_view schema_url, bool is_scope);
  Result<void> Append(const otlp::RecordView& record);
  void SetListener(std::size_t bytes, std::function<void()> listener);
  Batch Read(Destination destination, std::size_t records_max, std::size_t bytes_max, Position after);
  void Settle(Destination destination, const Batch& batch, const Settlement& settlement);
  Journal::Backlog BacklogOf(Destination destination);
  Position End();
  Position Settled(Destination destination);
  Ledger LedgerOf(Destination destination);
  AdoptionCounts Adopted();
  void Abandon(Destination destination, DropReason reason);
  base::SteadyTime Step(base::SteadyTime now);
  void Close(base::SteadyTime deadline);

 private:
  struct Cursor {
    Position settled = 0;
    Counts backlog;
    Ledger ledger;
    /// Since when the oldest waiting record has waited at most: set when it came to an empty backlog, moved on by each settlement.
    base::SteadyTime waits_since{};
  };
  /// The journal thread's sleep, as producers see it.
  enum class SleepState : int {
    kAwake,     ///< it will look at the rings again by itself
    kDozing,    ///< likewise after a moment; wake it only for a ring that fills up
    kParked,    ///< it sleeps until it is woken
    kNoThread,  ///< whoever appends drains
  };
  /// Where a new segment may lie.
  enum class Room : std::uint8_t { kAny, kSharedOnly };

  // core.cc
  Ring* RingOfThread();
  std::shared_ptr<Ring> MakeRingLocked();
  Result<void> AppendSlowly(const otlp::RecordView& record);
  Result<void> Refuse(const otlp::RecordView& record, DropReason reason, Error error);
  void Published(Ring& ring);
  void WakeThread();
  bool Drain();
  void Notify();
  bool DrainLocked();
  bool DrainRingLocked(Ring& ring);
  void TakeDroppedLocked(Ring& ring);
  bool AppendRunLocked(std::string_view run, RunOrigin origin, Room room, bool is_new, std::size_t& taken);
  void AppendDirectLocked(const otlp::RecordView& record, bool is_new);
  void CountLocked(const Appended& appended, Segment& segment, bool is_new);
  std::shared_ptr<Segment> NewSegmentLocked(std::size_t bytes_min, Room room);
  void SealLocked();
  void RecycleLocked();
  void CountGivenUpLocked(Segment& segment, DropReason reason);
  void GiveUpFrontLocked(DropReason reason);
  void DropLocked(std::shared_ptr<Segment> segment);
  void MoveCursorLocked(Destination destination, Position settled);
  std::uint64_t AgeOf(const Segment& segment) const;

  // directories.cc
  void ChooseRingDirectory();
  void ChooseStorageDirectory();
  Result<void> OpenRingRoot(const std::string& candidate);
  Result<void> OpenOwnRing();
  void RetryRingLocked();
  void RingFailedLocked(const Error& error);
  Result<void> OpenStorage(Store& store);
  void StorageFailed(const Error& error);
  void WriteDefinitionLocked(const Definition& definition);
  std::shared_ptr<const base::Mapping> NewHotFileLocked(const std::string& name, std::size_t bytes);
  SegmentHeader Header(std::uint64_t sequence) const;
  std::size_t SegmentBytes() const;
  void WarnLocked(std::string line) { warnings_.push_back(std::move(line)); }
  void SendWarnings();

  // core_read.cc
  struct Candidate;
  std::vector<Candidate> CandidatesLocked(Destination destination, Position from);
  std::shared_ptr<const std::string> Load(const std::shared_ptr<Segment>& segment);
  void Recount(const std::shared_ptr<Segment>& segment, std::string_view bytes);
  bool ReadCandidate(const Candidate& candidate, Destination destination, Position from, std::size_t records_max, std::size_t bytes_max, Batch& batch);

  // keeper.cc
  void Run();
  void Sleep(base::SteadyTime wake, bool had_traffic);
  base::SteadyTime NextStep(base::SteadyTime now);
  bool IsBehindLocked(Destination destination, base::SteadyTime now) const;
  std::shared_ptr<Segment> ToSpillLocked(base::SteadyTime now, bool must_spill_all) const;
  void Spill(base::SteadyTime now, bool must_spill_all);
  Result<void> SpillSegment(const std::shared_ptr<Segment>& segment);
  void EvictLocked(bool must_evict_all);
  void StoreCursors(base::SteadyTime now, bool must_store);
  void RemoveRead();
  void RemoveStore(Store& store);
  void ExpireLocked();
  void CloseNow();
  void AccountForTheEnd();
  void LetGo(Store& store);

  // adoption.cc
  struct Orphan;
  void Adopt(base::SteadyTime now);
  void AdoptIn(bool is_storage);
  void TakeOver(const std::string& id_text, bool is_storage);
  bool ReadOrphan(Orphan& orphan);
  void ReadOrphanedFiles(Orphan& orphan, bool is_storage);
  void ReadOrphanedSegment(Orphan& orphan, const Directory& directory, const std::string& name, bool is_storage);
  void CountMissing(Orphan& orphan);
  bool ReadOrphanedRings(Orphan& orphan);
  void MapIds(Orphan& orphan);
  void CountOrphaned(Orphan& orphan, Segment& segment);
  void Attach(Orphan& orphan);
  void Quarantine(const Directory& from, const std::string& name, std::string_view bytes, bool is_storage);
  void ReportAdoption(const AdoptionCounts& before);

  const JournalOptions options_;
  const base::Clock& clock_;
  const std::uint64_t process_;  ///< ForkWord of the process that it belongs to
  const std::uint64_t number_;   ///< tells cores apart in each thread's cache
  /// Of the present rings: another one makes every thread ask for a new ring.
  std::atomic<std::uint64_t> serial_;
  const Hash id_;
  const std::array<Hash, kIdentities> identities_;
  const std::string identity_name_;

  Definitions definitions_;
  std::atomic<bool> is_closed_{false};
  std::atomic<bool> has_thread_{false};
  std::atomic<SleepState> sleep_{SleepState::kNoThread};
  int wake_fd_ = -1;

  std::mutex mutex_;
  std::vector<std::shared_ptr<Ring>> rings_;
  std::uint64_t next_ring_ = 1;
  std::size_t private_rings_ = 0;
  std::uint64_t shared_ring_bytes_ = 0;
  std::shared_ptr<const base::FileDescriptor> ring_root_;     ///< null: no shared memory
  std::shared_ptr<const base::FileDescriptor> storage_root_;  ///< null: no storage directory
  std::uint64_t ring_bytes_max_ = 0;  ///< of rings in shared memory
  std::uint64_t hot_bytes_max_ = 0;   ///< of segments in shared memory
  std::uint64_t hot_bytes_ = 0;
  base::SteadyTime ring_retry_at_{};
  bool is_ring_failing_ = false;
  bool is_storage_failing_ = false;
  base::SteadyTime storage_retry_at_{};
  bool needs_spill_ = false;  ///< the rings' records wait for room in shared memory
  std::shared_ptr<Store> own_;
  std::uint64_t next_definitions_ = 1;
  std::shared_ptr<Segment> definitions_segment_;  ///< in shared memory, so that records in rings can be read by others
  std::deque<std::shared_ptr<Segment>> segments_;  ///< in order of position; the last one may be written
  std::uint64_t bytes_ = 0;
  Position end_ = 0;
  std::array<Cursor, kDestinations> cursors_;
  std::vector<std::shared_ptr<Segment>> read_;  ///< whose files can go
  AdoptionCounts adopted_;
  std::size_t listener_bytes_ = 0;
  std::shared_ptr<const std::function<void()>> listener_;
  bool must_notify_ = false;
  bool has_closed_ = false;
  std::vector<std::string> warnings_;

  std::mutex step_mutex_;
  base::SteadyTime next_spill_{};
  base::SteadyTime next_adoption_{};
  std::vector<std::shared_ptr<Store>> adopted_stores_;
  /// Definitions of adopted journals by what they say, so that equal ones have one id.
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> adopted_ids_;
  std::set<std::string> left_alone_;  ///< orphans that hold what we do not understand
  bool has_siblings_ = false;
  bool had_traffic_ = false;
  base::SteadyTime cursors_stored_at_{};
  bool cursors_are_due_ = false;

  std::mutex close_mutex_;
  std::condition_variable closed_;
  bool must_close_ = false;
  bool is_thread_done_ = false;
};

}  // namespace azmon::journal
