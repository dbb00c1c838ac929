// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <thread>

#include "azmon/credential.h"
#include "base/fake_clock.h"
#include "identity/credentials.h"
#include "identity/token_cache.h"
#include "identity/token_request.h"
#include "transport/curl_transport.h"
#include "transport/test_http_server.h"

namespace azmon::identity {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using transport::TestHttpServer;

constexpr const char* kScope = "https://storage.azure.com/.default";
constexpr const char* kMonitorScope = "https://monitor.azure.com//.default";
constexpr seconds kWatchdog{20};

struct Machine {
  explicit Machine(std::map<std::string, std::string, std::less<>> variables) : environment(std::move(variables)) {}

  Surroundings Around() const {
    return {.environment = &environment,
            .make_transport = [this] { return transport::MakeCurlTransport(transport::CurlOptions::FromEnvironment(environment), base::SystemClock()); },
            .retry_delay = milliseconds(1)};
  }
  base::MapEnvironment environment;
};

std::string TokenBody(const std::string& token, const std::string& times) {
  return "{\"access_token\":\"" + token + "\"," + times + ",\"token_type\":\"Bearer\"}";
}

transport::HttpResponse Response(int status, std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

base::WallTime At(std::int64_t epoch_seconds) { return base::WallTime(seconds(epoch_seconds)); }

TEST(ManagedIdentity, AsksContainerAppsAsItsDocumentationSays) {
  TestHttpServer server([](const auto&) { return TestHttpServer::Answer(200, TokenBody("abc", "\"expires_in\":\"86400\"")); });
  const Machine machine({{"IDENTITY_ENDPOINT", server.Url() + "/msi/token"}, {"IDENTITY_HEADER", "secret-of-the-platform"}, {"AZURE_CLIENT_ID", "5E29463D"},
                         {"http_proxy", "http://127.0.0.1:1"}});
  const auto answer = MakeManagedIdentity(machine.Around(), "")->GetToken({.scope = kScope});
  ASSERT_TRUE(answer.token) << answer.error;
  EXPECT_EQ(answer.token->token, "abc");
  EXPECT_EQ(answer.token->lifetime, hours(24));
  const std::string head = server.Requests().at(0).head;
  EXPECT_THAT(head, HasSubstr("GET /msi/token?api-version=2019-08-01&resource=https%3a%2f%2fstorage.azure.com&client_id=5E29463D HTTP/1.1"));
  EXPECT_THAT(head, HasSubstr("X-IDENTITY-HEADER: secret-of-the-platform"));
}

TEST(ManagedIdentity, AsksTheMetadataServiceOfAVirtualMachine) {
  TestHttpServer server([](const auto&) { return TestHttpServer::Answer(200, TokenBody("vm", "\"expires_in\":3599")); });
  const Machine machine({{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server.Url()}});
  const auto answer = MakeManagedIdentity(machine.Around(), "")->GetToken({.scope = kMonitorScope});
  ASSERT_TRUE(answer.token) << answer.error;
  const std::string head = server.Requests().at(0).head;
  EXPECT_THAT(head, HasSubstr("GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3a%2f%2fmonitor.azure.com%2f HTTP/1.1"));
  EXPECT_THAT(head, HasSubstr("Metadata: true"));
  EXPECT_THAT(head, Not(HasSubstr("X-IDENTITY-HEADER")));
}

TEST(ManagedIdentity, SecretOfThePlatformGoesToNoOtherMachineInClearText) {
  for (const char* endpoint : {"http://example.com/msi/token", "http://10.0.0.4/msi", "http://169.254.example.com/x", "ftp://localhost/", "http://user:pass@localhost/"}) {
    const Machine machine({{"IDENTITY_ENDPOINT", endpoint}, {"IDENTITY_HEADER", "secret-of-the-platform"}});
    const auto answer = MakeManagedIdentity(machine.Around(), "")->GetToken({.scope = kScope});
    EXPECT_FALSE(answer.token);
    EXPECT_TRUE(answer.is_permanent) << endpoint;
    EXPECT_THAT(answer.error, HasSubstr("IDENTITY_ENDPOINT"));
    EXPECT_THAT(answer.error, Not(HasSubstr("secret")));
  }
  EXPECT_TRUE(AppServiceRequest("http://169.254.131.6:8081/msi/token", "h", "", kScope).ok());
  EXPECT_TRUE(AppServiceRequest("http://localhost:42356/msi/token", "h", "", kScope).ok());
}

TEST(ManagedIdentity, DoesNotFollowARedirectWithItsSecret) {
  TestHttpServer foreign([](const auto&) { return TestHttpServer::Answer(200, TokenBody("foreign", "\"expires_in\":3600")); });
  TestHttpServer server([&](const auto&) { return TestHttpServer::Answer(307, "", "Location: " + foreign.Url() + "/\r\n"); });
  const Machine machine({{"IDENTITY_ENDPOINT", server.Url()}, {"IDENTITY_HEADER", "secret"}});
  EXPECT_FALSE(MakeManagedIdentity(machine.Around(), "")->GetToken({.scope = kScope}).token);
  EXPECT_TRUE(foreign.Requests().empty());
}

TEST(ManagedIdentity, RetriesWhatTimeCuresAndNotABadIdentity) {
  std::atomic<int> calls = 0;
  TestHttpServer server([&](const auto&) {
    switch (++calls) {
      case 1: return TestHttpServer::Answer(404);
      case 2: return TestHttpServer::Answer(500, R"({"statusCode":500,"message":"not ready"})");
      case 3: return TestHttpServer::Answer(200, TokenBody("third", "\"expires_on\":\"99999999999\""));
      default: return TestHttpServer::Answer(400, R"({"statusCode":400,"message":"No managed identity found"})");
    }
  });
  const Machine machine({{"IDENTITY_ENDPOINT", server.Url()}, {"IDENTITY_HEADER", "h"}});
  const auto credential = MakeManagedIdentity(machine.Around(), "");
  EXPECT_EQ(credential->GetToken({.scope = kScope}).token.value().token, "third");
  const auto bad = credential->GetToken({.scope = kScope});
  EXPECT_TRUE(bad.is_permanent);
  EXPECT_THAT(bad.error, HasSubstr("No managed identity found"));
  EXPECT_THAT(bad.error, HasSubstr("AZURE_CLIENT_ID"));
  EXPECT_EQ(calls, 4);
}

TEST(ManagedIdentity, EndsSoonWhenNobodyWaits) {
  TestHttpServer server([](const auto&) { return std::string(); });
  const Machine machine({{"IDENTITY_ENDPOINT", server.Url()}, {"IDENTITY_HEADER", "h"}});
  std::atomic<bool> cancelled{false};
  std::thread canceller([&] {
    while (server.Requests().empty()) std::this_thread::yield();
    cancelled = true;
  });
  const auto answer = MakeManagedIdentity(machine.Around(), "")->GetToken({.scope = kScope, .timeout = minutes(10), .cancelled = &cancelled});
  canceller.join();
  EXPECT_FALSE(answer.token);
}

TEST(WorkloadIdentity, ReadsTheFederatedTokenAnewForEachRequest) {
  const std::string path = testing::TempDir() + "azmon_federated_" + std::to_string(::getpid());
  std::ofstream(path) << "first.jwt+/=\n";
  const Machine machine({{"AZURE_FEDERATED_TOKEN_FILE", path}, {"AZURE_CLIENT_ID", "app"}, {"AZURE_TENANT_ID", "contoso.example"}});
  std::vector<std::string> bodies;
  std::vector<std::string> urls;
  class Recorder final : public transport::Transport {
   public:
    Recorder(std::vector<std::string>& bodies, std::vector<std::string>& urls) : bodies_(bodies), urls_(urls) {}
    Id Start(transport::HttpRequest request, Completion done) override {
      bodies_.push_back(*request.body);
      urls_.push_back(request.url);
      done_ = std::move(done);
      return 1;
    }
    void Cancel(Id) override {}
    void Poll(base::SteadyTime) override {
      if (done_) std::exchange(done_, nullptr)(Response(200, TokenBody("t", "\"expires_in\":3599")));
    }
    void Wake() override {}

   private:
    std::vector<std::string>& bodies_;
    std::vector<std::string>& urls_;
    Completion done_;
  };
  Surroundings around = machine.Around();
  around.make_transport = [&]() -> Result<std::unique_ptr<transport::Transport>> { return std::unique_ptr<transport::Transport>(std::make_unique<Recorder>(bodies, urls)); };
  const auto credential = MakeWorkloadIdentity(around, {});
  EXPECT_TRUE(credential->GetToken({.scope = kScope}).token);
  std::ofstream(path) << "second";
  EXPECT_TRUE(credential->GetToken({.scope = kScope}).token);
  std::remove(path.c_str());
  const auto gone = credential->GetToken({.scope = kScope});
  EXPECT_FALSE(gone.token);
  EXPECT_THAT(gone.error, HasSubstr("AZURE_FEDERATED_TOKEN_FILE"));
  EXPECT_EQ(urls.at(0), "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
  EXPECT_EQ(bodies.at(0),
            "grant_type=client_credentials&client_id=app&scope=https%3a%2f%2fstorage.azure.com%2f.default"
            "&client_assertion_type=urn%3aietf%3aparams%3aoauth%3aclient-assertion-type%3ajwt-bearer&client_assertion=first.jwt%2b%2f%3d");
  EXPECT_THAT(bodies.at(1), testing::EndsWith("client_assertion=second"));
}

TEST(EntraRequest, RefusesWhatWouldSendASecretAstray) {
  const ClientCredentials good{.tenant_id = "t", .client_id = "c", .secret = "s3cret"};
  ASSERT_TRUE(EntraRequest(good, kScope).ok());
  EXPECT_EQ(*EntraRequest(good, kScope)->body, "grant_type=client_credentials&client_id=c&scope=https%3a%2f%2fstorage.azure.com%2f.default&client_secret=s3cret");
  for (const char* authority : {"http://login.microsoftonline.com", "http://localhost:80", "login.microsoftonline.com", "https://u:p@login.example"}) {
    ClientCredentials bad = good;
    bad.authority = authority;
    EXPECT_FALSE(EntraRequest(bad, kScope).ok()) << authority;
  }
  for (const char* tenant : {"", "a/b", "a?b", "a b", "..#"}) {
    ClientCredentials bad = good;
    bad.tenant_id = tenant;
    const auto request = EntraRequest(bad, kScope);
    ASSERT_FALSE(request.ok()) << tenant;
    EXPECT_THAT(request.error().ToString(), Not(HasSubstr("s3cret")));
  }
}

TEST(TokenAnswer, TimesAreNumbersOrTextAndAClockThatIsWrongDoesNotMatter) {
  const auto read = [](const std::string& times) { return ReadTokenAnswer(Response(200, TokenBody("t", times)), "x", At(1'000'000)); };
  EXPECT_EQ(read("\"expires_in\":3599").token.value().lifetime, seconds(3599));
  EXPECT_EQ(read("\"expires_in\":\"3599\"").token.value().lifetime, seconds(3599));
  EXPECT_EQ(read("\"expires_on\":\"1003600\"").token.value().lifetime, seconds(3600));
  EXPECT_EQ(read("\"expires_on\":1003600").token.value().lifetime, seconds(3600));
  EXPECT_EQ(read("\"expires_in\":10,\"expires_on\":\"5\"").token.value().lifetime, seconds(10));
  EXPECT_EQ(read("\"expires_in\":9223372036854775807").token.value().lifetime, hours(30 * 24));
  EXPECT_EQ(read("\"expires_in\":7200,\"refresh_in\":\"3600\"").token.value().refresh_in, seconds(3600));
  for (const char* times : {"\"expires_in\":0", "\"expires_in\":-5", "\"expires_on\":5", "\"expires_on\":-9223372036854775808", "\"a\":1"}) {
    EXPECT_FALSE(read(times).token) << times;
  }
}

TEST(TokenAnswer, ErrorsNameTheIssuersWordsAndNeverAToken) {
  const auto denied = ReadTokenAnswer(Response(401, R"({"error":"invalid_client","error_description":"AADSTS70021: no match","access_token":"SECRET"})"), "workload identity", At(0));
  EXPECT_TRUE(denied.is_permanent);
  EXPECT_EQ(denied.error, "workload identity answered 401: invalid_client: AADSTS70021: no match");
  const auto busy = ReadTokenAnswer(Response(429, "no json", {{"retry-after", "7"}}), "x", At(0));
  EXPECT_FALSE(busy.is_permanent);
  EXPECT_EQ(busy.retry_in, seconds(7));
  for (const char* body : {"", "[]", "{}", R"({"access_token":5,"expires_in":5})", R"({"access_token":"a\r\nb","expires_in":5})", R"({"access_token":"","expires_in":5})"}) {
    EXPECT_FALSE(ReadTokenAnswer(Response(200, body), "x", At(0)).token) << body;
  }
  EXPECT_FALSE(ReadTokenAnswer(Response(404, ""), "x", At(0)).is_permanent);
  EXPECT_FALSE(ReadTokenAnswer({.error = transport::TransportError::kConnect}, "x", At(0)).is_permanent);
}

TEST(ChooseCredential, FollowsTheVariablesAndNamesThemAllWhenNoneIsThere) {
  const auto name = [](std::map<std::string, std::string, std::less<>> variables) {
    const Machine machine(std::move(variables));
    const auto chosen = ChooseCredential(machine.Around(), "");
    return chosen.credential ? chosen.credential->Name() : "none: " + chosen.problem;
  };
  const std::map<std::string, std::string, std::less<>> workload{{"AZURE_TENANT_ID", "t"}, {"AZURE_CLIENT_ID", "c"}, {"AZURE_FEDERATED_TOKEN_FILE", "f"}};
  const std::map<std::string, std::string, std::less<>> managed{{"IDENTITY_ENDPOINT", "http://localhost/"}, {"IDENTITY_HEADER", "h"}};
  auto secret = workload;
  secret["AZURE_CLIENT_SECRET"] = "s";
  EXPECT_EQ(name(secret), "client secret");
  EXPECT_EQ(name(workload), "workload identity");
  EXPECT_EQ(name(managed), "managed identity");
  auto both = workload;
  both.insert(managed.begin(), managed.end());
  EXPECT_EQ(name(both), "workload identity");
  both["AZURE_TOKEN_CREDENTIALS"] = "managedidentitycredential";
  EXPECT_EQ(name(both), "managed identity");
  both["AZURE_TOKEN_CREDENTIALS"] = "EnvironmentCredential";
  EXPECT_THAT(name(both), HasSubstr("AZURE_CLIENT_SECRET"));
  both["AZURE_TOKEN_CREDENTIALS"] = "dev";
  EXPECT_THAT(name(both), HasSubstr("AZURE_TOKEN_CREDENTIALS is none of"));
  EXPECT_EQ(name({{"AZURE_TOKEN_CREDENTIALS", "prod"}}), "managed identity");
  for (const char* variable : {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER",
                               "AZURE_TOKEN_CREDENTIALS"}) {
    EXPECT_THAT(name({}), HasSubstr(variable));
  }
}

/// Answers what the test says; counts.
class ScriptedCredential final : public Credential {
 public:
  explicit ScriptedCredential(std::function<TokenAnswer(int call)> script) : script_(std::move(script)) {}
  TokenAnswer GetToken(const TokenRequest&) override { return script_(++calls_); }
  std::string Name() const override { return "scripted"; }
  int Calls() const { return calls_; }

 private:
  const std::function<TokenAnswer(int)> script_;
  std::atomic<int> calls_{0};
};

TokenAnswer TokenFor(int call, seconds life) { return {.token = AccessToken{.token = "t" + std::to_string(call), .lifetime = life}}; }

/// A cache whose fetches run when the test says so.
class TokenCacheTest : public testing::Test {
 protected:
  std::shared_ptr<TokenSource> Make(std::function<TokenAnswer(int)> script) {
    credential_ = std::make_shared<ScriptedCredential>(std::move(script));
    return MakeTokenCache(credential_, kScope, {.clock = &clock_, .run = [this](std::function<void()> work) {
                                                  work_.push_back(std::move(work));
                                                  return true;
                                                }});
  }
  void RunFetches() {
    for (const auto& work : std::exchange(work_, {})) work();
  }
  /// What Get gives at once: the token, the error, or "waits".
  std::string Get(TokenSource& source) {
    const auto result = std::make_shared<std::string>("waits");
    source.Get([result](const TokenAnswer& answer) { *result = answer.token ? answer.token->token : answer.error; });
    last_ = result;
    return *result;
  }

  base::FakeClock clock_;
  std::shared_ptr<ScriptedCredential> credential_;
  std::vector<std::function<void()>> work_;
  std::shared_ptr<std::string> last_;
};

TEST_F(TokenCacheTest, OneFetchServesAllWhoWaitAndIsKept) {
  const auto source = Make([](int call) { return TokenFor(call, hours(1)); });
  EXPECT_EQ(Get(*source), "waits");
  const auto first = last_;
  EXPECT_EQ(Get(*source), "waits");
  EXPECT_EQ(work_.size(), 1U);
  RunFetches();
  EXPECT_EQ(*first, "t1");
  EXPECT_EQ(*last_, "t1");
  clock_.Advance(minutes(54));
  EXPECT_EQ(Get(*source), "t1");
  EXPECT_EQ(credential_->Calls(), 1);
}

TEST_F(TokenCacheTest, NextTokenIsFetchedWhileTheOldOneServes) {
  const auto source = Make([](int call) { return TokenFor(call, hours(1)); });
  Get(*source);
  RunFetches();
  clock_.Advance(minutes(55));
  EXPECT_EQ(Get(*source), "t1");
  EXPECT_EQ(Get(*source), "t1");
  EXPECT_EQ(work_.size(), 1U);
  RunFetches();
  EXPECT_EQ(Get(*source), "t2");
}

TEST_F(TokenCacheTest, AtItsEndItIsNotGivenOut) {
  const auto source = Make([](int call) { return TokenFor(call, hours(1)); });
  Get(*source);
  RunFetches();
  clock_.Advance(minutes(58));
  EXPECT_EQ(Get(*source), "waits");
  RunFetches();
  EXPECT_EQ(*last_, "t2");
}

TEST_F(TokenCacheTest, FailedRenewalKeepsTheOldTokenAndTriesAgainInHalfAMinute) {
  const auto source = Make([](int call) { return call == 2 ? TokenAnswer{.token = std::nullopt, .error = "down"} : TokenFor(call, hours(1)); });
  Get(*source);
  RunFetches();
  clock_.Advance(minutes(55));
  EXPECT_EQ(Get(*source), "t1");
  RunFetches();
  EXPECT_EQ(Get(*source), "t1");
  EXPECT_TRUE(work_.empty());
  clock_.Advance(seconds(30));
  EXPECT_EQ(Get(*source), "t1");
  RunFetches();
  EXPECT_EQ(Get(*source), "t3");
}

TEST_F(TokenCacheTest, RejectedTokenIsReplacedAndAnOldOneIsNoNews) {
  const auto source = Make([](int call) { return TokenFor(call, hours(1)); });
  Get(*source);
  RunFetches();
  source->Reject("t1");
  EXPECT_EQ(Get(*source), "waits");
  RunFetches();
  EXPECT_EQ(*last_, "t2");
  source->Reject("t1");
  EXPECT_EQ(Get(*source), "t2");
}

TEST_F(TokenCacheTest, FailureIsToldAtOnceUntilAnotherFetchIsDue) {
  const auto source = Make([](int call) { return call < 3 ? TokenAnswer{.token = std::nullopt, .error = "down " + std::to_string(call)} : TokenFor(call, hours(1)); });
  EXPECT_EQ(Get(*source), "waits");
  RunFetches();
  EXPECT_EQ(*last_, "down 1");
  EXPECT_EQ(Get(*source), "down 1");
  EXPECT_TRUE(work_.empty());
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(*source), "waits");
  RunFetches();
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(*source), "down 2");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(*source), "waits");
  RunFetches();
  EXPECT_EQ(*last_, "t3");
}

