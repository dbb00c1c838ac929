// SPDX-License-Identifier: MIT
// The query string of an API request as checked parameters, and who may call. Pure.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "local/query/filter.h"
#include "local/query/metric_chart.h"

namespace azmon::local {

/// Decoded parameters in their order; empty values count as absent.
class QueryParameters {
 public:
  /// @param query    the target after '?', not decoded
  /// @param known    names that the caller understands; others are an error, so that a typing error does not silently list everything
  /// @return kMalformed for bad escapes or an unknown name
  static Result<QueryParameters> Parse(std::string_view query, std::initializer_list<std::string_view> known);

  /// The last value of that name.
  std::optional<std::string> Get(std::string_view name) const;
  std::vector<std::string> All(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

Result<TransactionQuery> ReadTransactionQuery(std::string_view query);
Result<ItemQuery> ReadItemQuery(std::string_view query);
Result<MetricQuery> ReadMetricQuery(std::string_view query);
Result<ChartQuery> ReadChartQuery(std::string_view query);

/// Whether a request with this Host header was meant for us. A page of a stranger can reach a loopback address through a name of its own
/// (DNS rebinding), and then Host tells it.
/// @param host     the header's value, with or without port
/// @param allowed  further names, as --allowed-host gave them
bool IsOwnHost(std::string_view host, const std::vector<std::string>& allowed);

/// Whether an Origin header names the server that Host names: "http://localhost:4380" and "localhost:4380". "null" does not.
bool IsSameOrigin(std::string_view origin, std::string_view host);

}  // namespace azmon::local
