// SPDX-License-Identifier: MIT
// The business of checkout: what an order of the demonstration shop looks like, and how it is placed until it has a final answer.
//
// Knows no HTTP; the peer is an interface.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "services/shared/order_client.h"

namespace checkout {

/// An order's JSON. The goods depend on `number` alone.
std::string MakeOrder(std::string_view id, std::uint64_t number);

/// What became of an order.
struct Placed {
  std::string id;
  std::string failure;  ///< one word, "order_conflict"; empty: it succeeded
  std::chrono::milliseconds took{0};
  std::string trace_id;
  std::optional<services::Problem> problem;  ///< the last answer, if it failed

  /// The line that is printed: "order ID ok MS ms trace HEX" or "order ID failed REASON trace HEX".
  std::string ToLine() const;
};

/// Whether the same order may be sent again after this answer: only after one that may pass.
bool MayTryAgain(const services::Problem& problem);

/// Places an order, as the span `place order`: tries again under the same id until it has a final answer, or patience is at its end.
/// Each try has the deadline of an order (kOrderDeadline); between them it waits with full jitter, or as long as Retry-After asks.
/// @param peer  order-processor; must outlive the coroutine
boost::asio::awaitable<Placed> PlaceOrder(std::string id, std::string order, services::OrderPeer& peer, net::Deadline patience);

}  // namespace checkout
