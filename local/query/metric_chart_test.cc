// SPDX-License-Identifier: MIT
#include "local/query/metric_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "local/model/limits.h"
#include "local/model/time.h"
#include "local/query/histogram.h"

namespace azmon::local {
namespace {

using ::testing::ElementsAre;

constexpr std::int64_t kSecond = kTicksPerSecond;
constexpr TimeSteps kSteps{.from = 1'000 * kSecond, .step = 10 * kSecond, .count = 6};

Item Point(std::int64_t second, std::string kind, std::string measurements, std::string point = "") {
  Item item;
  item.source = Source::kOtlp;
  item.type = ItemType::kMetric;
  item.name = "m";
  item.role = "checkout";
  item.time = (1'000 + second) * kSecond;
  item.kind = std::move(kind);
  item.measurements = std::move(measurements);
  item.point = std::move(point);
  return item;
}

Item Value(std::int64_t second, double value, std::string kind = "gauge", std::string point = "") {
  return Point(second, std::move(kind), R"({"value":)" + std::to_string(value) + R"(,"count":1})", std::move(point));
}

std::string Cumulative(std::int64_t start_second, const std::string& more = "") {
  return R"({"temporality":"cumulative","isMonotonic":true,"start":)" + std::to_string((1'000 + start_second) * kSecond) + more + "}";
}

Chart ChartOf(const std::vector<Item>& items, const std::string& split_by = "") {
  ChartBuilder builder(kSteps, kSteps.from - 100 * kSecond, split_by);
  for (const Item& item : items) builder.Add(item);
  return builder.Finish();
}

std::vector<std::pair<std::uint32_t, double>> Sums(const ChartSeries& series) {
  std::vector<std::pair<std::uint32_t, double>> sums;
  for (const ChartStep& step : series.steps) sums.emplace_back(step.at, step.sum);
  return sums;
}

TEST(MetricChart, AGaugesStepHasItsSmallestLargestAndLastValue) {
  const Chart chart = ChartOf({Value(1, 5), Value(2, 9), Value(3, 4), Value(25, 7)});
  ASSERT_EQ(chart.series.size(), 1U);
  const auto& steps = chart.series[0].steps;
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].at, 0U);
  EXPECT_EQ(steps[0].count, 3);
  EXPECT_EQ(steps[0].sum, 18);
  EXPECT_EQ(steps[0].min, 4);
  EXPECT_EQ(steps[0].max, 9);
  EXPECT_EQ(steps[0].last, 4);
  EXPECT_EQ(steps[1].at, 2U);
  EXPECT_EQ(chart.points, 4U);
}

TEST(MetricChart, CumulativeSumsBecomeWhatWasAdded) {
  const std::string point = Cumulative(-500);
  const Chart chart = ChartOf({Value(-5, 100, "sum", point), Value(5, 103, "sum", point), Value(15, 103, "sum", point), Value(25, 110, "sum", point)});
  EXPECT_THAT(Sums(chart.series.at(0)), ElementsAre(std::pair(0U, 3.0), std::pair(1U, 0.0), std::pair(2U, 7.0)));
}

TEST(MetricChart, WhatACumulativeSumHadBeforeTheChartIsNotItsGrowth) {
  const Chart unknown = ChartOf({Value(5, 100, "sum", Cumulative(-500))});
  EXPECT_TRUE(unknown.series.empty());
  EXPECT_EQ(unknown.points, 1U);
  const Chart known = ChartOf({Value(5, 100, "sum", Cumulative(2))});
  EXPECT_THAT(Sums(known.series.at(0)), ElementsAre(std::pair(0U, 100.0)));
  const Chart shortly_before = ChartOf({Value(5, 100, "sum", Cumulative(-99))});
  EXPECT_THAT(Sums(shortly_before.series.at(0)), ElementsAre(std::pair(0U, 100.0))) << "a point before it would have been read";
}

TEST(MetricChart, AProcessThatStartsAnewCountsFromZero) {
  const Chart by_start = ChartOf({Value(5, 100, "sum", Cumulative(1)), Value(15, 120, "sum", Cumulative(11))});
  EXPECT_THAT(Sums(by_start.series.at(0)), ElementsAre(std::pair(0U, 100.0), std::pair(1U, 120.0)));
  const Chart by_value = ChartOf({Value(5, 100, "sum", Cumulative(1)), Value(15, 7, "sum", Cumulative(1))});
  EXPECT_THAT(Sums(by_value.series.at(0)), ElementsAre(std::pair(0U, 100.0), std::pair(1U, 7.0)));
}

TEST(MetricChart, StreamsOfTwoInstancesAreNotMixed) {
  Item a = Value(-5, 100, "sum", Cumulative(-500));
  Item b = Value(-4, 5000, "sum", Cumulative(-500));
  Item a2 = Value(5, 101, "sum", Cumulative(-500));
  Item b2 = Value(6, 5002, "sum", Cumulative(-500));
  b.role_instance = b2.role_instance = "2";
  EXPECT_THAT(Sums(ChartOf({a, b, a2, b2}).series.at(0)), ElementsAre(std::pair(0U, 3.0)));
}

TEST(MetricChart, TwoProcessesOfOneNameAtATimeAreTwoStreams) {
  const Chart chart = ChartOf({Value(5, 100, "sum", Cumulative(1)), Value(6, 5, "sum", Cumulative(2)), Value(15, 110, "sum", Cumulative(1)), Value(16, 7, "sum", Cumulative(2))});
  EXPECT_THAT(Sums(chart.series.at(0)), ElementsAre(std::pair(0U, 105.0), std::pair(1U, 12.0)));
}

TEST(MetricChart, ASumThatCanFallIsALevel) {
  const std::string point = R"({"temporality":"cumulative","isMonotonic":false,"start":1})";
  const Chart chart = ChartOf({Value(1, 5, "sum", point), Value(2, 3, "sum", point)});
  EXPECT_EQ(chart.series.at(0).steps.at(0).last, 3);
  EXPECT_EQ(chart.series.at(0).steps.at(0).max, 5);
}

TEST(MetricChart, DeltaSumsAreAddedUp) {
  const std::string point = R"({"temporality":"delta","isMonotonic":true})";
  EXPECT_THAT(Sums(ChartOf({Value(1, 5, "sum", point), Value(2, 3, "sum", point)}).series.at(0)), ElementsAre(std::pair(0U, 8.0)));
}

TEST(MetricChart, AHistogramHasPercentiles) {
  const std::string point = R"({"temporality":"delta","bounds":[10,20,40],"counts":[50,40,10,0]})";
  const Chart chart = ChartOf({Point(1, "histogram", R"({"value":1500,"count":100,"min":1,"max":39})", point)});
  const ChartStep& step = chart.series.at(0).steps.at(0);
  EXPECT_EQ(step.count, 100);
  EXPECT_EQ(step.sum, 1500);
  EXPECT_DOUBLE_EQ(step.p50.value(), 10);
  EXPECT_DOUBLE_EQ(step.p95.value(), 30);
  EXPECT_DOUBLE_EQ(step.p99.value(), 38);
}

TEST(MetricChart, CumulativeHistogramsBecomeWhatWasAdded) {
  const auto at = [](std::int64_t second, int count, const std::string& counts) {
    return Point(second, "histogram", R"({"value":)" + std::to_string(count * 10) + R"(,"count":)" + std::to_string(count) + R"(,"min":1,"max":100})",
                 Cumulative(-500, R"(,"bounds":[10,20],"counts":)" + counts));
  };
  const Chart chart = ChartOf({at(-5, 100, "[100,0,0]"), at(5, 110, "[100,10,0]")});
  const ChartStep& step = chart.series.at(0).steps.at(0);
  EXPECT_EQ(step.count, 10);
  EXPECT_EQ(step.sum, 100);
  EXPECT_DOUBLE_EQ(step.p50.value(), 15) << "only the new ones count";
  EXPECT_FALSE(step.max.has_value()) << "the largest of its whole life is not that of this step";
}

TEST(MetricChart, ExponentialHistogramsHavePercentilesAlsoAfterTheyGotCoarser) {
  // Scale 0: bucket i is (2^i, 2^(i+1)]; scale -1: (4^i, 4^(i+1)].
  const auto at = [](std::int64_t second, int count, const std::string& buckets) {
    return Point(second, "exponentialHistogram", R"({"value":10,"count":)" + std::to_string(count) + "}", Cumulative(-500, buckets));
  };
  const Chart chart = ChartOf({at(-5, 4, R"(,"scale":0,"zeroCount":0,"offset":0,"counts":[1,1,1,1])"),
                               at(5, 14, R"(,"scale":-1,"zeroCount":0,"offset":0,"counts":[2,2,10])")});
  const ChartStep& step = chart.series.at(0).steps.at(0);
  EXPECT_EQ(step.count, 10);
  EXPECT_DOUBLE_EQ(step.p50.value(), 16 + (64 - 16) / 2.0);
}

TEST(MetricChart, ABreezeAggregateKeepsItsCountAndItsLimits) {
  Item item = Point(1, "Aggregation", R"({"value":300,"count":3,"min":50,"max":150,"stdDev":4})");
  item.source = Source::kBreeze;
  const ChartStep step = ChartOf({item}).series.at(0).steps.at(0);
  EXPECT_EQ(step.count, 3);
  EXPECT_EQ(step.sum, 300);
  EXPECT_EQ(step.min, 50);
  EXPECT_EQ(step.max, 150);
  EXPECT_FALSE(step.p50.has_value());
}

TEST(MetricChart, SplitsByADimensionAndJoinsTheRest) {
  std::vector<Item> items;
  for (int i = 0; i < 100; ++i) {
    for (int n = 0; n <= (i < 3 ? 10 : 0); ++n) {
      Item item = Value(1, 1, "sum", R"({"temporality":"delta","isMonotonic":true})");
      item.dimensions = R"({"route":"/)" + std::to_string(i) + R"("})";
      items.push_back(item);
    }
  }
  const Chart chart = ChartOf(items, "route");
  ASSERT_EQ(chart.series.size(), limits::kChartSeriesMax + 1);
  EXPECT_EQ(chart.series[0].name.size(), 2U);
  EXPECT_TRUE(chart.series.back().is_rest);
  EXPECT_EQ(chart.joined, 100 - limits::kChartSeriesMax);
  double sum = 0;
  for (const ChartSeries& series : chart.series) sum += series.steps.at(0).sum;
  EXPECT_EQ(sum, 97 + 3 * 11) << "no point is lost by joining";
  ASSERT_EQ(chart.dimensions.size(), 1U);
  EXPECT_EQ(chart.dimensions[0].name, "route");
  EXPECT_EQ(chart.dimensions[0].values.size(), limits::kChartValuesMax);
  EXPECT_TRUE(chart.dimensions[0].has_more);
}

TEST(MetricChart, APointWithoutAValueIsNone) {
  EXPECT_EQ(ChartOf({Point(1, "gauge", "{}")}).points, 0U);
  EXPECT_EQ(ChartOf({Point(1, "gauge", "no json")}).points, 0U);
}

TEST(Histogram, QuantilesStayInsideOfWhatIsKnown) {
  Histogram open;
  open.Add(PointBuckets{.bounds = {10}, .counts = {0, 4}});
  EXPECT_EQ(open.Quantile(0.5, std::nullopt, std::nullopt), 10) << "an open end is closed by its other border";
  EXPECT_EQ(open.Quantile(0.5, 12.0, 20.0), 15);
  EXPECT_FALSE(Histogram().Quantile(0.5, std::nullopt, std::nullopt).has_value());
}

TEST(Histogram, NegativeAndZeroValuesLieBelowPositiveOnes) {
  Histogram histogram;
  histogram.Add(PointBuckets{.is_exponential = true, .zero_count = 2, .counts = {2}, .negative_counts = {2}});
  EXPECT_DOUBLE_EQ(histogram.Quantile(0.5, std::nullopt, std::nullopt).value(), 0);
  EXPECT_LT(histogram.Quantile(0.1, std::nullopt, std::nullopt).value(), -1);
  EXPECT_GT(histogram.Quantile(0.9, std::nullopt, std::nullopt).value(), 1);
}

TEST(TimeSteps, CoverTheRangeWithRoundSteps) {
  const TimeSteps hour = MakeTimeSteps(7, 7 + 3600 * kSecond, 120);
  EXPECT_EQ(hour.step, 60 * kSecond);
  EXPECT_EQ(hour.from, 0);
  EXPECT_EQ(hour.At(7), 0U);
  EXPECT_EQ(hour.At(7 + 3600 * kSecond), hour.count - 1);
  EXPECT_EQ(hour.At(-1), hour.count);
  const TimeSteps all = MakeTimeSteps(kTimeMin, kTimeMax, 120);
  EXPECT_LT(all.At(kTimeMin), all.count);
  EXPECT_LT(all.At(kTimeMax), all.count);
  EXPECT_LE(all.count, 122U);
  EXPECT_EQ(MakeTimeSteps(5, 5, 120).count, 1U);
}

}  // namespace
}  // namespace azmon::local
