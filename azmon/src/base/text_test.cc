// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <gtest/gtest.h>

namespace azmon::base {
namespace {

TEST(Text, SplitKeepsEmptyPieces) {
  EXPECT_EQ(Split("a;;b;", ';'), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(Split("", ';'), (std::vector<std::string_view>{""}));
}

TEST(Text, Base64RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(ParseBase64(Base64(bytes)), bytes) << i;
    bytes.push_back(static_cast<char>(i * 37));
  }
}

TEST(Text, Base64MatchesTheVectorsOfRfc4648) {
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
}

TEST(Text, Base64RefusesWhatIsNotBase64) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Z===", "Zm9v Zm9v", "Zm9v\n", "Zg==Zg==", "====", "Zm-v"}) EXPECT_FALSE(ParseBase64(bad)) << bad;
}

TEST(Text, HexRoundTripsAndRefusesOddLengths) {
  EXPECT_EQ(Hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(ParseHex("00FF1a"), std::string("\x00\xff\x1a", 3));
  EXPECT_FALSE(ParseHex("0"));
  EXPECT_FALSE(ParseHex("0g"));
}

TEST(Text, PercentDecodeRefusesHalfSequences) {
  EXPECT_EQ(PercentDecode("a%20b%2F"), "a b/");
  EXPECT_FALSE(PercentDecode("%2"));
  EXPECT_FALSE(PercentDecode("%zz"));
}

TEST(Text, NumbersAreReadWholeOrNotAtAll) {
  EXPECT_EQ(ParseInteger<int>("42"), 42);
  EXPECT_FALSE(ParseInteger<int>("42 "));
  EXPECT_FALSE(ParseInteger<int>(""));
  EXPECT_FALSE(ParseInteger<std::uint8_t>("256"));
  EXPECT_EQ(ParseDouble("1e3"), 1000.0);
  EXPECT_FALSE(ParseDouble("nan"));
  EXPECT_FALSE(ParseDouble("1x"));
}

}  // namespace
}  // namespace azmon::base
