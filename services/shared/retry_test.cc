// SPDX-License-Identifier: MIT
#include "services/shared/retry.h"

#include <gtest/gtest.h>

namespace services {
namespace {

using namespace std::chrono_literals;
using azmon::base::WallTime;

constexpr BackOff kBackOff{500ms, 10s};
constexpr WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);

std::optional<std::chrono::milliseconds> Asked(std::string_view name, std::string_view value) {
  net::Headers headers;
  headers.Set(name, value);
  return RetryAfter(headers, kNow);
}

TEST(Retry, DelayIsFullJitterUnderADoublingCeiling) {
  EXPECT_EQ(Delay(kBackOff, 0, 0.0), 0ms);
  EXPECT_EQ(Delay(kBackOff, 0, 0.5), 250ms);
  EXPECT_EQ(Delay(kBackOff, 2, 0.5), 1000ms);
  EXPECT_EQ(Delay(kBackOff, 10, 0.5), 5000ms);
  EXPECT_EQ(Delay(kBackOff, 1000000, 0.999), 9990ms);
}

TEST(Retry, AfterIsReadInEveryForm) {
  EXPECT_EQ(Asked("Retry-After", "2"), 2000ms);
  EXPECT_EQ(Asked("Retry-After", "0"), 0ms);
  EXPECT_EQ(Asked("Retry-After", "Mon, 23 Nov 2026 00:00:07 GMT"), 7000ms);
  EXPECT_EQ(Asked("x-ms-retry-after-ms", "150"), 150ms);
  EXPECT_EQ(Asked("retry-after-ms", "150"), 150ms);
}

TEST(Retry, AfterIsClampedAndNeverNegative) {
  EXPECT_EQ(Asked("Retry-After", "18446744073709551615"), 1h);
  EXPECT_EQ(Asked("retry-after-ms", "18446744073709551615"), 1h);
  EXPECT_EQ(Asked("Retry-After", "Sat, 23 Nov 2030 00:00:00 GMT"), 1h);
  EXPECT_EQ(Asked("Retry-After", "Sun, 22 Nov 2026 00:00:00 GMT"), 0ms);
}

TEST(Retry, AfterThatCannotBeReadIsNone) {
  for (const std::string_view value : {"", "-1", "soon", "1.5", "Mon, 23 Nov 2026", "99999999999999999999999"}) {
    EXPECT_EQ(Asked("Retry-After", value), std::nullopt) << value;
  }
  EXPECT_EQ(RetryAfter(net::Headers(), kNow), std::nullopt);
}

TEST(Retry, HttpDateIsWrittenInEnglishAndReadBack) {
  EXPECT_EQ(HttpDate(kNow), "Mon, 23 Nov 2026 00:00:00 GMT");
  EXPECT_EQ(HttpDate(WallTime(951782399s)), "Mon, 28 Feb 2000 23:59:59 GMT");
  for (std::int64_t day = 0; day < 40000; day += 37) {
    const WallTime time(std::chrono::days(day) + 3661s);
    EXPECT_EQ(ParseHttpDate(HttpDate(time)), time) << day;
  }
}

TEST(Retry, OtherDatesAreNotRead) {
  for (const std::string_view text : {"Tue, 23 Nov 2026 00:00:00 GMT", "Mon, 31 Feb 2026 00:00:00 GMT", "Mon, 23 Nov 2026 24:00:00 GMT",
                                      "Mon, 23 nov 2026 00:00:00 GMT", "Mon, 23 Nov 2026 00:00:00 UTC", "Monday, 23-Nov-26 00:00:00 GMT", ""}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace services
