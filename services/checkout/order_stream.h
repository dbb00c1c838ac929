// SPDX-License-Identifier: MIT
// Places orders at a steady rate.
//
// Each order is a coroutine and a trace of its own, so a slow peer does not slow the others down; only kOrdersInFlightMax unfinished
// ones do. After a stall the rate goes on, what was missed is not made up for.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "net/runtime.h"
#include "services/checkout/place_order.h"
#include "services/shared/ids.h"
#include "services/shared/limits.h"
#include "services/shared/order_client.h"

namespace checkout {

struct OrderStreamOptions {
  double rate_per_s = 1;
  std::uint64_t count = 0;  ///< 0: until Stop()
  std::size_t in_flight_max = 256;
  std::chrono::milliseconds patience = services::limits::kOrderPatience;  ///< of one order
};

class OrderStream : public std::enable_shared_from_this<OrderStream> {
 public:
  /// @param report  called with each finished order, from any of the runtime's loops
  OrderStream(net::Runtime& runtime, std::shared_ptr<services::OrderPeer> peer, OrderStreamOptions options,
              std::function<void(const Placed&)> report);

  /// Starts; `done` is called on a loop when the last order has ended. Once.
  void Start(std::function<void()> done);

  /// Places no more orders; those in flight go on to their end. Thread-safe.
  void Stop();

 private:
  boost::asio::awaitable<void> Pace(std::function<void()> done);
  boost::asio::awaitable<void> PlaceOne(std::uint64_t number);
  void OnEnd();

  net::Runtime& runtime_;
  const std::shared_ptr<services::OrderPeer> peer_;
  const OrderStreamOptions options_;
  const std::function<void(const Placed&)> report_;
  services::IdMaker ids_;

  // All below belongs to the loop of executor_, which is one thread.
  const boost::asio::any_io_executor executor_;
  boost::asio::steady_timer timer_;    // the next order
  boost::asio::steady_timer changed_;  // an order has ended
  std::size_t in_flight_ = 0;
  bool is_stopped_ = false;
};

}  // namespace checkout
