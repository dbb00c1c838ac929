// SPDX-License-Identifier: MIT
#include "journal/core.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/fork.h"
#include "base/random.h"
#include "base/text.h"
#include "base/version.h"

namespace azmon::journal {
namespace {

std::atomic<std::uint64_t> next_serial{1};

/// The ring that this thread used last. Plain data, so it can be read while thread-locals are being destroyed.
struct LastRing {
  std::uint64_t serial = 0;
  Ring* ring = nullptr;
};
constinit thread_local LastRing last_ring;
constinit thread_local bool is_thread_ending = false;

/// The rings of a thread, one a journal; given back when it ends.
struct ThreadRings {
  struct Entry {
    std::uint64_t core;
    std::uint64_t serial;
    std::shared_ptr<Ring> ring;
  };
  std::vector<Entry> entries;

  ~ThreadRings() {
    is_thread_ending = true;
    last_ring = {};
    for (const Entry& entry : entries) entry.ring->is_ownerless.store(true, std::memory_order_release);
  }
};
thread_local ThreadRings thread_rings;

Hash RandomHash() {
  base::Random random;
  const std::array<std::uint64_t, 2> words{random(), random()};
  return std::bit_cast<Hash>(words);
}

}  // namespace

ForkWord& ForkWord::Instance() {
  static auto* const word = new ForkWord;
  return *word;
}

ForkWord::ForkWord() {
  void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  AZMON_CHECK(page != MAP_FAILED);
  word_ = new (page) std::atomic<std::uint64_t>(0);
  ::madvise(page, 4096, MADV_WIPEONFORK);
  // For kernels without it; it does no harm beside it.
  ::pthread_atfork(nullptr, nullptr, [] { Instance().word_->store(0, std::memory_order_relaxed); });
  Renew();
}

std::uint64_t ForkWord::Renew() {
  std::uint64_t none = 0;
  const std::uint64_t next = last_.fetch_add(1) + 1;
  return word_->compare_exchange_strong(none, next) ? next : none;
}

Core::Core(const JournalOptions& options, const Core* parent)
    : options_(options),
      clock_(*options.clock),
      process_(ForkWord::Instance().Get()),
      number_(next_serial.fetch_add(1)),
      serial_(next_serial.fetch_add(1)),
      id_(RandomHash()),
      identities_{IdentityOf(options.identities[0]), IdentityOf(options.identities[1])},
      identity_name_(IdentityName(identities_)),
      own_(std::make_shared<Store>(id_)),
      listener_(std::make_shared<const std::function<void()>>()) {
  if (parent != nullptr) definitions_.CopyFrom(parent->definitions_);
  ChooseRingDirectory();
  ChooseStorageDirectory();
  SendWarnings();
}

Core::~Core() {
  if (wake_fd_ < 0) return;
  base::ForgetParentOfFork(wake_fd_);
  ::close(wake_fd_);
}

std::uint32_t Core::AddDefinition(std::uint32_t resource_id, std::string_view message, std::string_view schema_url, bool is_scope) {
  if (is_scope && resource_id == 0) return 0;
  const base::MutexLock lock(mutex_);
  AZMON_CHECK(!is_scope || definitions_.Find(resource_id) != nullptr);
  const std::uint32_t id = definitions_.Add(resource_id, message, schema_url);
  if (const Definition* const definition = definitions_.Find(id)) WriteDefinitionLocked(*definition);
  return id;
}

Ring* Core::RingOfThread() {
  if (is_thread_ending) return nullptr;
  auto& entries = thread_rings.entries;
  const std::uint64_t serial = serial_.load(std::memory_order_acquire);
  auto found = std::ranges::find(entries, serial, &ThreadRings::Entry::serial);
  if (found == entries.end()) {
    const base::MutexLock lock(mutex_);
    auto ring = MakeRingLocked(options_.ring_bytes, false);
    if (!ring) return nullptr;
    // Of journals that are gone, and of this one's former directory.
    std::erase_if(entries, [&](const ThreadRings::Entry& entry) {
      if (entry.core == number_) entry.ring->is_ownerless.store(true, std::memory_order_release);
      return entry.core == number_ || entry.ring.use_count() == 1;
    });
    found = entries.insert(entries.end(), {.core = number_, .serial = serial, .ring = std::move(ring)});
  }
  last_ring = {.serial = serial, .ring = found->ring.get()};
  return last_ring.ring;
}

std::shared_ptr<Ring> Core::MakeRingLocked(std::size_t data_bytes, bool must_be_shared) {
  for (const auto& ring : rings_) {
    if (!ring->is_ownerless.load(std::memory_order_acquire) || !ring->IsEmpty() || ring->Bytes() < data_bytes) continue;
    if (must_be_shared && !ring->IsShared()) continue;
    if (ring->IsShared() && ring->Serial() != serial_.load(std::memory_order_relaxed)) continue;
    ring->ChangeOwner();
    return ring;
  }
  const std::size_t bytes = kRingHeaderBytes + data_bytes;
  const std::uint64_t id = next_ring_++;
  if (own_->ring && !is_ring_failing_ && shared_ring_bytes_ + bytes <= ring_bytes_max_) {
    if (const auto memory = NewHotFileLocked(RingName(id), bytes)) {
      shared_ring_bytes_ += bytes;
      return rings_.emplace_back(std::make_shared<Ring>(memory, id, id_, serial_.load(std::memory_order_relaxed)));
    }
  }
  if (must_be_shared || private_rings_ >= limits::kPrivateRingsMax) return nullptr;
  auto memory = base::Mapping::Anonymous(bytes);
  if (!memory.ok()) return nullptr;
  ++private_rings_;
  return rings_.emplace_back(std::make_shared<Ring>(std::make_shared<const base::Mapping>(std::move(*memory)), id, id_, 0));
}

void Core::SetListener(std::size_t bytes, std::function<void()> listener) {
  const base::MutexLock lock(mutex_);
  listener_bytes_ = bytes;
  listener_ = std::make_shared<const std::function<void()>>(std::move(listener));
}

Result<void> Core::Append(const otlp::RecordView& record) {
  Ring* const ring = last_ring.serial == serial_.load(std::memory_order_relaxed) ? last_ring.ring : RingOfThread();
  const bool is_small = record.Bytes() <= options_.ring_bytes / 4 && record.annotations.size() <= 0xFFFF;
  if (ring == nullptr || !is_small || is_closed_.load(std::memory_order_relaxed) || definitions_.Find(record.owner) == nullptr) [[unlikely]] {
    return AppendSlowly(record);
  }
  if (!ring->Put(record)) [[unlikely]] return AppendToFull(*ring, record);
  Published(*ring);
  return {};
}

Result<void> Core::AppendToFull(Ring& full, const otlp::RecordView& record) {
  // Without a thread there is somebody who makes room: this one.
  if (sleep_.load(std::memory_order_relaxed) == SleepState::kNoThread) Drain();
  Ring* ring = &full;
  bool has_room = ring->Put(record);
  if (Ring* const larger = has_room ? nullptr : LargerRing(full)) {
    ring = larger;
    has_room = ring->Put(record);
  }
  if (!has_room) ring->CountDropped(record.flags);
  Published(*ring);
  if (!has_room) return Error{.code = ErrorCode::kStorageFull};
  return {};
}

Ring* Core::LargerRing(Ring& full) {
  auto larger = full.TakeLarger();
  if (!larger) return nullptr;
  const auto found = std::ranges::find(thread_rings.entries, &full, [](const ThreadRings::Entry& entry) { return entry.ring.get(); });
  AZMON_DCHECK(found != thread_rings.entries.end());
  found->ring = std::move(larger);
  last_ring.ring = found->ring.get();
  // What lies in it is drained as before; then another thread may have it.
  full.is_ownerless.store(true, std::memory_order_release);
  return last_ring.ring;
}

void Core::OfferLargerLocked(Ring& ring) {
  const std::size_t bytes = options_.ring_bytes * limits::kRingGrowth;
  if (ring.WasOfferedLarger() || ring.Bytes() >= bytes) return;
  // It is a convenience: for want of it nothing else shall fail.
  if (ring.IsShared() && (!own_->ring || base::FreeBytes(own_->ring->Files()) < 2 * bytes)) return;
  if (auto larger = MakeRingLocked(bytes, ring.IsShared())) ring.OfferLarger(std::move(larger));
}

Result<void> Core::AppendSlowly(const otlp::RecordView& record) {
  if (is_closed_.load(std::memory_order_relaxed)) return Error{.code = ErrorCode::kCancelled, .detail = "the journal is closed"};
  if (record.Bytes() > limits::kRecordBytesMax || record.annotations.size() > 0xFFFF) {
    return Refuse(record, DropReason::kTooLarge, {.code = ErrorCode::kTooLarge, .detail = "record is over " + std::to_string(limits::kRecordBytesMax) + " bytes"});
  }
  if (definitions_.Find(record.owner) == nullptr) return Refuse(record, DropReason::kMalformed, {.code = ErrorCode::kMalformed, .detail = "record has no scope"});
  {
    const base::MutexLock lock(mutex_);
    DrainLocked();  // what this thread appended before comes before it
    AppendDirectLocked(record, true);
    RecycleLocked();
  }
  Notify();
  return {};
}

Result<void> Core::Refuse(const otlp::RecordView& record, DropReason reason, Error error) {
  const base::MutexLock lock(mutex_);
  for (std::size_t i = 0; i < kDestinations; ++i) {
    if ((record.flags & FlagOf(static_cast<Destination>(i))) == 0) continue;
    ++cursors_[i].ledger.accepted;
    ++cursors_[i].ledger.dropped[static_cast<std::size_t>(reason)];
  }
  return error;
}

void Core::Published(Ring& ring) {
  // The other side stores its sleep, fences and looks at the rings once more: one of the two sees the other.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  switch (sleep_.load(std::memory_order_relaxed)) {
    case SleepState::kAwake: return;
    case SleepState::kDozing:
      if (ring.IsHalfFull()) WakeThread();
      return;
    case SleepState::kParked: WakeThread(); return;
    case SleepState::kNoThread: Drain(); return;
  }
}

