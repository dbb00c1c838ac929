// SPDX-License-Identifier: MIT
// One telemetry item in the words of Application Insights, whichever way it came.
//
// Made by `ingest`, kept by `store`, shown by `query` and `api`. Knows no wire format. Names and units: docs/reference/azmon-local-api.yaml.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azmon::local {

enum class Source : std::uint8_t { kBreeze = 0, kOtlp = 1 };

/// Numbers are stored; never reuse one.
enum class ItemType : std::uint8_t {
  kRequest = 0,
  kDependency = 1,
  kTrace = 2,
  kException = 3,
  kCustomEvent = 4,
  kMetric = 5,
  kPageView = 6,
  kAvailability = 7
};
inline constexpr std::size_t kItemTypes = 8;

std::string_view Name(Source source);
std::string_view Name(ItemType type);
std::optional<ItemType> ParseItemType(std::string_view name);

/// True for the types that have a duration and can be the parent of others.
constexpr bool IsSpan(ItemType type) {
  return type == ItemType::kRequest || type == ItemType::kDependency || type == ItemType::kPageView || type == ItemType::kAvailability;
}

/// What the bytes of a batch are. Numbers are stored; never reuse one.
enum class RawKind : std::uint8_t {
  kEnvelopes = 0,    ///< body of a track request, JSON
  kOtlpTraces = 1,   ///< ExportTraceServiceRequest, protobuf
  kOtlpLogs = 2,     ///< ExportLogsServiceRequest, protobuf
  kOtlpMetrics = 3,  ///< ExportMetricsServiceRequest, protobuf
};

/// A piece of a batch's body.
struct Slice {
  std::uint32_t at = 0;
  std::uint32_t bytes = 0;
};

/// Where an item stands in its batch: the envelope, or the span, log record or metric with its resource and scope.
struct RawParts {
  Slice item, resource, scope;
};

struct Item {
  std::uint64_t seq = 0;  ///< given by the store; grows in the order of arrival
  Source source = Source::kBreeze;
  ItemType type = ItemType::kTrace;
  std::int64_t time = 0;       ///< ticks of 100 ns since 1970-01-01 UTC
  std::int64_t duration = -1;  ///< ticks of 100 ns; -1 none
  std::int8_t success = -1;    ///< 0, 1; -1 unknown
  std::int8_t severity = -1;   ///< 0 verbose … 4 critical; -1 none
  std::int64_t item_count = 1;
  // Empty means none.
  std::string i_key, name, operation_id, id, parent_id, role, role_instance, result_code, kind, target, data, url, message;
  std::string exception_type, stack;
  std::string dimensions;    ///< JSON object of strings
  std::string measurements;  ///< JSON object of numbers
  std::string links;         ///< JSON array of {"operation_Id","id"}
  std::string point;         ///< of a metric: JSON object of what its kind has beside numbers; see otlp_metric.h
  RawParts raw;
};

/// The items of one request, with the bytes that they were read from.
struct Batch {
  RawKind kind = RawKind::kEnvelopes;
  std::string body;  ///< not compressed
  std::vector<Item> items;
};

/// The column `name` of an item as text, by the names of the API; nullopt if there is no such column. An absent value is "".
/// `customDimensions.X` and `customMeasurements.X` are not columns: see query/filter.h.
std::optional<std::string> ColumnText(const Item& item, std::string_view name);

}  // namespace azmon::local
