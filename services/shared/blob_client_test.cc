// SPDX-License-Identifier: MIT
// The blob client against a server that answers as the storage does in trouble. Against a real storage: tests/blackbox.py.
#include "services/shared/blob_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "base/text.h"
#include "services/shared/retry.h"
#include "services/shared/test_support.h"

namespace services {
namespace {

using namespace std::chrono_literals;
using test::Await;
using test::Fixed;
using test::In;
using test::Script;
using test::TestServer;
using testing::HasSubstr;

class FixedClock final : public azmon::base::Clock {
 public:
  azmon::base::SteadyTime Now() const override { return {}; }
  azmon::base::WallTime WallNow() const override { return std::chrono::sys_days(std::chrono::year(2026) / 11 / 23); }
};
const FixedClock kClock;

Script::Reply StorageError(int status, std::string code) { return Fixed(status, {}, {{"x-ms-error-code", code}, {"x-ms-request-id", "r-1"}}); }

/// Gives one answer, on a thread of its own as real sources do; without one it never answers.
class OneToken final : public azmon::TokenSource {
 public:
  explicit OneToken(std::optional<azmon::TokenAnswer> answer) : answer_(std::move(answer)) {}
  void Get(Done done) override {
    if (answer_) std::thread([done = std::move(done), answer = *answer_] { done(answer); }).join();
    else waiting_.push_back(std::move(done));
  }
  void Reject(const std::string&) override {}

 private:
  const std::optional<azmon::TokenAnswer> answer_;
  std::vector<Done> waiting_;
};

azmon::TokenAnswer NoToken(bool is_permanent) {
  azmon::TokenAnswer answer;
  answer.error = "managed identity: no such identity";
  answer.is_permanent = is_permanent;
  return answer;
}

/// A storage that follows a script, and a client of it.
class BlobClientTest : public testing::Test {
 protected:
  void Start(std::vector<Script::Reply> replies, bool has_key = false, std::string sas = {}) {
    script_.emplace(std::move(replies));
    server_.emplace(script_->Router());
    StorageSettings settings;
    settings.endpoint = server_->Url("/acct");
    settings.sas = std::move(sas);
    if (has_key) settings.key = SharedKey{"acct", "key"};
    settings.uses_identity = tokens_ != nullptr;
    client_.emplace(std::make_shared<net::Client>(server_->runtime()), settings, tokens_, kClock);
  }
  BlobAnswer Create(std::chrono::milliseconds within = 5s) {
    return Await<BlobAnswer>(server_->runtime(), [&] { return client_->Create("order-7.json", R"({"orderId":7})", In(within)); });
  }
  BlobAnswer Read() {
    return Await<BlobAnswer>(server_->runtime(), [&] { return client_->Read("order-7.json", In(5s)); });
  }
  std::vector<net::Request> Requests() const { return script_->Requests(); }

