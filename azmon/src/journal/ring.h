// SPDX-License-Identifier: MIT
// The ring of one thread: it puts records in, whoever holds the journal's lock takes them out.
//
// In shared memory a ring outlives its process: a record whose Put has returned is found by whoever adopts it. Put never waits and never
// enters the kernel.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <string_view>

#include "base/files.h"
#include "journal/format.h"
#include "otlp/record.h"

namespace azmon::journal {

/// otlp::RecordFlags has five bits.
inline constexpr std::size_t kFlagValues = 32;

class Ring {
 public:
  /// @param memory  kRingHeaderBytes and a power of two behind them, zeros
  /// @param serial  of the directory that it lies in; 0: it lies in private memory
  Ring(std::shared_ptr<const base::Mapping> memory, std::uint64_t id, const Hash& journal, std::uint64_t serial);

  std::uint64_t Id() const { return id_; }
  /// Survives the process.
  bool IsShared() const { return serial_ != 0; }
  std::uint64_t Serial() const { return serial_; }
  std::size_t Bytes() const { return size_; }

  // The owning thread.

  /// @return false: there is no room; nothing was written
  bool Put(const otlp::RecordView& record);
  /// More than half of it is unread.
  bool IsHalfFull();
  /// A record that was given up at the head of the ring. Read by the journal for its ledger.
  void CountDropped(std::uint8_t flags) {
    auto& counter = dropped_[flags % kFlagValues];
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// The ring that the journal has made for this thread because this one overflowed, once; else null.
  std::shared_ptr<Ring> TakeLarger() {
    if (!has_larger_.load(std::memory_order_acquire)) return nullptr;
    has_larger_.store(false, std::memory_order_relaxed);
    return std::move(larger_);
  }

  // The holder of the journal's lock.

  void OfferLarger(std::shared_ptr<Ring> larger) {
    larger_ = std::move(larger);
    was_offered_ = true;
    has_larger_.store(true, std::memory_order_release);
  }
  bool WasOfferedLarger() const { return was_offered_; }
  /// Another thread has it from now on; the one before has ended, or has a larger one.
  void ChangeOwner() {
    was_offered_ = has_larger_.load(std::memory_order_relaxed);
    is_ownerless.store(false, std::memory_order_relaxed);
  }

  /// Records in one piece from the oldest on, each at a multiple of 8; empty: there are none.
  std::string_view Unread();
  /// Position behind the first `bytes` of Unread().
  std::uint64_t PositionBehind(std::size_t bytes) const { return taken_ + bytes; }
  /// The first `bytes` of Unread() are taken. @param is_safe  they outlive the process where they are now; else the ring holds them as
  /// well until Release()
  void Consume(std::size_t bytes, bool is_safe) {
    taken_ += bytes;
    // A full ring would drop for certain what a crash might lose.
    if (is_safe || taken_ - Tail().load(std::memory_order_relaxed) > size_ / 2) Release();
  }
  /// Whatever was taken is safe.
  void Release() {
    if (Tail().load(std::memory_order_relaxed) != taken_) Tail().store(taken_, std::memory_order_release);
  }
  bool IsEmpty() const { return Head().load(std::memory_order_acquire) == taken_; }
  /// Records given up since the last call, by the low bits of their flags.
  std::array<std::uint64_t, kFlagValues> TakeDropped();

  /// Set when the owning thread has ended: once it is empty, another thread may have it.
  std::atomic<bool> is_ownerless{false};

 private:
  std::atomic_ref<std::uint64_t> Head() const { return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(memory_->Data() + kRingHeadOffset)); }
  std::atomic_ref<std::uint64_t> Tail() const { return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(memory_->Data() + kRingTailOffset)); }

  const std::shared_ptr<const base::Mapping> memory_;
  char* const data_;
  const std::uint64_t size_;
  const std::uint64_t id_;
  const std::uint64_t serial_;
  std::uint64_t head_ = 0;  ///< the producer's own copies
  std::uint64_t tail_seen_ = 0;
  std::uint64_t taken_ = 0;  ///< by the holder of the lock; the tail follows
  std::array<std::atomic<std::uint64_t>, kFlagValues> dropped_{};
  std::array<std::uint64_t, kFlagValues> dropped_taken_{};
  std::shared_ptr<Ring> larger_;
  std::atomic<bool> has_larger_{false};  ///< larger_ is the owner's to take
  bool was_offered_ = false;
};

/// Stretches of a ring whose records are in segments: begin to end. A higher one does not stand for a lower one, whose segment may have lain
/// in memory that died with its process.
using TakenStretches = std::map<std::uint64_t, std::uint64_t>;

/// Notes what a block says that it took. @param end  position behind its records
inline void NoteTaken(TakenStretches& taken, std::uint64_t end, std::uint64_t bytes) {
  if (end % 8 != 0 || bytes % 8 != 0 || bytes > end) return;
  std::uint64_t& known = taken[end - bytes];
  known = std::max(known, end);
}

/// The unread records of a dead process's ring: its bytes are not trusted.
/// @param taken  what is in segments already
/// @param each   called with runs of whole records and the position behind each run
/// @return false: it was damaged, and what lies behind the damage is lost
template <typename Each>
bool ReadOrphanedRing(std::string_view file, const RingHeader& header, const TakenStretches& taken, Each&& each) {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  std::memcpy(&head, file.data() + kRingHeadOffset, sizeof head);
  std::memcpy(&tail, file.data() + kRingTailOffset, sizeof tail);
  if (tail > head || head - tail > header.data_bytes || (head | tail) % 8 != 0) return false;
  const std::string_view data = file.substr(kRingHeaderBytes);
  while (tail < head) {
    const auto next = taken.upper_bound(tail);
    if (next != taken.begin() && std::prev(next)->second > tail) {
      tail = std::prev(next)->second;
      continue;
    }
    const std::uint64_t end = next == taken.end() ? head : std::min(head, next->first);
    const std::size_t at = tail & (header.data_bytes - 1);
    const std::size_t in_one_piece = std::min<std::uint64_t>(end - tail, header.data_bytes - at);
    const std::string_view piece = data.substr(at, in_one_piece);
    RecordReader records(piece);
    std::size_t whole = 0;
    while (records.Next()) whole += records.Bytes().size();
    if (whole > 0) each(piece.substr(0, whole), tail + whole);
    std::uint32_t rest = 0;
    if (whole < piece.size()) std::memcpy(&rest, piece.data() + whole, sizeof rest);
    if (whole < piece.size() && rest != kRingWrap) return false;
    tail += in_one_piece;
  }
  return tail == head;
}

}  // namespace azmon::journal
