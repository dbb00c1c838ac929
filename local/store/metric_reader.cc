// SPDX-License-Identifier: MIT
// The questions about metrics. They read the index items_by_metric; only the points of a chart's own range are read themselves.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "local/model/limits.h"
#include "local/model/time.h"
#include "local/store/reader.h"
#include "local/store/rows.h"

namespace azmon::local {
namespace {

constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();

/// Bound as ?1 … ?6: name, source, namespace, role, application, and two times; a filter that is not set takes everything.
constexpr std::string_view kPointsOf =
    " FROM items INDEXED BY items_by_metric WHERE type=5 AND name=?1 AND source=?2 AND target IS ?3 AND (?4 IS NULL OR role=?4) AND (?5 IS NULL OR app=?5)"
    " AND time>=?6 AND time<?7";

void BindPoints(const ChartQuery& query, std::int64_t since, std::int64_t until, Statement& statement) {
  statement.BindText(1, query.name).Bind(2, static_cast<std::int64_t>(query.source)).BindText(3, query.space);
  statement.BindText(4, query.role).BindText(5, query.i_key).Bind(6, since).Bind(7, until);
}

bool ContainsIgnoringCase(std::string_view text, std::string_view lowered) {
  return lowered.empty() || base::ToLower(text).find(lowered) != std::string::npos;
}

}  // namespace

Result<MetricList> Reader::ListMetrics(const MetricQuery& query) {
  database_->SetDeadline(std::chrono::steady_clock::now() + limits::kQueryTime);
  auto rows = database_->Prepare(
      "SELECT name,source,target,kind,role,COUNT(*),MIN(time),MAX(time) FROM items INDEXED BY items_by_metric WHERE type=5 AND name IS NOT NULL AND time>=?1 AND time<?2"
      " AND (?3 IS NULL OR role=?3) AND (?4 IS NULL OR app=?4) GROUP BY name,source,target,kind,role");
  if (!rows) return rows.error();
  rows->Bind(1, query.since.value_or(kFirst)).Bind(2, query.until.value_or(kLast)).BindText(3, query.role).BindText(4, query.i_key);
  auto newest = database_->Prepare(
      "SELECT point FROM items INDEXED BY items_by_metric WHERE type=5 AND name=?1 AND source=?2 AND target IS ?3 AND kind IS ?4 AND role IS ?5 AND time=?6 LIMIT 1");
  if (!newest) return newest.error();
  const std::string wanted = base::ToLower(query.search);
  MetricList list;
  std::string role_of_newest;
  // A metric's rows, one a role, follow each other.
  const auto is_same = [](const MetricSummary& metric, const Statement& row) {
    return metric.name == row.Text(0) && static_cast<std::int64_t>(metric.source) == row.Integer(1) && metric.space == row.Text(2) &&
           metric.kind == row.Text(3);
  };
  MetricSummary metric;
  const auto finish = [&]() -> Result<void> {
    if (metric.points == 0 || !ContainsIgnoringCase(metric.name, wanted)) return {};
    if (++list.total > query.limit) return {};
    newest->BindText(1, metric.name).Bind(2, static_cast<std::int64_t>(metric.source)).BindText(3, metric.space);
    newest->BindText(4, metric.kind).BindText(5, role_of_newest).Bind(6, metric.last);
    const auto row = newest->Step();
    if (!row) return row.error();
    if (*row) metric.point = newest->Text(0);
    newest->Reset();
    list.metrics.push_back(metric);
    return {};
  };
  for (;;) {
    const auto row = rows->Step();
    if (!row) return row.error();
    if (!*row) break;
    if (metric.points == 0 || !is_same(metric, *rows)) {
      if (auto done = finish(); !done) return done.error();
      metric = MetricSummary{};
      metric.name = rows->Text(0);
      metric.source = static_cast<Source>(rows->Integer(1));
      metric.space = rows->Text(2);
      metric.kind = rows->Text(3);
      metric.first = metric.last = rows->Integer(6);
    }
    metric.points += static_cast<std::uint64_t>(rows->Integer(5));
    metric.first = std::min(metric.first, rows->Integer(6));
    if (rows->Integer(7) >= metric.last) {
      metric.last = rows->Integer(7);
      role_of_newest = rows->Text(4);
    }
    if (metric.roles.size() < limits::kChartValuesMax) metric.roles.emplace_back(rows->Text(4));
  }
  if (auto done = finish(); !done) return done.error();
  return list;
}

Result<Chart> Reader::ReadChart(const ChartQuery& query, std::int64_t now) {
  database_->SetDeadline(std::chrono::steady_clock::now() + limits::kQueryTime);
  std::int64_t from = query.since.value_or(kFirst);
  std::int64_t until = query.until.value_or(kLast);
  auto range = database_->Prepare("SELECT MIN(time),MAX(time)" + std::string(kPointsOf));
  if (!range) return range.error();
  BindPoints(query, kFirst, kLast, *range);
  const auto found = range->Step();
  if (!found) return found.error();
  if (!*found || range->IsNull(0)) return Error{ErrorCode::kNotFound, "no item is a point of the metric '" + query.name + "'"};
  const std::int64_t first = range->Integer(0);
  const std::int64_t last = range->Integer(1);
  if (!query.since) from = std::min(first, until - 1);
  if (!query.until) until = std::max(query.since ? std::max(now, last) : last, from) + 1;
  if (until <= from) return Error{ErrorCode::kMalformed, "until: a time after since is expected"};

  auto rows = database_->Prepare("SELECT " + std::string(kItemColumns) + std::string(kPointsOf) + " ORDER BY time,seq LIMIT " +
                                 std::to_string(limits::kChartPointsMax + 1));
  if (!rows) return rows.error();
  const std::int64_t look_back = limits::kChartLookBack.count() * kTicksPerSecond;
  const std::int64_t known_from = from < kFirst + look_back ? kFirst : from - look_back;
  BindPoints(query, known_from, until, *rows);
  ChartBuilder builder(MakeTimeSteps(from, until - 1, limits::kChartSteps), known_from, query.split_by);
  ConditionMatcher where(query.where);
  Item item;
  std::size_t read = 0;
  for (;;) {
    const auto row = rows->Step();
    if (!row) return row.error();
    if (!*row) break;
    if (++read > limits::kChartPointsMax) {
      builder.Cut();
      break;
    }
    ReadItem(*rows, item);
    if (where.Matches(item)) builder.Add(item);
  }
  return builder.Finish();
}

}  // namespace azmon::local
