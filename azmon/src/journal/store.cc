// SPDX-License-Identifier: MIT
#include "journal/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>

#include "base/fork.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/text.h"

namespace azmon::journal {
namespace {

constexpr std::string_view kHostPrefix = "host-";

Error Taken() { return Error{.code = ErrorCode::kUnavailable, .detail = "another process holds it"}; }

/// Whether the locked file is still what its name stands for.
bool IsNamed(const base::FileDescriptor& directory, const base::FileDescriptor& lock) {
  struct stat held {};
  struct stat named {};
  if (::fstat(lock.Get(), &held) != 0 || held.st_nlink == 0) return false;
  if (::fstatat(directory.Get(), std::string(kLockName).c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

Result<Directory> Directory::Create(std::shared_ptr<const base::FileDescriptor> root, const std::string& name) {
  const std::string private_name = std::string(kPrivatePrefix) + name;
  auto files = base::OpenPrivateDirectory(*root, private_name, true);
  if (!files.ok()) return files.error();
  auto lock = base::CreateFile(*files, std::string(kLockName));
  if (!lock.ok()) {
    base::RemoveDirectory(*root, private_name);
    return lock.error();
  }
  if (!base::TryLock(*lock)) return Taken();
  if (::renameat(root->Get(), private_name.c_str(), root->Get(), name.c_str()) != 0) {
    const int code = errno;
    base::RemoveDirectory(*root, private_name);
    return Error{.code = ErrorCode::kSystem, .detail = name + " cannot be put into place", .os_error = code};
  }
  Directory made;
  made.root_ = std::move(root);
  made.name_ = name;
  made.files_ = std::move(*files);
  made.lock_ = std::move(*lock);
  // Else the journal would seem alive as long as a child lives.
  base::CloseInChild(made.lock_.Get());
  return made;
}

Result<Directory> Directory::Adopt(std::shared_ptr<const base::FileDescriptor> root, const std::string& name) {
  auto files = base::OpenPrivateDirectory(*root, name, false);
  if (!files.ok()) return files.error();
  auto lock = base::OpenFile(*files, std::string(kLockName), true);
  if (!lock.ok()) return lock.error();
  if (!base::TryLock(*lock) || !IsNamed(*files, *lock)) return Taken();
  Directory adopted;
  adopted.root_ = std::move(root);
  adopted.name_ = name;
  adopted.files_ = std::move(*files);
  adopted.lock_ = std::move(*lock);
  base::CloseInChild(adopted.lock_.Get());
  return adopted;
}

Directory::~Directory() {
  if (lock_.IsOpen()) base::ForgetInChild(lock_.Get());
}

bool Directory::IsInPlace() const {
  if (!IsNamed(files_, lock_)) return false;
  struct stat held {};
  struct stat named {};
  if (::fstat(files_.Get(), &held) != 0 || ::fstatat(root_->Get(), name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

std::chrono::nanoseconds Directory::DeadFor(base::WallTime now) const {
  for (const std::string& name : base::ListNames(files_, limits::kDirectoryNamesMax)) {
    const bool is_ring = name.starts_with(kRingPrefix);
    if (!is_ring && !name.starts_with(kSegmentPrefix) && !name.starts_with(kDefinitionsPrefix)) continue;
    auto file = base::OpenFile(files_, name, false);
    auto content = file.ok() ? base::ReadWhole(*file, limits::kJournalFileBytesMax) : Result<std::string>(file.error());
    if (!content.ok()) return {};
    const auto is_later = [](const auto& header) { return !header.ok() && header.error().code == ErrorCode::kUnsupported; };
    if (is_ring ? is_later(ReadRingHeader(*content)) : is_later(ReadSegmentHeader(*content))) return {};
  }
  struct stat status {};
  if (::fstatat(files_.Get(), std::string(kDeadName).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    const auto since = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    return std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(now.time_since_epoch()) - since);
  }
  const auto mark = base::CreateFile(files_, std::string(kDeadName));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  const timespec time{.tv_sec = static_cast<time_t>(seconds.count()), .tv_nsec = 0};
  const std::array<timespec, 2> times{time, time};
  if (mark.ok()) (void)::futimens(mark->Get(), times.data());
  return {};
}

void Directory::Remove() {
  for (const std::string& file : base::ListNames(files_, limits::kDirectoryNamesMax)) {
    if (file != kLockName) ::unlinkat(files_.Get(), file.c_str(), 0);
  }
  base::RemoveDirectory(*root_, name_);
}

void Store::SetCursor(std::size_t destination, std::uint64_t position) {
  if (position <= cursors.settled[destination]) return;
  cursors.settled[destination] = position;
  if (cursor_memory) PutCursor(destination, position, cursor_memory->Data());
}

void Store::SetEnd(std::uint64_t position) {
  cursors.end = position;
  if (cursor_memory) PutCursor(kEndCursor, position, cursor_memory->Data());
}

std::string SegmentName(std::uint64_t sequence) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%010llu", static_cast<unsigned long long>(sequence));
  return std::string(kSegmentPrefix) + digits;
}

std::optional<std::uint64_t> SequenceOf(std::string_view name) {
  if (!name.starts_with(kSegmentPrefix)) return std::nullopt;
  const auto sequence = base::ParseInteger<std::uint64_t>(name.substr(kSegmentPrefix.size()));
  return sequence && *sequence < std::numeric_limits<std::uint64_t>::max() ? sequence : std::nullopt;
}

std::string RingName(std::uint64_t id) { return std::string(kRingPrefix) + std::to_string(id); }

Hash IdentityOf(std::string_view text) {
  Hash hash{};
  if (!text.empty()) base::Sha256(text).copy(hash.data(), hash.size());
  return hash;
}

std::string IdentityName(const std::array<Hash, kIdentities>& identities) {
  std::string all;
  for (const Hash& hash : identities) all.append(hash.data(), hash.size());
  return std::to_string(::geteuid()) + "-" + base::Hex(base::Sha256(all).substr(0, 16));
}

bool IsRingDirectoryName(std::string_view name) {
  constexpr std::size_t kTail = 1 + 2 * kHashBytes;
  if (name.size() <= 2 * kTail || name[name.size() - kTail] != '-' || name[name.size() - 2 * kTail] != '-') return false;
  const std::string_view user = name.substr(0, name.size() - 2 * kTail);
  return base::ParseInteger<std::uint64_t>(user).has_value() && base::ParseHex(name.substr(name.size() - 2 * kTail + 1, 2 * kHashBytes)).has_value() &&
         base::ParseHex(name.substr(name.size() - kTail + 1)).has_value();
}

std::string HostDirectoryName() {
  utsname system{};
  ::uname(&system);
  std::string name(kHostPrefix);
  for (const char c : std::string_view(system.nodename)) name.push_back(base::IsDigit(c) || base::IsAlpha(c) || c == '-' || c == '.' ? c : '_');
  return name;
}

void RemoveForgottenHosts(const base::FileDescriptor& root, base::WallTime now) {
  const auto is_old = [&](const base::FileDescriptor& at, const std::string& name) {
    struct stat status {};
    if (::fstatat(at.Get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
    return std::chrono::nanoseconds(now.time_since_epoch()) - std::chrono::seconds(status.st_mtim.tv_sec) >= limits::kStorageAgeMax;
  };
  for (const std::string& name : base::ListNames(root, limits::kDirectoryNamesMax)) {
    if (!name.starts_with(kHostPrefix) || name == HostDirectoryName() || !is_old(root, name)) continue;
    const auto host = base::OpenPrivateDirectory(root, name, false);
    if (!host.ok()) continue;
    const std::vector<std::string> journals = base::ListNames(*host, limits::kDirectoryNamesMax);
    const bool is_all_old = std::ranges::all_of(journals, [&](const std::string& journal) {
      const auto files = base::OpenPrivateDirectory(*host, journal, false);
      if (!files.ok() || !is_old(*host, journal)) return false;
      return std::ranges::all_of(base::ListNames(*files, limits::kDirectoryNamesMax), [&](const std::string& file) { return is_old(*files, file); });
    });
    if (!is_all_old) continue;
    for (const std::string& journal : journals) base::RemoveDirectory(*host, journal);
    base::RemoveDirectory(root, name);
  }
}

void RemoveAbandoned(const base::FileDescriptor& root, const std::vector<std::string>& names, base::WallTime now) {
  for (const std::string& name : names) {
    if (!name.starts_with(kPrivatePrefix)) continue;
    struct stat status {};
    // One that is being made just now may not hold its lock yet.
    if (::fstatat(root.Get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const std::chrono::seconds age = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()) - std::chrono::seconds(status.st_mtim.tv_sec);
    if (age >= limits::kPrivateNameAge) base::RemoveDirectory(root, name);
  }
}

}  // namespace azmon::journal