void Core::WakeThread() {
  const SleepState before = sleep_.load(std::memory_order_relaxed);
  if (before != SleepState::kDozing && before != SleepState::kParked) return;
  if (sleep_.exchange(SleepState::kAwake) == SleepState::kAwake) return;  // somebody else is waking it
  const std::uint64_t one = 1;
  // A full counter is as good as a written one.
  (void)!::write(wake_fd_, &one, sizeof one);
}

bool Core::Drain() {
  bool moved = false;
  {
    const base::MutexLock lock(mutex_);
    moved = DrainLocked();
    if (moved) RecycleLocked();
  }
  if (moved) Notify();
  return moved;
}

void Core::Notify() {
  std::shared_ptr<const std::function<void()>> listener;
  {
    const base::MutexLock lock(mutex_);
    if (!std::exchange(must_notify_, false)) return;
    listener = listener_;
  }
  if (*listener) (*listener)();
}

bool Core::DrainLocked() {
  if (has_closed_) return false;
  bool moved = false;
  // A segment without room ends the drain; the records wait in their rings.
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    Ring& ring = *rings_[i];
    TakeDroppedLocked(ring);
    while (!ring.IsEmpty()) {
      moved = true;
      if (!DrainRingLocked(ring)) return moved;
    }
  }
  return moved;
}

