// SPDX-License-Identifier: MIT
#include "journal/journal.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "otlp/annotations.h"

namespace azmon::journal {

namespace {

otlp::RecordView ViewOf(std::string_view bytes) {
  auto record = otlp::ReadRecord(bytes);
  AZMON_CHECK(record.ok());  // our own bytes in our own memory
  return *record;
}

}  // namespace

std::string_view Name(Destination destination) {
  switch (destination) {
    case Destination::kAzure: return "azure";
    case Destination::kOtlp: return "otlp";
    case Destination::kConsole: return "console";
    case Destination::kMeter: break;
  }
  return "meter";
}

std::string_view Name(DropReason reason) {
  switch (reason) {
    using enum DropReason;
    case kStorageCapacity: return "CLIENT_PERSISTENCE_CAPACITY";
    case kRefused: return "REFUSED";
    case kSampledOut: return "SAMPLED_OUT";
    case kMalformed: return "MALFORMED";
    case kTooLarge: return "TOO_LARGE";
    case kNotDelivered: return "NOT_DELIVERED";
    case kThrottled: return "THROTTLED";
    case kUnsupported: return "UNSUPPORTED";
    case kNotFinite: return "NOT_FINITE";
    case kNoValue: return "NO_VALUE";
    case kCount: break;
  }
  return "UNKNOWN";
}

std::uint64_t Ledger::DroppedTotal() const { return std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0}); }

const ScopeRef& Batch::ScopeOf(const otlp::RecordView& record) const {
  const auto found = scopes.find(record.owner);
  AZMON_CHECK(found != scopes.end());
  return found->second;
}

/// A run of records. Its bytes never move, so readers hold views while the writer goes on behind them.
struct Journal::Segment {
  struct Item {
    std::uint32_t offset;
    std::uint32_t bytes;
    Position position;
  };

  explicit Segment(std::size_t capacity) { bytes.reserve(capacity); }

  std::string bytes;  ///< reserved once, never grown beyond its capacity
  std::vector<Item> items;
  std::map<std::uint32_t, std::uint32_t> definitions;  ///< scope or resource id → offset of its copy in this segment
};

Journal::Journal(JournalOptions options) : options_(options) { definitions_.emplace_back(); }

Journal::~Journal() = default;

std::uint32_t Journal::AddResource(std::string_view message, std::string_view schema_url) {
  const std::lock_guard lock(mutex_);
  const auto id = static_cast<std::uint32_t>(definitions_.size());
  std::string annotations;
  otlp::AppendAnnotations({.schema_url = schema_url}, annotations);
  std::string bytes;
  otlp::AppendRecord({.signal = otlp::Signal::kResource, .owner = id, .annotations = annotations, .message = message}, bytes);
  definitions_.push_back({.bytes = std::move(bytes)});
  return id;
}

std::uint32_t Journal::AddScope(std::uint32_t resource_id, std::string_view message, std::string_view schema_url) {
  const std::lock_guard lock(mutex_);
  AZMON_CHECK(resource_id > 0 && resource_id < definitions_.size());
  const auto id = static_cast<std::uint32_t>(definitions_.size());
  std::string annotations;
  otlp::AppendAnnotations({.resource_id = resource_id, .schema_url = schema_url}, annotations);
  std::string bytes;
  otlp::AppendRecord({.signal = otlp::Signal::kScope, .owner = id, .annotations = annotations, .message = message}, bytes);
  definitions_.push_back({.bytes = std::move(bytes), .resource_id = resource_id});
  return id;
}

Result<Position> Journal::Append(const otlp::RecordView& record) {
  if (record.Bytes() > limits::kRecordBytesMax) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < kDestinations; ++i) {
      if ((record.flags & FlagOf(static_cast<Destination>(i))) == 0) continue;
      ++cursors_[i].ledger.accepted;
      ++cursors_[i].ledger.dropped[static_cast<std::size_t>(DropReason::kTooLarge)];
    }
    return Error{.code = ErrorCode::kTooLarge, .detail = "record is over " + std::to_string(limits::kRecordBytesMax) + " bytes"};
  }
  bool notify = false;
  Position position = 0;
  {
    const std::lock_guard lock(mutex_);
    std::array<std::uint64_t, kDestinations> before{};
    for (std::size_t i = 0; i < kDestinations; ++i) before[i] = cursors_[i].backlog_bytes;
    position = AppendLocked(record);
    for (std::size_t i = 0; i < kDestinations; ++i) {
      if ((record.flags & FlagOf(static_cast<Destination>(i))) == 0) continue;
      Cursor& cursor = cursors_[i];
      ++cursor.ledger.accepted;
      ++cursor.ledger.in_journal;
      notify |= before[i] == 0 || (before[i] < listener_bytes_ && cursor.backlog_bytes >= listener_bytes_);
    }
    RecycleLocked();
  }
  if (notify && listener_) listener_();
  return position;
}

