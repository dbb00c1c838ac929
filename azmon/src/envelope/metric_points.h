// SPDX-License-Identifier: MIT
// The data points of an OTLP Metric message, whatever their kind.
#pragma once

#include <cstdint>
#include <optional>
#include <protozero/pbf_reader.hpp>
#include <string_view>

#include "envelope/attributes.h"
#include "otlp/fields.h"

namespace azmon::envelope {

enum class PointForm : std::uint8_t { kNone, kNumber, kHistogram, kExponential, kSummary };

/// Views into the message.
struct Metric {
  std::string_view name;
  std::string_view unit;
  PointForm form = PointForm::kNone;  ///< kNone: of no known kind
  std::string_view data;
};

/// Throws protozero::exception on malformed bytes, as ReadPoint.
Metric ReadMetric(std::string_view message);

struct Point {
  AttributeList attributes;
  std::uint64_t time_nanos = 0;
  Value value;  ///< kInt or kDouble, of histograms and summaries the sum; kNone: none was recorded
  std::uint64_t count = 1;
  std::optional<double> min;
  std::optional<double> max;
};

void ReadPoint(PointForm form, std::string_view message, Point& point);

/// Calls `visit` with each data point, the same object each time.
template <typename Visit>
void ForEachPoint(const Metric& metric, Visit&& visit) {
  // The data points have the same field number in every kind of metric.
  static_assert(static_cast<int>(otlp::gauge::kDataPoints) == 1 && static_cast<int>(otlp::sum::kDataPoints) == 1 &&
                static_cast<int>(otlp::histogram::kDataPoints) == 1);
  Point point;
  protozero::pbf_reader reader(metric.data.data(), metric.data.size());
  while (reader.next(otlp::gauge::kDataPoints, protozero::pbf_wire_type::length_delimited)) {
    const protozero::data_view data = reader.get_view();
    ReadPoint(metric.form, {data.data(), data.size()}, point);
    visit(static_cast<const Point&>(point));
  }
}

}  // namespace azmon::envelope
