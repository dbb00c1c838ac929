// SPDX-License-Identifier: MIT
#include "capture/metric_exporter.h"

#include <string>

#include <opentelemetry/sdk/metrics/export/metric_producer.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "capture/attribute_encoder.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace metrics = opentelemetry::sdk::metrics;
using opentelemetry::sdk::common::ExportResult;

std::uint64_t Nanoseconds(opentelemetry::common::SystemTimestamp time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

double AsDouble(const metrics::ValueType& value) {
  if (const auto* const integer = nostd::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return nostd::get<double>(value);
}

void AppendPointAttributes(std::uint32_t field, const metrics::PointAttributes& attributes, std::string& out) {
  for (const auto& [key, value] : attributes) AppendAttribute(field, key, value, out);
}

void AppendNumberValue(const metrics::ValueType& value, std::string& out) {
  if (const auto* const integer = nostd::get_if<std::int64_t>(&value)) {
    otlp::AppendFixed64Field(otlp::number_point::kAsInt, static_cast<std::uint64_t>(*integer), out);
  } else {
    otlp::AppendDoubleField(otlp::number_point::kAsDouble, nostd::get<double>(value), out);
  }
}

void AppendNumberPoint(const metrics::MetricData& metric, const metrics::PointAttributes& attributes, const metrics::ValueType& value,
                       std::string& out) {
  otlp::AppendFixed64Field(otlp::number_point::kStartTime, Nanoseconds(metric.start_ts), out);
  otlp::AppendFixed64Field(otlp::number_point::kTime, Nanoseconds(metric.end_ts), out);
  AppendNumberValue(value, out);
  AppendPointAttributes(otlp::number_point::kAttributes, attributes, out);
}

void AppendHistogramPoint(const metrics::MetricData& metric, const metrics::PointAttributes& attributes, const metrics::HistogramPointData& point,
                          std::string& out) {
  using namespace otlp::histogram_point;  // NOLINT: field numbers
  otlp::AppendFixed64Field(kStartTime, Nanoseconds(metric.start_ts), out);
  otlp::AppendFixed64Field(kTime, Nanoseconds(metric.end_ts), out);
  otlp::AppendFixed64Field(kCount, point.count_, out);
  otlp::AppendDoubleField(kSum, AsDouble(point.sum_), out);
  otlp::AppendFieldHead(kBucketCounts, point.counts_.size() * 8, out);
  for (const std::uint64_t count : point.counts_) out.append(reinterpret_cast<const char*>(&count), sizeof count);
  otlp::AppendFieldHead(kExplicitBounds, point.boundaries_.size() * 8, out);
  for (const double bound : point.boundaries_) out.append(reinterpret_cast<const char*>(&bound), sizeof bound);
  AppendPointAttributes(kAttributes, attributes, out);
  if (point.record_min_max_) {
    otlp::AppendDoubleField(kMin, AsDouble(point.min_), out);
    otlp::AppendDoubleField(kMax, AsDouble(point.max_), out);
  }
}

enum class Shape : std::uint8_t { kNone, kSum, kGauge, kHistogram };

Shape ShapeOf(const metrics::PointType& point) {
  if (nostd::holds_alternative<metrics::SumPointData>(point)) return Shape::kSum;
  if (nostd::holds_alternative<metrics::HistogramPointData>(point)) return Shape::kHistogram;
  if (nostd::holds_alternative<metrics::LastValuePointData>(point)) return Shape::kGauge;
  return Shape::kNone;
}

std::uint32_t OtlpTemporality(metrics::AggregationTemporality temporality) {
  switch (temporality) {
    case metrics::AggregationTemporality::kDelta: return otlp::kDelta;
    case metrics::AggregationTemporality::kCumulative: return otlp::kCumulative;
    case metrics::AggregationTemporality::kUnspecified: break;
  }
  return otlp::kTemporalityUnspecified;
}

/// The whole message: what describes the metric, then its points.
std::string Message(const metrics::MetricData& metric, Shape shape, bool is_monotonic, std::string_view points) {
  std::string out;
  const metrics::InstrumentDescriptor& instrument = metric.instrument_descriptor;
  otlp::AppendBytesField(otlp::metric::kName, instrument.name_, out);
  std::string repaired;
  if (!instrument.description_.empty()) {
    otlp::AppendBytesField(otlp::metric::kDescription, base::ValidUtf8(instrument.description_, repaired), out);
  }
  if (!instrument.unit_.empty()) otlp::AppendBytesField(otlp::metric::kUnit, base::ValidUtf8(instrument.unit_, repaired), out);
  const std::uint32_t temporality = OtlpTemporality(metric.aggregation_temporality);
  switch (shape) {
    case Shape::kSum: {
      const std::size_t mark = otlp::OpenMessage(otlp::metric::kSum, out);
      out.append(points);
      otlp::AppendVarintField(otlp::sum::kAggregationTemporality, temporality, out);
      if (is_monotonic) otlp::AppendVarintField(otlp::sum::kIsMonotonic, 1, out);
      otlp::CloseMessage(mark, out);
      break;
    }
    case Shape::kHistogram: {
      const std::size_t mark = otlp::OpenMessage(otlp::metric::kHistogram, out);
      out.append(points);
      otlp::AppendVarintField(otlp::histogram::kAggregationTemporality, temporality, out);
      otlp::CloseMessage(mark, out);
      break;
    }
    case Shape::kGauge: otlp::AppendBytesField(otlp::metric::kGauge, points, out); break;
    case Shape::kNone: break;
  }
  return out;
}

}  // namespace

metrics::AggregationTemporality TemporalityOf(Temporality preference, metrics::InstrumentType type) {
  using enum metrics::InstrumentType;
  // OpenTelemetry specification, "OTLP Metrics Exporter": up-down counters stay cumulative under every preference.
  const bool is_up_down = type == kUpDownCounter || type == kObservableUpDownCounter;
  if (preference == Temporality::kCumulative || is_up_down) return metrics::AggregationTemporality::kCumulative;
  if (preference == Temporality::kLowMemory && type == kObservableCounter) return metrics::AggregationTemporality::kCumulative;
  return metrics::AggregationTemporality::kDelta;
}

void EncodeMetric(const metrics::MetricData& metric, std::size_t bytes_max, const std::function<void(std::string_view)>& each) {
  std::string points;
  Shape shape = Shape::kNone;
  bool is_monotonic = false;
  const auto finish = [&] {
    if (points.empty()) return;
    each(Message(metric, shape, is_monotonic, points));
    points.clear();
  };
  for (const metrics::PointDataAttributes& point : metric.point_data_attr_) {
    const Shape its_shape = ShapeOf(point.point_data);
    if (its_shape == Shape::kNone) continue;
    if (const auto* const last = nostd::get_if<metrics::LastValuePointData>(&point.point_data); last != nullptr && !last->is_lastvalue_valid_) continue;
    shape = its_shape;
    std::string one;
    if (const auto* const sum = nostd::get_if<metrics::SumPointData>(&point.point_data)) {
      is_monotonic = sum->is_monotonic_;
      const std::size_t mark = otlp::OpenMessage(otlp::sum::kDataPoints, one);
      AppendNumberPoint(metric, point.attributes, sum->value_, one);
      otlp::CloseMessage(mark, one);
    } else if (const auto* const histogram = nostd::get_if<metrics::HistogramPointData>(&point.point_data)) {
      const std::size_t mark = otlp::OpenMessage(otlp::histogram::kDataPoints, one);
      AppendHistogramPoint(metric, point.attributes, *histogram, one);
      otlp::CloseMessage(mark, one);
    } else {
      const std::size_t mark = otlp::OpenMessage(otlp::gauge::kDataPoints, one);
      AppendNumberPoint(metric, point.attributes, nostd::get<metrics::LastValuePointData>(point.point_data).value_, one);
      otlp::CloseMessage(mark, one);
    }
    if (!points.empty() && points.size() + one.size() > bytes_max) finish();
    points.append(one);
  }
  finish();
}

MetricExporter::MetricExporter(std::shared_ptr<journal::Journal> journal, journal::Destination destination, Temporality temporality,
                               std::shared_ptr<const LateResource> late)
    : journal_(std::move(journal)), destination_(destination), temporality_(temporality), scopes_(journal_, std::move(late)) {}

ExportResult MetricExporter::Export(const metrics::ResourceMetrics& data) noexcept {
  if (data.resource_ == nullptr) return ExportResult::kSuccess;
  bool is_whole = true;
  for (const metrics::ScopeMetrics& scope : data.scope_metric_data_) {
    if (scope.scope_ == nullptr) continue;
    const std::uint32_t owner = scopes_.IdOf(*scope.scope_, *data.resource_);
    for (const metrics::MetricData& metric : scope.metric_data_) {
      EncodeMetric(metric, limits::kMetricRecordBytes, [&](std::string_view message) {
        is_whole &= journal_
                        ->Append({.signal = otlp::Signal::kMetric,
                                  .flags = static_cast<std::uint8_t>(otlp::kSampled | journal::FlagOf(destination_)),
                                  .owner = owner,
                                  .message = message})
                        .ok();
      });
    }
  }
  return is_whole ? ExportResult::kSuccess : ExportResult::kFailure;
}

metrics::AggregationTemporality MetricExporter::GetAggregationTemporality(metrics::InstrumentType instrument_type) const noexcept {
  return TemporalityOf(temporality_, instrument_type);
}

bool MetricExporter::ForceFlush(std::chrono::microseconds /*timeout*/) noexcept { return true; }
bool MetricExporter::Shutdown(std::chrono::microseconds /*timeout*/) noexcept { return true; }

}  // namespace azmon::capture
