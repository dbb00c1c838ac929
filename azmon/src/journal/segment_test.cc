// SPDX-License-Identifier: MIT
// The bytes of format version 1: golden files that every later version must read, and damage of every kind.
#include "journal/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <span>

#include "journal/ring.h"
#include "otlp/annotations.h"

namespace azmon::journal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using Strings = std::vector<std::string>;

constexpr Hash kJournal = {'j', 'o', 'u', 'r', 'n', 'a', 'l', '-', '0', '1', '2', '3', '4', '5', '6', '7'};
const Strings kMessages = {"first message", "second", "third, which is the last one"};

std::shared_ptr<base::Mapping> Memory(std::size_t bytes) {
  auto memory = base::Mapping::Anonymous(bytes);
  EXPECT_TRUE(memory.ok());
  return std::make_shared<base::Mapping>(std::move(*memory));
}

std::string RunOf(std::span<const std::string> messages, std::uint32_t owner = 2) {
  std::string run;
  for (const std::string& message : messages) {
    otlp::AppendRecord({.signal = otlp::Signal::kSpan, .flags = otlp::kSampled | otlp::kForAzure | otlp::kForOtlp, .owner = owner, .message = message}, run);
    run.resize(Aligned(run.size()));
  }
  return run;
}

DefinitionSource Definitions() {
  static const std::map<std::uint32_t, Definition> definitions = {{1, {.bytes = DefinitionRecord(1, 0, "resource", "schema of resource")}},
                                                                  {2, {.bytes = DefinitionRecord(2, 1, "scope", ""), .resource_id = 1}}};
  return [](std::uint32_t id) -> const Definition* {
    const auto found = definitions.find(id);
    return found == definitions.end() ? nullptr : &found->second;
  };
}

