// SPDX-License-Identifier: MIT
#include "envelope/metric_points.h"

namespace azmon::envelope {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::string_view View(const protozero::data_view& data) { return {data.data(), data.size()}; }

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

}  // namespace

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
      case tag_and_type(field::kUnit, kBytes): metric.unit = View(reader.get_view()); break;
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

}  // namespace azmon::envelope
