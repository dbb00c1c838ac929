// SPDX-License-Identifier: MIT
// The business of receipt: exactly one receipt an order, whatever is repeated or fails.
//
// Knows no HTTP; the store is an interface.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <variant>

#include "net/http.h"
#include "services/shared/blob_client.h"
#include "services/shared/order.h"
#include "services/shared/problem.h"

namespace receipt {

/// Writes the order's receipt, as the span `write receipt`.
///
/// Success only if the receipt is in the store with exactly this order's bytes: written now, or found there after the store said that
/// the name is taken (an earlier order, or a try of ours whose answer was lost).
/// @param store  must outlive the coroutine
/// @return nullopt on success, or
///   409  the store holds a receipt of another order with this id
///   503  the store is not available or refuses; the receipt may exist
///   504  the deadline passed; the receipt may exist
boost::asio::awaitable<std::optional<services::Problem>> WriteReceipt(services::Order order, services::ReceiptStore& store,
                                                                      net::Deadline deadline);

/// Reads an order's receipt, as the span `read receipt`.
/// @return its bytes, or 404, 503, 504
boost::asio::awaitable<std::variant<std::string, services::Problem>> ReadReceipt(std::string order_id, services::ReceiptStore& store,
                                                                                 net::Deadline deadline);

}  // namespace receipt
