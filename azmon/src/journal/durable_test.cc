// SPDX-License-Identifier: MIT
// A journal in directories: what outlives a process, and who may have it. Processes that die are forked and killed.
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <thread>

#include "journal/format.h"
#include "journal/journal_test_support.h"
#include "journal/store.h"

namespace azmon::journal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

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

TEST_F(DurableTest, KillBetweenMakingASegmentAndItsFirstByteLosesNothingOfTheRings) {
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(Options());
    const auto scope = ScopeIn(journal);
    for (const char* message : {"a", "b"}) Append(journal, scope, message);
  });
  // As that kill leaves it: the records in their ring, the segment's file all zeros.
  for (const fs::path& file : FilesIn(shared_)) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    if (file.filename().string().starts_with(kRingPrefix)) {
      bytes.seekp(kRingTailOffset).write("\0\0\0\0\0\0\0", 8);
    } else if (file.filename().string().starts_with(kSegmentPrefix)) {
      bytes << std::string(fs::file_size(file), '\0');
    }
  }
  Journal journal(Options());
  journal.Step(clock_.Now());
  EXPECT_EQ(Waiting(journal, kAzure), (Strings{"a", "b"}));
  EXPECT_EQ(Waiting(journal, kOtlp), (Strings{"a", "b"}));
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

std::string Content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Counts what an adopter would find, also while files come, grow and go.
std::size_t RecordsInSegments(const std::string& directory) {
  std::size_t records = 0;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(directory, error); !error && entry != fs::end(entry); entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(kSegmentPrefix)) continue;
    const std::string content = Content(entry->path());
    const auto header = ReadSegmentHeader(content);
    if (!header.ok()) continue;
    for (BlockReader blocks(content, header->journal); blocks.Next();) records += blocks.Header().records;
  }
  return records;
}

TEST_F(DurableTest, WithoutATmpfsWhatTheJournalThreadTookOutlivesTheProcessInTheStorageDirectory) {
  JournalOptions options = Options();
  options.ring_directories = {disk_};
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(options);
    const auto scope = ScopeIn(journal);
    ASSERT_TRUE(journal.Start().ok());
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    for (int i = 0; i < 200; ++i) Append(journal, scope, std::to_string(i) + std::string(1000, 'x'));
    // Whole blocks: a kill in the middle of a write leaves a part of one, which is what the drain under way may lose.
    while (RecordsInSegments(disk_) < 200 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  });
  Journal journal(options);
  journal.Step(clock_.Now());
  EXPECT_THAT(Waiting(journal, kAzure), SizeIs(200));
  EXPECT_EQ(journal.Adopted().damaged, 0U);
}

/// Three segments of 64 KiB and the ring that still holds the bytes of all their records: what a kill leaves, but for the test's changes.
class HeldRingTest : public DurableTest {
 protected:
  static constexpr int kRecords = 160;

  void LeaveThreeSegments() {
    JournalOptions options = Options();
    options.segment_bytes = 64 * 1024;
    InProcessThatIsKilled([&] {
      Journal& journal = *new Journal(options);
      const auto scope = ScopeIn(journal);
      for (int i = 0; i < kRecords; ++i) Append(journal, scope, std::to_string(i) + std::string(1000, 'x'));
    });
    directory_.clear();
    for (const auto& file : FilesIn(shared_)) directory_ = file.parent_path();
    ASSERT_TRUE(fs::exists(Segment(3)) && !fs::exists(Segment(4)) && fs::exists(directory_ / "ring-1"));
    BlockReader blocks(middle_ = Content(Segment(2)), ReadSegmentHeader(Content(Segment(2)))->journal);
    begin_ = first_ = 0;
    while (blocks.Next()) {
      if (blocks.Header().ring == 0) continue;
      if (begin_ == 0) begin_ = blocks.Header().ring_end - blocks.Header().payload_bytes;
      first_ = first_ == 0 ? blocks.Header().first_position : first_;
      whole_ = blocks.End();
    }
    ASSERT_GT(begin_, 0U);
    // From there on the ring held what it had given.
    std::fstream ring(directory_ / "ring-1", std::ios::in | std::ios::out | std::ios::binary);
    ring.seekp(kRingTailOffset).write(reinterpret_cast<const char*>(&begin_), sizeof begin_);
  }
  fs::path Segment(int number) const { return directory_ / ("seg-000000000" + std::to_string(number)); }
  /// The position that the journal gave as the end of what is in segments that outlive it.
  void SetEnd(std::uint64_t position) {
    std::string cursors = Content(directory_ / "cursors");
    PutCursor(kEndCursor, position, cursors.data());
    std::ofstream(directory_ / "cursors", std::ios::binary) << cursors;
  }
  /// The copy of the second segment in the storage directory, as far as it was written.
  void PutIntoStorage(std::size_t bytes) {
    const std::string name = directory_.filename().string();
    const fs::path stored = fs::path(disk_) / ("Microsoft-AzureMonitor-" + name.substr(0, name.rfind('-'))) / "opentelemetry-cpp" / name.substr(name.rfind('-') + 1);
    fs::create_directories(stored);
    for (fs::path path = stored; path != disk_; path = path.parent_path()) fs::permissions(path, fs::perms::owner_all);
    std::ofstream(stored / "lock");
    std::ofstream(stored / Segment(2).filename(), std::ios::binary) << middle_.substr(0, bytes);
  }
  void ExpectEachOnce(const std::string& what) {
    Journal journal(Options());
    journal.Step(clock_.Now());
    Strings numbers = Waiting(journal, kAzure);
    for (auto& message : numbers) message.resize(message.find('x'));
    std::ranges::sort(numbers);
    Strings wanted;
    for (int i = 0; i < kRecords; ++i) wanted.push_back(std::to_string(i));
    std::ranges::sort(wanted);
    EXPECT_EQ(numbers, wanted) << what;
    EXPECT_EQ(journal.Adopted().damaged, 0U) << what;
    Deliver(journal, kAzure);
    Deliver(journal, kOtlp);
    journal.Close(clock_.Now());
    EXPECT_THAT(FilesIn(shared_), IsEmpty());
    EXPECT_THAT(FilesIn(disk_), IsEmpty());
  }

