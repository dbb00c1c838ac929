// SPDX-License-Identifier: MIT
// The journal thread: drains the rings, writes to the storage directory, adopts, and closes.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fork.h"
#include "base/thread.h"
#include "journal/core.h"

namespace azmon::journal {
namespace {

/// Rounds of one step in which a full shared memory is emptied into the storage directory.
constexpr int kSpillRoundsMax = 1024;
/// How far Close may overrun its deadline when the disk does not answer.
constexpr std::chrono::milliseconds kCloseOverrun{50};

bool IsRemote(std::size_t destination) { return destination < kRemoteDestinations; }

}  // namespace

Result<void> Core::Start() {
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return Error{.code = ErrorCode::kSystem, .detail = "no eventfd for the journal thread", .os_error = errno};
  base::TellParentOfFork(wake_fd_);
  sleep_.store(SleepState::kAwake);
  has_thread_.store(true);
  // It may outlive Close() in a write that does not return, so it owns what it works on.
  auto thread = base::StartThread("azmon-journal", [self = shared_from_this()] { self->Run(); });
  if (!thread.ok()) {
    sleep_.store(SleepState::kNoThread);
    has_thread_.store(false);
    return thread.error();
  }
  thread->detach();
  return {};
}

void Core::Run() {
  for (;;) {
    sleep_.store(SleepState::kAwake);
    const base::SteadyTime wake = Step(clock_.Now());
    {
      const std::lock_guard lock(close_mutex_);
      if (must_close_) break;
    }
    Sleep(wake, had_traffic_.load(std::memory_order_relaxed));
  }
  CloseNow();
  const std::lock_guard lock(close_mutex_);
  is_thread_done_ = true;
  closed_.notify_all();
}

void Core::Sleep(base::SteadyTime wake, bool had_traffic) {
  const auto until = std::chrono::ceil<std::chrono::milliseconds>(wake - std::min(wake, clock_.Now()));
  std::chrono::milliseconds timeout = std::clamp<std::chrono::milliseconds>(until, std::chrono::milliseconds(0), std::chrono::hours(1));
  // While there is traffic a moment's sleep saves the producers from waking this thread for each record.
  sleep_.store(had_traffic ? SleepState::kDozing : SleepState::kParked);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (had_traffic) {
    timeout = std::min(timeout, limits::kRingDrainInterval);
  } else {
    const base::MutexLock lock(mutex_);
    if (!std::ranges::all_of(rings_, [](const auto& ring) { return ring->IsEmpty(); })) return;
  }
  {
    const std::lock_guard lock(close_mutex_);
    if (must_close_) return;
  }
  pollfd waits{.fd = wake_fd_, .events = POLLIN, .revents = 0};
  const bool is_for_ever = wake == base::SteadyTime::max() && !had_traffic;
  ::poll(&waits, 1, is_for_ever ? -1 : static_cast<int>(timeout.count()));
  std::uint64_t count = 0;
  if (::read(wake_fd_, &count, sizeof count) == sizeof count && count >= base::kHasForked) {
    // The child may die, and then this process is the one that is there.
    const base::MutexLock step(step_mutex_);
    has_siblings_ = true;
  }
}

base::SteadyTime Core::Step(base::SteadyTime now) {
  const base::MutexLock step(step_mutex_);
  had_traffic_.store(Drain(), std::memory_order_relaxed);
  for (int round = 0; round < kSpillRoundsMax; ++round) {
    {
      const base::MutexLock lock(mutex_);
      if (!needs_spill_) break;
    }
    Spill(now, true);
    {
      const base::MutexLock lock(mutex_);
      EvictLocked(true);
      needs_spill_ = false;
    }
    RemoveRead();
    Drain();
  }
  bool is_safe = true;
  {
    const base::MutexLock lock(mutex_);
    is_safe = IsAllSafeLocked();
    if (is_safe) ReleaseRingsLocked();
  }
  if (now >= next_spill_ || !is_safe) {
    Spill(now, false);
    const base::MutexLock lock(mutex_);
    EvictLocked(false);
    if (IsAllSafeLocked()) ReleaseRingsLocked();
    next_spill_ = now + limits::kSpillInterval;
  }
  {
    const base::MutexLock lock(mutex_);
    ExpireLocked();
  }
  StoreCursors(now, false);
  RemoveRead();
  Adopt(now);
  SendWarnings();
  return NextStep(now);
}

base::SteadyTime Core::NextStep(base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  base::SteadyTime next = base::SteadyTime::max();
  const bool has_storage = !options_.storage_directories.empty();
  for (std::size_t i = 0; i < kDestinations; ++i) {
    if (!IsRemote(i) || cursors_[i].backlog.records == 0 || !has_storage) continue;
    const bool is_behind = IsBehindLocked(static_cast<Destination>(i), now);
    if (!is_behind) next = std::min(next, cursors_[i].waits_since + limits::kSpillAge);
  }
  if (ToSpillLocked(now, false)) next = std::min(next, is_storage_failing_ ? std::max(storage_retry_at_, next_spill_) : next_spill_);
  if (!segments_.empty() && segments_.front()->HasUnread()) next = std::min(next, segments_.front()->created + limits::kStorageAgeMax);
  if (cursors_are_due_) next = std::min(next, cursors_stored_at_ + limits::kCursorInterval);
  if (has_siblings_ || !adopted_stores_.empty()) next = std::min(next, next_adoption_);
  return std::max(next, now);
}

bool Core::IsBehindLocked(Destination destination, base::SteadyTime now) const {
  const Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
  return cursor.backlog.records != 0 && (cursor.backlog.bytes > limits::kSpillBytes || now - cursor.waits_since >= limits::kSpillAge);
}

std::shared_ptr<Segment> Core::ToSpillLocked(base::SteadyTime now, bool must_spill_all) const {
  std::array<bool, kDestinations> is_behind{};
  for (std::size_t i = 0; i < kDestinations; ++i) {
    is_behind[i] = must_spill_all || (IsRemote(i) && IsBehindLocked(static_cast<Destination>(i), now));
  }
  for (const auto& segment : segments_) {
    if (segment->spilled >= segment->written) continue;
    // Shared memory holds the others.
    if (!segment->IsDurable() && segment->store == own_ && MayStoreLocked() && segment->HasRemoteUnread()) return segment;
    for (std::size_t i = 0; i < kDestinations; ++i) {
      if (is_behind[i] && segment->unread[i].records != 0) return segment;
    }
  }
  return nullptr;
}

void Core::Spill(base::SteadyTime now, bool must_spill_all) {
  if (options_.storage_directories.empty()) return;
  for (int round = 0; round < kSpillRoundsMax; ++round) {
    std::shared_ptr<Segment> segment;
    {
      const base::MutexLock lock(mutex_);
      if (is_storage_failing_ && now < storage_retry_at_) return;
      segment = ToSpillLocked(now, must_spill_all);
    }
    if (!segment) return;
    if (const auto spilled = SpillSegment(segment); !spilled.ok()) {
      StorageFailed(spilled.error());
      return;
    }
    const base::MutexLock lock(mutex_);
    if (std::exchange(is_storage_failing_, false)) WarnLocked("telemetry that waits is stored again");
    cursors_are_due_ = true;
  }
}

Result<void> Core::SpillSegment(const std::shared_ptr<Segment>& segment) {
  std::shared_ptr<const void> pin;
  std::string_view bytes;
  std::size_t from = 0;
  std::shared_ptr<Store> store;
  {
    const base::MutexLock lock(mutex_);
    store = segment->store;
    from = segment->spilled;
    pin = segment->memory;
    if (segment->memory) bytes = segment->memory->View().substr(0, segment->written);
  }
  if (bytes.empty()) {
    const auto loaded = Load(segment);
    bytes = std::string_view(*loaded).substr(0, segment->written);
    pin = loaded;
  }
  if (store->storage && !store->storage->IsInPlace()) return Error{.code = ErrorCode::kUnavailable, .detail = "the directory is gone"};
  if (!store->storage) {
    if (const auto opened = OpenStorage(*store); !opened.ok()) return opened;
  }
  const std::string name = SegmentName(segment->sequence);
  auto file = base::OpenFile(store->storage->Files(), name, true);
  if (!file.ok() && file.error().os_error == ENOENT) file = base::CreateFile(store->storage->Files(), name);
  if (!file.ok()) return file.error();
  if (const auto written = base::WriteAt(*file, bytes.substr(from), from); !written.ok()) return written;
  const base::MutexLock lock(mutex_);
  segment->spilled = bytes.size();
  return {};
}

void Core::EvictLocked(bool must_evict_all) {
  for (const auto& segment : segments_) {
    if (!segment->is_sealed || segment->spilled < segment->written) continue;
    if (segment->hot_bytes != 0 && (must_evict_all || hot_bytes_ > limits::kHotBytes)) {
      ::unlinkat(segment->store->ring->Files().Get(), SegmentName(segment->sequence).c_str(), 0);
      hot_bytes_ -= segment->hot_bytes;
      segment->hot_bytes = 0;
    }
    if (segment->hot_bytes == 0) segment->memory.reset();
  }
}

void Core::StoreCursors(base::SteadyTime now, bool must_store) {
  std::vector<std::pair<std::shared_ptr<Store>, Cursors>> changed;
  {
    const base::MutexLock lock(mutex_);
    cursors_are_due_ = false;
    const auto look = [&](const std::shared_ptr<Store>& store) AZMON_REQUIRES(mutex_) {
      if (!store->storage) return;
      Cursors cursors = store->cursors;
      // The end of what is stored, not of what was made.
      cursors.end = store->stored_cursors.end;
      for (const auto& segment : segments_) {
        if (segment->store == store && segment->spilled >= segment->written && segment->first != 0) cursors.end = std::max(cursors.end, segment->last - segment->offset);
      }
      if (cursors != store->stored_cursors) changed.emplace_back(store, cursors);
    };
    look(own_);
    for (const auto& store : adopted_stores_) look(store);
    if (changed.empty()) return;
    if (!must_store && now < cursors_stored_at_ + limits::kCursorInterval) {
      cursors_are_due_ = true;
      return;
    }
    cursors_stored_at_ = now;
  }
  for (const auto& [store, cursors] : changed) {
    alignas(8) char bytes[kCursorFileBytes];
    PutCursorHeader(bytes);
    for (std::size_t i = 0; i < kDestinations; ++i) PutCursor(i, cursors.settled[i], bytes);
    PutCursor(kEndCursor, cursors.end, bytes);
    auto file = base::OpenFile(store->storage->Files(), std::string(kCursorName), true);
    if (!file.ok() && file.error().os_error == ENOENT) file = base::CreateFile(store->storage->Files(), std::string(kCursorName));
    // A cursor that could not be written means records that come twice, and the next write tries again.
    if (file.ok() && base::WriteAt(*file, {bytes, sizeof bytes}, 0).ok()) store->stored_cursors = cursors;
  }
}

void Core::RemoveRead() {
  std::vector<std::shared_ptr<Segment>> read;
  {
    const base::MutexLock lock(mutex_);
    read.swap(read_);
  }
  for (const auto& segment : read) {
    std::shared_ptr<Directory> ring;
    std::shared_ptr<Directory> storage;
    {
      const base::MutexLock lock(mutex_);
      if (segment->hot_bytes != 0) ring = segment->store->ring;
      if (segment->spilled != 0) storage = segment->store->storage;
    }
    for (const auto& directory : {ring, storage}) {
      if (directory) ::unlinkat(directory->Files().Get(), SegmentName(segment->sequence).c_str(), 0);
    }
  }
  std::vector<std::shared_ptr<Store>> finished;
  {
    const base::MutexLock lock(mutex_);
    for (const auto& store : adopted_stores_) {
      if (store->segments == 0) finished.push_back(store);
    }
    std::erase_if(adopted_stores_, [](const auto& store) { return store->segments == 0; });
    // Somebody may wait for a place among the adopted.
    if (!finished.empty()) next_adoption_ = {};
  }
  for (const auto& store : finished) RemoveStore(*store);
}

void Core::RemoveStore(Store& store) {
  if (store.keeps_files) return;
  if (store.ring) store.ring->Remove();
  if (store.storage) store.storage->Remove();
}

void Core::ExpireLocked() {
  const base::SteadyTime now = clock_.Now();
  while (!segments_.empty() && segments_.front()->HasUnread() && now - segments_.front()->created >= limits::kStorageAgeMax) {
    SealLocked();
    GiveUpFrontLocked(DropReason::kExpired);
  }
}

void Core::Close(base::SteadyTime deadline) {
  is_closed_.store(true);
  if (!has_thread_.load()) {
    CloseNow();
    return;
  }
  {
    std::unique_lock lock(close_mutex_);
    must_close_ = true;
    const std::uint64_t one = 1;
    (void)!::write(wake_fd_, &one, sizeof one);
    closed_.wait_until(lock, deadline + kCloseOverrun, [this] { return is_thread_done_; });
    if (is_thread_done_) return;
  }
  AccountForTheEnd();
}

void Core::CloseNow() {
  const base::MutexLock step(step_mutex_);
  {
    const base::MutexLock lock(mutex_);
    if (has_closed_) return;
    DrainLocked();
    SealLocked();
    RecycleLocked();
  }
  bool has_remainder = false;
  std::shared_ptr<Store> own;
  {
    const base::MutexLock lock(mutex_);
    own = own_;
    for (const auto& segment : segments_) {
      has_remainder |= segment->HasRemoteUnread();
      // Readers inside this process end here.
      for (std::size_t i = kRemoteDestinations; i < kDestinations; ++i) segment->unread[i] = {};
    }
  }
  if (has_remainder) Spill(base::SteadyTime::max(), true);
  {
    const base::MutexLock lock(mutex_);
    ReleaseRingsLocked();
  }
  StoreCursors(clock_.Now(), true);
  AccountForTheEnd();
  RemoveRead();
  LetGo(*own);
  for (const auto& store : adopted_stores_) LetGo(*store);
  SendWarnings();
}

/// What was read, or lies in the storage directory as well, is removed; the locks of the rest are let go, so that others may adopt it.
void Core::LetGo(Store& store) {
  bool keeps_ring = store.keeps_files;
  bool keeps_storage = store.keeps_files;
  {
    const base::MutexLock lock(mutex_);
    for (const auto& segment : segments_) {
      if (segment->store.get() != &store || !segment->HasRemoteUnread()) continue;
      keeps_storage |= segment->spilled != 0;
      keeps_ring |= segment->spilled < segment->written;
    }
  }
  if (store.ring && !keeps_ring) store.ring->Remove();
  if (store.storage && !keeps_storage) store.storage->Remove();
  const base::MutexLock lock(mutex_);
  store.ring.reset();
  store.storage.reset();
}

void Core::AccountForTheEnd() {
  const base::MutexLock lock(mutex_);
  if (std::exchange(has_closed_, true)) return;
  for (const auto& segment : segments_) {
    // Without moving a cursor: what others adopt lies before it.
    if (!segment->IsDurable()) CountGivenUpLocked(*segment, DropReason::kNotDelivered);
  }
}

}  // namespace azmon::journal
