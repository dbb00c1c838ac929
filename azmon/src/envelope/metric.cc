// SPDX-License-Identifier: MIT
// Metrics: each data point is an item. Contract 5.
#include <algorithm>
#include <array>
#include <cmath>
#include <protozero/pbf_reader.hpp>

#include "envelope/field_limits.h"
#include "envelope/item.h"
#include "envelope/properties.h"
#include "envelope/value_text.h"
#include "otlp/fields.h"

namespace azmon::envelope {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::string_view View(const protozero::data_view& data) { return {data.data(), data.size()}; }

struct Rename {
  std::string_view instrument;
  std::string_view counter;
};
/// Performance counters by the names that the portal draws, whatever the meter. Contract 5. (`?\?`: two marks alone could be a trigraph.)
constexpr std::array<Rename, 8> kRenames{{
    {"Private_Bytes", "\\Process(?\?APP_WIN32_PROC?\?)\\Private Bytes"},
    {"Available_Bytes", "\\Memory\\Available Bytes"},
    {"Processor_Time", "\\Processor(_Total)\\% Processor Time"},
    {"Process_Time_Standard", "\\Process(?\?APP_WIN32_PROC?\?)\\% Processor Time"},
    {"Process_Time_Normalized", "\\Process(?\?APP_WIN32_PROC?\?)\\% Processor Time Normalized"},
    {"Request_Rate", "\\ASP.NET Applications(?\?APP_W3SVC_PROC?\?)\\Requests/Sec"},
    {"Request_Execution_Time", "\\ASP.NET Applications(?\?APP_W3SVC_PROC?\?)\\Request Execution Time"},
    {"Exception_Rate", "\\.NET CLR Exceptions(?\?APP_CLR_PROC?\?)\\# of Exceps Thrown / sec"},
}};

std::string_view MetricName(std::string_view instrument) {
  const auto found = std::find_if(kRenames.begin(), kRenames.end(), [&](const Rename& row) { return row.instrument == instrument; });
  return found == kRenames.end() ? instrument : found->counter;
}

enum class PointForm : std::uint8_t { kNone, kNumber, kHistogram, kExponential, kSummary };

struct Metric {
  std::string_view name;
  PointForm form = PointForm::kNone;
  std::string_view data;
};

Metric ReadMetric(std::string_view message) {
  namespace field = otlp::metric;
  constexpr auto kBytes = pbf_wire_type::length_delimited;
  Metric metric;
  protozero::pbf_reader reader(message.data(), message.size());
  const auto set = [&](PointForm form) {
    metric.form = form;
    metric.data = View(reader.get_view());
  };
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(field::kName, kBytes): metric.name = View(reader.get_view()); break;
      case tag_and_type(field::kGauge, kBytes):
      case tag_and_type(field::kSum, kBytes): set(PointForm::kNumber); break;
      case tag_and_type(field::kHistogram, kBytes): set(PointForm::kHistogram); break;
      case tag_and_type(field::kExponentialHistogram, kBytes): set(PointForm::kExponential); break;
      case tag_and_type(field::kSummary, kBytes): set(PointForm::kSummary); break;
      default: reader.skip();
    }
  }
  return metric;
}

struct Point {
  AttributeList attributes;
  std::uint64_t time_nanos = 0;
  Value value;  ///< kInt or kDouble; kNone: none was recorded
  std::uint64_t count = 1;
  std::optional<double> min;
  std::optional<double> max;
};

/// DataPointFlags.NO_RECORDED_VALUE_MASK
constexpr std::uint64_t kNoRecordedValue = 1;

void SetDouble(double number, Value& value) {
  value.type = ValueType::kDouble;
  value.number = number;
}

void ReadNumberPoint(std::string_view message, Point& point) {
  namespace field = otlp::number_point;
  std::uint64_t flags = 0;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(field::kTime, pbf_wire_type::fixed64): point.time_nanos = reader.get_fixed64(); break;
      case tag_and_type(field::kAsDouble, pbf_wire_type::fixed64): SetDouble(reader.get_double(), point.value); break;
      case tag_and_type(field::kAsInt, pbf_wire_type::fixed64):
        point.value.type = ValueType::kInt;
        point.value.integer = reader.get_sfixed64();
        break;
      case tag_and_type(field::kAttributes, pbf_wire_type::length_delimited): point.attributes.Add(View(reader.get_view())); break;
      case tag_and_type(field::kFlags, pbf_wire_type::varint): flags = reader.get_uint64(); break;
      default: reader.skip();
    }
  }
  if ((flags & kNoRecordedValue) != 0) point.value.type = ValueType::kNone;
}

/// The field numbers by which the kinds of histograms and the summary differ.
struct HistogramFields {
  std::uint32_t attributes, time, count, sum, min, max, flags;
};
constexpr HistogramFields kHistogramFields{otlp::histogram_point::kAttributes, otlp::histogram_point::kTime, otlp::histogram_point::kCount,
                                           otlp::histogram_point::kSum,        otlp::histogram_point::kMin,  otlp::histogram_point::kMax,
                                           otlp::histogram_point::kFlags};
constexpr HistogramFields kExponentialFields{
    otlp::exponential_point::kAttributes, otlp::exponential_point::kTime, otlp::exponential_point::kCount, otlp::exponential_point::kSum,
    otlp::exponential_point::kMin,        otlp::exponential_point::kMax,  otlp::exponential_point::kFlags};
/// A summary has no min and max but the quantiles 0 and 1.
constexpr std::uint32_t kNoField = 0;
constexpr HistogramFields kSummaryFields{otlp::summary_point::kAttributes, otlp::summary_point::kTime, otlp::summary_point::kCount,
                                         otlp::summary_point::kSum,        kNoField,                   kNoField,
                                         otlp::summary_point::kFlags};

