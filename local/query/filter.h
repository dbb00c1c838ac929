// SPDX-License-Identifier: MIT
// What a caller of the API asks for, as values: which transactions, which items, from where in the list.
//
// Pure: texts of the query string go in, filters come out; `store` applies them. Used by `api` and `store`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "local/model/item.h"
#include "local/query/search.h"

namespace azmon::local {

/// `name=value` of a `where` parameter: equality with the text of a column, or of a custom dimension or measurement.
struct Condition {
  enum class Of : std::uint8_t { kColumn, kDimensions, kMeasurements };
  Of of = Of::kColumn;
  std::string name;  ///< of the column, or the key inside the bag
  std::string value;

  /// @param text  "resultCode=200", "customDimensions.order.id=42"; the first '=' separates
  /// @return kMalformed without '=' or for a column that items do not have
  static Result<Condition> Parse(std::string_view text);
};

/// Evaluates conditions; keeps a JSON parser between items. Not thread-safe.
class ConditionMatcher {
 public:
  explicit ConditionMatcher(std::vector<Condition> conditions);
  ~ConditionMatcher();
  ConditionMatcher(const ConditionMatcher&) = delete;
  ConditionMatcher& operator=(const ConditionMatcher&) = delete;

  bool IsEmpty() const { return conditions_.empty(); }
  bool Matches(const Item& item);

 private:
  struct Parser;
  std::vector<Condition> conditions_;
  std::unique_ptr<Parser> parser_;
};

struct TransactionQuery {
  Search search;
  std::string role, i_key;              ///< empty: any
  std::optional<ItemType> item_type;    ///< has an item of that type
  std::optional<bool> success;          ///< by the transaction's result
  std::optional<std::int64_t> since, until;  ///< ticks; start in [since, until)
  std::size_t limit = 100;
  struct Cursor {
    std::int64_t start = 0;
    std::string operation_id;
  };
  std::optional<Cursor> after;  ///< the last row of the page before
};

struct ItemQuery {
  Search search;
  std::string role, i_key, operation_id;
  std::optional<ItemType> item_type;
  std::vector<Condition> where;
  std::size_t limit = 100;
  std::optional<std::uint64_t> before;  ///< only items with a smaller seq
};

/// Cursors are opaque to callers and hold nothing but the place in the list.
std::string EncodeCursor(const TransactionQuery::Cursor& cursor);
std::optional<TransactionQuery::Cursor> DecodeTransactionCursor(std::string_view text);
std::string EncodeCursor(std::uint64_t seq);
std::optional<std::uint64_t> DecodeItemCursor(std::string_view text);

/// Bits of the search's terms that stand in any text of the item.
std::uint64_t FindInItem(const Search& search, const Item& item, std::string& scratch);

}  // namespace azmon::local
