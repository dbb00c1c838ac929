// SPDX-License-Identifier: MIT
// A journal in directories: what outlives a process, who may have it, and what happens where the directories fail. Processes that die are
// forked and killed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "journal/format.h"
#include "journal/journal.h"

namespace azmon::journal {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using enum Destination;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Strings = std::vector<std::string>;

constexpr std::uint8_t kBoth = otlp::kSampled | otlp::kForAzure | otlp::kForOtlp;

class FakeClock final : public base::Clock {
 public:
  base::SteadyTime Now() const override { return base::SteadyTime(1000h) + passed_; }
  base::WallTime WallNow() const override { return base::WallTime(1'800'000'000s) + passed_; }
  void Advance(std::chrono::milliseconds by) { passed_ += by; }

 private:
  std::chrono::milliseconds passed_{0};
};

/// Runs `work` in a process of its own, which then dies by SIGKILL: no destructor may run, so it makes its journal with new.
template <typename Work>
void InProcessThatIsKilled(Work&& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

class DurableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory("/dev/shm")) GTEST_SKIP() << "no /dev/shm";
    const std::string name = "azmon-test-" + std::to_string(::getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    shared_ = "/dev/shm/" + name;
    disk_ = fs::temp_directory_path().string() + "/" + name;
    fs::remove_all(shared_);
    fs::remove_all(disk_);
    fs::create_directories(shared_);
    fs::create_directories(disk_);
  }
  void TearDown() override {
    if (shared_.empty()) return;
    fs::remove_all(shared_);
    fs::remove_all(disk_);
  }

  JournalOptions Options() {
    JournalOptions options;
    options.ring_directories = {shared_};
    options.storage_directories = {disk_};
    options.identities = {"https://azure.example\nkey", "https://otlp.example"};
    options.clock = &clock_;
    options.warn = [this](std::string_view line) { warnings_.emplace_back(line); };
    return options;
  }

  static std::uint32_t ScopeIn(Journal& journal, std::string_view resource = "resource") {
    return journal.AddScope(journal.AddResource(resource, "schema"), "scope", "");
  }
  static void Append(Journal& journal, std::uint32_t scope, std::string_view message, std::uint8_t flags = kBoth) {
    EXPECT_TRUE(journal.Append({.signal = otlp::Signal::kSpan, .flags = flags, .owner = scope, .message = message}).ok());
  }
  static Strings Messages(const Batch& batch) {
    Strings messages;
    for (const auto& entry : batch.entries) messages.emplace_back(entry.record.message);
    return messages;
  }
  static Strings Waiting(const Journal& journal, Destination destination) { return Messages(journal.Read(destination, 1'000'000, 1u << 30)); }
  static void Deliver(Journal& journal, Destination destination, std::size_t records = 1'000'000) {
    const Batch batch = journal.Read(destination, records, 1u << 30);
    journal.Settle(destination, batch, {.delivered = batch.entries.size()});
  }
  static void ExpectSumHolds(const Journal& journal) {
    for (const auto destination : {kAzure, kOtlp}) {
      const Ledger ledger = journal.LedgerOf(destination);
      EXPECT_EQ(ledger.accepted, ledger.delivered + ledger.DroppedTotal() + ledger.in_journal) << Name(destination);
      EXPECT_EQ(ledger.in_journal, journal.BacklogOf(destination).records) << Name(destination);
    }
  }
  static std::uint64_t Dropped(const Journal& journal, Destination destination, DropReason reason) {
    return journal.LedgerOf(destination).dropped[static_cast<std::size_t>(reason)];
  }
  /// Files below a directory but locks.
  static std::vector<fs::path> FilesIn(const std::string& directory) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file() && entry.path().filename() != "lock") files.push_back(entry.path());
    }
    return files;
  }
  static std::uint64_t BytesIn(const std::string& directory) {
    std::uint64_t bytes = 0;
    for (const auto& file : FilesIn(directory)) bytes += fs::file_size(file);
    return bytes;
  }

  FakeClock clock_;
  std::string shared_;
  std::string disk_;
  Strings warnings_;
};

