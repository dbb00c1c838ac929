// SPDX-License-Identifier: MIT
// Files, directories and mappings of one user, on Linux.
//
// Everything is opened relative to a directory descriptor, close-on-exec, and never through a symbolic link; what belongs to somebody
// else is refused. Errors are kSystem with the errno, or kStorageFull for a full disk or quota.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace azmon::base {

/// Owns a descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { Close(); }

  int Get() const { return fd_; }
  bool IsOpen() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

/// Owns a readable and writable mapping that a forked child does not get.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)), process_(other.process_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(process_, other.process_);
    return *this;
  }
  ~Mapping();

  /// Zeros that belong to this process; pages cost memory once they are written.
  static Result<Mapping> Anonymous(std::size_t bytes);
  /// The head of a file, shared with whoever else maps it.
  static Result<Mapping> OfFile(const FileDescriptor& file, std::size_t bytes);

  char* Data() const { return data_; }
  std::size_t Bytes() const { return bytes_; }
  std::string_view View() const { return {data_, bytes_}; }

 private:
  static Result<Mapping> Make(int fd, std::size_t bytes, int flags);
  char* data_ = nullptr;
  std::size_t bytes_ = 0;
  int process_ = 0;  ///< in a forked child something else may lie at its address
};

/// Opens `path`, made with mode 0700 (its parents too) if it is missing.
/// @return kRefused if it is a symbolic link, belongs to another user, or others may write into it
Result<FileDescriptor> OpenPrivateDirectory(const std::string& path);
/// Likewise one directory below an open one. @param may_create  false: kSystem with ENOENT if it is missing
Result<FileDescriptor> OpenPrivateDirectory(const FileDescriptor& at, const std::string& name, bool may_create);

/// A new file, mode 0600; kSystem with EEXIST if there is one.
Result<FileDescriptor> CreateFile(const FileDescriptor& at, const std::string& name);
/// An existing regular file of this user; anything else is kRefused.
Result<FileDescriptor> OpenFile(const FileDescriptor& at, const std::string& name, bool for_writing);

std::uint64_t FileBytes(const FileDescriptor& file);
/// Reserves the file's first `bytes`, so that a mapping of it cannot run out of space.
Result<void> Reserve(const FileDescriptor& file, std::size_t bytes);
/// All of `bytes` at `offset`, or an error; part of it may then be written.
Result<void> WriteAt(const FileDescriptor& file, std::string_view bytes, std::uint64_t offset);
/// The whole file. @return kTooLarge if it has more than `bytes_max`
Result<std::string> ReadWhole(const FileDescriptor& file, std::size_t bytes_max);

/// Names in a directory but . and .., unordered, at most `names_max`.
std::vector<std::string> ListNames(const FileDescriptor& directory, std::size_t names_max);
/// Removes the files of a directory below `at`, then the directory. What cannot be removed stays.
void RemoveDirectory(const FileDescriptor& at, const std::string& name);

/// An exclusive flock that is free as soon as its holder is gone, whatever ends it. Does not wait.
/// @return false: somebody holds it
bool TryLock(const FileDescriptor& file);

bool IsTmpfs(const FileDescriptor& file);
/// Bytes that this user may still write to the file system.
std::uint64_t FreeBytes(const FileDescriptor& file);

/// Whether other hosts may see what lies there: NFS, SMB, 9p, Ceph and AFS. Locks may not reach from one host to another.
bool IsNetworkFileSystem(const FileDescriptor& file);

/// The least limit of this process's memory cgroup and those around it, of version 1 or 2; UINT64_MAX: none.
/// @param root  put before the absolute paths that are read, for tests
std::uint64_t CgroupMemoryBytes(const std::string& root = {});

}  // namespace azmon::base
