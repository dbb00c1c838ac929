// SPDX-License-Identifier: MIT
#include "journal/segment.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace azmon::journal {
namespace {

/// Collects the definitions that a segment lacks.
class Missing {
 public:
  Missing(const Segment& segment, const DefinitionSource& source) : segment_(segment), source_(source) {}

  /// @return bytes that the record's definitions would take here beside those collected before; nullopt: it has none
  std::optional<std::size_t> Need(std::uint32_t owner) {
    if (owner == known_) return 0;
    const Definition* const scope = source_(owner);
    if (scope == nullptr || scope->resource_id == 0) return std::nullopt;
    const Definition* const resource = source_(scope->resource_id);
    if (resource == nullptr) return std::nullopt;
    std::size_t bytes = 0;
    candidates_.clear();
    const auto add = [&](std::uint32_t id, const Definition* definition) {
      if (segment_.defined.contains(id) || std::ranges::find(ids_, id) != ids_.end()) return;
      candidates_.emplace_back(id, definition);
      bytes += Aligned(definition->bytes.size());
    };
    add(scope->resource_id, resource);
    add(owner, scope);
    return bytes;
  }
  /// The record is taken: so are its definitions.
  void Take(std::uint32_t owner) {
    known_ = owner;
    for (const auto& [id, definition] : candidates_) {
      ids_.push_back(id);
      definitions_.push_back(definition);
      bytes_ += Aligned(definition->bytes.size());
    }
    candidates_.clear();
  }
  const std::vector<std::uint32_t>& Ids() const { return ids_; }
  const std::vector<const Definition*>& Taken() const { return definitions_; }
  std::size_t Bytes() const { return bytes_; }

 private:
  const Segment& segment_;
  const DefinitionSource& source_;
  std::vector<std::pair<std::uint32_t, const Definition*>> candidates_;
  std::vector<std::uint32_t> ids_;
  std::vector<const Definition*> definitions_;
  std::size_t bytes_ = 0;
  std::uint32_t known_ = 0;
};

std::size_t BlockBytes(std::size_t payload) { return payload == 0 ? 0 : kBlockHeaderBytes + payload; }

}  // namespace

bool Segment::HasRemoteUnread() const {
  return std::any_of(unread.begin(), unread.begin() + kRemoteDestinations, [](const Counts& counts) { return counts.records != 0; });
}

bool Segment::HasUnread() const {
  return std::ranges::any_of(unread, [](const Counts& counts) { return counts.records != 0; });
}

void BeginSegment(Segment& segment, const SegmentHeader& header) {
  PutSegmentHeader(header, segment.memory->Data());
  segment.written = kSegmentHeaderBytes;
}

Appended AppendRun(Segment& segment, std::string_view run, RunOrigin origin, std::uint64_t first, const Hash& journal, std::uint64_t age_ns,
                   const DefinitionSource& definitions) {
  Appended appended;
  const std::size_t room = segment.Capacity() - segment.written;
  Missing missing(segment, definitions);
  RecordReader records(run);
  std::size_t payload = 0;
  while (records.Next()) {
    const otlp::RecordView& record = records.Record();
    const auto need = missing.Need(record.owner);
    if (!need || IsDefinition(record.signal)) {
      // It cannot be read without its scope. The block ends before it.
      ++appended.damaged;
      if (payload == 0) appended.bytes = records.Bytes().size();
      break;
    }
    const std::size_t total = BlockBytes(missing.Bytes() + *need) + BlockBytes(payload + records.Bytes().size());
    if (total > room) {
      if (payload == 0) appended.needed = total;
      break;
    }
    if (*need != 0 || payload == 0) missing.Take(record.owner);
    payload += records.Bytes().size();
    ++appended.records;
    for (std::size_t i = 0; i < kDestinations; ++i) {
      if ((record.flags & FlagOf(static_cast<Destination>(i))) == 0) continue;
      ++appended.counts[i].records;
      appended.counts[i].bytes += record.Bytes();
    }
  }
  if (records.IsDamaged() && appended.needed == 0 && payload == 0) {
    ++appended.damaged;
    appended.bytes = run.size();
  }
  if (payload == 0) return appended;
  appended.bytes = payload;
  appended.damaged = 0;  // it is met again, at the head of the rest

  char* to = segment.memory->Data() + segment.written;
  if (missing.Bytes() > 0) {
    char* at = to + kBlockHeaderBytes;
    for (const Definition* definition : missing.Taken()) {
      std::memset(at + Aligned(definition->bytes.size()) - 8, 0, 8);
      std::memcpy(at, definition->bytes.data(), definition->bytes.size());
      at += Aligned(definition->bytes.size());
    }
    PutBlockHeader({.payload_bytes = static_cast<std::uint32_t>(missing.Bytes()), .first_position = first, .age_ns = age_ns}, journal, to);
    segment.defined.insert(missing.Ids().begin(), missing.Ids().end());
    to = at;
  }
  std::memcpy(to + kBlockHeaderBytes, run.data(), payload);
  PutBlockHeader({.payload_bytes = static_cast<std::uint32_t>(payload),
                  .records = appended.records,
                  .first_position = first,
                  .ring = origin.ring,
                  .ring_end = origin.ring == 0 ? 0 : origin.begin + payload,
                  .age_ns = age_ns},
                 journal, to);
  segment.written = static_cast<std::size_t>(to + kBlockHeaderBytes + payload - segment.memory->Data());
  AZMON_DCHECK(segment.written <= segment.Capacity());
  return appended;
}

}  // namespace azmon::journal