void ReadQuantile(std::string_view message, Point& point) {
  enum : std::uint32_t { kQuantile = 1, kValue = 2 };  // SummaryDataPoint.ValueAtQuantile
  double quantile = 0;
  double value = 0;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(kQuantile, pbf_wire_type::fixed64): quantile = reader.get_double(); break;
      case tag_and_type(kValue, pbf_wire_type::fixed64): value = reader.get_double(); break;
      default: reader.skip();
    }
  }
  if (quantile == 0) point.min = value;
  if (quantile == 1) point.max = value;
}

void ReadHistogramPoint(std::string_view message, const HistogramFields& fields, Point& point) {
  SetDouble(0, point.value);
  point.count = 0;
  std::uint64_t flags = 0;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    const std::uint32_t tag = reader.tag();
    const bool is_fixed64 = reader.wire_type() == pbf_wire_type::fixed64;
    const bool is_bytes = reader.wire_type() == pbf_wire_type::length_delimited;
    if (is_fixed64 && tag == fields.time) {
      point.time_nanos = reader.get_fixed64();
    } else if (is_fixed64 && tag == fields.count) {
      point.count = reader.get_fixed64();
    } else if (is_fixed64 && tag == fields.sum) {
      point.value.number = reader.get_double();
    } else if (is_fixed64 && tag == fields.min) {
      point.min = reader.get_double();
    } else if (is_fixed64 && tag == fields.max) {
      point.max = reader.get_double();
    } else if (is_bytes && tag == fields.attributes) {
      point.attributes.Add(View(reader.get_view()));
    } else if (is_bytes && fields.min == kNoField && tag == otlp::summary_point::kQuantiles) {
      ReadQuantile(View(reader.get_view()), point);
    } else if (tag == fields.flags && reader.wire_type() == pbf_wire_type::varint) {
      flags = reader.get_uint64();
    } else {
      reader.skip();
    }
  }
  if ((flags & kNoRecordedValue) != 0) point.value.type = ValueType::kNone;
}

void ReadPoint(PointForm form, std::string_view message, Point& point) {
  point.attributes.Clear();
  point.time_nanos = 0;
  point.value = {};
  point.count = 1;
  point.min.reset();
  point.max.reset();
  switch (form) {
    case PointForm::kHistogram: return ReadHistogramPoint(message, kHistogramFields, point);
    case PointForm::kExponential: return ReadHistogramPoint(message, kExponentialFields, point);
    case PointForm::kSummary: return ReadHistogramPoint(message, kSummaryFields, point);
    case PointForm::kNumber:
    case PointForm::kNone: return ReadNumberPoint(message, point);
  }
}

/// Δ29: what the service could not take.
std::optional<DropReason> WhyDropped(const Point& point) {
  if (point.value.type == ValueType::kNone || point.count == 0) return DropReason::kNoValue;
  if (point.value.type == ValueType::kDouble && !std::isfinite(point.value.number)) return DropReason::kNotFinite;
  return std::nullopt;
}

void OptionalNumber(std::string_view name_with_colon, const std::optional<double>& number, ItemWriter& out) {
  if (!number || !std::isfinite(*number)) return;
  out.Raw(name_with_colon);
  out.Number(*number);
}

void WritePoint(std::string_view name, const Point& point, const ItemContext& context, ItemWriter& out) {
  NumberText text;
  BeginItem(ItemType::kMetric, point.time_nanos != 0 ? point.time_nanos : context.now_nanos, 100, nullptr, context, out);
  out.Literal(",\"metrics\":[{\"name\":");
  out.String(name, field_limits::kMetricName);
  if (context.settings.metric_namespace && !context.scope.name.empty()) {
    out.Literal(",\"ns\":");
    out.String(context.scope.name, field_limits::kMetricNamespace);
  }
  out.Literal(",\"kind\":\"Aggregation\",\"value\":");
  if (point.value.type == ValueType::kInt) {
    out.Raw(text.Integer(point.value.integer));
  } else {
    out.Number(point.value.number);
  }
  out.Literal(",\"count\":");
  out.Raw(text.Unsigned(std::min<std::uint64_t>(point.count, field_limits::kMetricCount)));
  OptionalNumber(",\"min\":", point.min, out);
  OptionalNumber(",\"max\":", point.max, out);
  out.Literal("}]");
  PropertyWriter properties(out);
  for (const Attribute& attribute : point.attributes) properties.Add(attribute);
  properties.Close();
  EndItem(out);
}

}  // namespace

void AppendMetric(std::string_view message, const ItemContext& context, ItemCounter& counter, ItemWriter& out) {
  const Metric metric = ReadMetric(message);
  if (metric.form == PointForm::kNone) {
    counter.Drop(DropReason::kUnsupported);
    return;
  }
  // The data points have the same field number in every kind of metric.
  static_assert(static_cast<int>(otlp::gauge::kDataPoints) == 1 && static_cast<int>(otlp::sum::kDataPoints) == 1 &&
                static_cast<int>(otlp::histogram::kDataPoints) == 1);
  const auto name = MetricName(metric.name);
  Point point;
  protozero::pbf_reader reader(metric.data.data(), metric.data.size());
  while (reader.next(otlp::gauge::kDataPoints, pbf_wire_type::length_delimited)) {
    ReadPoint(metric.form, View(reader.get_view()), point);
    if (const auto reason = WhyDropped(point)) {
      counter.Drop(*reason);
    } else if (counter.Next()) {
      WritePoint(name, point, context, out);
    }
  }
}

}  // namespace azmon::envelope
