// SPDX-License-Identifier: MIT
// An order: what its JSON may be, and the receipt that follows from it.
//
// Used by all three services. Pure: no clock, no network, no HTTP.
//
//   {"orderId": 42,                          required; an integer 1…2^53-1, or a string of 1 to 64 letters, digits and '-'
//    "customerReference": "PO-7",            1 to 64 bytes, no control characters
//    "currency": "EUR",                      three capital letters; required when there are lines
//    "lines": [{"sku": "A-1",                1 to 64 bytes, no control characters
//               "quantity": 2,               required; 1…1000000
//               "unitPriceMinor": 1250}]}    required; in the currency's minor unit, 0…100000000000
//
// Other members are kept and stored, here and in lines. `42` and `"42"` are the same order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/shared/json.h"
#include "services/shared/problem.h"

namespace services {

struct OrderLine {
  std::string sku;
  std::int64_t quantity = 0;
  std::int64_t unit_price_minor = 0;
};

struct Order {
  std::string id;  ///< the same text for 42 and "42"
  std::string customer_reference;
  std::string currency;
  std::vector<OrderLine> lines;
  std::int64_t total_minor = 0;  ///< sum of quantity times unit price; at most 2^53-1
  JsonValue document;            ///< the whole order as it came, unknown members included
};

/// An order, or all that is wrong with its text (at most kFieldProblemsMax). Exactly one of the two.
struct OrderParse {
  std::optional<Order> order;
  std::vector<FieldProblem> problems;
};

/// Reads an order of at most kOrderBodyBytesMax untrusted bytes.
OrderParse ParseOrder(std::string_view body);

/// Whether the text is an order id: 1 to 64 of [A-Za-z0-9-].
bool IsOrderId(std::string_view text);

/// The receipt's bytes: canonical JSON of the order. Known members first, in the order of this page; then the others by name.
/// Depends on nothing but the order's values, so equal orders have equal receipts.
std::string ReceiptOf(const Order& order);

/// An id as it stands in JSON: a number if it reads as an id number ("42" is 42, but "042" is a string).
std::string OrderIdJson(std::string_view order_id);

/// The receipt's name in the container.
std::string ReceiptName(std::string_view order_id);

/// The answer to an order that does not follow the schema: 400 with every problem found.
Problem InvalidOrder(std::vector<FieldProblem> problems);

}  // namespace services
