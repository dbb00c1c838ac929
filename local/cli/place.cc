// SPDX-License-Identifier: MIT
#include "local/cli/place.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace azmon::local {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "azmon-local-";
constexpr std::string_view kLock = "azmon-local.lock";

/// A tmpfs with twice the data's size left: the log beside the file needs room too.
bool IsRoomyTmpfs(const char* path, std::uint64_t bytes) {
  constexpr long kTmpfs = 0x01021994;
  struct statfs facts{};
  if (::statfs(path, &facts) != 0 || facts.f_type != kTmpfs) return false;
  return static_cast<std::uint64_t>(facts.f_bavail) * static_cast<std::uint64_t>(facts.f_bsize) >= bytes * 2;
}

/// Removes directories of this user whose process is gone: nobody holds the lock in them.
void RemoveLeftovers(const fs::path& parent) {
  std::error_code failure;
  for (fs::directory_iterator at(parent, failure), end; !failure && at != end; at.increment(failure)) {
    if (!at->path().filename().native().starts_with(kPrefix)) continue;
    struct stat facts{};
    if (::lstat(at->path().c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid()) continue;
    const int lock = ::open((at->path() / kLock).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    // Without a lock file it may be one that is just being made.
    if (lock < 0) continue;
    std::error_code ignored;
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) fs::remove_all(at->path(), ignored);
    ::close(lock);
  }
}

Result<Place> InMemory(const ServeOptions& options, const base::Environment& environment) {
  const std::uint64_t bytes = options.bytes_max.value_or(limits::kStoreBytesMaxMemory);
  const bool has_tmpfs = IsRoomyTmpfs("/dev/shm", bytes);
  const fs::path parent = has_tmpfs ? "/dev/shm" : environment.Get("TMPDIR").value_or("/tmp");
  RemoveLeftovers(parent);
  std::string path = (parent / (std::string(kPrefix) + "XXXXXX")).string();
  if (::mkdtemp(path.data()) == nullptr) return Error{ErrorCode::kUnavailable, "cannot make a directory in " + parent.string(), errno};
  Place place;
  place.directory = path;
  place.is_temporary = true;
  place.description = "in memory, gone at the end";
  if (!has_tmpfs) place.notice = "/dev/shm has no room for the data: a temporary file in " + parent.string() + " is used";
  return place;
}

bool IsWritable(const fs::path& directory) {
  std::error_code failure;
  fs::create_directories(directory, failure);
  return !failure && ::access(directory.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

Result<Place> FindPlace(const ServeOptions& options, const base::Environment& environment) {
  if (options.location) {
    if (!IsWritable(*options.location)) return Error{ErrorCode::kBadSetting, "--location " + *options.location + " cannot be made or written"};
    return Place{.directory = *options.location, .description = *options.location};
  }
  // A command under `run` looks at its own telemetry only.
  if (options.in_memory || !options.command.empty()) return InMemory(options, environment);
  std::optional<std::string> state = environment.Get("XDG_STATE_HOME");
  if (!state) {
    if (const auto home = environment.Get("HOME")) state = *home + "/.local/state";
  }
  if (state && IsWritable(fs::path(*state) / "azmon-local")) {
    const std::string directory = fs::path(*state) / "azmon-local";
    return Place{.directory = directory, .description = directory};
  }
  auto place = InMemory(options, environment);
  if (place.ok()) place->notice = "no writable home directory: --location DIR keeps the data";
  return place;
}

Result<void> WriteFileWhole(const std::string& path, std::string_view text, unsigned mode) {
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return Error{ErrorCode::kSystem, "cannot write " + temporary, errno};
  const ssize_t written = ::write(file, text.data(), text.size());
  const int failure = errno;
  ::close(file);
  if (written != static_cast<ssize_t>(text.size())) return Error{ErrorCode::kSystem, "cannot write " + temporary, failure};
  if (::rename(temporary.c_str(), path.c_str()) != 0) return Error{ErrorCode::kSystem, "cannot write " + path, errno};
  return {};
}

}  // namespace azmon::local
