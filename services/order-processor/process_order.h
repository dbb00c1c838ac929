// SPDX-License-Identifier: MIT
// The business of order-processor: an order is done when it has its receipt.
//
// Knows no HTTP; the peer is an interface.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <variant>

#include "net/http.h"
#include "services/shared/order_client.h"
#include "services/shared/problem.h"

namespace order_processor {

/// Has the order's receipt written, as the span `process order`.
///
/// @param id     the order's id
/// @param body   the order as it came; passed on unchanged, receipt decides on its bytes
/// @param peer   receipt; must outlive the coroutine
/// @return nullopt if there is a receipt, else what to answer
boost::asio::awaitable<std::optional<services::Problem>> ProcessOrder(std::string id, std::string body, services::OrderPeer& peer,
                                                                      net::Deadline deadline);

/// The order's state as JSON: {"orderId":42,"state":"completed"}; 404 for an order without a receipt, 503, 504.
boost::asio::awaitable<std::variant<std::string, services::Problem>> StateOfOrder(std::string id, services::OrderPeer& peer,
                                                                                  net::Deadline deadline);

}  // namespace order_processor
