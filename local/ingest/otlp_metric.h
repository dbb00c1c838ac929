// SPDX-License-Identifier: MIT
// Reads OTLP metrics: one item a data point. Private to `ingest`.
//
// `Item::point` is a JSON object of what the numbers of `measurements` do not say, each member only where the metric has it:
// unit, description, temporality ("delta" or "cumulative"), isMonotonic, start (ticks since 1970), and the buckets of a histogram: bounds and
// counts, or scale, zeroCount, offset, counts, negativeOffset, negativeCounts. `query/metric_chart` reads it.
#pragma once

#include <cstdint>
#include <string_view>

#include "local/ingest/otlp_attributes.h"
#include "local/model/item.h"

namespace azmon::local {

/// What a metric says of all its points; views into the request's bytes.
struct OtlpMetric {
  std::string_view name, description, unit;
  std::uint32_t kind = 0;  ///< field number of its data in Metric; 0: it has none
  std::string_view data;   ///< its Gauge, Sum, Histogram, …: the points are in field 1
  std::uint32_t temporality = 0;
  bool is_monotonic = false;
};

/// Throws protozero's exceptions for malformed bytes, as the next one does.
OtlpMetric ReadOtlpMetric(std::string_view bytes);

/// Fills what a data point says: name, time, kind, dimensions, measurements, point.
/// @param attributes  working memory
/// @param now         ticks; the time of a point that has none
void ReadOtlpPoint(std::string_view bytes, const OtlpMetric& metric, OtlpAttributes& attributes, std::int64_t now, Item& item);

}  // namespace azmon::local
