// SPDX-License-Identifier: MIT
#include "otlp/record.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "otlp/annotations.h"
#include "otlp/crc32c.h"
#include "otlp/wire.h"

namespace azmon::otlp {
namespace {

std::string Encoded(const RecordView& record) {
  std::string bytes;
  AppendRecord(record, bytes);
  return bytes;
}

TEST(Record, ReadsBackWhatWasAppended) {
  const std::string bytes = Encoded({.signal = Signal::kLog, .flags = kSampled | kForOtlp, .owner = 7, .annotations = "ann", .message = "message"});
  const auto record = ReadRecord(bytes + "next record");
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->signal, Signal::kLog);
  EXPECT_EQ(record->flags, kSampled | kForOtlp);
  EXPECT_EQ(record->owner, 7U);
  EXPECT_EQ(record->annotations, "ann");
  EXPECT_EQ(record->message, "message");
  EXPECT_EQ(record->Bytes(), bytes.size());
}

TEST(Record, EveryTruncationIsRefused) {
  const std::string bytes = Encoded({.signal = Signal::kSpan, .owner = 1, .annotations = "a", .message = "0123456789"});
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(ReadRecord(std::string_view(bytes).substr(0, n)).ok()) << n;
}

TEST(Record, EverySingleBitFlipIsRefused) {
  const std::string bytes = Encoded({.signal = Signal::kSpan, .flags = kSampled, .owner = 1, .annotations = "a", .message = "0123456789"});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(ReadRecord(flipped).ok()) << bit;
  }
}

TEST(Record, Crc32cOfAnyLengthIsThatOfItsBytesOneByOne) {
  std::string bytes;
  std::uint32_t one_by_one = 0;
  // Long enough for several rounds of lanes; every length, so that every rest is met.
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ASSERT_EQ(Crc32c(bytes), one_by_one) << i;
    bytes.push_back(static_cast<char>(i * 2654435761U >> 24U));
    one_by_one = Crc32c({&bytes.back(), 1}, one_by_one);
  }
}

TEST(Record, Crc32cMatchesTheVectorsOfRfc3720) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c("6789", Crc32c("12345")), 0xE3069283U);
}

TEST(Annotations, ReadBackAndSkipUnknownTags) {
  const Annotations annotations{.operation_name = "POST /orders", .sample_rate = 12.5, .processed_by_metric_extractors = true, .resource_id = 3,
                                .schema_url = "u", .items_left = 5, .lost_item = 1};
  std::string bytes("\x7f\x02xx", 4);
  AppendAnnotations(annotations, bytes);
  EXPECT_EQ(ReadAnnotations(bytes), annotations);
}

TEST(Annotations, TruncatedBytesNeverReadBeyondTheirEnd) {
  std::string bytes;
  AppendAnnotations({.operation_name = "name", .sample_rate = 50}, bytes);
  for (std::size_t n = 0; n <= bytes.size(); ++n) ReadAnnotations(std::string(bytes.substr(0, n)));
  EXPECT_EQ(ReadAnnotations(bytes.substr(0, 6)).operation_name, "name");
  EXPECT_EQ(ReadAnnotations(bytes.substr(0, 8)).sample_rate, std::nullopt);
}

TEST(Wire, LongMessagesGetAWiderLength) {
  for (const std::size_t n : {0U, 127U, 128U, 16383U, 16384U, 300000U}) {
    std::string out = "head";
    const std::size_t mark = OpenMessage(3, out);
    out.append(n, 'x');
    CloseMessage(mark, out);
    std::string expected = "head";
    AppendBytesField(3, std::string(n, 'x'), expected);
    EXPECT_EQ(out, expected) << n;
    EXPECT_EQ(out.size() - 4, FieldBytes(3, n));
  }
}

}  // namespace
}  // namespace azmon::otlp
