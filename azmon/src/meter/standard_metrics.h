// SPDX-License-Identifier: MIT
// The standard metrics of Application Insights: durations of requests and dependencies, numbers of exceptions and traces.
//
// They are computed of every record where records are drained, sampled or not, and are what the portal's charts show. What was counted
// here is marked on the items (annotation `processed_by_metric_extractors`), so that the service does not count it again.
// Source: azure-monitor-distro contract, section 3. Pure: the caller brings records and times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "envelope/measure.h"

namespace azmon::meter {

/// Combinations of dimensions of one interval; further ones are counted under the target `_overflow`. Distro contract 3.4.
inline constexpr std::size_t kStandardMetricSeriesMax = 2000;

/// Collects one resource's metrics over an interval. One thread.
class StandardMetrics {
 public:
  /// @param role           the tag `ai.cloud.role`, "" if there is none
  /// @param role_instance  the tag `ai.cloud.roleInstance`, alike
  StandardMetrics(std::string role, std::string role_instance);

  void Add(const envelope::Measures& measures);

  /// Ends the interval and begins the next.
  /// @return OTLP Metric messages, delta temporality, each far under the limit of a record; none if nothing was counted
  std::vector<std::string> Take(base::WallTime interval_start, base::WallTime interval_end);

 private:
  enum class Metric : std::uint8_t { kRequests, kDependencies, kExceptions, kTraces };

  struct Series {
    Metric metric = Metric::kRequests;
    std::string result_code;
    std::string type;
    std::string target;
    std::string severity_level;
    bool success = true;
    bool is_synthetic = false;
    std::uint64_t count = 0;
    double sum = 0;
    double min = 0;
    double max = 0;
  };

  struct Dimensions {
    Metric metric = Metric::kRequests;
    std::string_view result_code;
    std::string_view type;
    std::string_view target;
    std::string_view severity_level;
    bool success = true;
    bool is_synthetic = false;
  };

  struct Interval {
    std::uint64_t start_nanos = 0;
    std::uint64_t end_nanos = 0;
  };

  Series& Find(Dimensions dimensions);
  /// @return nullptr if there is no such series and none may be added
  Series* Lookup(const Dimensions& dimensions, bool may_add);
  void AppendAttributes(const Series& series, std::uint32_t field, std::string& out) const;
  void AppendPoint(const Series& series, const Interval& interval, std::string& out) const;
  std::string MetricMessage(Metric metric, std::string_view points) const;

  std::string role_;
  std::string role_instance_;
  std::string key_;  ///< reused
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<Series> series_;
};

}  // namespace azmon::meter
