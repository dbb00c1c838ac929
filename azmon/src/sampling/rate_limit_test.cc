// SPDX-License-Identifier: MIT
#include "sampling/rate_limit.h"

#include <gtest/gtest.h>

#include <cmath>

namespace azmon::sampling {
namespace {

struct WorkedRun {
  double limit;
  std::int64_t gap_ns;
  int call;
  double traces;
  double window_ns;
  double percentage;
};

// The worked runs of the contract, section 2.3; the two rows with jitter have the percentages that 2.4 asks for.
constexpr WorkedRun kRuns[] = {
    {5, 1'000'000, 1, 1, 1000000, 0.5},
    {5, 1'000'000, 2, 1.990049833749168, 1990049.833749168, 0.5},
    {5, 1'000'000, 3, 2.9702485070559232, 2970248.5070559233, 0.5},
    {5, 1'000'000, 10, 9.563918789405532, 9563918.789405532, 0.5},
    {5, 1'000'000, 100, 63.528642928524604, 63528642.92852459, 0.5},
    {5, 1'000'000, 1000, 100.49627060117064, 100496270.60117061, 0.5},
    {5, 10'000'000, 1, 1, 10000000, 5},
    {5, 10'000'000, 10, 6.642532661287187, 66425326.61287187, 5},
    {5, 10'000'000, 200, 10.508331923115758, 105083319.23115757, 5},
    {0.5, 100'000'000, 1, 1, 100000000, 5},
    {0.5, 100'000'000, 10, 1.5819048852379487, 158190488.5237949, 5},
    {5, 200'000'000, 1, 1, 200000000, 100},
    {5, 200'000'000, 2, 1.1353352832366128, 227067056.64732254, 100},
    {5, 200'000'000, 3, 1.1536509221253468, 230730184.4250694, 100},
    {1, 1'000'000'000, 2, 1.0000453999297625, 1000045399.9297625, 100},
};

TEST(RateLimit, WorkedRunsOfTheContract) {
  for (const WorkedRun& run : kRuns) {
    RateLimit limit(run.limit, 0);
    double percentage = 0;
    for (int i = 1; i <= run.call; ++i) percentage = limit.NextPercentage(i * run.gap_ns);
    SCOPED_TRACE(testing::Message() << run.limit << "/s, gap " << run.gap_ns << ", call " << run.call);
    EXPECT_NEAR(limit.Now().traces, run.traces, run.traces * 1e-12);
    EXPECT_NEAR(limit.Now().window_ns, run.window_ns, run.window_ns * 1e-12);
    EXPECT_NEAR(percentage, run.percentage, run.percentage * 1e-9);
  }
}

TEST(RateLimit, FirstCallInTheTickOfConstructionIsKept) {
  RateLimit limit(5, 1000);
  EXPECT_EQ(limit.NextPercentage(1000), 100);
}

TEST(RateLimit, LimitOfNothingKeepsNothing) {
  RateLimit limit(0, 0);
  EXPECT_EQ(limit.NextPercentage(0), 0);
  EXPECT_EQ(limit.NextPercentage(1'000'000'000), 0);
}

TEST(RateLimit, ClockThatStandsStillOrGoesBackOnlyCounts) {
  RateLimit limit(5, 1000);
  limit.NextPercentage(2000);
  limit.NextPercentage(1500);
  EXPECT_EQ(limit.Now().traces, 2);
  EXPECT_EQ(limit.Now().window_ns, 1000);
}

TEST(RateLimit, RoundingGoesDownToAWholeItemCount) {
  const std::pair<double, double> table[] = {{100, 100}, {99.9, 50},  {75, 50},  {66.7, 50},        {51, 50}, {50, 50},  {49, 100.0 / 3},
                                             {40, 100.0 / 3}, {30, 25}, {25, 25}, {10, 10}, {3.3, 100.0 / 31}, {1, 1},   {0.5, 0.5}, {0, 0}};
  for (const auto& [raw, rounded] : table) EXPECT_NEAR(RoundedDown(raw), rounded, 1e-9) << raw;
}

}  // namespace
}  // namespace azmon::sampling