TEST_F(DurableTest, WhatAKilledProcessLeftIsAdoptedWithItsOwnResource) {
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    const auto scope = ScopeIn(journal, "of the dead");
    Append(journal, scope, "a");
    Append(journal, scope, "b", otlp::kForOtlp);
  });
  Journal journal(Options());
  const auto own = ScopeIn(journal, "of the living");
  Append(journal, own, "c");
  journal.Step(clock_.Now());
  const Batch batch = journal.Read(kOtlp, 10, 1000);
  EXPECT_EQ(Messages(batch), (Strings{"c", "a", "b"}));
  EXPECT_EQ(batch.ScopeOf(batch.entries[0].record).resource.message, "of the living");
  EXPECT_EQ(batch.ScopeOf(batch.entries[1].record).resource.message, "of the dead");
  EXPECT_EQ(batch.ScopeOf(batch.entries[1].record).scope.message, "scope");
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"c", "a"}));
  EXPECT_EQ(journal.LedgerOf(kOtlp).accepted, 3U);
  ExpectSumHolds(journal);
  Deliver(journal, kOtlp);
  Deliver(journal, kAzure);
  journal.Step(clock_.Now());
  EXPECT_THAT(Waiting(journal, kOtlp), IsEmpty());
  ExpectSumHolds(journal);
  journal.Close(clock_.Now());
  EXPECT_THAT(FilesIn(shared_), IsEmpty());
  EXPECT_THAT(FilesIn(disk_), IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(DurableTest, RecordsThatNobodyTookOutOfTheirRingAreAdopted) {
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    const auto scope = ScopeIn(journal);
    ASSERT_TRUE(journal.Start().ok());
    // The journal thread dozes or is stopped in the midst of it; some of these are in segments, some in the ring.
    for (int i = 0; i < 300; ++i) Append(journal, scope, std::to_string(i));
  });
  Journal journal(Options());
  journal.Step(clock_.Now());
  Strings expected;
  for (int i = 0; i < 300; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(Waiting(journal, kAzure), expected);
  EXPECT_EQ(journal.Adopted().damaged, 0U);
}

TEST_F(DurableTest, WhatADestinationHadSettledDoesNotComeBack) {
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    const auto scope = ScopeIn(journal);
    for (const char* message : {"a", "b", "c"}) Append(journal, scope, message);
    Deliver(journal, kAzure, 2);
    const Batch batch = journal.Read(kOtlp, 10, 1000);
    Settlement settlement{.delivered = 2};
    settlement.again.push_back(batch.entries[1].record);
    journal.Settle(kOtlp, batch, settlement);
  });
  for (int life = 0; life < 2; ++life) {
    InProcessThatIsKilled([&] {
      Journal& journal = *new Journal(Options());
      journal.Step(clock_.Now());
      EXPECT_EQ(Waiting(journal, kAzure), (Strings{"c"}));
    });
  }
  Journal journal(Options());
  journal.Step(clock_.Now());
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"c"}));
  EXPECT_EQ(Waiting(journal, kOtlp), (Strings{"b"}));
  Deliver(journal, kOtlp);
  EXPECT_THAT(Waiting(journal, kOtlp), IsEmpty());
  ExpectSumHolds(journal);
}

TEST_F(DurableTest, AnotherIdentityIsLeftAlone) {
  InProcessThatIsKilled([&] {
    JournalOptions options = Options();
    options.identities[0] = "https://azure.example\nanother key";
    Journal& journal = *new Journal(options);
    Append(journal, ScopeIn(journal), "theirs");
    clock_.Advance(6s);
    journal.Step(clock_.Now());  // into the storage directory as well
  });
  const std::uint64_t before = BytesIn(shared_) + BytesIn(disk_);
  Journal journal(Options());
  journal.Step(clock_.Now());
  EXPECT_THAT(Waiting(journal, kAzure), IsEmpty());
  EXPECT_EQ(journal.Adopted().journals, 0U);
  journal.Close(clock_.Now());
  EXPECT_EQ(BytesIn(shared_) + BytesIn(disk_), before);
}

TEST_F(DurableTest, LivingSiblingIsLeftAloneAndADeadOneIsFoundLater) {
  Journal journal(Options());
  {
    Journal sibling(Options());
    Append(sibling, ScopeIn(sibling), "of a sibling");
    journal.Step(clock_.Now());
    EXPECT_THAT(Waiting(journal, kAzure), IsEmpty());
    sibling.Close(clock_.Now());
  }
  EXPECT_LE(journal.Step(clock_.Now()) - clock_.Now(), limits::kAdoptionIdleInterval) << "it looks again";
  clock_.Advance(limits::kAdoptionIdleInterval);
  journal.Step(clock_.Now());
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"of a sibling"}));
}

