// SPDX-License-Identifier: MIT
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace azmon::base {
namespace {

TEST(Utf8, RefusesOverlongSurrogateAndTooHigh) {
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80", "\xE2\x82"}) {
    EXPECT_EQ(Utf8SequenceLength(bad), 0U) << bad;
  }
  EXPECT_EQ(Utf8SequenceLength("a"), 1U);
  EXPECT_EQ(Utf8SequenceLength("é"), 2U);
  EXPECT_EQ(Utf8SequenceLength("€"), 3U);
  EXPECT_EQ(Utf8SequenceLength("😀"), 4U);
}

TEST(Utf8, CutByBytesNeverEndsInsideACodePoint) {
  const std::string text = "a€😀é";
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const std::string_view cut = CutUtf8Bytes(text, n);
    EXPECT_LE(cut.size(), n);
    EXPECT_GT(cut.size() + 4, n);
    for (std::size_t i = 0; i < cut.size();) {
      const std::size_t length = Utf8SequenceLength(cut.substr(i));
      ASSERT_NE(length, 0U) << "at " << n;
      i += length;
    }
  }
}

TEST(Utf8, CutByUnitsCountsAstralCodePointsTwice) {
  EXPECT_EQ(CutUtf16Units("ab😀c", 3), "ab");
  EXPECT_EQ(CutUtf16Units("ab😀c", 4), "ab😀");
  EXPECT_EQ(CutUtf16Units("€€€", 2), "€€");
  EXPECT_EQ(CutUtf16Units("abc", 3), "abc");
}

TEST(Utf8, RepairReplacesEachWrongByteAndNothingElse) {
  const auto repaired = [](std::string_view text) {
    std::string out = ">";
    AppendValidUtf8(text, out);
    return out.substr(1);
  };
  for (const std::string_view valid : {"", "abc", "é€😀", "a\xEF\xBF\xBD"}) {
    EXPECT_TRUE(IsUtf8(valid));
    EXPECT_EQ(repaired(valid), valid);
  }
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"a\xFFz", "a\uFFFDz"}, {"\xE2\x82", "\uFFFD\uFFFD"}, {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"}, {"\xC0\xAF\xE2\x82\xAC", "\uFFFD\uFFFD€"}};
  for (const auto& [text, expected] : wrong) {
    EXPECT_FALSE(IsUtf8(text));
    EXPECT_EQ(repaired(text), expected);
  }
}

}  // namespace
}  // namespace azmon::base
