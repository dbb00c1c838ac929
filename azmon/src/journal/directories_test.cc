// SPDX-License-Identifier: MIT
// Directories that fail: missing, foreign, full, read-only, without inodes, on other hosts; and a process without descriptors.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <thread>

#include "journal/journal_test_support.h"

namespace azmon::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(DurableTest, WithoutATmpfsItWorksInMemoryAndSaysSoOnce) {
  JournalOptions options = Options();
  options.ring_directories = {disk_};
  Journal journal(options);
  const auto scope = ScopeIn(journal);
  Append(journal, scope, "a");
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(20s);
    journal.Step(clock_.Now());
  }
  ASSERT_THAT(warnings_, SizeIs(1));
  EXPECT_THAT(warnings_[0], HasSubstr("AZMON_RING_DIRECTORY"));
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"a"}));
}

TEST_F(DurableTest, DirectoriesOfOthersLinksAndOpenOnesAreRefused) {
  const std::string inner = shared_ + "/azmon-" + std::to_string(::geteuid());
  const auto refused = [&](const char* why) {
    warnings_.clear();
    {
      Journal journal(Options());
      Append(journal, ScopeIn(journal), "a");
      EXPECT_EQ(Waiting(journal, kAzure), (Strings{"a"})) << why;
      EXPECT_THAT(warnings_, SizeIs(1)) << why;
    }
    fs::remove_all(inner);
  };
  fs::create_directories(shared_ + "/elsewhere");
  fs::create_directory_symlink(shared_ + "/elsewhere", inner);
  refused("a symbolic link");
  fs::create_directories(inner);
  ::chmod(inner.c_str(), 0777);
  refused("others may write");
  std::ofstream(inner) << "a file";
  refused("a file");
  if (::geteuid() == 0) {
    fs::create_directories(inner);
    ASSERT_EQ(::chown(inner.c_str(), 1, 1), 0);
    refused("another owner");
  }
  EXPECT_THAT(FilesIn(shared_), IsEmpty());
}

TEST_F(DurableTest, FilesAreReadableByTheirUserAlone) {
  Journal journal(Options());
  Append(journal, ScopeIn(journal), "a");
  clock_.Advance(6s);
  journal.Step(clock_.Now());
  int entries = 0;
  for (const auto& directory : {shared_, disk_}) {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      EXPECT_EQ(fs::status(entry).permissions() & (fs::perms::group_all | fs::perms::others_all), fs::perms::none) << entry.path();
      ++entries;
    }
  }
  EXPECT_GT(entries, 6);
}

TEST_F(DurableTest, StorageDirectoryThatIsRemovedIsMadeAgain) {
  Journal journal(Options());
  const auto scope = ScopeIn(journal);
  Append(journal, scope, "a");
  clock_.Advance(6s);
  journal.Step(clock_.Now());
  ASSERT_THAT(FilesIn(disk_), testing::Not(IsEmpty()));
  fs::remove_all(disk_);
  Append(journal, scope, "b");
  clock_.Advance(1s);
  journal.Step(clock_.Now());
  EXPECT_THAT(warnings_, SizeIs(1));
  clock_.Advance(limits::kStorageRetryInterval);
  journal.Step(clock_.Now());
  EXPECT_THAT(warnings_, SizeIs(2)) << "it works again";
  EXPECT_THAT(FilesIn(disk_), testing::Not(IsEmpty()));
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"a", "b"}));
  journal.Close(clock_.Now());
  Journal next(Options());
  next.Step(clock_.Now());
  EXPECT_EQ(Waiting(next, kAzure), (Strings{"a", "b"}));
}

TEST_F(DurableTest, SharedMemoryThatIsRemovedIsUsedAgain) {
  JournalOptions options = Options();
  options.segment_bytes = 64 * 1024;
  Journal journal(options);
  const auto scope = ScopeIn(journal);
  Append(journal, scope, "a");
  fs::remove_all(shared_);
  const auto fill = [&] {
    for (int i = 0; i < 80; ++i) Append(journal, scope, std::string(1000, 'x'));
  };
  fill();  // more than a segment
  journal.Step(clock_.Now());
  ASSERT_THAT(warnings_, SizeIs(1));
  clock_.Advance(limits::kStorageRetryInterval);
  fs::create_directories(shared_);
  fill();
  Append(journal, scope, "b");
  journal.Step(clock_.Now());
  EXPECT_THAT(warnings_, SizeIs(2)) << "it works again";
  EXPECT_THAT(FilesIn(shared_), testing::Not(IsEmpty()));
  EXPECT_THAT(Waiting(journal, kAzure), SizeIs(162));
  ExpectSumHolds(journal);
}

