// SPDX-License-Identifier: MIT
// Identities as a program sees them: a credential of its own, and one of the platform, through libazmon.so to a server behind TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/trace/provider.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "azmon/azmon.h"
#include "azmon/credential.h"
#include "transport/test_http_server.h"
#include "transport/test_tls.h"

namespace azmon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using transport::TestCa;
using transport::TestHttpServer;
using transport::TestTlsFront;

constexpr auto kWatchdog = 20s;

class OwnCredential final : public Credential {
 public:
  TokenAnswer GetToken(const TokenRequest& request) override {
    scope = request.scope;
    return {.token = AccessToken{.token = "own-" + std::to_string(++calls), .lifetime = 1h}, .error = {}};
  }
  std::string Name() const override { return "a credential of the program"; }

  std::atomic<int> calls{0};
  std::string scope;
};

class CredentialTest : public testing::Test {
 protected:
  CredentialTest() {
    ::setenv("SSL_CERT_FILE", ca_.File().c_str(), 1);
    ::setenv("AZMON_LOG", "info", 1);
  }

  std::string ConnectionString() const {
    return "InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=https://localhost:" + std::to_string(front_.Port()) + "/";
  }
  static void MakeASpan(Telemetry& telemetry) { telemetry.tracer_provider()->GetTracer("t")->StartSpan("s")->End(); }
  Options WithLog() {
    Options options;
    options.connection_string = ConnectionString();
    options.sampling_ratio = 1;
    options.on_log = [this](Severity, std::string_view line) {
      const std::lock_guard lock(mutex_);
      log_.append(line).append("\n");
    };
    return options;
  }
  std::string Log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  TestCa ca_;
  std::atomic<int> refuse_{0};
  TestHttpServer server_{[this](const TestHttpServer::Request&) { return refuse_-- > 0 ? TestHttpServer::Answer(401) : TestHttpServer::Answer(200, "{}"); }};
  TestTlsFront front_{{.files = ca_.Issue("DNS:localhost"), .to_port = server_.Port()}};
  std::mutex mutex_;
  std::string log_;
};

TEST_F(CredentialTest, OfTheProgramIsUsedAndAskedAgainWhenItsTokenIsRefused) {
  const auto credential = std::make_shared<OwnCredential>();
  Options options = WithLog();
  options.credential = credential;
  refuse_ = 1;
  Telemetry telemetry = Configure(std::move(options));
  EXPECT_TRUE(telemetry.ok());
  MakeASpan(telemetry);
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  const auto requests = server_.Requests();
  ASSERT_GE(requests.size(), 2U);
  EXPECT_THAT(requests[0].head, HasSubstr("Authorization: Bearer own-1"));
  EXPECT_THAT(requests[1].head, HasSubstr("Authorization: Bearer own-2"));
  EXPECT_EQ(credential->scope, "https://monitor.azure.com//.default");
  EXPECT_TRUE(telemetry.Shutdown(kWatchdog));
  EXPECT_THAT(Log(), HasSubstr("access tokens by a credential of the program"));
  EXPECT_THAT(Log(), Not(HasSubstr("own-")));
}

TEST_F(CredentialTest, OfThePlatformIsUsedWhereTheEnvironmentAsksForIt) {
  TestHttpServer identity([](const auto&) { return TestHttpServer::Answer(200, R"({"access_token":"platform-token","expires_in":"86400"})"); });
  ::setenv("IDENTITY_ENDPOINT", (identity.Url() + "/msi/token").c_str(), 1);
  ::setenv("IDENTITY_HEADER", "platform-secret", 1);
  ::setenv("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "Authorization=AAD;ClientId=5E29463D", 1);
  Telemetry telemetry = Configure(WithLog());
  MakeASpan(telemetry);
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  ASSERT_FALSE(identity.Requests().empty());
  EXPECT_THAT(identity.Requests()[0].head, HasSubstr("client_id=5E29463D"));
  ASSERT_FALSE(server_.Requests().empty());
  EXPECT_THAT(server_.Requests()[0].head, HasSubstr("Authorization: Bearer platform-token"));
  EXPECT_TRUE(telemetry.Shutdown(kWatchdog));
  EXPECT_THAT(Log(), Not(HasSubstr("platform-")));
}

TEST_F(CredentialTest, ThatHangsHoldsUpNeitherFlushNorShutdown) {
  class Hanging final : public Credential {
   public:
    TokenAnswer GetToken(const TokenRequest& request) override {
      while (!request.cancelled->load()) std::this_thread::yield();
      return {.token = std::nullopt, .error = "given up"};
    }
    std::string Name() const override { return "hanging"; }
  };
  Options options = WithLog();
  options.credential = std::make_shared<Hanging>();
  Telemetry telemetry = Configure(std::move(options));
  MakeASpan(telemetry);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(telemetry.ForceFlush(100ms));
  EXPECT_FALSE(telemetry.Shutdown(100ms));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  const auto health = telemetry.health().azure.value();
  EXPECT_EQ(health.accepted, 1U);
  EXPECT_TRUE(server_.Requests().empty());
}

TEST_F(CredentialTest, LossesComeByTheCallbackWithTheCountsOfTheMoment) {
  refuse_ = 0;
  TestHttpServer refusing([](const auto&) { return TestHttpServer::Answer(400); });
  std::mutex mutex;
  std::uint64_t dropped = 0;
  Options options = WithLog();
  options.connection_string = "InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=" + refusing.Url();
  options.on_health = [&](const Health& health) {
    const std::lock_guard lock(mutex);
    dropped = 0;
    for (const auto& [reason, count] : health.azure->dropped) dropped += count;
    EXPECT_EQ(health.azure->accepted, health.azure->delivered + dropped + health.azure->in_journal);
  };
  Telemetry telemetry = Configure(std::move(options));
  MakeASpan(telemetry);
  EXPECT_TRUE(telemetry.Shutdown(kWatchdog));
  const std::lock_guard lock(mutex);
  EXPECT_GE(dropped, 1U);
}

}  // namespace
}  // namespace azmon