bool Core::DrainRingLocked(Ring& ring) {
  const std::string_view run = ring.Unread();
  if (run.empty()) return true;
  const bool waits_for_room = sleep_.load(std::memory_order_relaxed) != SleepState::kNoThread && ring.IsShared();
  std::size_t taken = 0;
  const bool has_room = AppendRunLocked(run, {.ring = ring.Id(), .begin = ring.PositionBehind(0)}, waits_for_room ? Room::kSharedOnly : Room::kAny, true, taken);
  // What now lies in private memory stays in its ring as well until it is in the storage directory: the block there tells an adopter.
  ring.Consume(taken, IsAllSafeLocked());
  return has_room;
}

bool Core::MayStoreLocked() const {
  return sleep_.load(std::memory_order_relaxed) != SleepState::kNoThread && !options_.storage_directories.empty() && !is_storage_failing_;
}

/// Whether a crash loses nothing that could be stored and still waits for a destination.
bool Core::IsAllSafeLocked() {
  if (!may_be_unsafe_ || !MayStoreLocked()) return true;
  bool is_safe = true;
  may_be_unsafe_ = false;
  for (const auto& segment : segments_) {
    if (segment->hot_bytes != 0 || !segment->memory) continue;
    may_be_unsafe_ = true;
    is_safe &= segment->IsDurable() || !segment->HasRemoteUnread();
  }
  return is_safe;
}

