// SPDX-License-Identifier: MIT
// Data points of one metric become a few series over time: what the page plots.
//
// A series has, for each step of time, count, sum, smallest, largest and last value, and percentiles where the points have buckets. Cumulative
// points become differences first, stream by stream. Pure: the store gives the points in the order of time. Used by `store` and `api`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "local/model/item.h"
#include "local/query/filter.h"
#include "local/query/time_steps.h"

namespace azmon::local {

/// Which metrics to list.
struct MetricQuery {
  std::string search;      ///< part of the name, any case; empty: all
  std::string role, i_key; ///< empty: any
  std::optional<std::int64_t> since, until;  ///< ticks; has a point in [since, until)
  std::size_t limit = 100;
};

struct MetricSummary {
  Source source = Source::kBreeze;
  std::string name, space, kind;  ///< space: the namespace of Application Insights
  std::string point;              ///< of its newest item: unit, description, temporality
  std::vector<std::string> roles; ///< in order of their names
  std::uint64_t points = 0;
  std::int64_t first = 0, last = 0;  ///< ticks
};

struct MetricList {
  std::vector<MetricSummary> metrics;  ///< by name
  std::uint64_t total = 0;             ///< that match, in the list or not
};

/// What to plot: a metric is name, source and namespace.
struct ChartQuery {
  std::string name, space;
  Source source = Source::kBreeze;
  std::string role, i_key;
  std::optional<std::int64_t> since, until;
  std::vector<Condition> where;
  /// "cloud_RoleName", "cloud_RoleInstance", a dimension, or empty: one series.
  std::string split_by;
};

struct ChartStep {
  std::uint32_t at = 0;  ///< number of the step
  double count = 0, sum = 0;
  std::optional<double> min, max, last;
  std::optional<double> p50, p95, p99;  ///< estimated inside a bucket by a straight line
};

struct ChartSeries {
  std::string name;               ///< the value that it was split by; "" if there was none
  bool is_rest = false;           ///< all further values together
  std::vector<ChartStep> steps;   ///< those with points
};

struct ChartDimension {
  std::string name;
  std::vector<std::string> values;
  bool has_more = false;
};

struct Chart {
  std::string kind, point;  ///< of the newest point
  TimeSteps steps;
  std::vector<ChartSeries> series;  ///< those with most points first
  std::size_t joined = 0;           ///< values that the rest has
  std::vector<ChartDimension> dimensions;
  std::uint64_t points = 0;         ///< read
  bool is_cut = false;              ///< there were more points than a chart reads, or more streams
};

class ChartBuilder {
 public:
  /// @param known_from  ticks; all points since then will be added: what a stream had that began later came after that, too
  ChartBuilder(TimeSteps steps, std::int64_t known_from, std::string split_by);
  ~ChartBuilder();
  ChartBuilder(const ChartBuilder&) = delete;
  ChartBuilder& operator=(const ChartBuilder&) = delete;

  /// Adds a point, none of which may be older than the one before. Points before the first step only say where cumulative values stood.
  void Add(const Item& item);
  /// The points after this one are left out.
  void Cut();
  /// Once, at the end.
  Chart Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace azmon::local
