// SPDX-License-Identifier: MIT
// What dead processes of the same identity left: found, read and put behind what this process has. Their files stay where they are, with
// their cursors, so a crash while they are delivered repeats no more than any other crash.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "journal/core.h"
#include "otlp/annotations.h"

namespace azmon::journal {

/// A dead process's journal while it is read; nobody else sees it yet.
struct Core::Orphan {
  std::shared_ptr<Store> store;
  std::map<std::uint64_t, std::shared_ptr<Segment>> segments;  ///< by sequence
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> ranges;  ///< by sequence: the first position, and how many records are there
  std::map<std::uint64_t, TakenStretches> ring_taken;          ///< by ring
  std::uint64_t last_position = 0;
  std::uint64_t missing = 0;      ///< positions that no segment has although their journal went on behind them
  std::uint64_t found_again = 0;  ///< of them, in rings
  AdoptionCounts counts;
};

void Core::Adopt(base::SteadyTime now) {
  if (now < next_adoption_) return;
  AdoptionCounts before;
  {
    const base::MutexLock lock(mutex_);
    if (!ring_root_ && !storage_root_) return;
    before = adopted_;
  }
  has_siblings_ = false;
  next_adoption_ = now + (had_traffic_ ? limits::kAdoptionInterval : limits::kAdoptionIdleInterval);
  AdoptIn(false);
  AdoptIn(true);
  ReportAdoption(before);
}

void Core::AdoptIn(bool is_storage) {
  std::shared_ptr<const base::FileDescriptor> root;
  {
    const base::MutexLock lock(mutex_);
    root = is_storage ? storage_root_ : ring_root_;
  }
  if (!root) return;
  const std::vector<std::string> names = base::ListNames(*root, limits::kDirectoryNamesMax);
  RemoveAbandoned(*root, names, clock_.WallNow());
  if (!is_storage) RemoveForgotten(root, names);
  const std::string prefix = is_storage ? "" : identity_name_ + "-";
  for (const std::string& name : names) {
    if (adopted_stores_.size() >= limits::kAdoptedMax) return;
    if (name.starts_with(prefix) && !left_alone_.contains(name.substr(prefix.size()))) TakeOver(name.substr(prefix.size()), is_storage);
  }
}

/// Journals of other destinations whose process is gone and whose identity does not come back: nobody delivers them, and they take memory.
void Core::RemoveForgotten(const std::shared_ptr<const base::FileDescriptor>& root, const std::vector<std::string>& names) {
  if (clock_.Now() < next_forgotten_) return;
  next_forgotten_ = clock_.Now() + limits::kForgottenInterval;
  for (const std::string& name : names) {
    if (!IsRingDirectoryName(name) || name.starts_with(identity_name_ + "-")) continue;
    auto found = Directory::Adopt(root, name);
    if (!found.ok() || found->DeadFor(clock_.WallNow()) < limits::kStorageAgeMax) continue;
    found->Remove();
    const base::MutexLock lock(mutex_);
    ++adopted_.forgotten;
  }
}

void Core::TakeOver(const std::string& id_text, bool is_storage) {
  const auto id_bytes = base::ParseHex(id_text);
  if (!id_bytes || id_bytes->size() != kHashBytes) return;
  Hash id{};
  id_bytes->copy(id.data(), id.size());
  if (id == id_ || std::ranges::any_of(adopted_stores_, [&](const auto& store) { return store->id == id; })) return;
  std::shared_ptr<const base::FileDescriptor> roots[2];
  {
    const base::MutexLock lock(mutex_);
    roots[0] = ring_root_;
    roots[1] = storage_root_;
  }
  Orphan orphan{.store = std::make_shared<Store>(id)};
  orphan.store->is_adopted = true;
  // Both directories or none: a segment may lie in both.
  for (const bool in_storage : {is_storage, !is_storage}) {
    const auto& root = roots[in_storage ? 1 : 0];
    if (!root) continue;
    auto adopted = Directory::Adopt(root, in_storage ? id_text : identity_name_ + "-" + id_text);
    if (!adopted.ok()) {
      has_siblings_ |= adopted.error().code == ErrorCode::kUnavailable;
      if (in_storage != is_storage && adopted.error().os_error == ENOENT) continue;
      return;
    }
    (in_storage ? orphan.store->storage : orphan.store->ring) = std::make_shared<Directory>(std::move(*adopted));
  }
  if (!ReadOrphan(orphan)) return;
  if (orphan.store->keeps_files) left_alone_.insert(id_text);
  Attach(orphan);
}

bool Core::ReadOrphan(Orphan& orphan) {
  Store& store = *orphan.store;
  for (const bool in_storage : {false, true}) {
    const auto& directory = in_storage ? store.storage : store.ring;
    if (!directory) continue;
    auto file = base::OpenFile(directory->Files(), std::string(kCursorName), true);
    if (!file.ok() || base::FileBytes(*file) < kCursorFileBytes) continue;
    const auto content = base::ReadWhole(*file, kCursorFileBytes);
    if (!content.ok()) continue;
    const Cursors found = ReadCursors(*content);
    for (std::size_t i = 0; i < kDestinations; ++i) store.cursors.settled[i] = std::max(store.cursors.settled[i], found.settled[i]);
    store.cursors.end = std::max(store.cursors.end, found.end);
    if (in_storage) {
      store.stored_cursors = found;
    } else if (auto mapped = base::Mapping::OfFile(*file, kCursorFileBytes); mapped.ok()) {
      store.cursor_memory = std::make_shared<const base::Mapping>(std::move(*mapped));
    }
  }
  ReadOrphanedFiles(orphan, false);
  ReadOrphanedFiles(orphan, true);
  CountMissing(orphan);
  if (!ReadOrphanedRings(orphan)) return false;
  orphan.counts.damaged += orphan.missing - std::min(orphan.missing, orphan.found_again);
  MapIds(orphan);
  for (const auto& [sequence, segment] : orphan.segments) CountOrphaned(orphan, *segment);
  return true;
}

void Core::ReadOrphanedFiles(Orphan& orphan, bool is_storage) {
  const auto& directory = is_storage ? orphan.store->storage : orphan.store->ring;
  if (!directory) return;
  for (const std::string& name : base::ListNames(directory->Files(), limits::kDirectoryNamesMax)) {
    if (!name.starts_with(kSegmentPrefix) && !name.starts_with(kDefinitionsPrefix)) continue;
    // Whatever is in the file, its name is taken.
    if (const auto sequence = SequenceOf(name)) orphan.store->next_sequence = std::max(orphan.store->next_sequence, *sequence + 1);
    ReadOrphanedSegment(orphan, *directory, name, is_storage);
  }
}

void Core::ReadOrphanedSegment(Orphan& orphan, const Directory& directory, const std::string& name, bool is_storage) {
  auto file = base::OpenFile(directory.Files(), name, false);
  auto content = file.ok() ? base::ReadWhole(*file, limits::kJournalFileBytesMax) : Result<std::string>(file.error());
  if (!content.ok()) {
    orphan.store->keeps_files = true;
    return;
  }
  // A kill between making a file and writing its header leaves zeros.
  if (content->find_first_not_of('\0') == std::string::npos) return;
  const auto header = ReadSegmentHeader(*content);
  if (!header.ok()) {
    if (header.error().code == ErrorCode::kUnsupported) {
      ++orphan.counts.newer;
      orphan.store->keeps_files = true;
      return;
    }
    ++orphan.counts.quarantined;
    Quarantine(directory, name, *content, is_storage);
    return;
  }
  if (header->identities != identities_ || header->journal != orphan.store->id) {
    orphan.store->keeps_files = true;  // another customer's data
    return;
  }
  const bool is_definitions = name.starts_with(kDefinitionsPrefix);
  std::uint64_t found = 0;
  BlockReader blocks(*content, orphan.store->id);
  while (blocks.Next()) {
    const BlockHeader& block = blocks.Header();
    if (block.ring != 0) NoteTaken(orphan.ring_taken[block.ring], block.ring_end, block.payload_bytes);
    if (block.records != 0) orphan.last_position = std::max(orphan.last_position, block.first_position + block.records - 1);
    RecordReader records(blocks.Payload());
    while (records.Next()) {
      const otlp::RecordView& record = records.Record();
      if (!IsDefinition(record.signal)) {
        ++found;
        continue;
      }
      orphan.store->definitions.try_emplace(record.owner, Definition{.bytes = std::string(records.Bytes().substr(0, record.Bytes())),
                                                                     .resource_id = otlp::ReadAnnotations(record.annotations).resource_id.value_or(0)});
    }
    if (records.IsDamaged() && block.records == 0) ++orphan.counts.damaged;
  }
  if (is_definitions) {
    orphan.counts.damaged += blocks.StrayBytes() != 0 ? 1 : 0;
    return;
  }
  auto& range = orphan.ranges[header->sequence];
  range = {header->first_position, std::max(range.second, found)};
  const auto [known, is_new] = orphan.segments.try_emplace(header->sequence);
  if (!is_new) {
    // The copy of one in shared memory, which is as long or longer.
    known->second->spilled = std::min(blocks.End(), known->second->written);
    return;
  }
  auto segment = std::make_shared<Segment>();
  segment->store = orphan.store;
  segment->sequence = header->sequence;
  segment->written = blocks.End();
  segment->is_sealed = true;
  (is_storage ? segment->spilled : segment->hot_bytes) = is_storage ? blocks.End() : content->size();
  const base::WallTime created{std::chrono::nanoseconds(header->created_ns)};
  const auto age = std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(clock_.WallNow() - created));
  segment->created = clock_.Now() - std::chrono::duration_cast<base::SteadyTime::duration>(age);
  known->second = std::move(segment);
}

