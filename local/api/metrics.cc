// SPDX-License-Identifier: MIT
// The API's answers about metrics.
#include <optional>
#include <string>
#include <utility>

#include <simdjson.h>

#include "base/json_writer.h"
#include "local/api/answers.h"
#include "local/api/query_string.h"
#include "local/api/service.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

/// What the newest point says of its metric: unit, description, temporality, isMonotonic. Buckets stay where they are.
void WritePointFacts(const std::string& point, base::JsonWriter& json) {
  if (point.empty()) return;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(point).get(object) != simdjson::SUCCESS) return;
  for (const char* name : {"unit", "description", "temporality"}) {
    std::string_view text;
    if (object.at_key(name).get(text) == simdjson::SUCCESS) json.Member(name, text);
  }
  bool is_monotonic = false;
  if (object.at_key("isMonotonic").get(is_monotonic) == simdjson::SUCCESS) json.Member("isMonotonic", is_monotonic);
}

void IfAny(const char* name, std::optional<double> value, base::JsonWriter& json) {
  if (value) json.Member(name, *value);
}

void WriteSeries(const ChartSeries& series, base::JsonWriter& json) {
  json.OpenObject().Member("name", series.name).Member("isRest", series.is_rest).Key("points").OpenArray();
  for (const ChartStep& step : series.steps) {
    json.OpenObject().Member("at", step.at).Member("count", step.count).Member("sum", step.sum);
    IfAny("min", step.min, json);
    IfAny("max", step.max, json);
    IfAny("last", step.last, json);
    IfAny("p50", step.p50, json);
    IfAny("p95", step.p95, json);
    IfAny("p99", step.p99, json);
    json.CloseObject();
  }
  json.CloseArray().CloseObject();
}

}  // namespace

net::Response Service::Metrics(const net::Request& request) const {
  const auto query = ReadMetricQuery(request.query());
  if (!query) return ProblemAnswer(query.error());
  const auto list = store_.ListMetrics(*query);
  if (!list) return ProblemAnswer(list.error());
  std::string text;
  base::JsonWriter json(text);
  json.OpenObject().Key("metrics").OpenArray();
  for (const MetricSummary& metric : list->metrics) {
    json.OpenObject().Member("name", metric.name).Member("source", Name(metric.source)).Member("namespace", metric.space);
    json.Member("type", metric.kind);
    WritePointFacts(metric.point, json);
    json.Key("roles").OpenArray();
    for (const std::string& role : metric.roles) json.String(role);
    json.CloseArray().Member("points", metric.points);
    json.Member("first", FormatTime(metric.first)).Member("last", FormatTime(metric.last)).CloseObject();
  }
  json.CloseArray().Member("total", list->total).CloseObject();
  return JsonAnswer(std::move(text));
}

net::Response Service::MetricSeries(const net::Request& request) const {
  const auto query = ReadChartQuery(request.query());
  if (!query) return ProblemAnswer(query.error());
  const auto chart = store_.ReadChart(*query);
  if (!chart) return ProblemAnswer(chart.error());
  std::string text;
  base::JsonWriter json(text);
  json.OpenObject().Member("name", query->name).Member("source", Name(query->source)).Member("namespace", query->space);
  json.Member("type", chart->kind);
  WritePointFacts(chart->point, json);
  json.Member("from", FormatTime(chart->steps.from)).Member("stepMs", TicksToMs(chart->steps.step)).Member("steps", chart->steps.count);
  json.Member("splitBy", query->split_by).Key("series").OpenArray();
  for (const ChartSeries& series : chart->series) WriteSeries(series, json);
  json.CloseArray().Member("joined", chart->joined).Key("dimensions").OpenArray();
  for (const ChartDimension& dimension : chart->dimensions) {
    json.OpenObject().Member("name", dimension.name).Key("values").OpenArray();
    for (const std::string& value : dimension.values) json.String(value);
    json.CloseArray().Member("hasMore", dimension.has_more).CloseObject();
  }
  json.CloseArray().Member("points", chart->points).Member("isCut", chart->is_cut).CloseObject();
  return JsonAnswer(std::move(text));
}

}  // namespace azmon::local
