// SPDX-License-Identifier: MIT
// The directories of one process's journal: one in shared memory, one in the storage directory, each with a lock that says whether the
// process is alive.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "journal/definitions.h"
#include "journal/format.h"

namespace azmon::journal {

/// One of the two directories of a journal. Nobody else works in it while it is locked.
class Directory {
 public:
  /// Makes a new one, under a private name first, so that nobody sees it without its lock held.
  static Result<Directory> Create(std::shared_ptr<const base::FileDescriptor> root, const std::string& name);
  /// Takes over one whose process is gone. @return kUnavailable: its process lives, or another one was faster
  static Result<Directory> Adopt(std::shared_ptr<const base::FileDescriptor> root, const std::string& name);

  Directory(Directory&&) noexcept = default;
  Directory& operator=(Directory&&) noexcept = default;
  ~Directory();

  const base::FileDescriptor& Files() const { return files_; }
  /// Nobody has removed or replaced it.
  bool IsInPlace() const;
  /// How long its process is known to be gone: since this was first asked. A later version's files count as new.
  std::chrono::nanoseconds DeadFor(base::WallTime now) const;
  /// With all that is in it; the lock is let go last.
  void Remove();

 private:
  Directory() = default;
  std::shared_ptr<const base::FileDescriptor> root_;
  std::string name_;
  base::FileDescriptor files_;
  base::FileDescriptor lock_;
};

/// One journal's directories and what is known of them. Guarded by the journal's lock unless it says otherwise.
class Store {
 public:
  explicit Store(const Hash& journal) : id(journal) {}

  const Hash id;
  std::shared_ptr<Directory> ring;     ///< in shared memory; may be null
  std::shared_ptr<Directory> storage;  ///< in the storage directory; may be null
  std::shared_ptr<const base::Mapping> cursor_memory;  ///< of the file in the ring directory
  Cursors cursors{};       ///< settled, in the store's positions
  Cursors stored_cursors{};  ///< likewise in the storage directory; journal thread only
  std::uint64_t next_sequence = 1;
  std::uint64_t next_position = 1;
  std::size_t segments = 0;  ///< that are still there
  bool keeps_files = false;  ///< holds what we do not understand, so it is not removed

  /// For an adopted journal: its ids in ours, and its definitions as they were found.
  std::unordered_map<std::uint32_t, std::uint32_t> ids;
  std::unordered_map<std::uint32_t, Definition> definitions;
  bool is_adopted = false;

  /// Moves forward only.
  void SetCursor(std::size_t destination, std::uint64_t position);
  void SetEnd(std::uint64_t position);
};

std::string SegmentName(std::uint64_t sequence);
/// The reverse; nullopt of a name that is no segment's.
std::optional<std::uint64_t> SequenceOf(std::string_view name);
std::string RingName(std::uint64_t id);
inline constexpr std::string_view kSegmentPrefix = "seg-";
inline constexpr std::string_view kDefinitionsPrefix = "def-";
inline constexpr std::string_view kRingPrefix = "ring-";
inline constexpr std::string_view kCursorName = "cursors";
inline constexpr std::string_view kLockName = "lock";
inline constexpr std::string_view kDeadName = "dead";
inline constexpr std::string_view kPrivatePrefix = ".new-";
inline constexpr std::string_view kQuarantineName = "quarantine";

/// "UID-32 hex digits" over what tells the destinations apart; names directories.
std::string IdentityName(const std::array<Hash, kIdentities>& identities);
Hash IdentityOf(std::string_view text);

/// Whether it is `IDENTITY-JOURNAL`, of whatever identity.
bool IsRingDirectoryName(std::string_view name);

/// Where a storage directory is seen by several hosts, this one's part of it.
std::string HostDirectoryName();
/// Removes the parts of hosts that wrote nothing for limits::kStorageAgeMax: what they hold is given up everywhere else too.
void RemoveForgottenHosts(const base::FileDescriptor& root, base::WallTime now);

/// Removes private names that nobody holds: their makers died between two steps.
void RemoveAbandoned(const base::FileDescriptor& root, const std::vector<std::string>& names, base::WallTime now);

}  // namespace azmon::journal