/// A place of its own for each mount: a mount namespace, of this thread alone.
class MountedTest : public DurableTest {
 protected:
  /// Runs `work` with a tmpfs at `path`; skips the test where that cannot be had.
  template <typename Work>
  void WithTmpfs(const std::string& path, const char* options, Work&& work) {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting a small file system needs root";
    bool is_mounted = false;
    std::thread([&] {
      is_mounted = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount("tmpfs", path.c_str(), "tmpfs", 0, options) == 0;
      if (!is_mounted) return;
      work();
      ::umount2(path.c_str(), MNT_DETACH);
    }).join();
    if (!is_mounted) GTEST_SKIP() << "no mount namespace to be had";
  }
  static void Remount(const std::string& path, unsigned long flags, const char* options) {
    ASSERT_EQ(::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | flags, options), 0) << std::strerror(errno);
  }
  void AppendMany(Journal& journal, std::uint32_t scope, int count = 400) {
    for (int i = 0; i < count; ++i) Append(journal, scope, std::to_string(i) + std::string(1000, 'x'));
  }
  void StepAfter(Journal& journal, std::chrono::milliseconds time) {
    clock_.Advance(time);
    journal.Step(clock_.Now());
  }
  /// Storage fails, says so once, loses nothing, and works again after `mend`.
  template <typename Mend>
  void ExpectMemoryUntilStorageIsMended(Journal& journal, int records, Mend&& mend) {
    for (int i = 0; i < 3; ++i) StepAfter(journal, 20s);
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("stored")));
    EXPECT_THAT(Waiting(journal, kAzure), SizeIs(records));
    EXPECT_EQ(journal.LedgerOf(kAzure).DroppedTotal(), 0U);
    mend();
    StepAfter(journal, limits::kStorageRetryInterval);
    EXPECT_THAT(warnings_, SizeIs(2)) << "it works again";
    journal.Close(clock_.Now());
    Journal next(Options());
    next.Step(clock_.Now());
    EXPECT_THAT(Waiting(next, kAzure), SizeIs(records));
    next.Close(clock_.Now());
  }
};

TEST_F(MountedTest, FullDiskKeepsWhatWaitsInMemoryUntilThereIsRoom) {
  WithTmpfs(disk_, "size=256k", [&] {
    Journal journal(Options());
    AppendMany(journal, ScopeIn(journal));
    ExpectMemoryUntilStorageIsMended(journal, 400, [&] { Remount(disk_, 0, "size=8m"); });
  });
}

TEST_F(MountedTest, DiskThatBecomesReadOnlyKeepsWhatWaitsInMemoryUntilItIsWritable) {
  WithTmpfs(disk_, "size=8m", [&] {
    Journal journal(Options());
    AppendMany(journal, ScopeIn(journal));
    Remount(disk_, MS_RDONLY, "");
    ExpectMemoryUntilStorageIsMended(journal, 400, [&] { Remount(disk_, 0, ""); });
  });
}

TEST_F(MountedTest, DiskWithoutInodesKeepsWhatWaitsInMemoryUntilThereAreSome) {
  WithTmpfs(disk_, "size=8m,nr_inodes=4", [&] {  // its root, the two directories of an identity, one of a journal
    Journal journal(Options());
    AppendMany(journal, ScopeIn(journal));
    ExpectMemoryUntilStorageIsMended(journal, 400, [&] { Remount(disk_, 0, "nr_inodes=100"); });
  });
}

TEST_F(MountedTest, ReadOnlySharedMemoryMeansPrivateMemoryUntilItIsWritable) {
  WithTmpfs(shared_, "size=32m", [&] {
    Remount(shared_, MS_RDONLY, "");
    JournalOptions options = Options();
    options.segment_bytes = 64 * 1024;
    Journal journal(options);
    const auto scope = ScopeIn(journal);
    AppendMany(journal, scope);
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("AZMON_RING_DIRECTORY")));
    Remount(shared_, 0, "");
    clock_.Advance(limits::kStorageRetryInterval);
    AppendMany(journal, scope);
    journal.Step(clock_.Now());
    EXPECT_THAT(warnings_, SizeIs(2)) << "it works again";
    EXPECT_THAT(FilesIn(shared_), testing::Not(IsEmpty()));
    EXPECT_THAT(Waiting(journal, kAzure), SizeIs(800));
    ExpectSumHolds(journal);
  });
}

TEST_F(MountedTest, SharedMemoryWithoutInodesMeansPrivateMemoryUntilThereAreSome) {
  // Its root, our directory, the journal's, lock, cursors, definitions, one ring, one segment.
  WithTmpfs(shared_, "size=32m,nr_inodes=8", [&] {
    JournalOptions options = Options();
    options.segment_bytes = 64 * 1024;
    Journal journal(options);
    const auto scope = ScopeIn(journal);
    AppendMany(journal, scope, 50);
    EXPECT_THAT(warnings_, IsEmpty());
    AppendMany(journal, scope, 150);
    for (int i = 0; i < 3; ++i) journal.Step(clock_.Now());
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("shared memory")));
    Remount(shared_, 0, "nr_inodes=100");
    clock_.Advance(limits::kStorageRetryInterval);
    AppendMany(journal, scope, 200);
    journal.Step(clock_.Now());
    EXPECT_THAT(warnings_, SizeIs(2)) << "it works again";
    EXPECT_THAT(Waiting(journal, kAzure), SizeIs(400));
    ExpectSumHolds(journal);
  });
}