void Core::ReleaseRingsLocked() {
  for (const auto& ring : rings_) ring->Release();
  own_->SetEnd(own_->next_position - 1);
}

void Core::TakeDroppedLocked(Ring& ring) {
  const auto dropped = ring.TakeDropped();
  if (std::ranges::any_of(dropped, [](std::uint64_t count) { return count != 0; })) OfferLargerLocked(ring);
  for (std::size_t flags = 0; flags < dropped.size(); ++flags) {
    if (dropped[flags] == 0) continue;
    for (std::size_t i = 0; i < kDestinations; ++i) {
      if ((flags & FlagOf(static_cast<Destination>(i))) == 0) continue;
      cursors_[i].ledger.accepted += dropped[flags];
      cursors_[i].ledger.dropped[static_cast<std::size_t>(DropReason::kBufferFull)] += dropped[flags];
    }
  }
}

bool Core::AppendRunLocked(std::string_view run, RunOrigin origin, Room room, bool is_new, std::size_t& taken) {
  const DefinitionSource source = [this](std::uint32_t id) { return definitions_.Find(id); };
  std::size_t bytes_min = 0;
  while (taken < run.size()) {
    if (segments_.empty() || segments_.back()->is_sealed || bytes_min != 0) {
      SealLocked();
      auto segment = NewSegmentLocked(bytes_min, room);
      if (!segment) return false;
      segments_.push_back(std::move(segment));
    }
    Segment& segment = *segments_.back();
    const std::size_t before = segment.written;
    const Appended appended = AppendRun(segment, run.substr(taken), {.ring = origin.ring, .begin = origin.begin + taken}, own_->next_position, id_,
                                        AgeOf(segment), source);
    bytes_ += segment.written - before;
    adopted_.damaged += appended.damaged;
    if (appended.records > 0) CountLocked(appended, segment, is_new);
    taken += appended.bytes;
    bytes_min = appended.bytes == 0 ? kSegmentHeaderBytes + appended.needed : 0;
  }
  return true;
}

void Core::CountLocked(const Appended& appended, Segment& segment, bool is_new) {
  const Position first = end_ + 1;
  if (segment.first == 0) {
    segment.first = first;
    segment.offset = first - own_->next_position;
  }
  end_ += appended.records;
  segment.last = end_;
  own_->next_position += appended.records;
  // A crash loses what is in private memory alone: to the storage directory with it.
  if (segment.IsDurable() || !MayStoreLocked()) {
    own_->SetEnd(own_->next_position - 1);
  } else {
    WakeThread();
  }
  for (std::size_t i = 0; i < kDestinations; ++i) {
    const Counts& counts = appended.counts[i];
    if (counts.records == 0) continue;
    Cursor& cursor = cursors_[i];
    if (is_new) {
      cursor.ledger.accepted += counts.records;
      cursor.ledger.in_journal += counts.records;
    }
    if (cursor.backlog.records == 0) cursor.waits_since = clock_.Now();
    must_notify_ |= cursor.backlog.bytes == 0 || (cursor.backlog.bytes < listener_bytes_ && cursor.backlog.bytes + counts.bytes >= listener_bytes_);
    cursor.backlog.records += counts.records;
    cursor.backlog.bytes += counts.bytes;
    segment.unread[i].records += counts.records;
    segment.unread[i].bytes += counts.bytes;
  }
}

void Core::AppendDirectLocked(const otlp::RecordView& record, bool is_new) {
  std::string bytes;
  bytes.reserve(Aligned(record.Bytes()));
  otlp::AppendRecord(record, bytes);
  bytes.resize(Aligned(bytes.size()));
  std::size_t taken = 0;
  AppendRunLocked(bytes, {}, Room::kAny, is_new, taken);
}