  fs::path directory_;
  std::string middle_;       ///< bytes of the second segment
  std::size_t whole_ = 0;    ///< so many of them mean something
  std::uint64_t begin_ = 0;  ///< position in the ring of its first record
  Position first_ = 0;       ///< of its first record
};

TEST_F(HeldRingTest, WhatLayInPrivateMemoryAtTheEndIsAdoptedFromItsRing) {
  LeaveThreeSegments();
  fs::remove(Segment(2));
  fs::remove(Segment(3));
  SetEnd(first_ - 1);
  ExpectEachOnce("the last two in private memory");
}

TEST_F(HeldRingTest, WhatLayInPrivateMemoryBeforeASegmentInSharedMemoryIsAdoptedFromItsRing) {
  LeaveThreeSegments();
  fs::remove(Segment(2));
  ExpectEachOnce("the second of three in private memory");
}

TEST_F(HeldRingTest, CopyInStorageThatAKillCutOffIsCompletedFromTheRingAndAWholeOneNotRepeated) {
  for (const int quarters : {0, 1, 2, 4}) {
    for (const std::size_t less : {0U, 8U}) {
      LeaveThreeSegments();
      const std::size_t bytes = whole_ * quarters / 4;
      PutIntoStorage(bytes - std::min(bytes, less));
      fs::remove(Segment(2));
      ExpectEachOnce(std::to_string(bytes) + " bytes of it stored, less " + std::to_string(less));
    }
  }
}

TEST_F(DurableTest, ThreadWhoseRingOverflowedGetsALargerOneThatOutlivesTheProcess) {
  JournalOptions options = Options();
  options.ring_bytes = 4096;
  int made = 0;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(options);
    const auto scope = ScopeIn(journal);
    ASSERT_TRUE(journal.Start().ok());
    const auto has_larger = [&] {
      const auto files = FilesIn(shared_);
      return std::ranges::any_of(files, [](const fs::path& file) { return file.filename().string().starts_with("ring-") && fs::file_size(file) == 4 * 4096 + 4096; });
    };
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (!has_larger() && std::chrono::steady_clock::now() < give_up) {
      for (int i = 0; i < 1000; ++i) (void)journal.Append({.signal = otlp::Signal::kSpan, .flags = otlp::kForMeter, .owner = scope, .message = "fills the ring"});
    }
    // A burst that needs more than the first ring, and is put into the second.
    int kept = 0;
    for (int i = 0; i < 200; ++i) {
      kept += journal.Append({.signal = otlp::Signal::kSpan, .flags = kBoth, .owner = scope, .message = "x"}).ok() ? 1 : 0;
    }
    ASSERT_EQ(::write(pipe[1], &kept, sizeof kept), static_cast<ssize_t>(sizeof kept));
  });
  ASSERT_EQ(::read(pipe[0], &made, sizeof made), static_cast<ssize_t>(sizeof made));
  ::close(pipe[0]);
  ::close(pipe[1]);
  std::uint64_t largest = 0;
  for (const auto& file : FilesIn(shared_)) largest = std::max<std::uint64_t>(largest, file.filename().string().starts_with("ring-") ? fs::file_size(file) : 0);
  EXPECT_EQ(largest, 4U * 4096U + 4096U) << "behind its header four times the size";
  Journal journal(Options());
  journal.Step(clock_.Now());
  EXPECT_THAT(Waiting(journal, kAzure), SizeIs(made));
  EXPECT_EQ(journal.Adopted().damaged, 0U);
}

// Journals of others.

TEST_F(DurableTest, WhatNobodyComesForIsRemovedAfter48HoursAndTold) {
  JournalOptions theirs = Options();
  theirs.identities[0] = "https://azure.example\nanother key";
  InProcessThatIsKilled([&] {
    Journal& journal = *new Journal(theirs);
    Append(journal, ScopeIn(journal), "of the dead");
  });
  const std::uint64_t before = BytesIn(shared_);
  Journal journal(Options());
  journal.Step(clock_.Now());
  const auto later = [&](std::chrono::hours time) {
    clock_.Advance(time);
    Append(journal, ScopeIn(journal), "traffic");
    journal.Step(clock_.Now());
  };
  later(47h);
  EXPECT_GE(BytesIn(shared_), before) << "its program may start again";
  EXPECT_EQ(journal.Adopted().forgotten, 0U);
  EXPECT_THAT(warnings_, IsEmpty());
  later(1h);
  EXPECT_EQ(journal.Adopted().forgotten, 1U);
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("nobody came")));
  Journal next(theirs);
  next.Step(clock_.Now());
  EXPECT_THAT(Waiting(next, kAzure), IsEmpty());
}

TEST_F(DurableTest, LivingJournalOfAnotherIdentityIsLeftAloneHoweverOld) {
  JournalOptions theirs = Options();
  theirs.identities[0] = "https://azure.example\nanother key";
  Journal living(theirs);
  Append(living, ScopeIn(living), "theirs");
  Journal journal(Options());
  for (int i = 0; i < 5; ++i) {
    Append(journal, ScopeIn(journal), "traffic");
    journal.Step(clock_.Now());
    clock_.Advance(24h);
  }
  EXPECT_EQ(journal.Adopted().forgotten, 0U);
  EXPECT_EQ(Waiting(living, kAzure), (Strings{"theirs"}));
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
