// SPDX-License-Identifier: MIT
#include "services/shared/breaker.h"

#include <gtest/gtest.h>

#include "services/shared/limits.h"

namespace services {
namespace {

using namespace std::chrono_literals;
using State = CircuitBreaker::State;
using Change = CircuitBreaker::Change;

constexpr CircuitBreaker::Time kStart{1000s};

void FailUntilOpen(CircuitBreaker& breaker, CircuitBreaker::Time now) {
  for (int call = 0; call < limits::kBreakerFailures; ++call) {
    ASSERT_TRUE(breaker.Allow(now));
    EXPECT_EQ(breaker.Failed(now), call + 1 == limits::kBreakerFailures ? Change::kOpened : Change::kNone);
  }
}

TEST(CircuitBreaker, OpensAfterARowOfFailuresOnly) {
  CircuitBreaker breaker;
  for (int call = 0; call < 10 * limits::kBreakerFailures; ++call) {
    ASSERT_TRUE(breaker.Allow(kStart));
    if (call % limits::kBreakerFailures == 0) {
      breaker.Succeeded();
    } else {
      breaker.Failed(kStart);
    }
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
  breaker.Succeeded();
  FailUntilOpen(breaker, kStart);
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_FALSE(breaker.Allow(kStart + limits::kBreakerOpen - 1ms));
}

TEST(CircuitBreaker, OneProbeDecidesWhatFollows) {
  CircuitBreaker breaker;
  FailUntilOpen(breaker, kStart);
  const auto later = kStart + limits::kBreakerOpen;
  EXPECT_TRUE(breaker.Allow(later));
  EXPECT_FALSE(breaker.Allow(later));
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_EQ(breaker.Succeeded(), Change::kClosed);
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_TRUE(breaker.Allow(later));
}

TEST(CircuitBreaker, StaysOpenTwiceAsLongAfterEachFailedProbeUpToTheCap) {
  CircuitBreaker breaker;
  FailUntilOpen(breaker, kStart);
  auto now = kStart;
  auto open = limits::kBreakerOpen;
  for (int probe = 0; probe < 6; ++probe) {
    EXPECT_FALSE(breaker.Allow(now + open - 1ms)) << probe;
    now += open;
    ASSERT_TRUE(breaker.Allow(now)) << probe;
    EXPECT_EQ(breaker.Failed(now), Change::kNone);
    open = std::min(open * 2, limits::kBreakerOpenCap);
  }
}

TEST(CircuitBreaker, AProbeThatSaysNothingLetsTheNextOneThrough) {
  CircuitBreaker breaker;
  FailUntilOpen(breaker, kStart);
  ASSERT_TRUE(breaker.Allow(kStart + 1s));
  breaker.Abandoned();
  EXPECT_TRUE(breaker.Allow(kStart + 1s));
}

TEST(RetryBudget, RepetitionsAreAShareOfTheCallsAfterTheReserve) {
  RetryBudget budget;
  int repeated = 0;
  while (budget.Withdraw(kStart)) ++repeated;
  EXPECT_EQ(repeated, static_cast<int>(limits::kRetryBudgetMax));
  for (int call = 0; call < 100; ++call) budget.Deposit();
  for (repeated = 0; budget.Withdraw(kStart); ++repeated) {
  }
  EXPECT_NEAR(repeated, 100 * limits::kRetryBudgetShare, 1);
}

TEST(RetryBudget, RefillsWithTimeSoThatNobodyWaitsForEver) {
  RetryBudget budget;
  while (budget.Withdraw(kStart)) {
  }
  int repeated = 0;
  while (budget.Withdraw(kStart + 2s)) ++repeated;
  EXPECT_NEAR(repeated, 2 * limits::kRetryBudgetPerSecond, 1);
}

}  // namespace
}  // namespace services
