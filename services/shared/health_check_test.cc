// SPDX-License-Identifier: MIT
#include "services/shared/health_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "net/router.h"
#include "net/runtime.h"
#include "net/server.h"

namespace services {
namespace {

using azmon::ErrorCode;
using azmon::base::MapEnvironment;
using testing::HasSubstr;
using Variables = std::map<std::string, std::string, std::less<>>;

/// Answers /readyz on a port of its own.
class HealthCheck : public testing::Test {
 protected:
  void SetUp() override {
    net::Router router;
    router.Add("GET", "/readyz", [this](net::RequestContext&) -> boost::asio::awaitable<net::Response> {
      co_return net::Response::Json(status_.load(), "{}");
    });
    auto listening = net::Server::Listen(runtime_, {}, std::move(router));
    ASSERT_TRUE(listening.ok()) << listening.error().ToString();
    server_ = std::move(listening).value();
  }
  azmon::Result<void> Ask(const std::string& host) {
    return CheckHealth(MapEnvironment(Variables{{"HOST", host}, {"HEALTH_PORT", std::to_string(server_->port())}}), 1);
  }

  std::atomic<int> status_ = 200;
  net::Runtime runtime_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(HealthCheck, ReadyIsSuccessOnTheListenersAddressOrOnLoopback) {
  EXPECT_TRUE(Ask("127.0.0.1").ok());
  EXPECT_TRUE(Ask("0.0.0.0").ok());
}

TEST_F(HealthCheck, NotReadyIsRefused) {
  status_ = 503;
  const auto checked = Ask("0.0.0.0");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kRefused);
  EXPECT_THAT(checked.error().detail, HasSubstr("503"));
}

TEST_F(HealthCheck, NobodyThereIsUnavailable) {
  const auto port = std::to_string(server_->port());
  server_.reset();
  const auto checked = CheckHealth(MapEnvironment(Variables{{"HEALTH_PORT", port}}), 1);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kUnavailable);
}

TEST(HealthCheckSettings, NoHealthPortIsToldAsASetting) {
  for (const char* port : {"0", "ready"}) {
    const auto checked = CheckHealth(MapEnvironment(Variables{{"HEALTH_PORT", port}}), 9001);
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, ErrorCode::kBadSetting);
  }
}

}  // namespace
}  // namespace services