TEST_F(DurableTest, RemainderAtTheEndGoesToTheStorageDirectoryAndIsDeliveredByTheNextStart) {
  {
    Journal journal(Options());
    const auto scope = ScopeIn(journal);
    Append(journal, scope, "a");
    Append(journal, scope, "b");
    Deliver(journal, kAzure);
    journal.Close(clock_.Now());
    EXPECT_EQ(journal.LedgerOf(kOtlp).in_journal, 2U) << "it is not lost";
    EXPECT_EQ(journal.Append({.signal = otlp::Signal::kSpan, .flags = kBoth, .owner = scope, .message = "late"}).error().code, ErrorCode::kCancelled);
    ExpectSumHolds(journal);
  }
  EXPECT_THAT(FilesIn(shared_), IsEmpty());
  EXPECT_THAT(FilesIn(disk_), SizeIs(2)) << "a segment and the cursors";
  Journal journal(Options());
  journal.Step(clock_.Now());
  EXPECT_EQ(Waiting(journal, kOtlp), (Strings{"a", "b"}));
  EXPECT_THAT(Waiting(journal, kAzure), IsEmpty());
}

TEST_F(DurableTest, NothingTouchesTheDiskBeforeADestinationIsBehind) {
  Journal journal(Options());
  const auto scope = ScopeIn(journal);
  for (int second = 0; second < 60; ++second) {
    Append(journal, scope, "healthy");
    clock_.Advance(1s);
    Deliver(journal, kAzure);
    Deliver(journal, kOtlp);
    journal.Step(clock_.Now());
  }
  EXPECT_THAT(FilesIn(disk_), IsEmpty());
  Append(journal, scope, "waits");
  EXPECT_EQ(journal.Step(clock_.Now()), clock_.Now() + limits::kSpillAge);
  clock_.Advance(limits::kSpillAge - limits::kSpillInterval);
  journal.Step(clock_.Now());
  EXPECT_THAT(FilesIn(disk_), IsEmpty());
  clock_.Advance(limits::kSpillInterval);
  journal.Step(clock_.Now());
  EXPECT_THAT(FilesIn(disk_), testing::Not(IsEmpty()));
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"waits"}));
}

TEST_F(DurableTest, LongOutageStaysUnderTheCapAndIsReadBackFromTheDisk) {
  JournalOptions options = Options();
  options.bytes_max = 2u << 20;
  options.segment_bytes = 64 * 1024;
  Journal journal(options);
  const auto scope = ScopeIn(journal);
  int made = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 100; ++i) Append(journal, scope, std::to_string(made++) + std::string(1000, 'x'));
    clock_.Advance(1s);
    journal.Step(clock_.Now());
    EXPECT_LE(BytesIn(disk_), options.bytes_max + options.segment_bytes);
  }
  ExpectSumHolds(journal);
  const std::uint64_t dropped = Dropped(journal, kAzure, DropReason::kStorageCapacity);
  EXPECT_GT(dropped, 0U);
  const Strings waiting = Waiting(journal, kAzure);
  EXPECT_EQ(waiting.size() + dropped, static_cast<std::size_t>(made));
  for (std::size_t i = 0; i < waiting.size(); ++i) ASSERT_EQ(waiting[i], std::to_string(dropped + i) + std::string(1000, 'x'));
  Deliver(journal, kAzure);
  Deliver(journal, kOtlp);
  journal.Step(clock_.Now());
  ExpectSumHolds(journal);
  EXPECT_LE(FilesIn(disk_).size(), 2U) << "the segment that is written, and the cursors";
}

TEST_F(DurableTest, WhatWaitedFor48HoursIsGivenUpAndCounted) {
  Journal journal(Options());
  const auto scope = ScopeIn(journal);
  Append(journal, scope, "old");
  clock_.Advance(47h);
  journal.Step(clock_.Now());
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"old"}));
  clock_.Advance(1h);
  journal.Step(clock_.Now());
  EXPECT_THAT(Waiting(journal, kAzure), IsEmpty());
  EXPECT_EQ(Dropped(journal, kAzure, DropReason::kExpired), 1U);
  ExpectSumHolds(journal);
}

TEST_F(DurableTest, WhatWasAdoptedAgesWhileNobodyLives) {
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    Append(journal, ScopeIn(journal), "old");
  });
  clock_.Advance(48h);
  Journal journal(Options());
  journal.Step(clock_.Now());
  journal.Step(clock_.Now());
  EXPECT_EQ(Dropped(journal, kAzure, DropReason::kExpired), 1U);
  ExpectSumHolds(journal);
}

