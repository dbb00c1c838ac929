// SPDX-License-Identifier: MIT
#include "services/checkout/place_order.h"

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/json_writer.h"
#include "services/shared/counts.h"
#include "services/shared/limits.h"
#include "services/shared/log.h"
#include "services/shared/retry.h"
#include "services/shared/span.h"

namespace checkout {
namespace {

using boost::asio::awaitable;
using services::Problem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Good {
  std::string_view sku;
  std::int64_t unit_price_minor;
};
constexpr std::array kGoods = {Good{"tea-earl-grey", 890}, Good{"coffee-arabica", 1450}, Good{"cocoa-70", 1120}, Good{"mug-blue", 1690}, Good{"kettle-steel", 5990}};

}  // namespace

std::string MakeOrder(std::string_view id, std::uint64_t number) {
  std::string out;
  azmon::base::JsonWriter json(out);
  json.OpenObject().Member("orderId", id).Member("customerReference", "customer-" + std::to_string(number % 100));
  json.Member("currency", std::string_view("EUR")).Key("lines").OpenArray();
  for (std::uint64_t line = 0; line <= number % 3; ++line) {
    const Good& good = kGoods[(number + line) % kGoods.size()];
    json.OpenObject().Member("sku", good.sku).Member("quantity", 1 + (number + line) % 4).Member("unitPriceMinor", good.unit_price_minor);
    json.CloseObject();
  }
  json.CloseArray().CloseObject();
  return out;
}

std::string Placed::ToLine() const {
  const std::string outcome = failure.empty() ? "ok " + std::to_string(took.count()) + " ms" : "failed " + failure;
  return "order " + id + " " + outcome + " trace " + trace_id;
}

bool MayTryAgain(const Problem& problem) { return problem.status == 503 || problem.status == 504; }

awaitable<Placed> PlaceOrder(std::string id, std::string order, services::OrderPeer& peer, net::Deadline patience) {
  constexpr services::BackOff kBackOff{services::limits::kOrderRetryBase, services::limits::kOrderRetryCap};
  const auto started = steady_clock::now();
  services::Span span("place order");
  span.Set("order.id", id);
  std::optional<Problem> problem;
  for (int tries = 0;; ++tries) {
    problem = co_await peer.Send(order, std::min(steady_clock::now() + services::limits::kOrderDeadline, patience), tries);
    if (!problem || !MayTryAgain(*problem) || tries + 1 >= services::limits::kOrderTriesMax) break;
    const milliseconds asked = problem->retry_after.value_or(std::chrono::seconds(0));
    // Those who were all sent away at once must not all come back at once.
    const milliseconds wait = asked + services::Delay(kBackOff, tries, services::Chance());
    if (steady_clock::now() + wait >= patience) break;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(wait);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  Placed placed;
  placed.id = std::move(id);
  if (problem) placed.failure = problem->code.empty() ? "status_" + std::to_string(problem->status) : problem->code;
  // The line of a failed order has one word for its reason, and a peer made this one.
  std::ranges::replace_if(placed.failure, [](char c) { return c <= ' ' || c == 0x7F; }, '_');
  placed.took = std::chrono::round<milliseconds>(steady_clock::now() - started);
  placed.trace_id = span.TraceId();
  services::Add(problem ? services::Count::kOrderFailed : services::Count::kOrderPlaced);
  if (problem) {
    span.Fail(*problem);
    // The terminal has the order's own line.
    services::Log(services::LogLevel::kWarn, "an order failed", {{"order.id", placed.id}, {"error.type", placed.failure}},
                  services::LogTo::kTelemetryAlone);
  }
  placed.problem = std::move(problem);
  co_return placed;
}

}  // namespace checkout
