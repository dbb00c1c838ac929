// SPDX-License-Identifier: MIT
// What the list of transactions shows of one operation, kept up to date item by item.
//
// Pure. The writer of `store` holds one for each operation that changed lately, so that an item costs the same whether its operation has ten
// items or a hundred thousand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "local/model/item.h"

namespace azmon::local {

struct OperationSummary {
  std::string operation_id;
  std::int64_t start = 0, end = 0;  ///< ticks
  std::string name;
  bool success = true;
  std::vector<std::string> roles;  ///< in call order
  std::uint64_t items = 0;         ///< distinct: a span that was received both ways is one
  std::uint64_t errors = 0;        ///< distinct failed spans and exceptions
  std::uint32_t sources = 0;       ///< bit by Source
  std::uint32_t types = 0;         ///< bit by ItemType
  std::vector<std::string> applications;
  std::uint64_t first_seq = 0, last_seq = 0;
};

class Operation {
 public:
  /// Adds an item of this operation.
  void Add(const Item& item);

  std::size_t items() const { return nodes_.size(); }
  bool IsEmpty() const { return nodes_.empty(); }

  /// The name and the result are those of the first root: the earliest span whose parent is not here. Without a span the name is the
  /// first message or exception, and the result is failure if there is an error. Roles stand in the order in which a walk down the calls
  /// meets them, so clocks that differ between machines do not matter; above kWalkItemsMax items by their first time.
  OperationSummary Summarise(std::string_view operation_id) const;

  static constexpr std::size_t kWalkItemsMax = 5'000;

 private:
  struct Node {
    std::string id, parent, label;
    std::int64_t time = 0;
    std::uint32_t role = 0;
    bool is_span = false, is_error = false;
    std::int8_t success = -1;
  };

  std::vector<std::uint32_t> RolesByTime() const;
  std::vector<std::uint32_t> RolesByCalls() const;
  std::uint32_t RoleNumber(const std::string& role);

  std::vector<Node> nodes_;
  std::unordered_map<std::string, std::uint32_t> by_key_;  ///< id, or what an item without one consists of
  std::vector<std::string> roles_, applications_;
  std::int64_t start_ = 0, end_ = 0;
  std::uint32_t sources_ = 0, types_ = 0;
  std::uint64_t first_seq_ = 0, last_seq_ = 0;
};

}  // namespace azmon::local
