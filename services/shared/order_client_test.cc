// SPDX-License-Identifier: MIT
#include "services/shared/order_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "services/shared/http.h"
#include "services/shared/limits.h"
#include "services/shared/test_support.h"

namespace services {
namespace {

using namespace std::chrono_literals;
using test::Await;
using test::Fixed;
using test::In;
using test::Script;
using test::TestServer;

PeerOptions Once(net::Url origin) { return {.name = "receipt", .origin = std::move(origin), .tries_max = 1, .authorization = {}}; }

net::Response Answer(int status, std::string body = {}) {
  net::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

/// The status of the problem, 200 for success.
int Judged(const net::Response& answer) {
  const auto problem = JudgeOrderAnswer(answer, "receipt");
  return problem ? problem->status : 200;
}

TEST(OrderAnswer, OnlyASuccessThatSaysSoIsOne) {
  EXPECT_EQ(Judged(Answer(200, R"({"success":true})")), 200);
  EXPECT_EQ(Judged(Answer(200, R"({"success":true,"more":1})")), 200);
  for (const char* body : {"", "{}", R"({"success":false})", R"({"success":"true"})", "[true]", "<html>"}) {
    EXPECT_EQ(Judged(Answer(200, body)), 503) << body;
  }
  for (const int status : {201, 204, 206, 301, 302}) EXPECT_EQ(Judged(Answer(status, R"({"success":true})")), 503) << status;
}

TEST(OrderAnswer, TheOrdersOwnFaultsArePassedOn) {
  const Problem problem{.status = 400, .code = "invalid_order", .detail = "no", .fields = {{"/orderId", "is required"}}, .retry_after = {}};
  EXPECT_EQ(JudgeOrderAnswer(Answer(400, ToJson(problem)), "receipt"), problem);
  EXPECT_EQ(Judged(Answer(409)), 409);
  EXPECT_EQ(Judged(Answer(413)), 413);
}

TEST(OrderAnswer, APeerInTroubleIsUnavailable) {
  for (const int status : {401, 403, 404, 405, 415, 429, 500, 502, 503}) {
    const auto problem = JudgeOrderAnswer(Answer(status), "receipt");
    ASSERT_TRUE(problem.has_value());
    EXPECT_EQ(problem->status, 503) << status;
    EXPECT_EQ(problem->code, "peer_unavailable") << status;
    EXPECT_TRUE(problem->retry_after.has_value()) << status;
  }
  EXPECT_EQ(Judged(Answer(504)), 504);
}

TEST(OrderAnswer, ReasonAndPatienceOfThePeerArePassedOn) {
  net::Response answer = Answer(503, R"({"code":"storage_unavailable","detail":"down"})");
  answer.headers.Set("Retry-After", "7");
  const auto problem = JudgeOrderAnswer(answer, "receipt");
  EXPECT_EQ(problem->code, "storage_unavailable");
  EXPECT_EQ(problem->retry_after, 7s);
}

TEST(OrderAnswer, NoAnswerIsAProblem) {
  EXPECT_EQ(JudgeFailedCall({.code = azmon::ErrorCode::kTimeout, .detail = {}}, "receipt").status, 504);
  EXPECT_EQ(JudgeFailedCall({.code = azmon::ErrorCode::kUnavailable, .detail = {}}, "receipt").status, 503);
  EXPECT_EQ(JudgeFailedCall({.code = azmon::ErrorCode::kMalformed, .detail = {}}, "receipt").status, 503);
}

TEST(HttpOrderPeer, SendsTheBytesAsTheyAreAndWhatIsLeftOfTheDeadline) {
  const Script script({Fixed(200, R"({"success":true})")});
  TestServer server(script.Router());
  HttpOrderPeer peer(std::make_shared<net::Client>(server.runtime()), Once(server.Url()));
  const auto problem = Await<std::optional<Problem>>(server.runtime(), [&] { return peer.Send(R"({ "orderId" : "7" })", In(2s), 0); });
  EXPECT_FALSE(problem.has_value());
  const net::Request request = script.Requests().at(0);
  EXPECT_EQ(request.target, "/orders");
  EXPECT_EQ(request.body, R"({ "orderId" : "7" })");
  EXPECT_EQ(request.headers.Get("Content-Type"), "application/json");
  const auto left = azmon::base::ParseInteger<int>(request.headers.Get(kDeadlineHeader).value_or(""));
  ASSERT_TRUE(left.has_value());
  EXPECT_GT(*left, 1000);
  EXPECT_LE(*left, 1950);
}

TEST(HttpOrderPeer, APeerThatIsDownIsUnavailableAtOnce) {
  net::Runtime runtime({.threads = 1, .handle_signals = false, .bind_executor = {}});
  net::Url nobody;
  {
    const TestServer server{net::Router()};
    nobody = server.Url();
  }
  HttpOrderPeer peer(std::make_shared<net::Client>(runtime), Once(nobody));
  const auto problem = Await<std::optional<Problem>>(runtime, [&] { return peer.Send("{}", In(2s), 0); });
  ASSERT_TRUE(problem.has_value());
  EXPECT_EQ(problem->status, 503);
  EXPECT_EQ(problem->code, "peer_unavailable");
}

PeerOptions Thrice(net::Url origin) {
  PeerOptions options = Once(std::move(origin));
  options.tries_max = 3;
  return options;
}

TEST(HttpOrderPeer, WhatMayPassIsRepeatedAndTheCountOfRepetitionsGoesAlong) {
  const Script script({Fixed(503, {}, {{"Retry-After", "0"}}), Fixed(200, R"({"success":true})")});
  TestServer server(script.Router());
  HttpOrderPeer peer(std::make_shared<net::Client>(server.runtime()), Thrice(server.Url()));
  EXPECT_FALSE((Await<std::optional<Problem>>(server.runtime(), [&] { return peer.Send("{}", In(30s), 0); })).has_value());
  EXPECT_EQ(script.Requests().size(), 2u);
}

TEST(HttpOrderPeer, FinalAnswersAndTimeoutsAreNotRepeated) {
  for (const int status : {400, 409, 413, 504}) {
    const Script script({Fixed(status)});
    TestServer server(script.Router());
    HttpOrderPeer peer(std::make_shared<net::Client>(server.runtime()), Thrice(server.Url()));
    EXPECT_EQ(Await<std::optional<Problem>>(server.runtime(), [&] { return peer.Send("{}", In(30s), 0); })->status, status);
    EXPECT_EQ(script.Requests().size(), 1u) << status;
  }
}

TEST(HttpOrderPeer, ARetryAfterBeyondTheDeadlineIsPassedOnAtOnce) {
  const Script script({Fixed(503, {}, {{"Retry-After", "60"}})});
  TestServer server(script.Router());
  HttpOrderPeer peer(std::make_shared<net::Client>(server.runtime()), Thrice(server.Url()));
  const auto problem = Await<std::optional<Problem>>(server.runtime(), [&] { return peer.Send("{}", In(30s), 0); });
  EXPECT_EQ(problem->retry_after, 60s);
  EXPECT_EQ(script.Requests().size(), 1u);
}

TEST(HttpOrderPeer, AfterARowOfFailuresNoCallIsMadeForAWhile) {
  const Script script({Fixed(500)});
  TestServer server(script.Router());
  HttpOrderPeer peer(std::make_shared<net::Client>(server.runtime()), Once(server.Url()));
  for (int call = 0; call < limits::kBreakerFailures + 3; ++call) {
    const auto problem = Await<std::optional<Problem>>(server.runtime(), [&] { return peer.Send("{}", In(30s), 0); });
    EXPECT_EQ(problem->status, 503);
    EXPECT_EQ(problem->code, "peer_unavailable");
    EXPECT_TRUE(problem->retry_after.has_value());
  }
  // A busy machine may take so long that a probe is due in between.
  EXPECT_GE(script.Requests().size(), static_cast<std::size_t>(limits::kBreakerFailures));
  EXPECT_LT(script.Requests().size(), static_cast<std::size_t>(limits::kBreakerFailures + 3));
  EXPECT_NE(peer.breaker_state(), CircuitBreaker::State::kClosed);
}

TEST(HttpOrderPeer, ShowsItsTokenAndTakesANewOneAtTheNextCall) {
  const Script script({Fixed(200, R"({"success":true})")});
  TestServer server(script.Router());
  std::string token = "Bearer one";
  PeerOptions options = Once(server.Url());
  options.authorization = [&token] { return token; };
  HttpOrderPeer peer(std::make_shared<net::Client>(server.runtime()), options);
  for (const char* next : {"Bearer two", ""}) {
    Await<std::optional<Problem>>(server.runtime(), [&] { return peer.Send("{}", In(30s), 0); });
    token = next;
  }
  Await<std::optional<Problem>>(server.runtime(), [&] { return peer.Send("{}", In(30s), 0); });
  EXPECT_EQ(script.Requests().at(0).headers.Get("Authorization"), "Bearer one");
  EXPECT_EQ(script.Requests().at(1).headers.Get("Authorization"), "Bearer two");
  EXPECT_FALSE(script.Requests().at(2).headers.Has("Authorization"));
}

TEST(HttpOrderPeer, StateOfAnOrderIsWhetherItsReceiptIsThere) {
  const Script script({Fixed(200, "{}"), Fixed(404), Fixed(500)});
  TestServer server(script.Router());
  HttpOrderPeer peer(std::make_shared<net::Client>(server.runtime()), Once(server.Url()));
  const auto ask = [&] {
    return Await<std::variant<bool, Problem>>(server.runtime(), [&] { return peer.HasReceipt("a-1", In(2s)); });
  };
  EXPECT_EQ(std::get<bool>(ask()), true);
  EXPECT_EQ(std::get<bool>(ask()), false);
  EXPECT_EQ(std::get<Problem>(ask()).status, 503);
  EXPECT_EQ(script.Requests().at(0).target, "/receipts/a-1");
}

}  // namespace
}  // namespace services