/// Two blocks of records, the first with the definitions before it.
std::string MakeSegment() {
  Segment segment;
  segment.memory = Memory(4096);
  SegmentHeader header{.writer = "azmon 0.1.0", .created_ns = 1'800'000'000'000'000'000, .sequence = 7, .first_position = 100, .journal = kJournal};
  header.identities[0].fill('A');
  header.identities[1].fill('O');
  BeginSegment(segment, header);
  EXPECT_EQ(AppendRun(segment, RunOf(std::span(kMessages).first(2)), {.ring = 3, .begin = 64}, 100, kJournal, 0, Definitions()).records, 2U);
  EXPECT_EQ(AppendRun(segment, RunOf(std::span(kMessages).last(1)), {.ring = 3, .begin = 160}, 102, kJournal, 5'000'000'000, Definitions()).records, 1U);
  return std::string(segment.memory->View().substr(0, segment.written));
}

std::string MakeRing() {
  const auto memory = Memory(kRingHeaderBytes + 1024);
  Ring ring(memory, 3, kJournal, 1);
  // Positions that wrap, and two records that nobody took.
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(ring.Put({.signal = otlp::Signal::kLog, .flags = otlp::kForOtlp, .owner = 2, .message = std::string(40, 'x')}));
    ring.Consume(ring.Unread().size(), true);
  }
  for (const auto& message : std::span(kMessages).first(2)) EXPECT_TRUE(ring.Put({.signal = otlp::Signal::kSpan, .flags = otlp::kForOtlp, .owner = 2, .message = message}));
  return std::string(memory->View());
}

std::string MakeCursors() {
  alignas(8) char bytes[kCursorFileBytes];
  PutCursorHeader(bytes);
  PutCursor(0, 101, bytes);
  PutCursor(1, 99, bytes);
  PutCursor(kEndCursor, 102, bytes);
  return {bytes, sizeof bytes};
}

std::string Golden(const std::string& name, const std::string& made) {
  const std::string path = AZMON_SOURCE_DIR "/tests/golden/journal-v1/" + name;
  // Only before a version is released: from then on the files stay as they are.
  if (std::getenv("AZMON_RENEW_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << made;
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

struct Read {
  Strings messages;
  std::vector<std::uint64_t> positions;
  Strings definitions;
  std::uint64_t missing = 0;
  std::uint64_t stray = 0;
};

Read ReadAll(std::string_view bytes) {
  Read read;
  const auto header = ReadSegmentHeader(bytes);
  if (!header.ok()) return read;
  BlockReader blocks(bytes, header->journal);
  while (blocks.Next()) {
    std::uint64_t position = blocks.Header().first_position;
    std::uint32_t found = 0;
    for (RecordReader records(blocks.Payload()); records.Next();) {
      if (IsDefinition(records.Record().signal)) {
        read.definitions.emplace_back(records.Record().message);
        continue;
      }
      read.messages.emplace_back(records.Record().message);
      read.positions.push_back(position++);
      ++found;
    }
    read.missing += blocks.Header().records - found;
  }
  read.stray = blocks.StrayBytes();
  return read;
}

TEST(JournalFormat, GoldenSegmentIsWrittenAndReadAsEver) {
  const std::string golden = Golden("segment", MakeSegment());
  EXPECT_TRUE(golden == MakeSegment()) << "the bytes of version 1 are for ever";
  const auto header = ReadSegmentHeader(golden);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->writer, "azmon 0.1.0");
  EXPECT_EQ(header->created_ns, 1'800'000'000'000'000'000);
  EXPECT_EQ(header->sequence, 7U);
  EXPECT_EQ(header->first_position, 100U);
  EXPECT_EQ(header->identities[1][15], 'O');
  EXPECT_EQ(header->journal, kJournal);
  const Read read = ReadAll(golden);
  EXPECT_EQ(read.messages, kMessages);
  EXPECT_THAT(read.positions, ElementsAre(100, 101, 102));
  EXPECT_THAT(read.definitions, ElementsAre("resource", "scope"));
  EXPECT_EQ(read.stray, 0U);
  BlockReader blocks(golden, kJournal);
  ASSERT_TRUE(blocks.Next() && blocks.Next() && blocks.Next());
  EXPECT_EQ(blocks.Header().ring, 3U);
  EXPECT_EQ(blocks.Header().ring_end, 160 + RunOf(std::span(kMessages).last(1)).size());
  EXPECT_EQ(blocks.Header().age_ns, 5'000'000'000U);
}

TEST(JournalFormat, GoldenRingIsWrittenAndReadAsEver) {
  const std::string golden = Golden("ring", MakeRing());
  EXPECT_TRUE(golden == MakeRing()) << "the bytes of version 1 are for ever";
  const auto header = ReadRingHeader(golden);
  ASSERT_TRUE(header.ok());
  Strings messages;
  std::uint64_t end = 0;
  const auto each = [&](std::string_view run, std::uint64_t run_end) {
    for (RecordReader records(run); records.Next();) messages.emplace_back(records.Record().message);
    end = run_end;
  };
  EXPECT_TRUE(ReadOrphanedRing(golden, *header, {}, each));
  EXPECT_THAT(messages, ElementsAre(kMessages[0], kMessages[1]));
  messages.clear();
  EXPECT_TRUE(ReadOrphanedRing(golden, *header, {{0, end}}, each)) << "they are in a segment already";
  EXPECT_TRUE(messages.empty());
}

TEST(JournalFormat, GoldenCursorsAreWrittenAndReadAsEver) {
  const std::string golden = Golden("cursors", MakeCursors());
  EXPECT_TRUE(golden == MakeCursors()) << "the bytes of version 1 are for ever";
  const Cursors cursors = ReadCursors(golden);
  EXPECT_THAT(cursors.settled, ElementsAre(101, 99, 0, 0));
  EXPECT_EQ(cursors.end, 102U);
}

TEST(JournalFormat, LaterVersionIsToldApartFromDamage) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  PutSegmentHeader({.version = 2, .writer = "azmon 9"}, bytes.data());
  EXPECT_EQ(ReadSegmentHeader(bytes).error().code, ErrorCode::kUnsupported);
  bytes[8] = 3;
  EXPECT_EQ(ReadSegmentHeader(bytes).error().code, ErrorCode::kMalformed);
}

TEST(JournalFormat, EverySingleBitFlipOfASegmentCostsAtMostABlockAndIsNoticed) {
  const std::string whole = MakeSegment();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    if (!ReadSegmentHeader(bytes).ok()) {
      ASSERT_LT(bit, kSegmentHeaderBytes * 8);
      continue;
    }
    const Read read = ReadAll(bytes);
    for (const auto& message : read.messages) ASSERT_THAT(kMessages, Contains(message)) << "bit " << bit;
    const std::size_t lost = kMessages.size() - read.messages.size() + 2 - read.definitions.size();
    ASSERT_LE(kMessages.size() - read.messages.size(), 2U) << "bit " << bit << ": one block";
    // Padding is not covered by a checksum, and nothing depends on it.
    if (lost != 0) {
      ASSERT_GT(read.missing + read.stray + (read.definitions.size() < 2 ? 1 : 0), 0U) << "bit " << bit;
    }
  }
}

TEST(JournalFormat, EveryTruncationOfASegmentKeepsWhatLiesBeforeIt) {
  const std::string whole = MakeSegment();
  std::size_t before = 0;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const Read read = ReadAll(std::string_view(whole).substr(0, length));
    ASSERT_GE(read.messages.size(), before) << length;
    before = read.messages.size();
    for (std::size_t i = 0; i < read.messages.size(); ++i) ASSERT_EQ(read.messages[i], kMessages[i]);
  }
  EXPECT_EQ(before, kMessages.size());
}

TEST(JournalFormat, EverySingleBitFlipOfARingGivesNoRecordThatWasNotPut) {
  const std::string whole = MakeRing();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    if (bit / 8 >= 64 && bit / 8 < kRingHeadOffset) continue;  // unused
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const auto header = ReadRingHeader(bytes);
    if (!header.ok()) continue;
    (void)ReadOrphanedRing(bytes, *header, {}, [&](std::string_view run, std::uint64_t) {
      for (RecordReader records(run); records.Next();) {
        const std::string message(records.Record().message);
        ASSERT_TRUE(message == std::string(40, 'x') || message == kMessages[0] || message == kMessages[1]) << "bit " << bit;
      }
    });
  }
}