  std::shared_ptr<azmon::TokenSource> tokens_;
  std::optional<Script> script_;
  std::optional<TestServer> server_;
  std::optional<BlobClient> client_;
};

TEST_F(BlobClientTest, CreateNeverOverwritesAndSendsWhatTheStorageAsksFor) {
  Start({Fixed(201)});
  EXPECT_EQ(Create().status, BlobStatus::kDone);
  ASSERT_EQ(Requests().size(), 1u);
  const net::Request request = Requests()[0];
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, "/acct/receipts/order-7.json");
  EXPECT_EQ(request.body, R"({"orderId":7})");
  EXPECT_EQ(request.headers.Get("If-None-Match"), "*");
  EXPECT_EQ(request.headers.Get("x-ms-blob-type"), "BlockBlob");
  EXPECT_EQ(request.headers.Get("x-ms-version"), "2021-12-02");
  EXPECT_EQ(request.headers.Get("x-ms-date"), "Mon, 23 Nov 2026 00:00:00 GMT");
  EXPECT_EQ(request.headers.Get("Content-Length"), "13");
  EXPECT_EQ(request.headers.Get("Content-Type"), "application/json");
  EXPECT_FALSE(request.headers.Has("Transfer-Encoding"));
  EXPECT_FALSE(request.headers.Has("Authorization"));
}

TEST_F(BlobClientTest, SignatureCoversTheRequestAsItIsSent) {
  Start({Fixed(201)}, true);
  EXPECT_EQ(Create().status, BlobStatus::kDone);
  const net::Request request = Requests().at(0);
  std::vector<std::pair<std::string, std::string>> headers;
  for (const net::Header header : request.headers) headers.emplace_back(header.name, header.value);
  const SignedRequest sent{.method = "PUT", .path = request.target, .query = {}, .headers = headers};
  EXPECT_EQ(request.headers.Get("Authorization"), Authorization(sent, SharedKey{"acct", "key"}));
}

TEST_F(BlobClientTest, AccessSignatureGoesIntoTheQueryAlone) {
  Start({Fixed(200, "x")}, true, "sv=1&sig=a%3D");
  EXPECT_EQ(Read().body, "x");
  EXPECT_EQ(Requests().at(0).target, "/acct/receipts/order-7.json?sv=1&sig=a%3D");
  EXPECT_FALSE(Requests().at(0).headers.Has("Authorization"));
}

TEST_F(BlobClientTest, WhatMayPassIsTriedAgainUnderTheSameOperationId) {
  Start({StorageError(503, "ServerBusy"), StorageError(500, "InternalError"), Fixed(201)});
  EXPECT_EQ(Create().status, BlobStatus::kDone);
  const auto requests = Requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].headers.Get("x-ms-client-request-id"), requests[2].headers.Get("x-ms-client-request-id"));
}

TEST_F(BlobClientTest, GivesUpAfterItsTries) {
  Start({Fixed(503, {}, {{"x-ms-error-code", "ServerBusy"}, {"x-ms-retry-after-ms", "1"}})});
  const BlobAnswer answer = Create();
  EXPECT_EQ(answer.status, BlobStatus::kUnavailable);
  EXPECT_THAT(answer.detail, HasSubstr("503 ServerBusy"));
  EXPECT_EQ(Requests().size(), 4u);
}

TEST_F(BlobClientTest, DoesNotWaitBeyondTheDeadline) {
  Start({Fixed(503, {}, {{"Retry-After", "60"}})});
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(Create(1s).status, BlobStatus::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 900ms);
  EXPECT_EQ(Requests().size(), 1u);
}

TEST_F(BlobClientTest, RefusalsAreNotTriedAgainAndSayWhatToDo) {
  Start({StorageError(404, "ContainerNotFound")});
  const BlobAnswer answer = Create();
  EXPECT_EQ(answer.status, BlobStatus::kRefused);
  EXPECT_THAT(answer.detail, HasSubstr("STORAGE_ACCOUNT_CONTAINER_NAME"));
  EXPECT_THAT(answer.detail, HasSubstr("r-1"));
  EXPECT_EQ(Requests().size(), 1u);
}

TEST_F(BlobClientTest, ExistingBlobIsAnAnswer) {
  Start({StorageError(409, "BlobAlreadyExists")});
  EXPECT_EQ(Create().status, BlobStatus::kExists);
  EXPECT_EQ(Requests().size(), 1u);
}

TEST_F(BlobClientTest, OnlyCreatedMeansThatTheBlobWasWritten) {
  Start({Fixed(200, "<html>a proxy</html>")});
  EXPECT_EQ(Create().status, BlobStatus::kRefused);
}

TEST_F(BlobClientTest, MissingBlobIsNotAMissingContainer) {
  Start({StorageError(404, "BlobNotFound"), StorageError(404, "ContainerNotFound")});
  EXPECT_EQ(Read().status, BlobStatus::kNotFound);
  EXPECT_EQ(Read().status, BlobStatus::kRefused);
}

TEST_F(BlobClientTest, SilentStorageIsATimeoutAtTheDeadline) {
  Start({[](net::RequestContext&) -> boost::asio::awaitable<net::Response> {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(10s);
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return net::Response{};
  }});
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(Create(300ms).status, BlobStatus::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 1s);
}

