// SPDX-License-Identifier: MIT
// The readers' side of a journal. Records are walked over and verified outside the lock: it is held for a look at the list of segments.
#include <algorithm>

#include "base/check.h"
#include "journal/core.h"

namespace azmon::journal {
namespace {

/// Segments that one look takes; a batch is rarely in more.
constexpr std::size_t kCandidatesMax = 16;

}  // namespace

/// A segment as it was when the lock was held.
struct Core::Candidate {
  std::shared_ptr<Segment> segment;
  std::shared_ptr<const base::Mapping> memory;
  std::size_t written = 0;
  Position last = 0;
  Position offset = 0;
  std::uint64_t settled_in_store = 0;
};

std::vector<Core::Candidate> Core::CandidatesLocked(Destination destination, Position from) {
  const auto i = static_cast<std::size_t>(destination);
  std::vector<Candidate> candidates;
  for (const auto& segment : segments_) {
    if (segment->first == 0 || segment->last <= from || segment->unread[i].records == 0) continue;
    candidates.push_back({.segment = segment,
                          .memory = segment->memory,
                          .written = segment->written,
                          .last = segment->last,
                          .offset = segment->offset,
                          .settled_in_store = segment->store->cursors.settled[i]});
    if (candidates.size() == kCandidatesMax) break;
  }
  return candidates;
}

Batch Core::Read(Destination destination, std::size_t records_max, std::size_t bytes_max, Position after) {
  Drain();
  Batch batch;
  bool is_full = false;
  for (bool is_first = true; !is_full; is_first = false) {
    std::vector<Candidate> candidates;
    {
      const base::MutexLock lock(mutex_);
      if (is_first) batch.end = std::max(after, cursors_[static_cast<std::size_t>(destination)].settled);
      candidates = CandidatesLocked(destination, batch.end);
    }
    if (candidates.empty()) break;
    for (const Candidate& candidate : candidates) {
      is_full = !ReadCandidate(candidate, destination, batch.end, records_max, bytes_max, batch);
      if (is_full) break;
      batch.end = candidate.last;
    }
  }
  for (const auto& entry : batch.entries) {
    if (batch.scopes.contains(entry.record.owner)) continue;
    const Definition* const scope = definitions_.Find(entry.record.owner);
    AZMON_CHECK(scope != nullptr);
    batch.scopes.emplace(entry.record.owner, ScopeRef{.scope = otlp::TrustedRecord(scope->bytes),
                                                      .resource = otlp::TrustedRecord(definitions_.Find(scope->resource_id)->bytes)});
  }
  return batch;
}

bool Core::ReadCandidate(const Candidate& candidate, Destination destination, Position from, std::size_t records_max, std::size_t bytes_max,
                         Batch& batch) {
  std::shared_ptr<const void> pin = candidate.memory;
  std::string_view bytes;
  if (candidate.memory) {
    bytes = candidate.memory->View().substr(0, candidate.written);
  } else {
    const auto loaded = Load(candidate.segment);
    if (!loaded) return true;
    bytes = *loaded;
    pin = loaded;
  }
  bool is_pinned = false;
  const Store& store = *candidate.segment->store;
  for (BlockReader blocks(bytes, store.id); blocks.Next();) {
    Position position = blocks.Header().first_position - 1;
    if (position + blocks.Header().records + candidate.offset <= from) continue;
    // What this process put into its own memory was verified on the way there.
    for (RecordReader records(blocks.Payload(), candidate.memory != nullptr); records.Next();) {
      otlp::RecordView record = records.Record();
      if (IsDefinition(record.signal)) continue;
      ++position;
      if (position + candidate.offset <= from || position <= candidate.settled_in_store || (record.flags & FlagOf(destination)) == 0) continue;
      if (store.is_adopted) {
        const auto id = store.ids.find(record.owner);
        if (id == store.ids.end()) continue;
        record.owner = id->second;
      }
      if (batch.entries.size() >= records_max || (!batch.entries.empty() && batch.bytes + record.Bytes() > bytes_max)) return false;
      if (!std::exchange(is_pinned, true)) batch.pins.push_back(pin);
      batch.entries.push_back({.record = record, .position = position + candidate.offset});
      batch.bytes += record.Bytes();
      batch.end = position + candidate.offset;
    }
  }
  return true;
}

std::shared_ptr<const std::string> Core::Load(const std::shared_ptr<Segment>& segment) {
  std::shared_ptr<Directory> directory;
  const std::string name = SegmentName(segment->sequence);
  std::size_t written = 0;
  {
    const base::MutexLock lock(mutex_);
    if (auto loaded = segment->loaded.lock()) return loaded;
    directory = segment->hot_bytes != 0 ? segment->store->ring : segment->store->storage;
    written = segment->written;
  }
  auto content = std::make_shared<std::string>();
  auto file = directory ? base::OpenFile(directory->Files(), name, false) : Result<base::FileDescriptor>(Error{.code = ErrorCode::kNotFound});
  if (file.ok()) {
    if (auto read = base::ReadWhole(*file, limits::kJournalFileBytesMax); read.ok()) *content = std::move(*read);
  }
  bool is_whole = ReadSegmentHeader(*content).ok();
  if (is_whole) {
    BlockReader blocks(*content, segment->store->id);
    while (blocks.Next() && is_whole) {
      std::uint32_t count = 0;
      for (RecordReader records(blocks.Payload()); records.Next();) count += IsDefinition(records.Record().signal) ? 0U : 1U;
      is_whole = count >= blocks.Header().records;
    }
    is_whole &= blocks.End() >= written && blocks.StrayBytes() == 0;
  }
  if (!is_whole) Recount(segment, *content);
  const base::MutexLock lock(mutex_);
  segment->loaded = content;
  return content;
}

void Core::Recount(const std::shared_ptr<Segment>& segment, std::string_view bytes) {
  const base::MutexLock lock(mutex_);
  CountsByDestination found;
  if (!ReadSegmentHeader(bytes).ok()) bytes = {};
  for (BlockReader blocks(bytes, segment->store->id); blocks.Next();) {
    Position position = blocks.Header().first_position - 1;
    for (RecordReader records(blocks.Payload()); records.Next();) {
      const otlp::RecordView& record = records.Record();
      if (IsDefinition(record.signal)) continue;
      ++position;
      if (segment->store->is_adopted && !segment->store->ids.contains(record.owner)) continue;
      for (std::size_t i = 0; i < kDestinations; ++i) {
        if ((record.flags & FlagOf(static_cast<Destination>(i))) == 0 || position <= segment->store->cursors.settled[i]) continue;
        ++found[i].records;
        found[i].bytes += record.Bytes();
      }
    }
  }
  for (std::size_t i = 0; i < kDestinations; ++i) {
    Counts& unread = segment->unread[i];
    const std::uint64_t records = unread.records - std::min(unread.records, found[i].records);
    const std::uint64_t lost_bytes = unread.bytes - std::min(unread.bytes, found[i].bytes);
    Cursor& cursor = cursors_[i];
    cursor.ledger.dropped[static_cast<std::size_t>(DropReason::kStorageFailed)] += records;
    cursor.ledger.in_journal -= records;
    cursor.backlog.records -= records;
    cursor.backlog.bytes -= lost_bytes;
    unread.records -= records;
    unread.bytes -= lost_bytes;
  }
}

void Core::Settle(Destination destination, const Batch& batch, const Settlement& settlement) {
  {
    const base::MutexLock lock(mutex_);
    const auto index = static_cast<std::size_t>(destination);
    Cursor& cursor = cursors_[index];
    // Records that were recycled at the cap while they were in flight are dropped already; they are not counted twice.
    std::uint64_t alive = 0;
    auto segment = segments_.begin();
    for (const auto& entry : batch.entries) {
      if (entry.position <= cursor.settled) continue;
      while (segment != segments_.end() && (*segment)->last < entry.position) ++segment;
      if (segment == segments_.end()) break;
      ++alive;
      const std::uint64_t bytes = entry.record.Bytes();
      cursor.backlog.bytes -= bytes;
      (*segment)->unread[index].bytes -= bytes;
      --(*segment)->unread[index].records;
    }
    cursor.backlog.records -= alive;
    cursor.waits_since = clock_.Now();
    std::uint64_t lost = batch.entries.size() - alive;
    const auto take = [&](std::uint64_t count) {
      const std::uint64_t ignored = std::min(lost, count);
      lost -= ignored;
      return count - ignored;
    };
    for (std::size_t i = 0; i < settlement.dropped_items.size(); ++i) cursor.ledger.dropped_items[i] += settlement.dropped_items[i];
    const std::uint64_t delivered = take(settlement.delivered);
    cursor.ledger.delivered += delivered;
    cursor.ledger.in_journal -= delivered;
    for (std::size_t i = 0; i < settlement.dropped.size(); ++i) {
      const std::uint64_t dropped = take(settlement.dropped[i]);
      cursor.ledger.dropped[i] += dropped;
      cursor.ledger.in_journal -= dropped;
    }
    // Before the cursor moves: a kill between the two sends them twice rather than never.
    for (otlp::RecordView record : settlement.again) {
      if (take(1) == 0) continue;
      record.flags = static_cast<std::uint8_t>((record.flags & otlp::kSampled) | FlagOf(destination));
      AppendDirectLocked(record, false);
      must_notify_ = true;
    }
    MoveCursorLocked(destination, batch.end);
    RecycleLocked();
    if (!read_.empty()) WakeThread();
  }
  Notify();
}

Journal::Backlog Core::BacklogOf(Destination destination) {
  Drain();
  const base::MutexLock lock(mutex_);
  const Counts& backlog = cursors_[static_cast<std::size_t>(destination)].backlog;
  return {.records = backlog.records, .bytes = backlog.bytes};
}

Position Core::End() {
  Drain();
  const base::MutexLock lock(mutex_);
  return end_;
}

Position Core::Settled(Destination destination) {
  Drain();
  const base::MutexLock lock(mutex_);
  const Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
  return cursor.backlog.records == 0 ? end_ : cursor.settled;
}

Ledger Core::LedgerOf(Destination destination) {
  Drain();
  const base::MutexLock lock(mutex_);
  return cursors_[static_cast<std::size_t>(destination)].ledger;
}

AdoptionCounts Core::Adopted() {
  const base::MutexLock lock(mutex_);
  return adopted_;
}

void Core::Abandon(Destination destination, DropReason reason) {
  Drain();
  const base::MutexLock lock(mutex_);
  Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
  cursor.ledger.dropped[static_cast<std::size_t>(reason)] += cursor.backlog.records;
  cursor.ledger.in_journal -= cursor.backlog.records;
  cursor.backlog = {};
  for (const auto& segment : segments_) segment->unread[static_cast<std::size_t>(destination)] = {};
  MoveCursorLocked(destination, end_);
  RecycleLocked();
}

}  // namespace azmon::journal
