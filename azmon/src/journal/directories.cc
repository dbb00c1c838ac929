// SPDX-License-Identifier: MIT
// Where a journal lies, and what happens when that place fails and works again.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "base/version.h"
#include "journal/core.h"

namespace azmon::journal {
namespace {

constexpr std::size_t kDefinitionsBytes = 64 * 1024;
/// What lies beside rings and segments: definitions of a few hundred scopes, and a page.
constexpr std::uint64_t kDefinitionsAndCursorsBytes = 2 * kDefinitionsBytes;
/// Less is not worth having.
constexpr std::uint64_t kHotBytesMin = 256 * 1024;
constexpr std::size_t kSegmentBytesMin = 64 * 1024;

void Note(std::string& all, const std::string& candidate, const Error& error) {
  all.append(all.empty() ? "" : "; ").append(candidate).append(": ").append(error.ToString());
}

}  // namespace

void Core::ChooseRingDirectory() {
  if (options_.ring_directories.empty()) return;
  std::string why;
  for (const std::string& candidate : options_.ring_directories) {
    auto opened = OpenRingRoot(candidate);
    if (opened.ok()) opened = OpenOwnRing();
    if (opened.ok()) return;
    ring_root_.reset();
    Note(why, candidate, opened.error());
  }
  ring_retry_at_ = clock_.Now() + limits::kStorageRetryInterval;
  if (!std::exchange(is_ring_failing_, true)) {
    WarnLocked("there is no shared memory for telemetry, so a crash loses what waits in memory; set AZMON_RING_DIRECTORY to a tmpfs (" + why + ")");
  }
}

Result<void> Core::OpenRingRoot(const std::string& candidate) {
  auto root = base::OpenPrivateDirectory(candidate + "/azmon-" + std::to_string(::geteuid()));
  if (!root.ok()) return root.error();
  if (!base::IsTmpfs(*root)) return Error{.code = ErrorCode::kRefused, .detail = "is no tmpfs"};
  // Other programs live in there as well, and what is used of it counts as memory of the cgroup.
  std::uint64_t budget = std::min(base::FreeBytes(*root) / 2, options_.memory_limit() / limits::kCgroupShare);
  budget -= std::min(budget, kDefinitionsAndCursorsBytes);
  ring_bytes_max_ = std::min<std::uint64_t>(limits::kRingBytesTotalMax, budget / 2);
  hot_bytes_max_ = std::min<std::uint64_t>(options_.bytes_max, budget - ring_bytes_max_);
  if (ring_bytes_max_ < options_.ring_bytes + kRingHeaderBytes || hot_bytes_max_ < kHotBytesMin) {
    return Error{.code = ErrorCode::kStorageFull, .detail = "only " + std::to_string(budget) + " bytes of it may be used"};
  }
  ring_root_ = std::make_shared<const base::FileDescriptor>(std::move(*root));
  return {};
}

Result<void> Core::OpenOwnRing() {
  auto directory = Directory::Create(ring_root_, identity_name_ + "-" + base::Hex({id_.data(), id_.size()}));
  if (!directory.ok()) return directory.error();
  auto cursors = base::CreateFile(directory->Files(), std::string(kCursorName));
  if (!cursors.ok()) return cursors.error();
  if (const auto reserved = base::Reserve(*cursors, kCursorFileBytes); !reserved.ok()) return reserved.error();
  auto mapped = base::Mapping::OfFile(*cursors, kCursorFileBytes);
  if (!mapped.ok()) return mapped.error();
  PutCursorHeader(mapped->Data());
  for (std::size_t i = 0; i < kDestinations; ++i) PutCursor(i, own_->cursors.settled[i], mapped->Data());
  PutCursor(kEndCursor, own_->cursors.end, mapped->Data());
  own_->cursor_memory = std::make_shared<const base::Mapping>(std::move(*mapped));
  own_->ring = std::make_shared<Directory>(std::move(*directory));
  definitions_segment_.reset();
  for (std::uint32_t id = 1; const Definition* const definition = definitions_.Find(id); ++id) WriteDefinitionLocked(*definition);
  return {};
}

void Core::RetryRingLocked() {
  ring_retry_at_ = clock_.Now() + limits::kStorageRetryInterval;
  if (!own_->ring || !own_->ring->IsInPlace()) {
    // What lay there is in this process's memory alone now.
    for (const auto& segment : segments_) {
      if (segment->store != own_ || segment->hot_bytes == 0) continue;
      hot_bytes_ -= segment->hot_bytes;
      segment->hot_bytes = 0;
    }
    may_be_unsafe_ = true;
    own_->ring.reset();
    shared_ring_bytes_ = 0;
    ChooseRingDirectory();
    if (!own_->ring) return;
    serial_.fetch_add(1);
  }
  is_ring_failing_ = false;
  WarnLocked("there is shared memory for telemetry again");
}

void Core::RingFailedLocked(const Error& error) {
  ring_retry_at_ = clock_.Now() + limits::kStorageRetryInterval;
  if (std::exchange(is_ring_failing_, true)) return;
  WarnLocked("shared memory for telemetry fails, so a crash loses what waits in memory (" + error.ToString() + ")");
}

void Core::ChooseStorageDirectory() {
  if (options_.storage_directories.empty()) return;
  std::string why;
  for (const std::string& candidate : options_.storage_directories) {
    const std::string outer = candidate + "/Microsoft-AzureMonitor-" + identity_name_;
    auto opened = base::OpenPrivateDirectory(outer);
    if (opened.ok()) opened = base::OpenPrivateDirectory(*opened, "opentelemetry-cpp", true);
    if (opened.ok() && options_.is_shared_by_hosts(*opened)) {
      // There a lock may say nothing about processes of other hosts, so nobody takes up what another host left.
      RemoveForgottenHosts(*opened, clock_.WallNow());
      opened = base::OpenPrivateDirectory(*opened, HostDirectoryName(), true);
      if (!std::exchange(is_sharing_told_, true)) {
        WarnLocked("the storage directory " + candidate + " is on a network file system: what a process leaves there is delivered by processes of its own host name alone");
      }
    }
    if (opened.ok() && ::faccessat(opened->Get(), ".", W_OK, AT_EACCESS) != 0) {
      opened = Error{.code = ErrorCode::kSystem, .detail = "cannot be written", .os_error = errno};
    }
    if (opened.ok()) {
      storage_root_ = std::make_shared<const base::FileDescriptor>(std::move(*opened));
      return;
    }
    Note(why, candidate, opened.error());
  }
  storage_retry_at_ = clock_.Now() + limits::kStorageRetryInterval;
  if (!std::exchange(is_storage_failing_, true)) {
    WarnLocked("telemetry that waits stays in memory, because no directory can store it; set AZMON_STORAGE_DIRECTORY (" + why + ")");
  }
}

Result<void> Core::OpenStorage(Store& store) {
  std::shared_ptr<const base::FileDescriptor> root;
  {
    const base::MutexLock lock(mutex_);
    if (!storage_root_) ChooseStorageDirectory();
    root = storage_root_;
  }
  if (!root) return Error{.code = ErrorCode::kUnavailable, .detail = "there is no storage directory"};
  auto directory = Directory::Create(root, base::Hex({store.id.data(), store.id.size()}));
  if (!directory.ok()) return directory.error();
  store.stored_cursors = {};
  const base::MutexLock lock(mutex_);
  store.storage = std::make_shared<Directory>(std::move(*directory));
  return {};
}

void Core::StorageFailed(const Error& error) {
  const base::MutexLock lock(mutex_);
  storage_retry_at_ = clock_.Now() + limits::kStorageRetryInterval;
  // Somebody removed it: what is in memory can be written again to a new one.
  const auto is_gone = [](const Store& store) { return !store.storage || !store.storage->IsInPlace(); };
  for (const auto& segment : segments_) {
    if (segment->spilled != 0 && segment->memory && is_gone(*segment->store)) segment->spilled = 0;
  }
  if (is_gone(*own_)) {
    own_->storage.reset();
    storage_root_.reset();
  }
  for (const auto& store : adopted_stores_) {
    if (is_gone(*store)) store->storage.reset();
  }
  if (std::exchange(is_storage_failing_, true)) return;
  WarnLocked("telemetry that waits stays in memory, because it cannot be stored (" + error.ToString() + ")");
}

void Core::WriteDefinitionLocked(const Definition& definition) {
  if (!own_->ring) return;
  const std::size_t bytes = kBlockHeaderBytes + Aligned(definition.bytes.size());
  if (!definitions_segment_ || definitions_segment_->Capacity() - definitions_segment_->written < bytes) {
    auto segment = std::make_shared<Segment>();
    segment->memory = NewHotFileLocked(std::string(kDefinitionsPrefix) + std::to_string(next_definitions_),
                                       std::max(kDefinitionsBytes, kSegmentHeaderBytes + bytes));
    if (!segment->memory) return;
    BeginSegment(*segment, Header(next_definitions_++));
    definitions_segment_ = std::move(segment);
  }
  char* const to = definitions_segment_->memory->Data() + definitions_segment_->written;
  std::memcpy(to + kBlockHeaderBytes, definition.bytes.data(), definition.bytes.size());
  PutBlockHeader({.payload_bytes = static_cast<std::uint32_t>(Aligned(definition.bytes.size()))}, id_, to);
  definitions_segment_->written += bytes;
}

std::shared_ptr<const base::Mapping> Core::NewHotFileLocked(const std::string& name, std::size_t bytes) {
  auto file = base::CreateFile(own_->ring->Files(), name);
  auto reserved = file.ok() ? base::Reserve(*file, bytes) : Result<void>(file.error());
  auto mapped = reserved.ok() ? base::Mapping::OfFile(*file, bytes) : Result<base::Mapping>(reserved.error());
  if (mapped.ok()) return std::make_shared<const base::Mapping>(std::move(*mapped));
  ::unlinkat(own_->ring->Files().Get(), name.c_str(), 0);
  RingFailedLocked(mapped.error());
  return nullptr;
}

SegmentHeader Core::Header(std::uint64_t sequence) const {
  return {.writer = std::string("azmon ") + base::kVersion,
          .created_ns = clock_.WallNow().time_since_epoch().count(),
          .sequence = sequence,
          .first_position = own_->next_position,
          .identities = identities_,
          .journal = id_};
}

std::size_t Core::SegmentBytes() const {
  if (!own_->ring) return options_.segment_bytes;
  // With little shared memory at least four segments fit, so that giving one up is not giving up everything.
  return std::min(options_.segment_bytes, std::max<std::size_t>(kSegmentBytesMin, static_cast<std::size_t>(hot_bytes_max_ / 4) & ~std::size_t{4095}));
}

void Core::SendWarnings() {
  std::vector<std::string> lines;
  {
    const base::MutexLock lock(mutex_);
    lines.swap(warnings_);
  }
  if (!options_.warn) return;
  for (const std::string& line : lines) options_.warn(line);
}

}  // namespace azmon::journal