std::shared_ptr<Segment> Core::NewSegmentLocked(std::size_t bytes_min, Room room) {
  if (is_ring_failing_ && clock_.Now() >= ring_retry_at_) RetryRingLocked();
  const std::size_t bytes = std::max(SegmentBytes(), bytes_min);
  auto segment = std::make_shared<Segment>();
  segment->store = own_;
  segment->sequence = own_->next_sequence++;
  segment->created = clock_.Now();
  if (own_->ring && !is_ring_failing_) {
    if (hot_bytes_ + bytes <= hot_bytes_max_) {
      segment->memory = NewHotFileLocked(SegmentName(segment->sequence), bytes);
      if (segment->memory) segment->hot_bytes = bytes;
    } else if (room == Room::kSharedOnly && storage_root_ && !is_storage_failing_) {
      // The journal thread makes room. Until then the records are safer in their ring than in private memory.
      needs_spill_ = true;
      WakeThread();
      return nullptr;
    }
  }
  if (!segment->memory) {
    auto memory = base::Mapping::Anonymous(bytes);
    if (!memory.ok()) return nullptr;
    segment->memory = std::make_shared<const base::Mapping>(std::move(*memory));
    may_be_unsafe_ = true;
  }
  hot_bytes_ += segment->hot_bytes;
  BeginSegment(*segment, Header(segment->sequence));
  bytes_ += segment->written;
  ++own_->segments;
  return segment;
}

void Core::SealLocked() {
  if (!segments_.empty()) segments_.back()->is_sealed = true;
}

std::uint64_t Core::AgeOf(const Segment& segment) const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::nanoseconds(clock_.Now() - segment.created).count()));
}

void Core::RecycleLocked() {
  // Whatever everybody has read, wherever it stands: one slow reader in front must not hold what lies behind it. The last one is written.
  for (std::size_t i = 0; i + 1 < segments_.size();) {
    if (segments_[i]->HasUnread()) {
      ++i;
      continue;
    }
    std::shared_ptr<Segment> read = std::move(segments_[i]);
    segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(i));
    DropLocked(std::move(read));
  }
  const bool has_storage = !options_.storage_directories.empty() || options_.ring_directories.empty();
  while (segments_.size() > 1 && bytes_ > options_.bytes_max) {
    GiveUpFrontLocked(has_storage ? DropReason::kStorageCapacity : DropReason::kStorageDisabled);
  }
}

void Core::CountGivenUpLocked(Segment& segment, DropReason reason) {
  for (std::size_t i = 0; i < kDestinations; ++i) {
    Cursor& cursor = cursors_[i];
    Counts& unread = segment.unread[i];
    cursor.ledger.dropped[static_cast<std::size_t>(reason)] += unread.records;
    cursor.ledger.in_journal -= unread.records;
    cursor.backlog.records -= unread.records;
    cursor.backlog.bytes -= unread.bytes;
    unread = {};
  }
}

void Core::GiveUpFrontLocked(DropReason reason) {
  CountGivenUpLocked(*segments_.front(), reason);
  for (std::size_t i = 0; i < kDestinations; ++i) MoveCursorLocked(static_cast<Destination>(i), segments_.front()->last);
  std::shared_ptr<Segment> given_up = std::move(segments_.front());
  segments_.pop_front();
  DropLocked(std::move(given_up));
}

void Core::DropLocked(std::shared_ptr<Segment> segment) {
  bytes_ -= segment->written;
  hot_bytes_ -= segment->hot_bytes;
  --segment->store->segments;
  // Its files go when nobody waits for it.
  if (segment->hot_bytes != 0 || segment->spilled != 0 || segment->store->is_adopted) read_.push_back(std::move(segment));
}

void Core::MoveCursorLocked(Destination destination, Position settled) {
  Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
  if (settled <= cursor.settled) return;
  cursor.settled = settled;
  for (const auto& segment : segments_) {
    if (segment->first == 0) continue;
    if (segment->first > settled) break;
    segment->store->SetCursor(static_cast<std::size_t>(destination), std::min(settled, segment->last) - segment->offset);
  }
}

}  // namespace azmon::journal