TEST_F(DurableTest, ForkedChildHasAJournalOfItsOwnWhichIsAdoptedWhenItEnds) {
  Journal journal(Options());
  const auto scope = ScopeIn(journal);
  Append(journal, scope, "of the parent");
  InProcessThatIsKilled([&] {
    Append(journal, scope, "of the child");
    EXPECT_EQ(journal.LedgerOf(kAzure).accepted, 1U);
  });
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"of the parent"}));
  journal.Step(clock_.Now());
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"of the parent", "of the child"}));
  ExpectSumHolds(journal);
}

TEST_F(DurableTest, ThreadsThatComeAndGoShareFewRings) {
  Journal journal(Options());
  const auto scope = ScopeIn(journal);
  for (int i = 0; i < 200; ++i) std::thread([&] { Append(journal, scope, "x"); }).join();
  EXPECT_THAT(Waiting(journal, kAzure), SizeIs(200));
  int rings = 0;
  for (const auto& file : FilesIn(shared_)) rings += file.filename().string().starts_with("ring-") ? 1 : 0;
  EXPECT_LE(rings, 2);
}

TEST_F(DurableTest, FullRingDropsTheNewRecordAndCountsIt) {
  JournalOptions options = Options();
  options.storage_directories.clear();
  options.ring_bytes = 4096;
  Journal journal(options);
  const auto scope = ScopeIn(journal);
  ASSERT_TRUE(journal.Start().ok());
  std::uint64_t refused = 0;
  for (int i = 0; i < 200'000; ++i) {
    refused += journal.Append({.signal = otlp::Signal::kSpan, .flags = kBoth, .owner = scope, .message = "a message that fills rings"}).ok() ? 0 : 1;
  }
  const Ledger ledger = journal.LedgerOf(kAzure);
  EXPECT_EQ(ledger.accepted, 200'000U);
  EXPECT_EQ(ledger.dropped[static_cast<std::size_t>(DropReason::kBufferFull)], refused);
  ExpectSumHolds(journal);
}

// Directories that fail.

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

TEST_F(DurableTest, FullDiskKeepsWhatWaitsInMemoryUntilThereIsRoom) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a small file system needs root";
  std::thread([&] {  // a mount namespace of its own; the thread's alone
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=256k") != 0) {
      warnings_.emplace_back("skip");
      return;
    }
    Journal journal(Options());
    const auto scope = ScopeIn(journal);
    for (int i = 0; i < 400; ++i) Append(journal, scope, std::to_string(i) + std::string(1000, 'x'));
    for (int i = 0; i < 3; ++i) {
      clock_.Advance(20s);
      journal.Step(clock_.Now());
    }
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("stored")));
    EXPECT_THAT(Waiting(journal, kAzure), SizeIs(400));
    EXPECT_EQ(journal.LedgerOf(kAzure).DroppedTotal(), 0U);
    EXPECT_EQ(::mount(nullptr, disk_.c_str(), nullptr, MS_REMOUNT, "size=8m"), 0);
    clock_.Advance(20s);
    journal.Step(clock_.Now());
    EXPECT_THAT(warnings_, SizeIs(2)) << "it works again";
    journal.Close(clock_.Now());
    Journal next(Options());
    next.Step(clock_.Now());
    EXPECT_THAT(Waiting(next, kAzure), SizeIs(400));
    next.Close(clock_.Now());
    ::umount(disk_.c_str());
  }).join();
  if (!warnings_.empty() && warnings_[0] == "skip") GTEST_SKIP() << "no mount namespace to be had";
}

// Files that are damaged or strange.

TEST_F(DurableTest, LaterFormatsAreLeftUntouchedAndReported) {
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    Append(journal, ScopeIn(journal), "a");
  });
  fs::path directory;
  for (const auto& file : FilesIn(shared_)) directory = file.parent_path();
  ASSERT_FALSE(directory.empty());
  SegmentHeader header{.version = kFormatVersion + 1, .writer = "azmon 9.0.0", .sequence = 77};
  std::string bytes(kSegmentHeaderBytes, '\0');
  PutSegmentHeader(header, bytes.data());
  std::ofstream(directory / "seg-0000000077", std::ios::binary) << bytes;
  {
    Journal journal(Options());
    journal.Step(clock_.Now());
    EXPECT_EQ(Waiting(journal, kAzure), (Strings{"a"})) << "the rest is delivered";
    EXPECT_EQ(journal.Adopted().newer, 1U);
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("later version")));
    Deliver(journal, kAzure);
    Deliver(journal, kOtlp);
  }
  EXPECT_EQ(fs::file_size(directory / "seg-0000000077"), bytes.size());
}

