// SPDX-License-Identifier: MIT
#include "services/receipt/routes.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "services/receipt/settings.h"
#include "services/shared/limits.h"
#include "services/shared/test_support.h"

namespace receipt {
namespace {

using boost::asio::awaitable;
using services::BlobAnswer;
using services::BlobStatus;
using services::test::TestServer;

/// Keeps blobs as the storage does: created once, never changed.
class MemoryStore final : public services::ReceiptStore {
 public:
  awaitable<BlobAnswer> Create(std::string name, std::string bytes, net::Deadline) override {
    const bool is_new = blobs.emplace(std::move(name), std::move(bytes)).second;
    co_return BlobAnswer{.status = is_new ? BlobStatus::kDone : BlobStatus::kExists, .body = {}, .detail = {}};
  }
  awaitable<BlobAnswer> Read(std::string name, net::Deadline) override {
    const auto found = blobs.find(name);
    if (found == blobs.end()) co_return BlobAnswer{.status = BlobStatus::kNotFound, .body = {}, .detail = {}};
    co_return BlobAnswer{.status = BlobStatus::kDone, .body = found->second, .detail = {}};
  }

  std::map<std::string, std::string> blobs;  // used on the server's one loop
};

class ReceiptRoutesTest : public testing::Test {
 protected:
  const std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  const TestServer server_{Routes(store_)};
};

TEST_F(ReceiptRoutesTest, AnOrderIsAnsweredWithSuccessAndHasAReceipt) {
  const net::Response response = server_.Post("/orders", R"({"orderId":42})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body.view(), R"({"success":true})");
  EXPECT_EQ(response.headers.Get("Content-Type"), "application/json");
  EXPECT_EQ(store_->blobs.at("order-42.json"), R"({"orderId":42})");
  EXPECT_EQ(server_.Get("/receipts/42").body.view(), R"({"orderId":42})");
}

TEST_F(ReceiptRoutesTest, RepeatsAreTheSameAnswerAndOtherContentIsAConflict) {
  EXPECT_EQ(server_.Post("/orders", R"({"orderId":42,"a":1})").status, 200);
  EXPECT_EQ(server_.Post("/orders", R"({ "a":1, "orderId":"42" })").status, 200);
  const net::Response conflict = server_.Post("/orders", R"({"orderId":42,"a":2})");
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.headers.Get("Content-Type"), "application/problem+json");
  EXPECT_EQ(nlohmann::json::parse(conflict.body.view())["code"], "order_conflict");
  EXPECT_EQ(store_->blobs.size(), 1u);
}

TEST_F(ReceiptRoutesTest, BadOrderNamesItsMember) {
  const net::Response response = server_.Post("/orders", R"({"orderId":0})");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.Get("Content-Type"), "application/problem+json");
  const auto problem = nlohmann::json::parse(response.body.view());
  EXPECT_EQ(problem["status"], 400);
  EXPECT_EQ(problem["errors"][0]["pointer"], "#/orderId");
  EXPECT_TRUE(store_->blobs.empty());
}

TEST_F(ReceiptRoutesTest, OnlyJsonIsTaken) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const Headers refused[] = {{},
                             {{"Content-Type", "text/plain"}},
                             {{"Content-Type", "application/jsonx"}},
                             {{"Content-Type", "application/json; charset=latin1"}},
                             {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}};
  for (const Headers& headers : refused) EXPECT_EQ(server_.Post("/orders", R"({"orderId":42})", headers).status, 415);
  EXPECT_TRUE(store_->blobs.empty());
  const Headers taken[] = {{{"Content-Type", "application/json; charset=utf-8"}},
                           {{"Content-Type", "APPLICATION/JSON;charset=\"UTF-8\";x=y"}},
                           {{"Content-Type", "application/json"}, {"Content-Encoding", "identity"}}};
  for (const Headers& headers : taken) EXPECT_EQ(server_.Post("/orders", R"({"orderId":42})", headers).status, 200);
}

TEST_F(ReceiptRoutesTest, UnknownPathsAndMethodsAreRefusedAsProblems) {
  EXPECT_EQ(server_.Get("/orders").status, 405);
  EXPECT_EQ(server_.Get("/orders").headers.Get("Allow"), "POST");
  EXPECT_EQ(server_.Get("/nothing").status, 404);
  EXPECT_EQ(server_.Get("/nothing").headers.Get("Content-Type"), "application/problem+json");
  EXPECT_EQ(server_.Get("/receipts/43").status, 404);
  EXPECT_EQ(server_.Get("/receipts/..%2Fsecret").status, 404);
  EXPECT_EQ(server_.Post("/orders", std::string(services::limits::kOrderBodyBytesMax + 1, ' ')).status, 413);
}

TEST(ReceiptSettings, AreReadOrRefusedAsAWhole) {
  const azmon::base::MapEnvironment good({{"AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"}, {"PORT", "0"}});
  const auto settings = SettingsFromEnvironment(good);
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->common.listen.port, 0);
  EXPECT_EQ(settings->common.listen.health_port, 9002);
  const auto refused = SettingsFromEnvironment(azmon::base::MapEnvironment({{"PORT", "x"}, {"TELEMETRY", "y"}}));
  ASSERT_FALSE(refused.ok());
  for (const char* name : {"PORT", "TELEMETRY", "AZURE_STORAGE_CONNECTION_STRING"}) {
    EXPECT_NE(refused.error().detail.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace receipt