TEST(JournalFormat, BlockInsideAMessageIsNotTakenForOne) {
  // What a program puts into an attribute may look like anything, but it does not know the journal's random name.
  Hash other = kJournal;
  other[0] = 'k';
  std::string fake(kBlockHeaderBytes, '\0');
  PutBlockHeader({.records = 0, .first_position = 100}, other, fake.data());
  const Strings messages = {std::string(16, ' ') + fake};
  Segment segment;
  segment.memory = Memory(4096);
  BeginSegment(segment, {.sequence = 1, .journal = kJournal});
  ASSERT_EQ(AppendRun(segment, RunOf(messages), {}, 1, kJournal, 0, Definitions()).records, 1U);
  std::string bytes(segment.memory->View().substr(0, segment.written));
  const std::size_t header = bytes.size() - RunOf(messages).size() - kBlockHeaderBytes;
  bytes[header + 20] ^= 1;  // its real block is damaged
  EXPECT_TRUE(ReadAll(bytes).messages.empty());
}

TEST(JournalFormat, RunIsCutWhereTheSegmentIsFull) {
  Segment segment;
  segment.memory = Memory(4096);
  BeginSegment(segment, {.sequence = 1, .journal = kJournal});
  const Strings messages(10, std::string(500, 'm'));
  const std::string run = RunOf(messages);
  const Appended first = AppendRun(segment, run, {}, 1, kJournal, 0, Definitions());
  EXPECT_GT(first.records, 3U);
  EXPECT_LT(first.records, 10U);
  EXPECT_EQ(first.bytes, first.records * (run.size() / 10));
  const Appended second = AppendRun(segment, std::string_view(run).substr(first.bytes), {}, 1 + first.records, kJournal, 0, Definitions());
  EXPECT_EQ(second.bytes, 0U);
  EXPECT_GT(second.needed, 500U);
  EXPECT_EQ(ReadAll(segment.memory->View()).messages.size(), first.records);
}

TEST(JournalFormat, RecordsWithoutAScopeAndDamagedOnesAreLeftOut) {
  Segment segment;
  segment.memory = Memory(4096);
  BeginSegment(segment, {.sequence = 1, .journal = kJournal});
  std::string run = RunOf(std::span(kMessages).first(1)) + RunOf(std::span(kMessages).last(1), 99) + RunOf(std::span(kMessages).first(1));
  std::size_t taken = 0;
  std::uint32_t damaged = 0;
  std::uint64_t position = 1;
  while (taken < run.size()) {
    const Appended appended = AppendRun(segment, std::string_view(run).substr(taken), {}, position, kJournal, 0, Definitions());
    ASSERT_GT(appended.bytes, 0U);
    taken += appended.bytes;
    damaged += appended.damaged;
    position += appended.records;
  }
  EXPECT_EQ(damaged, 1U);
  EXPECT_THAT(ReadAll(segment.memory->View()).messages, ElementsAre(kMessages[0], kMessages[0]));
  run[otlp::kRecordHeaderBytes] = 'X';
  EXPECT_EQ(AppendRun(segment, run, {}, 3, kJournal, 0, Definitions()).damaged, 1U);
}

}  // namespace
}  // namespace azmon::journal