TEST_F(DurableTest, FilesWithoutAHeaderGoToAQuarantineOfBoundedSize) {
  for (int life = 0; life < 3; ++life) {
    InProcessThatIsKilled([&] {
      Journal& journal = *new Journal(Options());
      Append(journal, ScopeIn(journal), "a");
    });
    for (const auto& file : FilesIn(shared_)) {
      if (!file.filename().string().starts_with("seg-") || file.parent_path().filename() == "quarantine") continue;
      std::ofstream(file, std::ios::binary) << std::string(700 * 1024, 'z');
    }
    Journal journal(Options());
    journal.Step(clock_.Now());
    EXPECT_EQ(journal.Adopted().quarantined, 1U);
    clock_.Advance(1s);
  }
  std::uint64_t held = 0;
  for (const auto& file : FilesIn(shared_)) held += file.parent_path().filename() == "quarantine" ? fs::file_size(file) : 0;
  EXPECT_EQ(held, 700U * 1024U) << "one fits under the limit";
}

TEST_F(DurableTest, StrangeNamesDoNotDisturb) {
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    Append(journal, ScopeIn(journal), "a");
  });
  fs::path directory;
  for (const auto& file : FilesIn(shared_)) directory = file.parent_path();
  ASSERT_FALSE(directory.empty());
  fs::create_directory(directory / "seg-0000000090");
  ASSERT_EQ(::mkfifo((directory / "seg-0000000091").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((directory / "ring-92").c_str(), 0600), 0);
  fs::create_symlink("/etc/passwd", directory / "def-93");
  std::ofstream(directory / "seg-0000000094");
  for (int i = 0; i < 10'000; ++i) std::ofstream(directory.parent_path() / ("foreign-" + std::to_string(i)));
  Journal journal(Options());
  journal.Step(clock_.Now());
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"a"}));
}

TEST_F(DurableTest, DamagedFilesOfADeadProcessNeverGiveARecordThatWasNotWrittenAndAreCounted) {
  const Strings made = {"first message", "second message", "third message"};
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    const auto scope = ScopeIn(journal);
    for (const auto& message : made) Append(journal, scope, message);
  });
  // The bytes that mean something, of every file but the empty ends.
  std::map<fs::path, std::string> originals;
  for (const auto& file : FilesIn(shared_)) {
    std::ifstream stream(file, std::ios::binary);
    originals[file] = {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  fs::path directory = originals.begin()->first.parent_path();
  int lost_somewhere = 0;
  const auto check = [&](const fs::path& damaged, const std::string& bytes) {
    fs::create_directories(directory);
    fs::permissions(directory, fs::perms::owner_all);
    std::ofstream(directory / "lock");
    for (const auto& [path, content] : originals) {
      const std::string& now = path == damaged ? bytes : content;
      std::ofstream stream(path, std::ios::binary);
      stream.write(now.data(), static_cast<std::streamsize>(std::min<std::size_t>(now.size(), 8192)));
      stream.close();
      fs::resize_file(path, now.size());
    }
    JournalOptions options = Options();
    options.storage_directories.clear();
    Journal journal(options);
    journal.Step(clock_.Now());
    const Strings found = Waiting(journal, kAzure);
    for (const auto& message : found) ASSERT_THAT(made, Contains(message)) << damaged;
    const AdoptionCounts counts = journal.Adopted();
    if (found.size() < made.size()) {
      ++lost_somewhere;
      ASSERT_GT(counts.damaged + counts.quarantined + counts.newer, 0U) << damaged << ": a loss that nobody counted";
    }
    ExpectSumHolds(journal);
    Deliver(journal, kAzure);
    Deliver(journal, kOtlp);
    journal.Close(clock_.Now());
    fs::remove_all(shared_);
    fs::create_directories(shared_);
  };
  for (const auto& [path, content] : originals) {
    const std::size_t meaning = std::min<std::size_t>(content.find_last_not_of('\0') + 1, 4096);
    if (path.filename().string().starts_with("ring-")) continue;  // it is empty: its records are in the segment
    // Every bit and every length is covered in segment_test.cc; through files some of them.
    for (std::size_t bit = 0; bit < meaning * 8; bit += 37) {
      std::string bytes = content;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      check(path, bytes);
    }
    for (std::size_t length = 0; length < meaning; length += 29) check(path, content.substr(0, length));
  }
  EXPECT_GT(lost_somewhere, 0) << "the test damages what matters";
}

}  // namespace
}  // namespace azmon::journal
