// SPDX-License-Identifier: MIT
// Sends an order to the next service and says what its answer means. Used by checkout (to order-processor) and by order-processor (to
// receipt).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "net/client.h"
#include "services/shared/breaker.h"
#include "services/shared/problem.h"

namespace services {

/// What the peer's answer to POST /orders means for whoever sent the order: nullopt for success, else the problem to pass on.
///
///   200 {"success":true}   success; a 200 with another body is none: 503
///   400, 409, 413          the order's own fault: the peer's problem as it is
///   504                    504
///   anything else          503 with Retry-After (the peer's, if it gave one)
/// @param peer  the peer's name for messages
std::optional<Problem> JudgeOrderAnswer(const net::Response& answer, std::string_view peer);

/// What a call without an answer means: 504 when the deadline passed, else 503.
Problem JudgeFailedCall(const azmon::Error& error, std::string_view peer);

/// One peer that takes orders. An interface, so that what follows from each answer can be tested one by one.
class OrderPeer {
 public:
  virtual ~OrderPeer() = default;

  /// Sends the order's bytes. Never success unless the peer said so.
  /// @param resend_count  earlier tries of the same order
  virtual boost::asio::awaitable<std::optional<Problem>> Send(std::string order, net::Deadline deadline, int resend_count) = 0;

  /// Whether the order has a receipt at the peer: true, false, or a problem.
  virtual boost::asio::awaitable<std::variant<bool, Problem>> HasReceipt(std::string order_id, net::Deadline deadline) = 0;
};

/// How HttpOrderPeer calls.
struct PeerOptions {
  std::string name;  ///< the peer's, for messages and metrics
  net::Url origin;   ///< with the target "/"
  /// Tries of one Send(): more than one for a service in the middle; 1 for a caller that repeats by itself.
  int tries_max = 1;
  /// Gives the value of Authorization for each call; may be empty, or give an empty text.
  std::function<std::string()> authorization;
};

/// A peer behind a circuit breaker and a retry budget (breaker.h).
///
/// Repeats what may pass (no connection, 429, 502, 503) after a wait with full jitter, or what Retry-After asks, as long as the deadline
/// and the budget allow; never after a timeout. What an open breaker or an empty budget refuses is a 503 without any call.
class HttpOrderPeer final : public OrderPeer {
 public:
  HttpOrderPeer(std::shared_ptr<net::Client> client, PeerOptions options);

  boost::asio::awaitable<std::optional<Problem>> Send(std::string order, net::Deadline deadline, int resend_count) override;
  boost::asio::awaitable<std::variant<bool, Problem>> HasReceipt(std::string order_id, net::Deadline deadline) override;

  CircuitBreaker::State breaker_state() const { return breaker_.state(); }

 private:
  /// One call through the breaker; nullopt: it was refused.
  boost::asio::awaitable<std::optional<azmon::Result<net::Response>>> Call(net::ClientRequest request, net::Deadline deadline);
  net::ClientRequest MakeRequest(std::string_view method, std::string target, net::Deadline deadline) const;
  void Tell(CircuitBreaker::Change change) const;
  Problem LeftAlone() const;

  const std::shared_ptr<net::Client> client_;
  const PeerOptions options_;
  CircuitBreaker breaker_;
  RetryBudget budget_;
};

}  // namespace services
