// SPDX-License-Identifier: MIT
// Who is let in, and how many at once: over real sockets.
#include "services/shared/service.h"

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <future>
#include <mutex>

#include "services/shared/counts.h"
#include "services/shared/http.h"
#include "services/shared/limits.h"

namespace services {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;

constexpr char kToken[] = "token-of-this-test-1234";

class AdmissionTest : public testing::Test {
 protected:
  void Listen(const SecuritySettings& settings, std::size_t requests_max) {
    security_ = Security::Load(settings).value();
    admission_ = std::make_unique<Admission>(*security_, requests_max);
    net::Router router;
    router.Add("GET", "/healthz", [](net::RequestContext&) -> awaitable<net::Response> { co_return Success(); });
    router.Add("POST", "/orders", [this](net::RequestContext&) { return Held(); });
    net::ServerOptions options;
    options.admit = [this](net::RequestContext& context) { return (*admission_)(context); };
    server_ = net::Server::Listen(runtime_, options, std::move(router)).value();
  }
  void TearDown() override {
    Release();
    server_.reset();
  }

  int Status(std::string_view method, std::string_view target, const std::string& authorization = {}, std::string body = "{}") {
    return Send(method, target, authorization, std::move(body)).status;
  }
  net::Response Send(std::string_view method, std::string_view target, const std::string& authorization = {}, std::string body = "{}") {
    net::ClientRequest request;
    request.method = method;
    request.url = *net::Url::Parse("http://127.0.0.1:" + std::to_string(server_->port()) + std::string(target));
    request.body = std::move(body);
    if (!authorization.empty()) request.headers.Set("Authorization", authorization);
    auto answer = net::Fetch(std::move(request), 30s);
    EXPECT_TRUE(answer.ok()) << answer.error().ToString();
    return answer.ok() ? std::move(*answer) : net::Response{};
  }
  /// Waits until so many requests are in the handler.
  void WaitForHeld(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 30s, [&] { return held_ >= count; }));
  }
  void Hold() { is_holding_ = true; }
  void Release() { is_holding_ = false; }

  awaitable<net::Response> Held() {
    {
      const std::lock_guard lock(mutex_);
      ++held_;
      changed_.notify_all();
    }
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    while (is_holding_) {
      timer.expires_after(1ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    co_return Success();
  }

  net::Runtime runtime_{{.threads = 2, .handle_signals = false, .bind_executor = {}}};
  std::unique_ptr<Security> security_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<net::Server> server_;
  std::atomic<bool> is_holding_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t held_ = 0;  // guarded by mutex_
};

TEST_F(AdmissionTest, OneRequestTooManyIsSentAwayAtOnceButNeverAProbe) {
  Listen({}, 2);
  Hold();
  std::vector<std::future<int>> held;
  for (int i = 0; i < 2; ++i) held.push_back(std::async(std::launch::async, [this] { return Status("POST", "/orders"); }));
  WaitForHeld(2);
  const std::uint64_t shed = Value(Count::kRequestShed);
  const net::Response refused = Send("POST", "/orders", {}, std::string(20000, ' '));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.Get("Retry-After"), "1");
  EXPECT_EQ(refused.headers.Get("Content-Type"), kProblemContentType);
  EXPECT_EQ(Value(Count::kRequestShed), shed + 1);
  EXPECT_EQ(Status("GET", "/healthz"), 200);
  Release();
  for (auto& answer : held) EXPECT_EQ(answer.get(), 200);
  EXPECT_EQ(Status("POST", "/orders"), 200) << "places are given back";
}

TEST_F(AdmissionTest, StrangersAreRefusedBeforeTheyTakeAPlace) {
  SecuritySettings settings;
  settings.tokens = {kToken};
  Listen(settings, 1);
  const net::Response refused = Send("POST", "/orders");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.Get("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(Status("POST", "/orders", "Bearer wrong-token-of-this-test"), 401);
  EXPECT_EQ(Status("GET", "/elsewhere"), 401) << "what exists is told to nobody";
  EXPECT_EQ(Status("GET", "/healthz"), 200);
  EXPECT_EQ(admission_->requests(), 0u);
  EXPECT_EQ(Status("POST", "/orders", std::string("Bearer ") + kToken), 200);
}

TEST(CommonSettings, NobodyListensToOthersWithoutAuthenticationUnlessToldSo) {
  const auto problems = [](std::map<std::string, std::string, std::less<>> variables) {
    const azmon::base::MapEnvironment environment(std::move(variables));
    SettingsReader reader(environment);
    reader.Common(8001, 9001);
    return reader.problems();
  };
  EXPECT_TRUE(problems({}).empty());
  EXPECT_TRUE(problems({{"HOST", "::1"}}).empty());
  EXPECT_EQ(problems({{"HOST", "0.0.0.0"}}).size(), 1u);
  EXPECT_EQ(problems({{"HOST", "0.0.0.0"}, {"ALLOW_UNAUTHENTICATED", "false"}}).size(), 1u);
  EXPECT_TRUE(problems({{"HOST", "0.0.0.0"}, {"ALLOW_UNAUTHENTICATED", "true"}}).empty());
  EXPECT_TRUE(problems({{"HOST", "0.0.0.0"}, {"SERVICE_TOKEN", kToken}}).empty());
  EXPECT_TRUE(problems({{"HOST", "0.0.0.0"}, {"SERVICE_TOKENS_FILE", "/run/tokens"}}).empty());
  EXPECT_TRUE(problems({{"HOST", "0.0.0.0"}, {"TLS_CERT_FILE", "a"}, {"TLS_KEY_FILE", "b"}, {"TLS_CLIENT_CA_FILE", "c"}, {"TLS_CLIENT_NAMES", "x, y"}}).empty());
  EXPECT_EQ(problems({{"TLS_CERT_FILE", "a"}, {"TLS_KEY_FILE", "b"}, {"TLS_CLIENT_CA_FILE", "c"}}).size(), 1u) << "an authority without names";
  EXPECT_EQ(problems({{"TLS_CLIENT_NAMES", "x"}}).size(), 1u);
  EXPECT_EQ(problems({{"TLS_CERT_FILE", "a"}}).size(), 1u);
  for (const auto& text : problems({{"SERVICE_TOKEN", "short-secret"}})) EXPECT_EQ(text.find("short-secret"), std::string::npos);
  EXPECT_EQ(problems({{"SERVICE_TOKEN", "short-secret"}}).size(), 1u);
  EXPECT_EQ(problems({{"LOG_LEVEL", "loud"}, {"LOG_FORMAT", "xml"}, {"MAX_REQUESTS", "0"}, {"ALLOW_UNAUTHENTICATED", "yes"}}).size(), 4u);
}

}  // namespace
}  // namespace services
