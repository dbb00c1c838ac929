// SPDX-License-Identifier: MIT
// The store's questions to the database. Private to `store`; one thread at a time, each reader has a connection of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "local/store/sqlite.h"
#include "local/store/store.h"

namespace azmon::local {

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> Open(const std::string& path);

  /// @param now  ticks; the end of a histogram whose query has no `until`
  Result<TransactionList> ListTransactions(const TransactionQuery& query, std::int64_t now);
  Result<OperationItems> ReadOperation(std::string_view operation_id);
  Result<ItemList> ListItems(const ItemQuery& query);
  Result<RawItem> ReadRaw(std::uint64_t seq);
  Result<MetricList> ListMetrics(const MetricQuery& query);
  /// @param now  ticks; the end of a chart whose query has a `since` and no `until`
  Result<Chart> ReadChart(const ChartQuery& query, std::int64_t now);

 private:
  explicit Reader(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  std::unique_ptr<Database> database_;
};

}  // namespace azmon::local