/// Takes every descriptor of this process for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{.rlim_cur = 64, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC); fd >= 0; fd = ::dup(taken_.front())) taken_.push_back(fd);
  }
  ~NoDescriptors() {
    for (const int fd : taken_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

std::size_t OpenDescriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST_F(MountedTest, ProcessWithoutDescriptorsKeepsItsTelemetryInMemoryAndLeaksNone) {
  JournalOptions options = Options();
  options.segment_bytes = 64 * 1024;
  const std::size_t before = OpenDescriptors();
  {
    auto none = std::make_unique<NoDescriptors>();
    Journal journal(options);
    EXPECT_THAT(warnings_, SizeIs(2)) << "one of each directory";
    EXPECT_EQ(journal.Start().error().os_error, EMFILE);
    const auto scope = ScopeIn(journal);
    AppendMany(journal, scope);
    StepAfter(journal, 20s);
    EXPECT_THAT(Waiting(journal, kAzure), SizeIs(400));
    EXPECT_THAT(warnings_, SizeIs(2));
    none.reset();
    clock_.Advance(limits::kStorageRetryInterval);
    AppendMany(journal, scope);
    StepAfter(journal, limits::kStorageRetryInterval);
    EXPECT_THAT(warnings_, SizeIs(4)) << "both work again";
    EXPECT_THAT(FilesIn(shared_), testing::Not(IsEmpty()));
    EXPECT_THAT(FilesIn(disk_), testing::Not(IsEmpty()));
    none = std::make_unique<NoDescriptors>();
    AppendMany(journal, scope);
    StepAfter(journal, limits::kSpillInterval);
    EXPECT_THAT(warnings_, SizeIs(6)) << "both failed once more";
    none.reset();
    EXPECT_THAT(Waiting(journal, kAzure), SizeIs(1200));
    EXPECT_EQ(journal.LedgerOf(kAzure).DroppedTotal(), 0U);
    ExpectSumHolds(journal);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(MountedTest, NoMoreThanAThirtySecondOfTheCgroupsMemoryIsUsed) {
  JournalOptions options = Options();
  options.memory_limit = [] { return std::uint64_t{64} << 20; };
  Journal journal(options);
  const auto scope = ScopeIn(journal);
  for (int round = 0; round < 10; ++round) {
    AppendMany(journal, scope);
    EXPECT_LE(BytesIn(shared_), 2U << 20);
    StepAfter(journal, 1s);
  }
  EXPECT_GT(BytesIn(shared_), 1U << 20) << "but most of it";
  EXPECT_THAT(Waiting(journal, kAzure), SizeIs(4000));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(MountedTest, CgroupOfFewMegabytesMeansPrivateMemory) {
  JournalOptions options = Options();
  options.memory_limit = [] { return std::uint64_t{16} << 20; };
  Journal journal(options);
  AppendMany(journal, ScopeIn(journal));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("may be used")));
  EXPECT_THAT(FilesIn(shared_), IsEmpty());
  EXPECT_THAT(Waiting(journal, kAzure), SizeIs(400));
}

// Directories that other hosts see.

TEST_F(MountedTest, OnANetworkFileSystemAHostTakesUpItsOwnTelemetryAloneAndSaysSoOnce) {
  JournalOptions options = Options();
  options.is_shared_by_hosts = [](const base::FileDescriptor&) { return true; };
  const auto leave = [&](const char* message) {
    Journal journal(options);
    Append(journal, ScopeIn(journal), message);
    journal.Close(clock_.Now());
  };
  const auto host_directory = [&] { return FilesIn(disk_).front().parent_path().parent_path(); };
  leave("of another host");
  ASSERT_THAT(FilesIn(disk_), testing::Not(IsEmpty()));
  const fs::path own = host_directory();
  const fs::path other = own.parent_path() / "host-elsewhere";
  fs::rename(own, other);
  const auto touch = [&](std::chrono::hours age) {
    const timespec time{.tv_sec = std::chrono::duration_cast<std::chrono::seconds>((clock_.WallNow() - age).time_since_epoch()).count(), .tv_nsec = 0};
    const std::array<timespec, 2> times{time, time};
    for (const auto& entry : fs::recursive_directory_iterator(other)) ::utimensat(AT_FDCWD, entry.path().c_str(), times.data(), 0);
    ::utimensat(AT_FDCWD, other.c_str(), times.data(), 0);
  };
  touch(47h);
  leave("of this one");
  warnings_.clear();
  {
    Journal journal(options);
    StepAfter(journal, 1s);
    StepAfter(journal, limits::kAdoptionIdleInterval);
    EXPECT_EQ(Waiting(journal, kAzure), (Strings{"of this one"}));
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("network file system")));
  }
  EXPECT_TRUE(fs::exists(other)) << "it may come back";
  touch(49h);
  Journal journal(options);
  EXPECT_FALSE(fs::exists(other)) << "what it holds is too old for anybody";
}

}  // namespace
}  // namespace azmon::journal