/// Positions that no file holds although their segment, or the end of the journal, says that they were written.
void Core::CountMissing(Orphan& orphan) {
  const Cursors& cursors = orphan.store->cursors;
  if (orphan.ranges.empty()) orphan.missing += cursors.end - std::min(cursors.end, *std::ranges::max_element(cursors.settled));
  for (auto range = orphan.ranges.begin(); range != orphan.ranges.end(); ++range) {
    const auto [first, found] = range->second;
    const auto next = std::next(range);
    if (next != orphan.ranges.end() && next->first != range->first + 1) continue;  // what lay between was read and removed
    const std::uint64_t end = next == orphan.ranges.end() ? cursors.end + 1 : next->second.first;
    if (end > first + found) orphan.missing += end - first - found;
  }
}

bool Core::ReadOrphanedRings(Orphan& orphan) {
  Store& store = *orphan.store;
  if (!store.ring) return true;
  struct Run {
    RunOrigin origin;
    std::string bytes;
    bool is_before_taken;  ///< later records of its ring are in segments
  };
  std::vector<Run> runs;
  std::vector<std::string> files;
  std::size_t bytes = 0;
  for (const std::string& name : base::ListNames(store.ring->Files(), limits::kDirectoryNamesMax)) {
    if (!name.starts_with(kRingPrefix)) continue;
    auto file = base::OpenFile(store.ring->Files(), name, false);
    const auto content = file.ok() ? base::ReadWhole(*file, limits::kJournalFileBytesMax) : Result<std::string>(file.error());
    if (!content.ok() || content->find_first_not_of('\0') == std::string::npos) continue;
    const auto header = ReadRingHeader(*content);
    if (!header.ok()) {
      (header.error().code == ErrorCode::kUnsupported ? orphan.counts.newer : orphan.counts.damaged) += 1;
      store.keeps_files |= header.error().code == ErrorCode::kUnsupported;
      continue;
    }
    files.push_back(name);
    const TakenStretches& taken = orphan.ring_taken[header->id];
    const bool is_whole = ReadOrphanedRing(*content, *header, taken, [&](std::string_view run, std::uint64_t end) {
      runs.push_back({.origin = {.ring = header->id, .begin = end - run.size()}, .bytes = std::string(run), .is_before_taken = taken.lower_bound(end) != taken.end()});
      bytes += run.size();
    });
    if (!is_whole) ++orphan.counts.damaged;
  }
  if (runs.empty()) return true;
  std::size_t room = kSegmentHeaderBytes + bytes + (runs.size() * 2 + 2) * kBlockHeaderBytes;
  for (const auto& [id, definition] : store.definitions) room += Aligned(definition.bytes.size());
  auto segment = std::make_shared<Segment>();
  segment->store = orphan.store;
  segment->sequence = store.next_sequence++;
  const std::string name = SegmentName(segment->sequence);
  auto file = base::CreateFile(store.ring->Files(), name);
  const auto reserved = file.ok() ? base::Reserve(*file, room) : Result<void>(file.error());
  auto mapped = reserved.ok() ? base::Mapping::OfFile(*file, room) : Result<base::Mapping>(reserved.error());
  if (!mapped.ok()) {
    // No room: they stay in their rings until the next look.
    if (file.ok()) ::unlinkat(store.ring->Files().Get(), name.c_str(), 0);
    has_siblings_ = true;
    return false;
  }
  segment->memory = std::make_shared<const base::Mapping>(std::move(*mapped));
  segment->hot_bytes = room;
  segment->is_sealed = true;
  segment->created = clock_.Now();
  std::uint64_t position = std::max({orphan.last_position, store.cursors.end, *std::ranges::max_element(store.cursors.settled)}) + 1;
  SegmentHeader header;
  {
    const base::MutexLock lock(mutex_);
    header = Header(segment->sequence);
  }
  header.journal = store.id;
  header.first_position = position;
  BeginSegment(*segment, header);
  const DefinitionSource source = [&](std::uint32_t id) -> const Definition* {
    const auto found = store.definitions.find(id);
    return found == store.definitions.end() ? nullptr : &found->second;
  };
  for (const Run& run : runs) {
    for (std::size_t done = 0; done < run.bytes.size();) {
      const Appended appended = AppendRun(*segment, std::string_view(run.bytes).substr(done),
                                          {.ring = run.origin.ring, .begin = run.origin.begin + done}, position, store.id, 0, source);
      orphan.counts.damaged += appended.damaged;
      position += appended.records;
      orphan.found_again += run.is_before_taken ? appended.records : 0;
      if (appended.bytes == 0) break;
      done += appended.bytes;
    }
  }
  if (store.cursor_memory) store.SetEnd(std::max(store.cursors.end, position - 1));
  orphan.segments.emplace(segment->sequence, std::move(segment));
  // From here on the segment has them.
  for (const std::string& ring : files) ::unlinkat(store.ring->Files().Get(), ring.c_str(), 0);
  return true;
}