TEST_F(TokenCacheTest, PermanentFailureIsAskedOnceAMinute) {
  const auto source = Make([](int) { return TokenAnswer{.token = std::nullopt, .error = "no identity", .is_permanent = true}; });
  Get(*source);
  RunFetches();
  clock_.Advance(seconds(59));
  EXPECT_EQ(Get(*source), "no identity");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(*source), "waits");
}

TEST_F(TokenCacheTest, DestructionAnswersWhoWaits) {
  auto source = Make([](int call) { return TokenFor(call, hours(1)); });
  Get(*source);
  RunFetches();
  source->Reject("t1");
  clock_.Advance(seconds(1));
  Get(*source);
  auto held = std::exchange(work_, {});
  source.reset();
  EXPECT_EQ(*last_, "the token is not needed any more");
  for (const auto& work : held) work();  // a late end does no harm
}

TEST(TokenTimes, FollowTheLife) {
  const auto times = [](seconds life, std::optional<seconds> refresh = std::nullopt) {
    const TokenTimes found = TimesOf({.token = "t", .lifetime = life, .refresh_in = refresh});
    return std::pair(found.usable.count(), found.fresh.count());
  };
  EXPECT_EQ(times(hours(24)), (std::pair<std::int64_t, std::int64_t>(86280, 43200)));
  EXPECT_EQ(times(hours(1)), (std::pair<std::int64_t, std::int64_t>(3480, 3300)));
  EXPECT_EQ(times(hours(1), minutes(30)), (std::pair<std::int64_t, std::int64_t>(3480, 1800)));
  EXPECT_EQ(times(seconds(8)), (std::pair<std::int64_t, std::int64_t>(6, 4)));
}

TEST(TokenCache, ManyThreadsShareOneFetch) {
  const auto credential = std::make_shared<ScriptedCredential>([](int call) { return TokenFor(call, hours(1)); });
  const auto source = MakeTokenCache(credential, kScope);
  std::mutex mutex;
  std::condition_variable changed;
  int answers = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        source->Get([&](const TokenAnswer& answer) {
          const std::lock_guard lock(mutex);
          answers += answer.token ? 1 : 0;
          changed.notify_all();
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, kWatchdog, [&] { return answers == 800; }));
  EXPECT_EQ(credential->Calls(), 1);
}

}  // namespace
}  // namespace azmon::identity