void Journal::SetListener(std::size_t bytes, std::function<void()> listener) {
  const std::lock_guard lock(mutex_);
  AZMON_CHECK(end_ == 0);
  listener_bytes_ = bytes;
  listener_ = std::move(listener);
}

Batch Journal::Read(Destination destination, std::size_t records_max, std::size_t bytes_max, Position after) const {
  const std::lock_guard lock(mutex_);
  Batch batch;
  const Position from = std::max(after, cursors_[static_cast<std::size_t>(destination)].settled);
  batch.end = from;
  for (const auto& segment : segments_) {
    if (segment->items.empty() || segment->items.back().position <= from) continue;
    bool is_pinned = false;
    auto item = std::ranges::upper_bound(segment->items, from, {}, &Segment::Item::position);
    for (; item != segment->items.end(); ++item) {
      const otlp::RecordView record = ViewOf(std::string_view(segment->bytes).substr(item->offset, item->bytes));
      if ((record.flags & FlagOf(destination)) != 0) {
        if (batch.entries.size() >= records_max || (!batch.entries.empty() && batch.bytes + item->bytes > bytes_max)) return batch;
        if (!is_pinned) {
          batch.pins.push_back(segment);
          is_pinned = true;
        }
        if (!batch.scopes.contains(record.owner)) {
          const auto definition = [&](std::uint32_t id) { return ViewOf(std::string_view(segment->bytes).substr(segment->definitions.at(id))); };
          const otlp::RecordView scope = definition(record.owner);
          batch.scopes.emplace(record.owner, ScopeRef{.scope = scope, .resource = definition(*otlp::ReadAnnotations(scope.annotations).resource_id)});
        }
        batch.entries.push_back({.record = record, .position = item->position});
        batch.bytes += item->bytes;
      }
      batch.end = item->position;
    }
  }
  return batch;
}

void Journal::Settle(Destination destination, const Batch& batch, const Settlement& settlement) {
  bool notify = false;
  {
    const std::lock_guard lock(mutex_);
    Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
    // Records that were recycled at the cap while they were in flight are dropped already; they are not counted twice.
    std::uint64_t alive = 0;
    for (const auto& entry : batch.entries) {
      if (entry.position <= cursor.settled) continue;
      ++alive;
      cursor.backlog_bytes -= entry.record.Bytes();
    }
    cursor.backlog_records -= alive;
    cursor.settled = std::max(cursor.settled, batch.end);
    std::uint64_t lost = batch.entries.size() - alive;
    const auto take = [&](std::uint64_t count) {
      const std::uint64_t ignored = std::min(lost, count);
      lost -= ignored;
      return count - ignored;
    };
    const std::uint64_t delivered = take(settlement.delivered);
    cursor.ledger.delivered += delivered;
    cursor.ledger.in_journal -= delivered;
    for (std::size_t i = 0; i < settlement.dropped.size(); ++i) {
      const std::uint64_t dropped = take(settlement.dropped[i]);
      cursor.ledger.dropped[i] += dropped;
      cursor.ledger.in_journal -= dropped;
    }
    for (otlp::RecordView record : settlement.again) {
      if (take(1) == 0) continue;
      record.flags = static_cast<std::uint8_t>((record.flags & otlp::kSampled) | FlagOf(destination));
      AppendLocked(record);
      notify = true;
    }
    RecycleLocked();
  }
  if (notify && listener_) listener_();
}

Journal::Backlog Journal::BacklogOf(Destination destination) const {
  const std::lock_guard lock(mutex_);
  const Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
  return {.records = cursor.backlog_records, .bytes = cursor.backlog_bytes};
}