void Core::MapIds(Orphan& orphan) {
  const base::MutexLock lock(mutex_);
  Store& store = *orphan.store;
  // Equal definitions of different processes have one id here, so that a program that crashes again and again does not fill the table.
  const auto id_of = [&](const Definition& definition, std::uint32_t resource_id) AZMON_REQUIRES(step_mutex_) {
    const otlp::RecordView record = otlp::TrustedRecord(definition.bytes);
    const otlp::Annotations annotations = otlp::ReadAnnotations(record.annotations);
    std::string key(annotations.schema_url);
    key.append(1, '\0').append(record.message);
    const auto [known, is_new] = adopted_ids_.try_emplace({resource_id, std::move(key)}, 0);
    if (is_new || known->second == 0) known->second = definitions_.Add(resource_id, record.message, annotations.schema_url);
    return known->second;
  };
  for (const bool is_scope : {false, true}) {
    for (const auto& [id, definition] : store.definitions) {
      if ((definition.resource_id != 0) != is_scope) continue;
      const auto resource = store.ids.find(definition.resource_id);
      if (is_scope && (resource == store.ids.end() || resource->second == 0)) continue;
      if (const std::uint32_t own = id_of(definition, is_scope ? resource->second : 0); own != 0) store.ids[id] = own;
    }
  }
}

