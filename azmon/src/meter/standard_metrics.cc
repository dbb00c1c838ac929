// SPDX-License-Identifier: MIT
#include "meter/standard_metrics.h"

#include <algorithm>
#include <array>
#include <utility>

#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::meter {
namespace {

constexpr std::array<std::string_view, 4> kNames{"requests/duration", "dependencies/duration", "exceptions/count", "traces/count"};
constexpr std::string_view kOverflowTarget = "_overflow";
/// Bytes of one metric's points before another message is begun.
constexpr std::size_t kMessageBytes = 256 * 1024;

void AppendAttribute(std::uint32_t field, std::string_view key, std::string_view text, std::string& out) {
  const std::size_t value_bytes = otlp::FieldBytes(otlp::any_value::kString, text.size());
  otlp::AppendFieldHead(field, otlp::FieldBytes(otlp::key_value::kKey, key.size()) + otlp::FieldBytes(otlp::key_value::kValue, value_bytes), out);
  otlp::AppendBytesField(otlp::key_value::kKey, key, out);
  otlp::AppendFieldHead(otlp::key_value::kValue, value_bytes, out);
  otlp::AppendBytesField(otlp::any_value::kString, text, out);
}

std::string_view TrueOrFalse(bool value) { return value ? "True" : "False"; }

std::uint64_t Nanos(base::WallTime time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

}  // namespace

StandardMetrics::StandardMetrics(std::string role, std::string role_instance)
    : role_(std::move(role)), role_instance_(std::move(role_instance)) {}

void StandardMetrics::Add(const envelope::Measures& measures) {
  using Duration = envelope::Measures::Duration;
  if (measures.duration != Duration::kNone) {
    const bool is_request = measures.duration == Duration::kRequest;
    Series& series = Find({.metric = is_request ? Metric::kRequests : Metric::kDependencies,
                           .result_code = measures.result_code,
                           .type = measures.type,
                           .target = measures.target,
                           .success = measures.success,
                           .is_synthetic = measures.is_synthetic});
    series.min = series.count == 0 ? measures.duration_ms : std::min(series.min, measures.duration_ms);
    series.max = series.count == 0 ? measures.duration_ms : std::max(series.max, measures.duration_ms);
    series.sum += measures.duration_ms;
    ++series.count;
  }
  if (measures.exceptions > 0) {
    Find({.metric = Metric::kExceptions, .is_synthetic = measures.is_synthetic}).count += measures.exceptions;
  }
  if (measures.traces > 0) {
    Find({.metric = Metric::kTraces, .severity_level = measures.severity_level, .is_synthetic = measures.is_synthetic}).count += measures.traces;
  }
}

StandardMetrics::Series& StandardMetrics::Find(Dimensions dimensions) {
  if (Series* series = Lookup(dimensions, series_.size() < kStandardMetricSeriesMax)) return *series;
  // Full: first the target goes, which has the most values; then everything that a program can make up without end.
  constexpr std::size_t kReserve = kStandardMetricSeriesMax / 10;
  if (dimensions.metric == Metric::kDependencies) dimensions.target = kOverflowTarget;
  if (Series* series = Lookup(dimensions, series_.size() < kStandardMetricSeriesMax + kReserve)) return *series;
  dimensions.result_code = {};
  dimensions.type = {};
  dimensions.severity_level = {};
  return *Lookup(dimensions, true);
}

StandardMetrics::Series* StandardMetrics::Lookup(const Dimensions& dimensions, bool may_add) {
  key_.clear();
  key_.push_back(static_cast<char>(dimensions.metric));
  key_.push_back(dimensions.success ? '1' : '0');
  key_.push_back(dimensions.is_synthetic ? '1' : '0');
  for (const std::string_view text : {dimensions.result_code, dimensions.type, dimensions.target, dimensions.severity_level}) {
    otlp::AppendVarint(text.size(), key_);
    key_.append(text);
  }
  if (const auto found = places_.find(key_); found != places_.end()) return &series_[found->second];
  if (!may_add) return nullptr;
  places_.emplace(key_, series_.size());
  Series& series = series_.emplace_back();
  series.metric = dimensions.metric;
  series.result_code = dimensions.result_code;
  series.type = dimensions.type;
  series.target = dimensions.target;
  series.severity_level = dimensions.severity_level;
  series.success = dimensions.success;
  series.is_synthetic = dimensions.is_synthetic;
  return &series;
}

void StandardMetrics::AppendAttributes(const Series& series, std::uint32_t field, std::string& out) const {
  const auto add = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) AppendAttribute(field, key, text, out);
  };
  add("_MS.MetricId", kNames[static_cast<std::size_t>(series.metric)]);
  add("_MS.IsAutocollected", "True");
  add("cloud/roleName", role_);
  add("cloud/roleInstance", role_instance_);
  if (series.is_synthetic) add("operation/synthetic", "True");
  switch (series.metric) {
    case Metric::kRequests:
      add("request/resultCode", series.result_code);
      add("Request.Success", TrueOrFalse(series.success));
      break;
    case Metric::kDependencies:
      add("dependency/resultCode", series.result_code);
      add("Dependency.Success", TrueOrFalse(series.success));
      add("Dependency.Type", series.type);
      add("dependency/target", series.target);
      break;
    case Metric::kExceptions: break;
    case Metric::kTraces: add("trace/severityLevel", series.severity_level); break;
  }
}

