// SPDX-License-Identifier: MIT
#include "local/api/query_string.h"

#include <algorithm>

#include "base/text.h"
#include "local/model/limits.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

std::optional<std::string> Decode(std::string_view text) {
  std::string blanks(text);
  std::replace(blanks.begin(), blanks.end(), '+', ' ');
  return base::PercentDecode(blanks);
}

Error Bad(std::string_view name, std::string_view what) {
  return Error{ErrorCode::kMalformed, std::string(name) + ": " + std::string(what)};
}

Result<std::size_t> ReadLimit(const QueryParameters& parameters) {
  const auto text = parameters.Get("limit");
  if (!text) return limits::kPageRows;
  const auto limit = base::ParseInteger<std::size_t>(*text);
  if (!limit || *limit == 0 || *limit > limits::kPageRowsMax) return Bad("limit", "a number from 1 to " + std::to_string(limits::kPageRowsMax) + " is expected");
  return *limit;
}

Result<std::optional<std::int64_t>> ReadTime(const QueryParameters& parameters, std::string_view name) {
  const auto text = parameters.Get(name);
  if (!text) return std::optional<std::int64_t>();
  const auto ticks = ParseTime(*text);
  if (!ticks) return Bad(name, "an ISO 8601 time is expected, for example 2026-11-24T10:00:00Z");
  return ticks;
}

Result<std::optional<ItemType>> ReadType(const QueryParameters& parameters) {
  const auto text = parameters.Get("itemType");
  if (!text) return std::optional<ItemType>();
  const auto type = ParseItemType(*text);
  if (!type) return Bad("itemType", "request, dependency, trace, exception, customEvent, metric, pageView or availability is expected");
  return type;
}

Result<void> ReadRange(const QueryParameters& parameters, std::optional<std::int64_t>& since, std::optional<std::int64_t>& until) {
  const auto from = ReadTime(parameters, "since");
  if (!from) return from.error();
  const auto to = ReadTime(parameters, "until");
  if (!to) return to.error();
  since = *from;
  until = *to;
  return {};
}

Result<std::vector<Condition>> ReadWhere(const QueryParameters& parameters) {
  std::vector<Condition> where;
  const auto conditions = parameters.All("where");
  if (conditions.size() > limits::kWhereMax) return Bad("where", "at most " + std::to_string(limits::kWhereMax) + " conditions");
  for (const std::string& condition : conditions) {
    auto parsed = Condition::Parse(condition);
    if (!parsed) return parsed.error();
    where.push_back(std::move(*parsed));
  }
  return where;
}

/// "localhost:4380" without its port, brackets of IPv6 removed.
std::string HostName(std::string_view host) {
  if (host.starts_with('[')) return base::ToLower(host.substr(1, host.find(']') == std::string_view::npos ? 0 : host.find(']') - 1));
  return base::ToLower(host.substr(0, host.find(':')));
}

}  // namespace