void Core::CountOrphaned(Orphan& orphan, Segment& segment) {
  const Store& store = *orphan.store;
  std::string content;
  if (!segment.memory) {
    const auto& directory = segment.hot_bytes != 0 ? store.ring : store.storage;
    auto file = base::OpenFile(directory->Files(), SegmentName(segment.sequence), false);
    if (auto read = file.ok() ? base::ReadWhole(*file, limits::kJournalFileBytesMax) : Result<std::string>(file.error()); read.ok()) content = std::move(*read);
  }
  for (BlockReader blocks(segment.memory ? segment.memory->View().substr(0, segment.written) : std::string_view(content), store.id); blocks.Next();) {
    std::uint64_t position = blocks.Header().first_position - 1;
    for (RecordReader records(blocks.Payload()); records.Next();) {
      const otlp::RecordView& record = records.Record();
      if (IsDefinition(record.signal)) continue;
      ++position;
      if (segment.first == 0) segment.first = position;
      segment.last = position;
      if (!store.ids.contains(record.owner)) {
        ++orphan.counts.damaged;
        continue;
      }
      bool waits = false;
      for (std::size_t i = 0; i < kDestinations; ++i) {
        const std::uint8_t flag = FlagOf(static_cast<Destination>(i));
        if ((record.flags & flag & options_.adopting) == 0 || position <= store.cursors.settled[i]) continue;
        ++segment.unread[i].records;
        segment.unread[i].bytes += record.Bytes();
        waits = true;
      }
      if (waits) ++orphan.counts.records;
    }
  }
  // The journal's own copy is not needed: it is read from its file like the others.
  segment.memory.reset();
}

