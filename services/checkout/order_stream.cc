// SPDX-License-Identifier: MIT
#include "services/checkout/order_stream.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>


namespace checkout {
namespace {

using boost::asio::awaitable;
using std::chrono::steady_clock;

/// Waits for a timer; a cancelled one is an early end, no error.
awaitable<void> Wait(boost::asio::steady_timer& timer) {
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace

OrderStream::OrderStream(net::Runtime& runtime, std::shared_ptr<services::OrderPeer> peer, OrderStreamOptions options,
                         std::function<void(const Placed&)> report)
    : runtime_(runtime),
      peer_(std::move(peer)),
      options_(options),
      report_(std::move(report)),
      executor_(runtime.executor(0)),
      timer_(executor_),
      changed_(executor_) {}

void OrderStream::Start(std::function<void()> done) {
  auto self = shared_from_this();
  // The pace keeps no context: each order begins a trace of its own.
  boost::asio::co_spawn(
      executor_, [self, done = std::move(done)]() { return self->Pace(done); }, boost::asio::detached);
}

void OrderStream::Stop() {
  auto self = shared_from_this();
  boost::asio::post(executor_, [self] {
    self->is_stopped_ = true;
    self->timer_.cancel();
    self->changed_.cancel();
  });
}

awaitable<void> OrderStream::Pace(std::function<void()> done) {
  const auto period = std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(1 / options_.rate_per_s));
  auto next = steady_clock::now();
  for (std::uint64_t number = 0; !is_stopped_ && (options_.count == 0 || number < options_.count); ++number) {
    if (next > steady_clock::now()) {
      timer_.expires_at(next);
      co_await Wait(timer_);
    }
    while (!is_stopped_ && in_flight_ >= options_.in_flight_max) {
      changed_.expires_at(steady_clock::time_point::max());
      co_await Wait(changed_);
    }
    if (is_stopped_) break;
    ++in_flight_;
    auto self = shared_from_this();
    runtime_.Spawn([self, number] { return self->PlaceOne(number); });
    // After a stall the next order is due now, not all that were missed.
    next = std::max(next + period, steady_clock::now() - period);
  }
  while (in_flight_ > 0) {
    changed_.expires_at(steady_clock::time_point::max());
    co_await Wait(changed_);
  }
  done();
}

awaitable<void> OrderStream::PlaceOne(std::uint64_t number) {
  const std::string id = ids_.Make();
  const Placed placed = co_await PlaceOrder(id, MakeOrder(id, number), *peer_, steady_clock::now() + options_.patience);
  report_(placed);
  OnEnd();
}

void OrderStream::OnEnd() {
  auto self = shared_from_this();
  boost::asio::post(executor_, [self] {
    --self->in_flight_;
    self->changed_.cancel();
  });
}

}  // namespace checkout
