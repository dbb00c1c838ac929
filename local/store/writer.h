// SPDX-License-Identifier: MIT
// What the store's writer thread does, step by step. Private to `store`; single-threaded.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "local/model/item.h"
#include "local/store/operation.h"
#include "local/store/rows.h"
#include "local/store/sqlite.h"

namespace azmon::local {

/// A batch on its way to the writer.
struct PackedBatch {
  RawKind kind = RawKind::kEnvelopes;
  std::uint64_t bytes_plain = 0;
  std::string body;  ///< compressed
  std::vector<Item> items;
};

class Writer {
 public:
  struct Totals {
    std::uint64_t breeze = 0, otlp = 0, transactions = 0, last_seq = 0;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>, std::less<>> applications;  ///< breeze, otlp
  };

  /// Makes the schema in an empty file, checks it in another one.
  static Result<std::unique_ptr<Writer>> Open(const std::string& path, const base::Clock& clock);

  /// Writes batches in one transaction: all or none. Gives the items their seq.
  Result<void> Write(std::vector<PackedBatch*>& batches);

  /// Deletes everything.
  Result<void> Reset();

  /// Deletes up to limits::kExpireItems of the oldest items, in one transaction.
  /// @param older_than  ticks: only items that were received before it; nullopt: whatever is oldest
  /// @return how many were deleted
  Result<std::uint64_t> Expire(std::optional<std::int64_t> older_than);

  Result<std::uint64_t> BytesUsed();
  const Totals& totals() const { return totals_; }

 private:
  Writer(std::unique_ptr<Database> database, const base::Clock& clock) : database_(std::move(database)), clock_(clock) {}

  struct Known {
    Operation operation;
    std::list<std::string>::iterator place;
  };

  Result<void> Prepare();
  Result<void> LoadTotals();
  Result<void> WriteBatch(PackedBatch& batch, std::vector<std::string>& touched, Totals& totals);
  Result<Operation> Load(std::string_view operation_id);
  Result<Known*> Find(const std::string& operation_id, Totals& totals);
  Result<void> WriteSummary(const Operation& operation, std::string_view operation_id);
  Result<void> WriteApplications(const Totals& totals);
  Result<std::uint64_t> ExpireBefore(std::int64_t cutoff, Totals& totals);
  void ForgetSurplus();
  void ForgetAll();
  Result<void> Rollback(Error error);

  std::unique_ptr<Database> database_;
  const base::Clock& clock_;
  Statement insert_item_, insert_batch_, replace_operation_, has_operation_, items_of_operation_, replace_app_, page_count_, free_pages_;
  Totals totals_;
  std::unordered_map<std::string, Known> known_;
  std::list<std::string> recent_;  ///< operations of known_, most recently changed first
  std::size_t known_items_ = 0;
  std::int64_t page_bytes_ = 0;
};

}  // namespace azmon::local