void Core::Attach(Orphan& orphan) {
  {
    const base::MutexLock lock(mutex_);
    ++adopted_.journals;
    adopted_.records += orphan.counts.records;
    adopted_.damaged += orphan.counts.damaged;
    adopted_.quarantined += orphan.counts.quarantined;
    adopted_.newer += orphan.counts.newer;
    SealLocked();
    for (const auto& [sequence, segment] : orphan.segments) {
      if (!segment->HasUnread()) {
        read_.push_back(segment);
        continue;
      }
      segment->offset = end_ + 1 - segment->first;
      segment->first += segment->offset;
      segment->last += segment->offset;
      end_ = segment->last;
      for (std::size_t i = 0; i < kDestinations; ++i) {
        Cursor& cursor = cursors_[i];
        const Counts& counts = segment->unread[i];
        if (counts.records == 0) continue;
        if (cursor.backlog.records == 0) cursor.waits_since = clock_.Now();
        cursor.ledger.accepted += counts.records;
        cursor.ledger.in_journal += counts.records;
        cursor.backlog.records += counts.records;
        cursor.backlog.bytes += counts.bytes;
        must_notify_ = true;
      }
      bytes_ += segment->written;
      hot_bytes_ += segment->hot_bytes;
      ++orphan.store->segments;
      segments_.push_back(segment);
    }
    adopted_stores_.push_back(orphan.store);
    RecycleLocked();
  }
  RemoveRead();
  Notify();
}

void Core::Quarantine(const Directory& from, const std::string& name, std::string_view bytes, bool is_storage) {
  std::shared_ptr<const base::FileDescriptor> root;
  {
    const base::MutexLock lock(mutex_);
    root = is_storage ? storage_root_ : ring_root_;
  }
  const auto quarantine = base::OpenPrivateDirectory(*root, std::string(kQuarantineName), true);
  if (quarantine.ok()) {
    std::uint64_t held = 0;
    for (const std::string& kept : base::ListNames(*quarantine, limits::kDirectoryNamesMax)) {
      struct stat status {};
      if (::fstatat(quarantine->Get(), kept.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) held += static_cast<std::uint64_t>(status.st_size);
    }
    // Without the empty end of a file that was reserved whole.
    bytes = bytes.substr(0, bytes.find_last_not_of('\0') + 1);
    if (held + bytes.size() <= limits::kQuarantineBytesMax) {
      const std::string kept_name = std::to_string(clock_.WallNow().time_since_epoch().count()) + "-" + name;
      if (auto file = base::CreateFile(*quarantine, kept_name); file.ok()) (void)base::WriteAt(*file, bytes, 0);
    }
  }
  ::unlinkat(from.Files().Get(), name.c_str(), 0);
}

void Core::ReportAdoption(const AdoptionCounts& before) {
  const base::MutexLock lock(mutex_);
  const auto since = [&](std::uint64_t AdoptionCounts::*count) { return adopted_.*count - before.*count; };
  std::string line;
  const auto add = [&](std::uint64_t count, const char* text) {
    if (count != 0) line.append(line.empty() ? "" : ", ").append(std::to_string(count)).append(text);
  };
  add(since(&AdoptionCounts::damaged), " damaged records or stretches");
  add(since(&AdoptionCounts::quarantined), " files without a whole header, kept in the quarantine directory");
  add(since(&AdoptionCounts::newer), " files of a later version, left as they are");
  if (!line.empty()) WarnLocked("a process that died left telemetry that cannot be read: " + line);
  if (const std::uint64_t forgotten = since(&AdoptionCounts::forgotten); forgotten != 0) {
    WarnLocked(std::to_string(forgotten) + " journals that other destinations had left were removed: nobody came for them in 48 hours");
  }
}

}  // namespace azmon::journal