void StandardMetrics::AppendPoint(const Series& series, const Interval& interval, std::string& out) const {
  const std::size_t mark = otlp::OpenMessage(otlp::sum::kDataPoints, out);  // of histograms too
  if (series.metric == Metric::kExceptions || series.metric == Metric::kTraces) {
    namespace field = otlp::number_point;
    otlp::AppendFixed64Field(field::kStartTime, interval.start_nanos, out);
    otlp::AppendFixed64Field(field::kTime, interval.end_nanos, out);
    otlp::AppendFixed64Field(field::kAsInt, series.count, out);
    AppendAttributes(series, field::kAttributes, out);
  } else {
    namespace field = otlp::histogram_point;
    otlp::AppendFixed64Field(field::kStartTime, interval.start_nanos, out);
    otlp::AppendFixed64Field(field::kTime, interval.end_nanos, out);
    otlp::AppendFixed64Field(field::kCount, series.count, out);
    otlp::AppendDoubleField(field::kSum, series.sum, out);
    otlp::AppendDoubleField(field::kMin, series.min, out);
    otlp::AppendDoubleField(field::kMax, series.max, out);
    AppendAttributes(series, field::kAttributes, out);
  }
  otlp::CloseMessage(mark, out);
}

std::string StandardMetrics::MetricMessage(Metric metric, std::string_view points) const {
  const bool is_counter = metric == Metric::kExceptions || metric == Metric::kTraces;
  std::string message;
  otlp::AppendBytesField(otlp::metric::kName, kNames[static_cast<std::size_t>(metric)], message);
  if (!is_counter) otlp::AppendBytesField(otlp::metric::kUnit, "ms", message);
  const std::size_t mark = otlp::OpenMessage(is_counter ? otlp::metric::kSum : otlp::metric::kHistogram, message);
  message.append(points);
  otlp::AppendVarintField(otlp::sum::kAggregationTemporality, otlp::kDelta, message);
  if (is_counter) otlp::AppendVarintField(otlp::sum::kIsMonotonic, 1, message);
  otlp::CloseMessage(mark, message);
  return message;
}

std::vector<std::string> StandardMetrics::Take(base::WallTime interval_start, base::WallTime interval_end) {
  static_assert(static_cast<int>(otlp::sum::kDataPoints) == static_cast<int>(otlp::histogram::kDataPoints) &&
                static_cast<int>(otlp::sum::kAggregationTemporality) == static_cast<int>(otlp::histogram::kAggregationTemporality));
  const Interval interval{.start_nanos = Nanos(interval_start), .end_nanos = Nanos(interval_end)};
  std::vector<std::string> messages;
  for (const Metric metric : {Metric::kRequests, Metric::kDependencies, Metric::kExceptions, Metric::kTraces}) {
    std::string points;
    for (const Series& series : series_) {
      if (series.metric != metric) continue;
      AppendPoint(series, interval, points);
      if (points.size() < kMessageBytes) continue;
      messages.push_back(MetricMessage(metric, points));
      points.clear();
    }
    if (!points.empty()) messages.push_back(MetricMessage(metric, points));
  }
  series_.clear();
  places_.clear();
  return messages;
}

}  // namespace azmon::meter
