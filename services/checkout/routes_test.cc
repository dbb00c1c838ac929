// SPDX-License-Identifier: MIT
#include "services/checkout/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "services/checkout/status_page.h"
#include "services/shared/order.h"
#include "services/shared/test_support.h"

namespace checkout {
namespace {

using boost::asio::awaitable;
using services::Problem;
using services::test::TestServer;
using testing::HasSubstr;
using testing::Not;

class OnePeer final : public services::OrderPeer {
 public:
  awaitable<std::optional<Problem>> Send(std::string order, net::Deadline, int) override {
    orders.push_back(std::move(order));
    co_return answer;
  }
  awaitable<std::variant<bool, Problem>> HasReceipt(std::string, net::Deadline) override { co_return false; }
  std::vector<std::string> orders;  // used on the server's one loop
  std::optional<Problem> answer;
};

class CheckoutRoutes : public testing::Test {
 protected:
  const std::shared_ptr<OnePeer> peer_ = std::make_shared<OnePeer>();
  const std::shared_ptr<RecentOrders> recent_ = std::make_shared<RecentOrders>();
  const TestServer server_{Routes(peer_, recent_)};
};

TEST_F(CheckoutRoutes, AnOrderWithoutAnIdGetsOneAndAnOrderWithOneKeepsIt) {
  const auto made = nlohmann::json::parse(server_.Post("/checkout", R"({"currency":"EUR","lines":[{"quantity":1,"unitPriceMinor":5}]})").body.view());
  EXPECT_EQ(made["success"], true);
  const auto sent = nlohmann::json::parse(peer_->orders.at(0));
  EXPECT_EQ(sent["orderId"], made["orderId"]);
  EXPECT_EQ(sent["currency"], "EUR");
  EXPECT_EQ(made["orderId"].get<std::string>().size(), 36u);
  EXPECT_EQ(made["traceId"].get<std::string>().size(), 32u);
  const auto kept = nlohmann::json::parse(server_.Post("/checkout", R"({"orderId":42})").body.view());
  EXPECT_EQ(kept["orderId"], "42");
  EXPECT_EQ(peer_->orders.at(1), R"({"orderId":42})");
}

TEST_F(CheckoutRoutes, BadOrdersAreRefusedHereAndNamed) {
  for (const char* body : {"", "[]", "{", R"({"orderId":0})", R"({"lines":[{"quantity":0,"unitPriceMinor":1}],"currency":"EUR"})"}) {
    const auto answer = server_.Post("/checkout", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.headers.Get("Content-Type"), "application/problem+json") << body;
  }
  EXPECT_EQ(server_.Post("/checkout", "{}", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_TRUE(peer_->orders.empty());
}

TEST_F(CheckoutRoutes, AFailedOrderTellsItsIdSoThatItCanBeRepeated) {
  peer_->answer = Problem{.status = 409, .code = "order_conflict", .detail = "no.", .fields = {}, .retry_after = {}};
  const auto answer = server_.Post("/checkout", R"({"orderId":"mine-1"})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(std::string(answer.body.view()), HasSubstr("mine-1"));
}

TEST_F(CheckoutRoutes, StatusPageShowsTheOrdersAndForbidsWhatItDoesNotNeed) {
  recent_->Add({.id = "a-1", .failure = {}, .took = std::chrono::milliseconds(12), .trace_id = std::string(32, 'a'), .problem = {}});
  const auto page = server_.Get("/");
  const std::string html(page.body.view());
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(html, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">a-1</th><td>ok</td>"));
  EXPECT_THAT(html, HasSubstr("<dt>Orders placed</dt><dd>1</dd>"));
  EXPECT_THAT(std::string(*page.headers.Get("Content-Security-Policy")), HasSubstr("default-src 'none'"));
  EXPECT_EQ(page.headers.Get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(server_.Get("/style.css").status, 200);
}

TEST(StatusPage, TextFromOutsideIsText) {
  RecentOrders recent;
  recent.Add({.id = "x", .failure = "<script>alert(1)</script>\"'&", .took = {}, .trace_id = {}, .problem = {}});
  const std::string html = StatusPage(recent.Now());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
}

TEST(RecentOrders, AreBounded) {
  RecentOrders recent;
  for (int i = 0; i < 200; ++i) recent.Add({.id = std::to_string(i), .failure = i % 2 == 0 ? "" : "no", .took = {}, .trace_id = {}, .problem = {}});
  EXPECT_EQ(recent.Now().orders.size(), RecentOrders::kRecentOrders);
  EXPECT_EQ(recent.Now().orders.front().id, "199");
  EXPECT_EQ(recent.Now().ok, 100u);
  EXPECT_EQ(recent.Now().failed, 100u);
}

}  // namespace
}  // namespace checkout
