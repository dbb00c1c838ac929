// SPDX-License-Identifier: MIT
#include "journal/ring.h"

#include <cstring>

#include "base/check.h"

namespace azmon::journal {

Ring::Ring(std::shared_ptr<const base::Mapping> memory, std::uint64_t id, const Hash& journal, std::uint64_t serial)
    : memory_(std::move(memory)),
      data_(memory_->Data() + kRingHeaderBytes),
      size_(memory_->Bytes() - kRingHeaderBytes),
      id_(id),
      serial_(serial) {
  AZMON_CHECK((size_ & (size_ - 1)) == 0);
  PutRingHeader({.id = id, .data_bytes = size_, .journal = journal}, memory_->Data());
}

bool Ring::Put(const otlp::RecordView& record) {
  const std::size_t bytes = Aligned(record.Bytes());
  std::size_t at = head_ & (size_ - 1);
  const std::size_t in_one_piece = size_ - at;
  const std::size_t taken = bytes <= in_one_piece ? bytes : in_one_piece + bytes;
  if (head_ + taken - tail_seen_ > size_) {
    tail_seen_ = Tail().load(std::memory_order_acquire);
    if (head_ + taken - tail_seen_ > size_) return false;
  }
  if (bytes > in_one_piece) {
    std::memcpy(data_ + at, &kRingWrap, sizeof kRingWrap);
    at = 0;
  }
  // Equal records have equal bytes, padding included.
  std::memset(data_ + at + bytes - 8, 0, 8);
  otlp::PutRecord(record, data_ + at);
  head_ += taken;
  Head().store(head_, std::memory_order_release);
  return true;
}

bool Ring::IsHalfFull() {
  if (head_ - tail_seen_ <= size_ / 2) return false;
  tail_seen_ = Tail().load(std::memory_order_acquire);
  return head_ - tail_seen_ > size_ / 2;
}

std::string_view Ring::Unread() {
  const std::uint64_t head = Head().load(std::memory_order_acquire);
  if (head == taken_) return {};
  std::size_t at = taken_ & (size_ - 1);
  std::uint32_t first = 0;
  std::memcpy(&first, data_ + at, sizeof first);
  if (first == kRingWrap) {
    const bool is_all_safe = Tail().load(std::memory_order_relaxed) == taken_;
    Consume(size_ - at, is_all_safe);
    at = 0;
    if (head == taken_) return {};
  }
  const std::string_view piece(data_ + at, std::min<std::uint64_t>(head - taken_, size_ - at));
  std::size_t whole = 0;
  while (whole < piece.size()) {
    std::uint32_t length = 0;
    std::memcpy(&length, piece.data() + whole, sizeof length);
    if (length == kRingWrap) break;
    whole += Aligned(otlp::kRecordHeaderBytes + length);
  }
  // Only a stray write of the program could make it longer.
  AZMON_DCHECK(whole <= piece.size());
  return piece.substr(0, std::min(whole, piece.size()));
}

std::array<std::uint64_t, kFlagValues> Ring::TakeDropped() {
  std::array<std::uint64_t, kFlagValues> taken{};
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const std::uint64_t now = dropped_[i].load(std::memory_order_relaxed);
    taken[i] = now - dropped_taken_[i];
    dropped_taken_[i] = now;
  }
  return taken;
}

}  // namespace azmon::journal
