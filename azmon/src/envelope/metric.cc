// SPDX-License-Identifier: MIT
// Metrics: each data point is an item. Contract 5.
#include <algorithm>
#include <array>
#include <cmath>

#include "envelope/field_limits.h"
#include "envelope/item.h"
#include "envelope/metric_points.h"
#include "envelope/properties.h"
#include "envelope/value_text.h"

namespace azmon::envelope {
namespace {

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
  const auto name = MetricName(metric.name);
  ForEachPoint(metric, [&](const Point& point) {
    if (const auto reason = WhyDropped(point)) {
      counter.Drop(*reason);
    } else if (counter.Next()) {
      WritePoint(name, point, context, out);
    }
  });
}

}  // namespace azmon::envelope
