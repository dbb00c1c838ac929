// SPDX-License-Identifier: MIT
#include "local/ingest/otlp_metric.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "local/ingest/wire_reader.h"
#include "local/model/limits.h"
#include "local/model/time.h"
#include "otlp/fields.h"

namespace azmon::local {
namespace {

/// DataPointFlags: the point says that there is no value.
constexpr std::uint64_t kNoRecordedValue = 1;

/// Descriptions are shown in one line; the raw item has the rest.
constexpr std::size_t kDescriptionBytesMax = 1'024;

std::string_view NameOf(std::uint32_t kind) {
  switch (kind) {
    case otlp::metric::kSum: return "sum";
    case otlp::metric::kHistogram: return "histogram";
    case otlp::metric::kExponentialHistogram: return "exponentialHistogram";
    case otlp::metric::kSummary: return "summary";
    default: return "gauge";
  }
}

struct Buckets {
  std::int32_t offset = 0;
  std::vector<std::uint64_t> counts;
};

/// A data point of any kind, what of it there is.
struct Point {
  std::uint64_t start = 0, time = 0, flags = 0;
  std::uint64_t count = 1;
  std::optional<double> value, min, max;
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;
  std::optional<std::int32_t> scale;
  std::uint64_t zero_count = 0;
  Buckets positive, negative;
};

Buckets ReadBuckets(std::string_view bytes) {
  Buckets buckets;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Tag() == otlp::exponential_buckets::kOffset) buckets.offset = reader.ZigZag32();
    else if (reader.Tag() == otlp::exponential_buckets::kBucketCounts) reader.RepeatedVarint([&](std::uint64_t count) { buckets.counts.push_back(count); });
    else reader.Skip();
  }
  return buckets;
}

Point ReadNumber(WireReader reader, OtlpAttributes& attributes) {
  Point point;
  while (reader.Next()) {
    switch (reader.Tag()) {
      case otlp::number_point::kAttributes: attributes.Add(reader.Bytes()); break;
      case otlp::number_point::kStartTime: point.start = reader.Fixed64(); break;
      case otlp::number_point::kTime: point.time = reader.Fixed64(); break;
      case otlp::number_point::kAsDouble: point.value = reader.Double(); break;
      case otlp::number_point::kAsInt: point.value = static_cast<double>(static_cast<std::int64_t>(reader.Fixed64())); break;
      case otlp::number_point::kFlags: point.flags = reader.Varint(); break;
      default: reader.Skip();
    }
  }
  return point;
}

Point ReadHistogram(WireReader reader, OtlpAttributes& attributes) {
  Point point;
  while (reader.Next()) {
    switch (reader.Tag()) {
      case otlp::histogram_point::kAttributes: attributes.Add(reader.Bytes()); break;
      case otlp::histogram_point::kStartTime: point.start = reader.Fixed64(); break;
      case otlp::histogram_point::kTime: point.time = reader.Fixed64(); break;
      case otlp::histogram_point::kCount: point.count = reader.Fixed64(); break;
      case otlp::histogram_point::kSum: point.value = reader.Double(); break;
      case otlp::histogram_point::kBucketCounts: reader.RepeatedFixed64([&](std::uint64_t count) { point.counts.push_back(count); }); break;
      case otlp::histogram_point::kExplicitBounds: reader.RepeatedDouble([&](double bound) { point.bounds.push_back(bound); }); break;
      case otlp::histogram_point::kFlags: point.flags = reader.Varint(); break;
      case otlp::histogram_point::kMin: point.min = reader.Double(); break;
      case otlp::histogram_point::kMax: point.max = reader.Double(); break;
      default: reader.Skip();
    }
  }
  return point;
}

Point ReadExponential(WireReader reader, OtlpAttributes& attributes) {
  Point point;
  point.scale = 0;
  while (reader.Next()) {
    switch (reader.Tag()) {
      case otlp::exponential_point::kAttributes: attributes.Add(reader.Bytes()); break;
      case otlp::exponential_point::kStartTime: point.start = reader.Fixed64(); break;
      case otlp::exponential_point::kTime: point.time = reader.Fixed64(); break;
      case otlp::exponential_point::kCount: point.count = reader.Fixed64(); break;
      case otlp::exponential_point::kSum: point.value = reader.Double(); break;
      case otlp::exponential_point::kScale: point.scale = reader.ZigZag32(); break;
      case otlp::exponential_point::kZeroCount: point.zero_count = reader.Fixed64(); break;
      case otlp::exponential_point::kPositive: point.positive = ReadBuckets(reader.Bytes()); break;
      case otlp::exponential_point::kNegative: point.negative = ReadBuckets(reader.Bytes()); break;
      case otlp::exponential_point::kFlags: point.flags = reader.Varint(); break;
      case otlp::exponential_point::kMin: point.min = reader.Double(); break;
      case otlp::exponential_point::kMax: point.max = reader.Double(); break;
      default: reader.Skip();
    }
  }
  return point;
}

