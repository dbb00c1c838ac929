// SPDX-License-Identifier: MIT
#include "local/model/time.h"

#include <gtest/gtest.h>

namespace azmon::local {
namespace {

TEST(Time, ReadsTheFormsThatSdksSend) {
  constexpr std::int64_t kBase = 17'000'000'000'000'000;  // 2023-11-14T22:13:20Z
  EXPECT_EQ(ParseTime("2023-11-14T22:13:20Z"), kBase);
  EXPECT_EQ(ParseTime("2023-11-14T22:13:20.5Z"), kBase + 5'000'000);
  EXPECT_EQ(ParseTime("2023-11-14T22:13:20.123456789Z"), kBase + 1'234'567);
  EXPECT_EQ(ParseTime("2023-11-14T23:13:20.0000000+01:00"), kBase);
  EXPECT_EQ(ParseTime("2023-11-14T14:13:20-0800"), kBase);
  EXPECT_EQ(ParseTime("2023-11-14 22:13:20"), kBase);
  EXPECT_EQ(ParseTime("2023-11-14"), 16'999'200'000'000'000);
}

TEST(Time, RefusesWhatIsNoDate) {
  for (const char* text : {"", "now", "2023-13-01T00:00:00Z", "2023-02-30T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:13:20.Z",
                           "2023-11-14T22:13:20Zx", "0000-01-01T00:00:00Z", "2023-11-14T", "2023-11-14T22:13:20+99:00", "20231114T221320Z"}) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

TEST(Time, WritesWhatItReads) {
  for (const char* text : {"2026-11-24T10:00:00.1234567Z", "1969-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00.0000000Z",
                           "9999-12-31T23:59:59.9999999Z"}) {
    const auto ticks = ParseTime(text);
    ASSERT_TRUE(ticks) << text;
    EXPECT_EQ(FormatTime(*ticks), text);
  }
}

TEST(TimeSpan, ReadsDaysHoursAndFractions) {
  EXPECT_EQ(ParseTimeSpan("00:00:00.100"), 1'000'000);
  EXPECT_EQ(ParseTimeSpan("1.02:03:04.0000001"), ((26LL * 3600) + 184) * kTicksPerSecond + 1);
  EXPECT_EQ(ParseTimeSpan("00:00:01"), kTicksPerSecond);
  EXPECT_EQ(ParseTimeSpan("00:01:00.0000000"), 60 * kTicksPerSecond);
  EXPECT_EQ(ParseTimeSpan("25:00:00"), 25 * 3600 * kTicksPerSecond);
  EXPECT_EQ(ParseTimeSpan("-00:00:01"), -kTicksPerSecond);
}

TEST(TimeSpan, RefusesOtherTexts) {
  for (const char* text : {"", "100", "00:00:60.000", "00:60:00", "1.24:00:00", "::", "00:00", "a.00:00:00", "00:00:00.", "00:00:00.1x",
                           "99999999999.00:00:00", "000000001:00:00"}) {
    EXPECT_EQ(ParseTimeSpan(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace azmon::local
