// SPDX-License-Identifier: MIT
// Keeps the items: one SQLite file, one writer thread, any number of readers.
//
// Requests are queued and written in groups; the caller is told when its items are committed, which is also when they are visible and when
// they survive the death of the process. The bytes of each request are kept too, compressed, so that every item can be shown as it came.
// The oldest items go when the store is full or they are too old. Used by `api`; knows nothing of HTTP or of wire formats.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "local/model/item.h"
#include "local/model/limits.h"
#include "local/query/filter.h"
#include "local/query/metric_chart.h"
#include "local/store/operation.h"

namespace azmon::local {

struct StoreOptions {
  std::string directory;      ///< made if missing; one process at a time
  bool is_temporary = false;  ///< the directory and its files are removed at the end
  std::uint64_t bytes_max = limits::kStoreBytesMax;
  std::chrono::seconds retention = limits::kRetention;
  std::size_t queue_items_max = limits::kQueueItemsMax;
  std::size_t queue_bytes_max = limits::kQueueBytesMax;
};

struct StoreStats {
  std::uint64_t items = 0, breeze = 0, otlp = 0;  ///< now in the store
  std::uint64_t transactions = 0;
  std::uint64_t bytes = 0;  ///< of the file that are in use
  std::uint64_t last_seq = 0;
  // Since the start of the process:
  std::uint64_t expired_by_size = 0, expired_by_age = 0;
  std::uint64_t refused_queue_full = 0;  ///< items that the client was told to send again
  std::uint64_t refused_write_error = 0;
  std::uint64_t queue_items = 0;  ///< waiting now
  std::vector<std::pair<std::string, std::uint64_t>> applications;
};

struct TransactionList {
  std::vector<OperationSummary> transactions;  ///< newest first
  bool has_more = false;
  std::uint64_t total = 0;  ///< in the whole window, not in this page
  struct Bucket {
    std::uint64_t ok = 0, failed = 0;
  };
  std::int64_t histogram_from = 0, histogram_step = 0;  ///< ticks; step 0: no histogram
  std::vector<Bucket> histogram;
};

struct OperationItems {
  OperationSummary summary;
  std::vector<Item> items;  ///< by time
};

struct ItemList {
  std::vector<Item> items;  ///< newest first
  bool has_more = false;
};

struct RawItem {
  RawKind kind = RawKind::kEnvelopes;
  RawParts parts;
  std::string body;  ///< of the whole request, as the parts count
};

class Store {
 public:
  /// Opens or makes the store and starts its threads.
  /// @return kUnavailable the directory cannot be used or another process has it; kUnsupported a newer version made it; kMalformed it is
  ///   not ours or damaged
  static Result<std::unique_ptr<Store>> Open(StoreOptions options, const base::Clock& clock = base::SystemClock());
  /// Writes what is queued, tells its callers, and closes.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  using Committed = std::function<void(Result<void>)>;

  /// Queues a request's items; does not block.
  /// @param done  called once, on the writer's thread, when the items are committed or were not (kStorageFull, kUnavailable): then the
  ///   client has to send them again. Must not block and must not call the store's Reset
  /// @return kUnavailable the queue is full: nothing was taken and `done` is not called
  Result<void> Submit(Batch batch, Committed done);

  /// Forgets everything. Blocks until that is committed.
  Result<void> Reset();

  enum class Change : std::uint8_t { kItems, kReset };
  /// The listener is called on the writer's thread after each commit. Set it before the first Submit.
  void OnChange(std::function<void(Change, std::uint64_t last_seq)> listener);

  // Reads see all that is committed. Thread-safe, block; kTimeout after limits::kQueryTime.
  Result<TransactionList> ListTransactions(const TransactionQuery& query) const;
  /// kNotFound if no item has that operation id.
  Result<OperationItems> ReadOperation(std::string_view operation_id) const;
  Result<ItemList> ListItems(const ItemQuery& query) const;
  Result<MetricList> ListMetrics(const MetricQuery& query) const;
  /// kNotFound if no item is a point of that metric, at any time.
  Result<Chart> ReadChart(const ChartQuery& query) const;
  /// kNotFound if there is no such item (any more).
  Result<RawItem> ReadRaw(std::uint64_t seq) const;

  StoreStats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace azmon::local
