// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <map>
#include <mutex>
#include <set>

#include "services/checkout/order_stream.h"
#include "services/checkout/place_order.h"
#include "services/checkout/settings.h"
#include "services/shared/order.h"
#include "services/shared/test_support.h"

namespace checkout {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using services::Problem;
using services::test::Await;
using services::test::In;
using testing::HasSubstr;
using Variables = std::map<std::string, std::string, std::less<>>;

Problem WithStatus(int status, std::string code) { return {.status = status, .code = std::move(code), .detail = {}, .fields = {}, .retry_after = {}}; }

/// A peer that answers each try by the next of its answers (the last one again and again), after a delay.
class ScriptedPeer final : public services::OrderPeer {
 public:
  explicit ScriptedPeer(std::vector<std::optional<Problem>> answers, std::chrono::milliseconds delay = 0ms)
      : answers_(std::move(answers)), delay_(delay) {}

  awaitable<std::optional<Problem>> Send(std::string order, net::Deadline, int resend_count) override {
    std::size_t index;
    {
      const std::lock_guard lock(mutex_);
      index = std::min(orders.size(), answers_.size() - 1);
      orders.push_back(std::move(order));
      resend_counts.push_back(resend_count);
      most_at_once = std::max(most_at_once, ++at_once_);
    }
    if (delay_ > 0ms) {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_after(delay_);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    const std::lock_guard lock(mutex_);
    --at_once_;
    co_return answers_[index];
  }
  awaitable<std::variant<bool, Problem>> HasReceipt(std::string, net::Deadline) override { co_return false; }

  std::vector<std::string> orders;
  std::vector<int> resend_counts;
  std::size_t most_at_once = 0;

 private:
  std::mutex mutex_;
  const std::vector<std::optional<Problem>> answers_;
  const std::chrono::milliseconds delay_;
  std::size_t at_once_ = 0;
};

const net::RuntimeOptions kTwoLoops{.threads = 2, .handle_signals = false, .bind_executor = {}};

Placed Place(ScriptedPeer& peer, std::chrono::milliseconds within = 5s) {
  net::Runtime runtime(kTwoLoops);
  return Await<Placed>(runtime, [&] { return PlaceOrder("id-1", R"({"orderId":"id-1"})", peer, In(within)); });
}

TEST(Checkout, EveryOrderItMakesIsValidAndHasLines) {
  for (std::uint64_t number = 0; number < 300; ++number) {
    const services::OrderParse parsed = services::ParseOrder(MakeOrder("id-" + std::to_string(number), number));
    ASSERT_TRUE(parsed.order.has_value()) << number << ": " << parsed.problems.front().pointer;
    EXPECT_GT(parsed.order->total_minor, 0);
  }
}

TEST(Checkout, LineOfAnOrderIsTheContracts) {
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  EXPECT_EQ((Placed{.id = "a-1", .failure = {}, .took = 12ms, .trace_id = trace}).ToLine(), "order a-1 ok 12 ms trace " + trace);
  EXPECT_EQ((Placed{.id = "a-1", .failure = "order_conflict", .took = 12ms, .trace_id = trace}).ToLine(),
            "order a-1 failed order_conflict trace " + trace);
}

TEST(Checkout, AnswersThatMayPassAreTriedAgainUnderTheSameId) {
  ScriptedPeer peer({WithStatus(503, "peer_unavailable"), WithStatus(504, "deadline_exceeded"), std::nullopt});
  EXPECT_EQ(Place(peer).failure, "");
  EXPECT_EQ(peer.orders, std::vector<std::string>(3, R"({"orderId":"id-1"})"));
  EXPECT_EQ(peer.resend_counts, (std::vector<int>{0, 1, 2}));
}

TEST(Checkout, FinalAnswersAreNotTriedAgain) {
  for (const int status : {400, 409, 413}) {
    ScriptedPeer peer({WithStatus(status, "no"), std::nullopt});
    EXPECT_EQ(Place(peer).failure, "no") << status;
    EXPECT_EQ(peer.orders.size(), 1u) << status;
  }
}

TEST(Checkout, AnOrderIsTriedUntilItsPatienceEnds) {
  ScriptedPeer down({WithStatus(503, "peer_unavailable")});
  EXPECT_EQ(Place(down, 600ms).failure, "peer_unavailable");
  EXPECT_GE(down.orders.size(), 2u);
  EXPECT_LT(down.orders.size(), 100u);
  ScriptedPeer back(std::vector<std::optional<Problem>>{WithStatus(503, "a"), WithStatus(503, "b"), WithStatus(503, "c"), WithStatus(503, "d"), std::nullopt});
  EXPECT_EQ(Place(back, 60s).failure, "");
  EXPECT_EQ(back.orders.size(), 5u);
}

TEST(Checkout, RetryAfterIsHonoured) {
  Problem later = WithStatus(503, "peer_unavailable");
  later.retry_after = 60s;
  ScriptedPeer patient({later});
  EXPECT_EQ(Place(patient).failure, "peer_unavailable");
  EXPECT_EQ(patient.orders.size(), 1u);
  later.retry_after = 1s;
  ScriptedPeer soon(std::vector<std::optional<Problem>>{later, std::nullopt});
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(Place(soon, 60s).failure, "");
  EXPECT_GE(std::chrono::steady_clock::now() - started, 1s);
}

TEST(Checkout, ReasonOfAFailureIsOneWord) {
  ScriptedPeer odd({WithStatus(400, "two words\n")});
  EXPECT_EQ(Place(odd).failure, "two_words_");
  ScriptedPeer nameless({WithStatus(409, "")});
  EXPECT_EQ(Place(nameless).failure, "status_409");
}

/// Runs a stream to its end.
std::vector<Placed> RunStream(const std::shared_ptr<ScriptedPeer>& peer, OrderStreamOptions options, std::optional<std::size_t> stop_after = {}) {
  net::Runtime runtime(kTwoLoops);
  std::mutex mutex;
  std::vector<Placed> placed;
  std::shared_ptr<OrderStream> stream;
  std::promise<void> done;
  const auto report = [&](const Placed& order) {
    const std::lock_guard lock(mutex);
    placed.push_back(order);
    if (placed.size() == stop_after) stream->Stop();
  };
  stream = std::make_shared<OrderStream>(runtime, peer, options, report);
  stream->Start([&] { done.set_value(); });
  done.get_future().wait();
  runtime.Stop();
  return placed;
}

TEST(OrderStream, PlacesExactlyTheOrdersItWasAskedForEachWithItsOwnId) {
  const auto peer = std::make_shared<ScriptedPeer>(std::vector<std::optional<Problem>>{std::nullopt});
  const auto placed = RunStream(peer, {.rate_per_s = 10000, .count = 200, .in_flight_max = 256});
  std::set<std::string> ids;
  for (const Placed& order : placed) ids.insert(order.id);
  EXPECT_EQ(placed.size(), 200u);
  EXPECT_EQ(ids.size(), 200u);
}

TEST(OrderStream, ASlowPeerDoesNotSlowTheNextOrder) {
  const auto peer = std::make_shared<ScriptedPeer>(std::vector<std::optional<Problem>>{std::nullopt}, 300ms);
  RunStream(peer, {.rate_per_s = 1000, .count = 20, .in_flight_max = 256});
  EXPECT_GT(peer->most_at_once, 5u);
}

TEST(OrderStream, UnfinishedOrdersAreBounded) {
  const auto peer = std::make_shared<ScriptedPeer>(std::vector<std::optional<Problem>>{std::nullopt}, 20ms);
  EXPECT_EQ(RunStream(peer, {.rate_per_s = 10000, .count = 40, .in_flight_max = 4}).size(), 40u);
  EXPECT_LE(peer->most_at_once, 4u);
}

TEST(OrderStream, StopLetsOrdersInFlightEnd) {
  const auto peer = std::make_shared<ScriptedPeer>(std::vector<std::optional<Problem>>{std::nullopt}, 50ms);
  const auto placed = RunStream(peer, {.rate_per_s = 500, .count = 0, .in_flight_max = 256}, 3);
  EXPECT_GE(placed.size(), 3u);
  EXPECT_EQ(placed.size(), peer->orders.size());
}

TEST(CheckoutSettings, FlagsWinOverVariables) {
  const azmon::base::MapEnvironment environment(
      {{"SERVICE_ORDER_PROCESSOR_API_NAME", "127.0.0.1:8001"}, {"ORDER_RATE", "2"}, {"ORDER_COUNT", "3"}});
  services::Flags flags;
  EXPECT_EQ(SettingsFrom(flags, environment)->rate_per_s, 2);
  EXPECT_EQ(SettingsFrom(flags, environment)->count, 3u);
  flags.values = {{"rate", "0.5"}, {"count", "0"}};
  EXPECT_EQ(SettingsFrom(flags, environment)->rate_per_s, 0.5);
  EXPECT_EQ(SettingsFrom(flags, environment)->count, 0u);
}

TEST(CheckoutSettings, EveryProblemIsToldAtOnceAndNamesItsSource) {
  services::Flags flags;
  flags.values = {{"rate", "0"}};
  const auto settings = SettingsFrom(flags, azmon::base::MapEnvironment(Variables{{"ORDER_COUNT", "many"}}));
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().detail, HasSubstr("--rate='0'"));
  EXPECT_THAT(settings.error().detail, HasSubstr("ORDER_COUNT='many'"));
  EXPECT_THAT(settings.error().detail, HasSubstr("SERVICE_ORDER_PROCESSOR_API_NAME is not set"));
}

}  // namespace
}  // namespace checkout
