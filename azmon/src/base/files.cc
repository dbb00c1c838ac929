// SPDX-License-Identifier: MIT
#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <limits>
#include <memory>

#include "base/text.h"

namespace azmon::base {
namespace {

// linux/magic.h, and for SMB fs/smb/common/smb2pdu.h.
constexpr unsigned kTmpfsMagic = 0x01021994;
constexpr std::array<unsigned, 7> kNetworkMagics = {0x6969, 0x517B, 0xFF534D42, 0xFE534D42, 0x01021997, 0x00C36400, 0x5346414F};

unsigned FileSystemType(const FileDescriptor& file) {
  struct statfs status {};
  return ::fstatfs(file.Get(), &status) == 0 ? static_cast<unsigned>(status.f_type) : 0;
}

Error SystemError(std::string what) {
  const int code = errno;
  const bool is_full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return Error{.code = is_full ? ErrorCode::kStorageFull : ErrorCode::kSystem, .detail = std::move(what), .os_error = code};
}

Result<FileDescriptor> CheckDirectory(FileDescriptor directory, const std::string& name) {
  struct stat status {};
  if (::fstat(directory.Get(), &status) != 0) return SystemError(name + " cannot be looked at");
  if (status.st_uid != ::geteuid()) return Error{.code = ErrorCode::kRefused, .detail = name + " belongs to another user"};
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return Error{.code = ErrorCode::kRefused, .detail = "others may write into " + name};
  return directory;
}

Result<FileDescriptor> OpenDirectoryAt(int at, const std::string& name, bool may_create) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  FileDescriptor directory(::openat(at, name.c_str(), kFlags));
  if (!directory.IsOpen() && errno == ENOENT && may_create) {
    if (::mkdirat(at, name.c_str(), 0700) != 0 && errno != EEXIST) return SystemError(name + " cannot be made");
    directory = FileDescriptor(::openat(at, name.c_str(), kFlags));
  }
  if (!directory.IsOpen() && (errno == ELOOP || errno == ENOTDIR)) {
    return Error{.code = ErrorCode::kRefused, .detail = name + " is no directory, or a symbolic link"};
  }
  if (!directory.IsOpen()) return SystemError(name + " cannot be opened");
  return CheckDirectory(std::move(directory), name);
}

std::uint64_t NumberIn(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  file >> text;
  return ParseInteger<std::uint64_t>(text).value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

void FileDescriptor::Close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Mapping::~Mapping() {
  if (data_ != nullptr && process_ == ::getpid()) ::munmap(data_, bytes_);
}

Result<Mapping> Mapping::Make(int fd, std::size_t bytes, int flags) {
  void* const data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (data == MAP_FAILED) return SystemError("memory cannot be mapped");
  ::madvise(data, bytes, MADV_DONTFORK);
  Mapping mapping;
  mapping.data_ = static_cast<char*>(data);
  mapping.bytes_ = bytes;
  mapping.process_ = ::getpid();
  return mapping;
}

Result<Mapping> Mapping::Anonymous(std::size_t bytes) { return Make(-1, bytes, MAP_PRIVATE | MAP_ANONYMOUS); }
Result<Mapping> Mapping::OfFile(const FileDescriptor& file, std::size_t bytes) { return Make(file.Get(), bytes, MAP_SHARED); }

Result<FileDescriptor> OpenPrivateDirectory(const std::string& path) {
  // Parents may be anybody's and links, such as /var/tmp; only the last step is checked.
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    ::mkdir(path.substr(0, slash).c_str(), 0700);
  }
  return OpenDirectoryAt(AT_FDCWD, path, true);
}

Result<FileDescriptor> OpenPrivateDirectory(const FileDescriptor& at, const std::string& name, bool may_create) {
  return OpenDirectoryAt(at.Get(), name, may_create);
}

Result<FileDescriptor> CreateFile(const FileDescriptor& at, const std::string& name) {
  FileDescriptor file(::openat(at.Get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.IsOpen()) return SystemError(name + " cannot be made");
  return file;
}

Result<FileDescriptor> OpenFile(const FileDescriptor& at, const std::string& name, bool for_writing) {
  // Without O_NONBLOCK a FIFO would hold this thread until somebody writes.
  FileDescriptor file(::openat(at.Get(), name.c_str(), (for_writing ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.IsOpen()) return SystemError(name + " cannot be opened");
  struct stat status {};
  if (::fstat(file.Get(), &status) != 0) return SystemError(name + " cannot be looked at");
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) return Error{.code = ErrorCode::kRefused, .detail = name + " is no file of this user"};
  return file;
}

std::uint64_t FileBytes(const FileDescriptor& file) {
  struct stat status {};
  return ::fstat(file.Get(), &status) == 0 && status.st_size > 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<void> Reserve(const FileDescriptor& file, std::size_t bytes) {
  int code = 0;
  do {
    code = ::posix_fallocate(file.Get(), 0, static_cast<off_t>(bytes));
  } while (code == EINTR);
  if (code == 0) return {};
  errno = code;
  return SystemError("room cannot be reserved");
}

Result<void> WriteAt(const FileDescriptor& file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.Get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("a file cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::string> ReadWhole(const FileDescriptor& file, std::size_t bytes_max) {
  const std::uint64_t bytes = FileBytes(file);
  if (bytes > bytes_max) return Error{.code = ErrorCode::kTooLarge, .detail = "a file is over " + std::to_string(bytes_max) + " bytes"};
  std::string content(static_cast<std::size_t>(bytes), '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::pread(file.Get(), content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("a file cannot be read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

std::vector<std::string> ListNames(const FileDescriptor& directory, std::size_t names_max) {
  std::vector<std::string> names;
  // A descriptor of its own: fdopendir takes it and moves its offset.
  const int fd = ::openat(directory.Get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return names;
  DIR* const stream = ::fdopendir(fd);
  if (stream == nullptr) {
    ::close(fd);
    return names;
  }
  while (names.size() < names_max) {
    const dirent* const entry = ::readdir(stream);  // NOLINT: a stream of its own is safe
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(stream);
  return names;
}

void RemoveDirectory(const FileDescriptor& at, const std::string& name) {
  constexpr std::size_t kNamesMax = 100'000;
  if (const auto directory = OpenDirectoryAt(at.Get(), name, false); directory.ok()) {
    for (const std::string& file : ListNames(*directory, kNamesMax)) ::unlinkat(directory->Get(), file.c_str(), 0);
  }
  ::unlinkat(at.Get(), name.c_str(), AT_REMOVEDIR);
}

bool TryLock(const FileDescriptor& file) {
  int result = 0;
  do {
    result = ::flock(file.Get(), LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

bool IsTmpfs(const FileDescriptor& file) { return FileSystemType(file) == kTmpfsMagic; }
bool IsNetworkFileSystem(const FileDescriptor& file) { return std::ranges::find(kNetworkMagics, FileSystemType(file)) != kNetworkMagics.end(); }

std::uint64_t FreeBytes(const FileDescriptor& file) {
  struct statfs status {};
  if (::fstatfs(file.Get(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.f_bavail) * static_cast<std::uint64_t>(status.f_bsize);
}

std::uint64_t CgroupMemoryBytes(const std::string& root) {
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  const auto look = [&](const std::string& mount, std::string path, const char* name) {
    // Up to the root of what is mounted: inside a container the group's own path may not be visible, and its limit stands there.
    for (std::size_t end = path.size(); end != std::string::npos; end = path.rfind('/', end - 1)) {
      path.resize(end);
      limit = std::min(limit, NumberIn(root + mount + path + name));
      if (end == 0) break;
    }
  };
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) look("/sys/fs/cgroup", path, "/memory.max");
    if (controllers == "memory") look("/sys/fs/cgroup/memory", path, "/memory.limit_in_bytes");
  }
  return limit;
}

}  // namespace azmon::base