Result<QueryParameters> QueryParameters::Parse(std::string_view query, std::initializer_list<std::string_view> known) {
  QueryParameters parameters;
  for (const std::string_view piece : base::Split(query, '&')) {
    if (piece.empty()) continue;
    const auto equals = piece.find('=');
    auto name = Decode(piece.substr(0, equals));
    auto value = Decode(equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1));
    if (!name || !value) return Error{ErrorCode::kMalformed, "the query string has a '%' that two hexadecimal digits do not follow"};
    if (std::find(known.begin(), known.end(), *name) == known.end()) {
      std::string names;
      for (const std::string_view at : known) names.append(names.empty() ? "" : ", ").append(at);
      return Error{ErrorCode::kMalformed, "there is no parameter '" + *name + "'; known are " + names};
    }
    if (!value->empty()) parameters.values_.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

std::optional<std::string> QueryParameters::Get(std::string_view name) const {
  for (auto at = values_.rbegin(); at != values_.rend(); ++at) {
    if (at->first == name) return at->second;
  }
  return std::nullopt;
}

std::vector<std::string> QueryParameters::All(std::string_view name) const {
  std::vector<std::string> all;
  for (const auto& [key, value] : values_) {
    if (key == name) all.push_back(value);
  }
  return all;
}

Result<TransactionQuery> ReadTransactionQuery(std::string_view text) {
  const auto parameters = QueryParameters::Parse(text, {"search", "role", "since", "until", "limit", "cursor", "result", "itemType", "iKey"});
  if (!parameters) return parameters.error();
  TransactionQuery query;
  auto search = Search::Parse(parameters->Get("search").value_or(""));
  if (!search) return search.error();
  query.search = std::move(*search);
  query.role = parameters->Get("role").value_or("");
  query.i_key = parameters->Get("iKey").value_or("");
  const auto type = ReadType(*parameters);
  if (!type) return type.error();
  query.item_type = *type;
  if (const auto result = parameters->Get("result")) {
    if (*result != "ok" && *result != "failed") return Bad("result", "ok or failed is expected");
    query.success = *result == "ok";
  }
  if (const auto range = ReadRange(*parameters, query.since, query.until); !range) return range.error();
  const auto limit = ReadLimit(*parameters);
  if (!limit) return limit.error();
  query.limit = *limit;
  if (const auto cursor = parameters->Get("cursor")) {
    query.after = DecodeTransactionCursor(*cursor);
    if (!query.after) return Bad("cursor", "this is not one that a list gave");
  }
  return query;
}

Result<ItemQuery> ReadItemQuery(std::string_view text) {
  const auto parameters = QueryParameters::Parse(text, {"search", "role", "limit", "cursor", "itemType", "iKey", "operation_Id", "where"});
  if (!parameters) return parameters.error();
  ItemQuery query;
  auto search = Search::Parse(parameters->Get("search").value_or(""));
  if (!search) return search.error();
  query.search = std::move(*search);
  query.role = parameters->Get("role").value_or("");
  query.i_key = parameters->Get("iKey").value_or("");
  query.operation_id = parameters->Get("operation_Id").value_or("");
  const auto type = ReadType(*parameters);
  if (!type) return type.error();
  query.item_type = *type;
  auto where = ReadWhere(*parameters);
  if (!where) return where.error();
  query.where = std::move(*where);
  const auto limit = ReadLimit(*parameters);
  if (!limit) return limit.error();
  query.limit = *limit;
  if (const auto cursor = parameters->Get("cursor")) {
    query.before = DecodeItemCursor(*cursor);
    if (!query.before) return Bad("cursor", "this is not one that a list gave");
  }
  return query;
}

Result<MetricQuery> ReadMetricQuery(std::string_view text) {
  const auto parameters = QueryParameters::Parse(text, {"search", "role", "iKey", "since", "until", "limit"});
  if (!parameters) return parameters.error();
  MetricQuery query;
  query.search = parameters->Get("search").value_or("");
  if (query.search.size() > limits::kSearchBytesMax) return Bad("search", "at most " + std::to_string(limits::kSearchBytesMax) + " bytes");
  query.role = parameters->Get("role").value_or("");
  query.i_key = parameters->Get("iKey").value_or("");
  if (const auto range = ReadRange(*parameters, query.since, query.until); !range) return range.error();
  const auto limit = ReadLimit(*parameters);
  if (!limit) return limit.error();
  query.limit = *limit;
  return query;
}

Result<ChartQuery> ReadChartQuery(std::string_view text) {
  const auto parameters = QueryParameters::Parse(text, {"name", "source", "namespace", "role", "iKey", "since", "until", "where", "splitBy"});
  if (!parameters) return parameters.error();
  ChartQuery query;
  query.name = parameters->Get("name").value_or("");
  const std::string source = parameters->Get("source").value_or("");
  if (source != Name(Source::kBreeze) && source != Name(Source::kOtlp)) return Bad("source", "breeze or otlp is expected");
  query.source = source == Name(Source::kOtlp) ? Source::kOtlp : Source::kBreeze;
  query.space = parameters->Get("namespace").value_or("");
  query.role = parameters->Get("role").value_or("");
  query.i_key = parameters->Get("iKey").value_or("");
  query.split_by = parameters->Get("splitBy").value_or("");
  if (const auto range = ReadRange(*parameters, query.since, query.until); !range) return range.error();
  auto where = ReadWhere(*parameters);
  if (!where) return where.error();
  query.where = std::move(*where);
  return query;
}

bool IsOwnHost(std::string_view host, const std::vector<std::string>& allowed) {
  const std::string name = HostName(host);
  if (name == "localhost" || name.ends_with(".localhost") || name == "::1") return true;
  // 127.0.0.0/8, as four numbers: "127.evil.example" is a name.
  if (name.starts_with("127.")) {
    const auto parts = base::Split(name, '.');
    if (parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) { return base::ParseInteger<std::uint8_t>(part).has_value(); })) {
      return true;
    }
  }
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& at) { return base::EqualsIgnoreCase(at, name); });
}

bool IsSameOrigin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return base::EqualsIgnoreCase(origin.substr(scheme.size()), host);
  }
  return false;
}

}  // namespace azmon::local