Point ReadSummary(WireReader reader, OtlpAttributes& attributes) {
  Point point;
  while (reader.Next()) {
    switch (reader.Tag()) {
      case otlp::summary_point::kAttributes: attributes.Add(reader.Bytes()); break;
      case otlp::summary_point::kStartTime: point.start = reader.Fixed64(); break;
      case otlp::summary_point::kTime: point.time = reader.Fixed64(); break;
      case otlp::summary_point::kCount: point.count = reader.Fixed64(); break;
      case otlp::summary_point::kSum: point.value = reader.Double(); break;
      case otlp::summary_point::kFlags: point.flags = reader.Varint(); break;
      default: reader.Skip();
    }
  }
  return point;
}

void WriteCounts(std::string_view name, const std::vector<std::uint64_t>& counts, base::JsonWriter& json) {
  json.Key(name).OpenArray();
  for (const std::uint64_t count : counts) json.Unsigned(count);
  json.CloseArray();
}

void WriteBuckets(const Point& point, base::JsonWriter& json) {
  if (point.scale) {
    if (point.positive.counts.size() + point.negative.counts.size() > limits::kPointBucketsMax) return;
    json.Key("scale").Integer(*point.scale).Member("zeroCount", point.zero_count).Key("offset").Integer(point.positive.offset);
    WriteCounts("counts", point.positive.counts, json);
    if (!point.negative.counts.empty()) {
      json.Key("negativeOffset").Integer(point.negative.offset);
      WriteCounts("negativeCounts", point.negative.counts, json);
    }
  } else if (!point.counts.empty() && point.counts.size() == point.bounds.size() + 1 && point.counts.size() <= limits::kPointBucketsMax) {
    json.Key("bounds").OpenArray();
    for (const double bound : point.bounds) json.Double(bound);
    json.CloseArray();
    WriteCounts("counts", point.counts, json);
  }
}

/// JSON has no NaN and no infinities: such a number counts as absent.
void IfFinite(std::string_view name, std::optional<double> number, base::JsonWriter& json) {
  if (number && std::isfinite(*number)) json.Member(name, *number);
}

}  // namespace

OtlpMetric ReadOtlpMetric(std::string_view bytes) {
  OtlpMetric metric;
  WireReader reader(bytes);
  while (reader.Next()) {
    switch (reader.Tag()) {
      case otlp::metric::kName: metric.name = reader.Bytes(); break;
      case otlp::metric::kDescription: metric.description = reader.Bytes(); break;
      case otlp::metric::kUnit: metric.unit = reader.Bytes(); break;
      case otlp::metric::kGauge: case otlp::metric::kSum: case otlp::metric::kHistogram: case otlp::metric::kExponentialHistogram:
      case otlp::metric::kSummary:
        metric.kind = reader.Tag();
        metric.data = reader.Bytes();
        break;
      default: reader.Skip();
    }
  }
  // Gauges and summaries have neither of the two fields.
  if (metric.kind == otlp::metric::kGauge || metric.kind == otlp::metric::kSummary) return metric;
  WireReader data(metric.data);
  while (data.Next()) {
    if (data.Tag() == otlp::sum::kAggregationTemporality) metric.temporality = static_cast<std::uint32_t>(data.Varint());
    else if (data.Tag() == otlp::sum::kIsMonotonic && metric.kind == otlp::metric::kSum) metric.is_monotonic = data.Varint() != 0;
    else data.Skip();
  }
  return metric;
}

void ReadOtlpPoint(std::string_view bytes, const OtlpMetric& metric, OtlpAttributes& attributes, std::int64_t now, Item& item) {
  attributes.Clear();
  const WireReader reader(bytes);
  const Point point = metric.kind == otlp::metric::kHistogram              ? ReadHistogram(reader, attributes)
                      : metric.kind == otlp::metric::kExponentialHistogram ? ReadExponential(reader, attributes)
                      : metric.kind == otlp::metric::kSummary              ? ReadSummary(reader, attributes)
                                                                           : ReadNumber(reader, attributes);
  item.name = metric.name;
  item.time = point.time != 0 ? NanosecondsToTicks(point.time) : now;
  item.kind = NameOf(metric.kind);
  item.dimensions = attributes.Json();
  base::JsonWriter numbers(item.measurements);
  numbers.OpenObject();
  if ((point.flags & kNoRecordedValue) == 0) {
    IfFinite("value", point.value, numbers);
    numbers.Member("count", point.count);
    IfFinite("min", point.min, numbers);
    IfFinite("max", point.max, numbers);
  }
  numbers.CloseObject();
  base::JsonWriter json(item.point);
  json.OpenObject();
  if (!metric.unit.empty()) json.Member("unit", metric.unit);
  if (!metric.description.empty()) json.Member("description", metric.description.substr(0, kDescriptionBytesMax));
  if (metric.temporality == otlp::kDelta) json.Member("temporality", "delta");
  if (metric.temporality == otlp::kCumulative) json.Member("temporality", "cumulative");
  if (metric.kind == otlp::metric::kSum) json.Member("isMonotonic", metric.is_monotonic);
  if (point.start != 0) json.Key("start").Integer(NanosecondsToTicks(point.start));
  WriteBuckets(point, json);
  json.CloseObject();
}

}  // namespace azmon::local
