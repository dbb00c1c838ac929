// SPDX-License-Identifier: MIT
// Retry-After and back-off.
#include <gtest/gtest.h>

#include "deliver/backoff.h"
#include "deliver/retry_after.h"

namespace azmon::deliver {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Sun, 06 Nov 1994 08:49:37 GMT
constexpr base::WallTime kExample{seconds(784'111'777)};

struct Row {
  std::string_view value;
  std::optional<seconds> wait;  ///< asked at 37 s before kExample
};

TEST(RetryAfter, EveryFormIsReadAndClamped) {
  const std::vector<Row> rows = {
      {"1", seconds(1)},
      {" 120\t", seconds(120)},
      {"3600", seconds(3600)},
      {"3601", seconds(3600)},
      {"99999999999999999999999", seconds(3600)},
      {"0", std::nullopt},
      {"-5", std::nullopt},
      {"+5", std::nullopt},
      {"1.5", std::nullopt},
      {"soon", std::nullopt},
      {"", std::nullopt},
      {"1 2", std::nullopt},
      {"Sun, 06 Nov 1994 08:49:37 GMT", seconds(37)},
      {"Sunday, 06-Nov-94 08:49:37 GMT", seconds(37)},
      {"Sun Nov  6 08:49:37 1994", seconds(37)},
      {"Sun, 06 Nov 1994 08:48:00 GMT", std::nullopt},  // past
      {"Sun, 06 Nov 1994 08:49:00 GMT", std::nullopt},  // now
      {"Fri, 06 Nov 1996 08:49:37 GMT", seconds(3600)},
      {"Sun, 06 Nov 1994 08:49:37 CET", std::nullopt},
      {"Sun, 31 Feb 1995 08:49:37 GMT", std::nullopt},
      {"Sun, 06 Nov 1994 25:49:37 GMT", std::nullopt},
      {"Sun, 06 Nov 9999 08:49:37 GMT", std::nullopt},
      {"Sun, 06 Nov 1994 08:49:37 GMT trailing", std::nullopt},
  };
  for (const Row& row : rows) {
    const auto wait = ParseRetryAfter(row.value, kExample - seconds(37));
    EXPECT_EQ(wait.has_value(), row.wait.has_value()) << row.value;
    if (wait && row.wait) {
      EXPECT_EQ(*wait, *row.wait) << row.value;
    }
  }
}

TEST(RetryAfter, TwoDigitYearsAreTheNearestOnes) {
  const base::WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24);
  EXPECT_EQ(ParseHttpDate("Monday, 01-Jan-76 00:00:00 GMT", now), std::chrono::sys_days(std::chrono::year(2076) / 1 / 1));
  EXPECT_EQ(ParseHttpDate("Monday, 01-Jan-77 00:00:00 GMT", now), std::chrono::sys_days(std::chrono::year(1977) / 1 / 1));
}

TEST(Backoff, AzureDelaysAreTheNumbersOfTheSpecification) {
  // n: top of the range = (2^n - 1) / 2 * 10 s
  EXPECT_EQ(AzureDelay(1, 0.999), seconds(10));
  EXPECT_EQ(AzureDelay(2, 0), seconds(10));
  EXPECT_EQ(AzureDelay(2, 1), seconds(15));
  EXPECT_EQ(AzureDelay(3, 1), seconds(35));
  EXPECT_EQ(AzureDelay(3, 0.5), seconds(18));
  EXPECT_EQ(AzureDelay(9, 1), seconds(2555));
  EXPECT_EQ(AzureDelay(10, 1), seconds(3600));
  EXPECT_EQ(AzureDelay(4'000'000'000, 1), seconds(3600));
  EXPECT_EQ(AzureDelay(4'000'000'000, 0), seconds(10));
}

TEST(Backoff, OtlpDelaysGrowFromOneSecondToAMinute) {
  EXPECT_EQ(OtlpDelay(1, 0), seconds(1));
  EXPECT_EQ(OtlpDelay(1, 1), seconds(2));
  EXPECT_EQ(OtlpDelay(3, 0), seconds(4));
  EXPECT_EQ(OtlpDelay(3, 0.5), seconds(6));
  EXPECT_EQ(OtlpDelay(6, 1), seconds(60));
  EXPECT_EQ(OtlpDelay(1000, 1), seconds(60));
}

TEST(Backoff, AtMostTwelveAttemptsAMinuteGoToWhatIsDown) {
  for (const Breaker::Delay delay : {&AzureDelay, &OtlpDelay, &ConfigurationDelay}) {
    std::chrono::milliseconds elapsed{0};
    std::uint32_t attempts = 1;
    // The shortest waits that the jitter can draw.
    for (; elapsed < seconds(60); ++attempts) elapsed += delay(attempts, 0);
    EXPECT_LE(attempts, 12U);
  }
}

constexpr base::SteadyTime kStart{std::chrono::hours(1)};

TEST(Breaker, FailuresCloseTogetherCountOnce) {
  base::Random random(1);
  Breaker breaker(&AzureDelay, seconds(20));
  EXPECT_TRUE(breaker.MayAsk(kStart));
  breaker.Fail(kStart, std::nullopt, random);
  breaker.Fail(kStart + seconds(1), std::nullopt, random);
  breaker.Fail(kStart + seconds(19), std::nullopt, random);
  EXPECT_EQ(breaker.Failures(), 1U);
  breaker.Fail(kStart + seconds(20), std::nullopt, random);
  EXPECT_EQ(breaker.Failures(), 2U);
  EXPECT_FALSE(breaker.MayAsk(kStart + seconds(29)));
  breaker.Succeed();
  EXPECT_TRUE(breaker.MayAsk(kStart));
  EXPECT_EQ(breaker.Failures(), 0U);
}

TEST(Breaker, WhatThePeerAskedForReplacesTheDelay) {
  base::Random random(1);
  Breaker breaker(&AzureDelay, seconds(20));
  breaker.Fail(kStart, seconds(3), random);
  EXPECT_FALSE(breaker.MayAsk(kStart + milliseconds(2999)));
  EXPECT_TRUE(breaker.MayAsk(kStart + seconds(3)));
}

TEST(Breaker, OnlyAWaitOfOurOwnIsHurried) {
  base::Random random(1);
  Breaker own(&AzureDelay, seconds(20));
  own.Fail(kStart, std::nullopt, random);
  own.Hurry(kStart + seconds(1));
  EXPECT_TRUE(own.MayAsk(kStart + seconds(1)));
  EXPECT_TRUE(own.IsOpen());
  Breaker asked(&AzureDelay, seconds(20));
  asked.Fail(kStart, seconds(30), random);
  asked.Hurry(kStart + seconds(1));
  EXPECT_FALSE(asked.MayAsk(kStart + seconds(1)));
}

}  // namespace
}  // namespace azmon::deliver