TEST_F(BlobClientTest, ATokenNeverLeavesInClearText) {
  azmon::TokenAnswer answer;
  answer.token = azmon::AccessToken{"secret", std::chrono::hours(1), {}};
  tokens_ = std::make_shared<OneToken>(answer);
  Start({Fixed(201)});
  EXPECT_EQ(Create().status, BlobStatus::kDone);
  EXPECT_FALSE(Requests().at(0).headers.Has("Authorization"));
}

TEST_F(BlobClientTest, WithoutATokenTheStorageIsNotAskedAndTheReasonIsTold) {
  for (const bool is_permanent : {false, true}) {
    tokens_ = std::make_shared<OneToken>(NoToken(is_permanent));
    Start({Fixed(201)});
    const BlobAnswer answer = Create();
    EXPECT_EQ(answer.status, is_permanent ? BlobStatus::kRefused : BlobStatus::kUnavailable);
    EXPECT_THAT(answer.detail, HasSubstr("no such identity"));
    EXPECT_TRUE(Requests().empty());
  }
}

TEST_F(BlobClientTest, AnIdentityThatIsSilentHoldsNoOrderBeyondItsDeadline) {
  tokens_ = std::make_shared<OneToken>(std::nullopt);
  Start({Fixed(201)});
  const BlobAnswer answer = Create(200ms);
  EXPECT_EQ(answer.status, BlobStatus::kUnavailable);
  EXPECT_THAT(answer.detail, HasSubstr("in time"));
}

TEST(BlobVerdict, FollowsStatusAndCode) {
  const struct {
    int status;
    std::string_view code;
    BlobVerdict verdict;
  } rows[] = {
      {201, "", BlobVerdict::kDone},
      {200, "", BlobVerdict::kRefused},
      {409, "BlobAlreadyExists", BlobVerdict::kExists},
      {409, "ContainerAlreadyExists", BlobVerdict::kExists},
      {409, "ContainerBeingDeleted", BlobVerdict::kTryAgain},
      {409, "BlobImmutableDueToPolicy", BlobVerdict::kRefused},
      {409, "", BlobVerdict::kRefused},
      {404, "BlobNotFound", BlobVerdict::kNotFound},
      {404, "ContainerNotFound", BlobVerdict::kRefused},
      {403, "AuthenticationFailed", BlobVerdict::kRefused},
      {412, "ConditionNotMet", BlobVerdict::kRefused},
      {408, "", BlobVerdict::kTryAgain},
      {429, "", BlobVerdict::kTryAgain},
      {500, "InternalError", BlobVerdict::kTryAgain},
      {500, "FeatureNotSupported", BlobVerdict::kRefused},
      {503, "ServerBusy", BlobVerdict::kTryAgain},
      {301, "", BlobVerdict::kRefused},
  };
  for (const auto& row : rows) EXPECT_EQ(Judge(row.status, row.code, 201), row.verdict) << row.status << " " << row.code;
}

TEST(BlobErrorCode, IsReadFromTheHeaderOrTheBodyAndNothingElse) {
  net::Response response;
  response.body = "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<Error><Code>BlobNotFound</Code><Message>x\ny</Message></Error>";
  EXPECT_EQ(ErrorCodeOf(response), "BlobNotFound");
  response.headers.Set("x-ms-error-code", "ServerBusy");
  EXPECT_EQ(ErrorCodeOf(response), "ServerBusy");
  response.headers.Set("x-ms-error-code", "a b; <script>");
  EXPECT_EQ(ErrorCodeOf(response), "");
  net::Response html;
  html.body = "<html><Code>";
  EXPECT_EQ(ErrorCodeOf(html), "");
}

TEST(BlobName, IsPercentEncoded) { EXPECT_EQ(EncodeBlobName("2026/a b+c-\u00f6.json"), "2026/a%20b%2Bc-%C3%B6.json"); }

}  // namespace
}  // namespace services
