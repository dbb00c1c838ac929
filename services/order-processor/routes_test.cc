// SPDX-License-Identifier: MIT
#include "services/order-processor/routes.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "services/order-processor/settings.h"
#include "services/shared/http.h"
#include "services/shared/test_support.h"

namespace order_processor {
namespace {

using namespace std::chrono_literals;
using services::Problem;
using services::test::Fixed;
using services::test::Script;
using services::test::TestServer;
using Variables = std::map<std::string, std::string, std::less<>>;

/// order-processor's routes before a receipt that follows a script, both real servers.
struct Chain {
  explicit Chain(std::vector<Script::Reply> replies) : script(std::move(replies)), receipt(script.Router()), client_runtime(kOneLoop), server(MakeRoutes()) {}

  net::Router MakeRoutes() {
    return Routes(std::make_shared<services::HttpOrderPeer>(
        std::make_shared<net::Client>(client_runtime),
        services::PeerOptions{.name = "receipt", .origin = receipt.Url(), .tries_max = 1, .authorization = {}}));
  }

  static inline const net::RuntimeOptions kOneLoop{.threads = 1, .handle_signals = false, .bind_executor = {}};
  Script script;
  TestServer receipt;
  net::Runtime client_runtime;
  TestServer server;
};

TEST(OrderProcessor, SucceedsOnlyWhenReceiptDoes) {
  const Chain chain({Fixed(200, R"({"success":true})"), Fixed(200, "{}"), Fixed(500)});
  EXPECT_EQ(chain.server.Post("/orders", R"({"orderId":42})").body.view(), R"({"success":true})");
  EXPECT_EQ(chain.server.Post("/orders", R"({"orderId":42})").status, 503);
  EXPECT_EQ(chain.server.Post("/orders", R"({"orderId":42})").status, 503);
}

TEST(OrderProcessor, PassesTheOrderOnUnchanged) {
  const Chain chain({Fixed(200, R"({"success":true})")});
  const std::string body = R"( {"note": "kept", "orderId": "a-1"} )";
  EXPECT_EQ(chain.server.Post("/orders", body).status, 200);
  EXPECT_EQ(chain.script.Requests().at(0).body, body);
}

TEST(OrderProcessor, BadOrdersDoNotReachReceipt) {
  const Chain chain({Fixed(200, R"({"success":true})")});
  EXPECT_EQ(chain.server.Post("/orders", R"({"orderId":0})").status, 400);
  EXPECT_EQ(chain.server.Post("/orders", "{").status, 400);
  EXPECT_EQ(chain.server.Post("/orders", R"({"orderId":1})", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_TRUE(chain.script.Requests().empty());
}

TEST(OrderProcessor, ConflictAndTroubleAreToldAsTheyAre) {
  const Problem conflict{.status = 409, .code = "order_conflict", .detail = "d", .fields = {}, .retry_after = {}};
  const Chain chain({Fixed(409, services::ToJson(conflict)), Fixed(503, {}, {{"Retry-After", "9"}}), Fixed(504)});
  const net::Response first = chain.server.Post("/orders", R"({"orderId":1})");
  EXPECT_EQ(first.status, 409);
  EXPECT_EQ(nlohmann::json::parse(first.body.view())["code"], "order_conflict");
  const net::Response second = chain.server.Post("/orders", R"({"orderId":1})");
  EXPECT_EQ(second.status, 503);
  EXPECT_EQ(second.headers.Get("Retry-After"), "9");
  EXPECT_EQ(chain.server.Post("/orders", R"({"orderId":1})").status, 504);
}

TEST(OrderProcessor, StateOfAnOrderFollowsItsReceipt) {
  const Chain chain({Fixed(200, "{}"), Fixed(200, "{}"), Fixed(404), Fixed(500)});
  EXPECT_EQ(chain.server.Get("/orders/42").body.view(), R"({"orderId":42,"state":"completed"})");
  EXPECT_EQ(chain.server.Get("/orders/a-1").body.view(), R"({"orderId":"a-1","state":"completed"})");
  EXPECT_EQ(chain.server.Get("/orders/42").status, 404);
  EXPECT_EQ(chain.server.Get("/orders/42").status, 503);
  EXPECT_EQ(chain.server.Get("/orders/a%20b").status, 404);
  EXPECT_EQ(chain.script.Requests().size(), 4u);
}

TEST(OrderProcessorSettings, AreReadOrRefusedAsAWhole) {
  const auto settings = SettingsFromEnvironment(azmon::base::MapEnvironment(Variables{{"SERVICE_RECEIPT_API_NAME", "receipt-x"}}));
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->receipt.ToString(), "http://receipt-x/");
  EXPECT_EQ(settings->common.listen.port, 8001);
  const auto refused = SettingsFromEnvironment(azmon::base::MapEnvironment(Variables{{"PORT", "-1"}}));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().detail.find("SERVICE_RECEIPT_API_NAME"), std::string::npos);
  EXPECT_NE(refused.error().detail.find("PORT='-1'"), std::string::npos);
}

}  // namespace
}  // namespace order_processor
