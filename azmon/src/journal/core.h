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

#include "base/mutex.h"
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
  std::shared_ptr<Ring> MakeRingLocked(std::size_t data_bytes, bool must_be_shared) AZMON_REQUIRES(mutex_);
  Ring* LargerRing(Ring& full);
  void OfferLargerLocked(Ring& ring) AZMON_REQUIRES(mutex_);
  Result<void> AppendToFull(Ring& full, const otlp::RecordView& record);
  Result<void> AppendSlowly(const otlp::RecordView& record);
  Result<void> Refuse(const otlp::RecordView& record, DropReason reason, Error error);
  void Published(Ring& ring);
  void WakeThread();
  bool Drain() AZMON_EXCLUDES(mutex_);
  void Notify() AZMON_EXCLUDES(mutex_);
  bool DrainLocked() AZMON_REQUIRES(mutex_);
  bool DrainRingLocked(Ring& ring) AZMON_REQUIRES(mutex_);
  bool MayStoreLocked() const AZMON_REQUIRES(mutex_);
  bool IsAllSafeLocked() AZMON_REQUIRES(mutex_);
  void ReleaseRingsLocked() AZMON_REQUIRES(mutex_);
  void TakeDroppedLocked(Ring& ring) AZMON_REQUIRES(mutex_);
  bool AppendRunLocked(std::string_view run, RunOrigin origin, Room room, bool is_new, std::size_t& taken) AZMON_REQUIRES(mutex_);
  void AppendDirectLocked(const otlp::RecordView& record, bool is_new) AZMON_REQUIRES(mutex_);
  void CountLocked(const Appended& appended, Segment& segment, bool is_new) AZMON_REQUIRES(mutex_);
  std::shared_ptr<Segment> NewSegmentLocked(std::size_t bytes_min, Room room) AZMON_REQUIRES(mutex_);
  void SealLocked() AZMON_REQUIRES(mutex_);
  void RecycleLocked() AZMON_REQUIRES(mutex_);
  void CountGivenUpLocked(Segment& segment, DropReason reason) AZMON_REQUIRES(mutex_);
  void GiveUpFrontLocked(DropReason reason) AZMON_REQUIRES(mutex_);
  void DropLocked(std::shared_ptr<Segment> segment) AZMON_REQUIRES(mutex_);
  void MoveCursorLocked(Destination destination, Position settled) AZMON_REQUIRES(mutex_);
  std::uint64_t AgeOf(const Segment& segment) const;

  // directories.cc
  void ChooseRingDirectory() AZMON_REQUIRES(mutex_);
  void ChooseStorageDirectory() AZMON_REQUIRES(mutex_);
  Result<void> OpenRingRoot(const std::string& candidate) AZMON_REQUIRES(mutex_);
  Result<void> OpenOwnRing() AZMON_REQUIRES(mutex_);
  void RetryRingLocked() AZMON_REQUIRES(mutex_);
  void RingFailedLocked(const Error& error) AZMON_REQUIRES(mutex_);
  Result<void> OpenStorage(Store& store) AZMON_EXCLUDES(mutex_);
  void StorageFailed(const Error& error) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void WriteDefinitionLocked(const Definition& definition) AZMON_REQUIRES(mutex_);
  std::shared_ptr<const base::Mapping> NewHotFileLocked(const std::string& name, std::size_t bytes) AZMON_REQUIRES(mutex_);
  SegmentHeader Header(std::uint64_t sequence) const AZMON_REQUIRES(mutex_);
  std::size_t SegmentBytes() const AZMON_REQUIRES(mutex_);
  void WarnLocked(std::string line) AZMON_REQUIRES(mutex_) { warnings_.push_back(std::move(line)); }
  void SendWarnings() AZMON_EXCLUDES(mutex_);

  // core_read.cc
  struct Candidate;
  std::vector<Candidate> CandidatesLocked(Destination destination, Position from) AZMON_REQUIRES(mutex_);
  std::shared_ptr<const std::string> Load(const std::shared_ptr<Segment>& segment);
  void Recount(const std::shared_ptr<Segment>& segment, std::string_view bytes);
  bool ReadCandidate(const Candidate& candidate, Destination destination, Position from, std::size_t records_max, std::size_t bytes_max, Batch& batch);

  // keeper.cc
  void Run();
  void Sleep(base::SteadyTime wake, bool had_traffic);
  base::SteadyTime NextStep(base::SteadyTime now) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  bool IsBehindLocked(Destination destination, base::SteadyTime now) const AZMON_REQUIRES(mutex_);
  std::shared_ptr<Segment> ToSpillLocked(base::SteadyTime now, bool must_spill_all) const AZMON_REQUIRES(mutex_);
  void Spill(base::SteadyTime now, bool must_spill_all) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  Result<void> SpillSegment(const std::shared_ptr<Segment>& segment) AZMON_EXCLUDES(mutex_);
  void EvictLocked(bool must_evict_all) AZMON_REQUIRES(mutex_);
  void StoreCursors(base::SteadyTime now, bool must_store) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void RemoveRead() AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void RemoveStore(Store& store);
  void ExpireLocked() AZMON_REQUIRES(mutex_);
  void CloseNow() AZMON_EXCLUDES(mutex_);
  void AccountForTheEnd() AZMON_EXCLUDES(mutex_);
  void LetGo(Store& store) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);

  // adoption.cc
  struct Orphan;
  void Adopt(base::SteadyTime now) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void AdoptIn(bool is_storage) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void TakeOver(const std::string& id_text, bool is_storage) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  bool ReadOrphan(Orphan& orphan) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void ReadOrphanedFiles(Orphan& orphan, bool is_storage);
  void ReadOrphanedSegment(Orphan& orphan, const Directory& directory, const std::string& name, bool is_storage);
  void CountMissing(Orphan& orphan);
  bool ReadOrphanedRings(Orphan& orphan) AZMON_REQUIRES(step_mutex_);
  void MapIds(Orphan& orphan) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void CountOrphaned(Orphan& orphan, Segment& segment);
  void Attach(Orphan& orphan) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void Quarantine(const Directory& from, const std::string& name, std::string_view bytes, bool is_storage);
  void RemoveForgotten(const std::shared_ptr<const base::FileDescriptor>& root, const std::vector<std::string>& names)
      AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);
  void ReportAdoption(const AdoptionCounts& before) AZMON_REQUIRES(step_mutex_) AZMON_EXCLUDES(mutex_);

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

  base::Mutex mutex_;
  std::vector<std::shared_ptr<Ring>> rings_ AZMON_GUARDED_BY(mutex_);
  std::uint64_t next_ring_ AZMON_GUARDED_BY(mutex_) = 1;
  std::size_t private_rings_ AZMON_GUARDED_BY(mutex_) = 0;
  std::uint64_t shared_ring_bytes_ AZMON_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const base::FileDescriptor> ring_root_ AZMON_GUARDED_BY(mutex_);     ///< null: no shared memory
  std::shared_ptr<const base::FileDescriptor> storage_root_ AZMON_GUARDED_BY(mutex_);  ///< null: no storage directory
  std::uint64_t ring_bytes_max_ AZMON_GUARDED_BY(mutex_) = 0;  ///< of rings in shared memory
  std::uint64_t hot_bytes_max_ AZMON_GUARDED_BY(mutex_) = 0;   ///< of segments in shared memory
  std::uint64_t hot_bytes_ AZMON_GUARDED_BY(mutex_) = 0;
  base::SteadyTime ring_retry_at_ AZMON_GUARDED_BY(mutex_){};
  bool is_ring_failing_ AZMON_GUARDED_BY(mutex_) = false;
  bool is_sharing_told_ AZMON_GUARDED_BY(mutex_) = false;  ///< that other hosts see the storage directory as well
  bool is_storage_failing_ AZMON_GUARDED_BY(mutex_) = false;
  base::SteadyTime storage_retry_at_ AZMON_GUARDED_BY(mutex_){};
  bool may_be_unsafe_ AZMON_GUARDED_BY(mutex_) = false;  ///< there may be segments in private memory alone
  bool needs_spill_ AZMON_GUARDED_BY(mutex_) = false;  ///< the rings' records wait for room in shared memory
  std::shared_ptr<Store> own_ AZMON_GUARDED_BY(mutex_);
  std::uint64_t next_definitions_ AZMON_GUARDED_BY(mutex_) = 1;
  std::shared_ptr<Segment> definitions_segment_ AZMON_GUARDED_BY(mutex_);  ///< in shared memory, so that records in rings can be read by others
  std::deque<std::shared_ptr<Segment>> segments_ AZMON_GUARDED_BY(mutex_);  ///< in order of position; the last one may be written
  std::uint64_t bytes_ AZMON_GUARDED_BY(mutex_) = 0;
  Position end_ AZMON_GUARDED_BY(mutex_) = 0;
  std::array<Cursor, kDestinations> cursors_ AZMON_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Segment>> read_ AZMON_GUARDED_BY(mutex_);  ///< whose files can go
  AdoptionCounts adopted_ AZMON_GUARDED_BY(mutex_);
  std::size_t listener_bytes_ AZMON_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const std::function<void()>> listener_ AZMON_GUARDED_BY(mutex_);
  bool must_notify_ AZMON_GUARDED_BY(mutex_) = false;
  bool has_closed_ AZMON_GUARDED_BY(mutex_) = false;
  std::vector<std::string> warnings_ AZMON_GUARDED_BY(mutex_);

  base::Mutex step_mutex_;
  base::SteadyTime next_spill_ AZMON_GUARDED_BY(step_mutex_){};
  base::SteadyTime next_adoption_ AZMON_GUARDED_BY(step_mutex_){};
  base::SteadyTime next_forgotten_ AZMON_GUARDED_BY(step_mutex_){};
  std::vector<std::shared_ptr<Store>> adopted_stores_ AZMON_GUARDED_BY(step_mutex_);
  /// Definitions of adopted journals by what they say, so that equal ones have one id.
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> adopted_ids_ AZMON_GUARDED_BY(step_mutex_);
  std::set<std::string> left_alone_ AZMON_GUARDED_BY(step_mutex_);  ///< orphans that hold what we do not understand
  bool has_siblings_ AZMON_GUARDED_BY(step_mutex_) = false;
  std::atomic<bool> had_traffic_{false};  ///< the last step moved records
  base::SteadyTime cursors_stored_at_ AZMON_GUARDED_BY(step_mutex_){};
  bool cursors_are_due_ AZMON_GUARDED_BY(step_mutex_) = false;

  std::mutex close_mutex_;
  std::condition_variable closed_;
  bool must_close_ = false;
  bool is_thread_done_ = false;
};

}  // namespace azmon::journal