Position Journal::End() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

Position Journal::Settled(Destination destination) const {
  const std::lock_guard lock(mutex_);
  const Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
  return cursor.backlog_records == 0 ? end_ : cursor.settled;
}

Ledger Journal::LedgerOf(Destination destination) const {
  const std::lock_guard lock(mutex_);
  return cursors_[static_cast<std::size_t>(destination)].ledger;
}

void Journal::Abandon(Destination destination, DropReason reason) {
  const std::lock_guard lock(mutex_);
  Cursor& cursor = cursors_[static_cast<std::size_t>(destination)];
  cursor.ledger.dropped[static_cast<std::size_t>(reason)] += cursor.backlog_records;
  cursor.ledger.in_journal -= cursor.backlog_records;
  cursor.backlog_records = 0;
  cursor.backlog_bytes = 0;
  cursor.settled = end_;
  RecycleLocked();
}

Position Journal::AppendLocked(const otlp::RecordView& record) {
  AZMON_CHECK(record.owner > 0 && record.owner < definitions_.size());
  const Definition& scope = definitions_[record.owner];
  const Definition& resource = definitions_[scope.resource_id];
  Segment& segment = WritableSegmentLocked(record.Bytes() + scope.bytes.size() + resource.bytes.size());
  if (!segment.definitions.contains(record.owner)) {
    const auto define = [&](std::uint32_t id, const Definition& definition) {
      if (!segment.definitions.emplace(id, static_cast<std::uint32_t>(segment.bytes.size())).second) return;
      segment.bytes.append(definition.bytes);
      bytes_ += definition.bytes.size();
    };
    define(scope.resource_id, resource);
    define(record.owner, scope);
  }
  const auto offset = static_cast<std::uint32_t>(segment.bytes.size());
  otlp::AppendRecord(record, segment.bytes);
  const auto bytes = static_cast<std::uint32_t>(segment.bytes.size() - offset);
  segment.items.push_back({.offset = offset, .bytes = bytes, .position = ++end_});
  bytes_ += bytes;
  for (std::size_t i = 0; i < kDestinations; ++i) {
    if ((record.flags & FlagOf(static_cast<Destination>(i))) == 0) continue;
    ++cursors_[i].backlog_records;
    cursors_[i].backlog_bytes += bytes;
  }
  return end_;
}

Journal::Segment& Journal::WritableSegmentLocked(std::size_t record_bytes) {
  if (segments_.empty() || segments_.back()->bytes.capacity() - segments_.back()->bytes.size() < record_bytes) {
    segments_.push_back(std::make_shared<Segment>(std::max(options_.segment_bytes, record_bytes)));
  }
  return *segments_.back();
}

void Journal::RecycleLocked() {
  const auto is_read = [&](const Segment& segment) {
    const Position last = segment.items.empty() ? 0 : segment.items.back().position;
    return std::ranges::all_of(cursors_, [&](const Cursor& cursor) { return cursor.backlog_records == 0 || cursor.settled >= last; });
  };
  // A segment that everybody has read goes, unless it is the one being written.
  while (segments_.size() > 1 && is_read(*segments_.front())) {
    bytes_ -= segments_.front()->bytes.size();
    segments_.pop_front();
  }
  while (segments_.size() > 1 && bytes_ > options_.bytes_max) {
    const Segment& oldest = *segments_.front();
    for (const Segment::Item& item : oldest.items) {
      const std::uint8_t flags = static_cast<std::uint8_t>(oldest.bytes[item.offset + 9]);
      for (std::size_t i = 0; i < kDestinations; ++i) {
        Cursor& cursor = cursors_[i];
        if ((flags & FlagOf(static_cast<Destination>(i))) == 0 || item.position <= cursor.settled) continue;
        ++cursor.ledger.dropped[static_cast<std::size_t>(DropReason::kStorageCapacity)];
        --cursor.ledger.in_journal;
        --cursor.backlog_records;
        cursor.backlog_bytes -= item.bytes;
      }
    }
    if (!oldest.items.empty()) {
      for (Cursor& cursor : cursors_) cursor.settled = std::max(cursor.settled, oldest.items.back().position);
    }
    bytes_ -= oldest.bytes.size();
    segments_.pop_front();
  }
}

}  // namespace azmon::journal
