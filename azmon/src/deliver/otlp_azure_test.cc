// SPDX-License-Identifier: MIT
// Azure Monitor's own OTLP ingestion, and a back-off for each URL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include "deliver/deliver_test_support.h"
#include "deliver/otlp_destination.h"

namespace azmon::deliver {
namespace {

using journal::DropReason;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHost = "https://x.eastus-1.ingest.monitor.azure.com/dataCollectionRules/dcr-0/streams/";

class OtlpAzureTest : public DestinationTest {
 protected:
  OtlpAzureTest() { Start(kHost); }

  void Start(const std::string& base) {
    MakeJournal({});
    tokens_ = std::make_shared<FakeTokens>();
    OtlpSettings settings;
    const std::array<std::string, 3> paths = {"Microsoft-OTLP-Traces/otlp/v1/traces", "Microsoft-OTLP-Logs/otlp/v1/logs", "Custom-Metrics-Otel/otlp/v1/metrics"};
    for (std::size_t i = 0; i < kOtlpSignals; ++i) {
      settings.endpoints[i] = OtlpEndpoint{.url = base + paths[i], .timeout = limits::kOtlpAzureTimeout, .gzip = true, .is_azure = true};
    }
    settings.tokens = tokens_;
    destination_ = std::make_unique<OtlpDestination>(Shop(), settings);
  }
  void Append(std::string_view message, otlp::Signal signal = otlp::Signal::kSpan) {
    ASSERT_TRUE(journal_->Append({.signal = signal, .flags = kForBoth, .owner = scope_, .message = message}).ok());
  }
  void Span() { Append(SpanMessage("s" + std::to_string(++spans_))); }
  void Metric() { Append(SpanMessage("m" + std::to_string(++metrics_)), otlp::Signal::kMetric); }
  void Leave() {
    Step();
    clock_.Advance(milliseconds(1000));
    next_ = Step();
  }
  void Answer(int status, std::string body = {}, std::vector<std::pair<std::string, std::string>> headers = {}, std::size_t index = 0) {
    transport_.Answer({.status = status, .headers = std::move(headers), .body = std::move(body)}, index);
    next_ = Step();
  }
  /// Answers every request in flight by its URL.
  void AnswerAll(const std::function<int(const std::string& url)>& status) {
    while (transport_.InFlight() > 0) Answer(status(transport_.Request().url));
  }
  journal::Ledger Ledger() const { return journal_->LedgerOf(journal::Destination::kOtlp); }

  std::shared_ptr<FakeTokens> tokens_;
  int spans_ = 0;
  int metrics_ = 0;
};

TEST_F(OtlpAzureTest, RequestIsTheOneOfTheSpecification) {
  Span();
  Leave();
  ASSERT_EQ(transport_.InFlight(), 1U);
  const transport::HttpRequest& request = transport_.Request();
  EXPECT_EQ(request.url, std::string(kHost) + "Microsoft-OTLP-Traces/otlp/v1/traces");
  EXPECT_EQ(RequestHeader(request, "authorization"), "Bearer token-1");
  EXPECT_EQ(RequestHeader(request, "content-type"), "application/x-protobuf");
  EXPECT_EQ(RequestHeader(request, "content-encoding"), "gzip");
  EXPECT_FALSE(request.http2);
  EXPECT_EQ(request.timeout, seconds(30));
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(OtlpAzureTest, EachStatusEndsInTheRightCounter) {
  for (const int status : {200, 202, 204, 400, 401, 403, 404, 408, 415, 418, 429, 500, 501, 502, 503, 504, 599}) {
    SCOPED_TRACE(status);
    Start(kHost);
    Span();
    Leave();
    Answer(status);
    if (status == 401) Answer(status);
    const bool is_delivered = status < 300;
    const bool is_dropped = status == 400 || status == 415 || status == 418;
    EXPECT_EQ(Ledger().delivered, is_delivered ? 1U : 0U);
    EXPECT_EQ(Ledger().dropped[static_cast<std::size_t>(DropReason::kRefused)], is_dropped ? 1U : 0U);
    EXPECT_EQ(Ledger().in_journal, is_delivered || is_dropped ? 0U : 1U);
    ExpectSumHolds(*journal_);
    destination_.reset();
  }
}

TEST_F(OtlpAzureTest, TokenThatEndedIsReplacedAndTheBatchSentAgainAtOnce) {
  Span();
  Leave();
  Answer(401);
  EXPECT_THAT(tokens_->rejected, ElementsAre("token-1"));
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_EQ(RequestHeader(transport_.Request(), "authorization"), "Bearer token-2");
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 1U);
  // The next end of a token is another one.
  Span();
  Leave();
  Answer(401);
  ASSERT_EQ(transport_.InFlight(), 1U);
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 2U);
}

TEST_F(OtlpAzureTest, FreshTokenThatIsRefusedToKeepsTheDataAndBacksOff) {
  Span();
  Leave();
  Answer(401);
  Answer(401);
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_GT(next_, clock_.Now());
  EXPECT_EQ(Ledger().in_journal, 1U);
  EXPECT_THAT(tokens_->rejected, ElementsAre("token-1", "token-2"));
  ASSERT_FALSE(lines_.empty());
  EXPECT_THAT(lines_.back(), HasSubstr("401"));
  EXPECT_THAT(lines_.back(), testing::Not(HasSubstr("token-")));
}

TEST_F(OtlpAzureTest, UrlsShareOneTokenAndReplaceItOnce) {
  Span();
  Metric();
  Leave();
  ASSERT_EQ(transport_.InFlight(), 2U);
  Answer(401);
  Answer(401);
  EXPECT_THAT(tokens_->rejected, ElementsAre("token-1"));
  ASSERT_EQ(transport_.InFlight(), 2U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(RequestHeader(transport_.Request(i), "authorization"), "Bearer token-2");
  Answer(204);
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 2U);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(OtlpAzureTest, MissingRoleIsAskedForAfterOneMinuteThenUpToFifteen) {
  Span();
  Leave();
  for (const minutes wait : {minutes(1), minutes(2), minutes(4), minutes(8), minutes(15), minutes(15)}) {
    Answer(403, R"({"error":{"code":"OperationFailed","message":"x"}})");
    EXPECT_EQ(UntilItSends(), wait);
  }
  EXPECT_THAT(lines_.at(0), HasSubstr("OperationFailed"));
  EXPECT_THAT(lines_.at(0), HasSubstr("Monitoring Metrics Publisher"));
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(OtlpAzureTest, AfterFiveBadRequestsInARowTheRestIsKeptForFiveMinutes) {
  for (int i = 0; i < 5; ++i) {
    Span();
    Leave();
    Answer(400, R"({"error":{"code":"InvalidStream"}})");
  }
  EXPECT_EQ(Ledger().DroppedTotal(), 5U);
  Span();
  Leave();
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  clock_.Advance(minutes(5));
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(OtlpAzureTest, ThrottledUrlHoldsUpNeitherOfTheOthers) {
  Metric();
  Leave();
  Answer(429, {}, {{"retry-after", "600"}});
  for (int i = 0; i < 30; ++i) {
    Span();
    if (i % 3 == 0) Metric();
    Leave();
    AnswerAll([](const std::string& url) {
      EXPECT_THAT(url, testing::EndsWith("/traces"));
      return 204;
    });
    ExpectSumHolds(*journal_);
  }
  // What is behind the blocked records waits for the next detour at most.
  clock_.Advance(seconds(5));
  Step();
  AnswerAll([](const std::string&) { return 204; });
  EXPECT_EQ(Ledger().delivered, 30U);
  EXPECT_EQ(Ledger().in_journal, 11U);
  clock_.Advance(seconds(600));
  for (int i = 0; i < 50 && Ledger().in_journal > 0; ++i) {
    Leave();
    AnswerAll([](const std::string&) { return 204; });
  }
  EXPECT_EQ(Ledger().delivered, 41U);
  EXPECT_EQ(Ledger().DroppedTotal(), 0U);
}

TEST_F(OtlpAzureTest, SlowUrlHoldsUpNeitherOfTheOthers) {
  Metric();
  Span();
  Leave();
  ASSERT_EQ(transport_.InFlight(), 2U);
  Answer(204, {}, {}, 0);  // the span's; the metric's answer does not come
  for (int i = 0; i < 3; ++i) {
    Span();
    Leave();
    ASSERT_EQ(transport_.InFlight(), 2U);
    Answer(204, {}, {}, 1);
  }
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 5U);
}

TEST_F(OtlpAzureTest, OutageOfEverythingReadsAheadNoMoreThanItsLimitAndRecovers) {
  for (int i = 0; i < 200; ++i) {
    Span();
    Leave();
    AnswerAll([](const std::string&) { return 503; });
    ExpectSumHolds(*journal_);
  }
  EXPECT_LE(transport_.Started(), 30U);
  for (int i = 0; i < 200 && Ledger().in_journal > 0; ++i) {
    Leave();
    AnswerAll([](const std::string&) { return 204; });
  }
  EXPECT_EQ(Ledger().delivered, 200U);
}

TEST_F(OtlpAzureTest, BodyStaysBelowAMillionBytesAndWhatIsStillTooLargeIsHalved) {
  const std::string filler(100'000, 'x');
  for (int i = 0; i < 30; ++i) Append(SpanMessage("big", 0, filler));
  Step();
  std::size_t sent = 0;
  bool has_refused = false;
  while (transport_.InFlight() > 0) {
    const std::string body = Gunzip(*transport_.Request().body);
    EXPECT_LE(body.size(), 1'000'000U);
    opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest request;
    ASSERT_TRUE(request.ParseFromString(body));
    const auto spans = static_cast<std::size_t>(request.resource_spans(0).scope_spans(0).spans_size());
    if (!has_refused && spans > 1) {
      has_refused = true;
      Answer(413);
      continue;
    }
    sent += spans;
    Answer(204);
  }
  EXPECT_TRUE(has_refused);
  EXPECT_EQ(sent, 30U);
  EXPECT_EQ(Ledger().delivered, 30U);
}

TEST_F(OtlpAzureTest, TokenGoesNowhereElse) {
  for (const char* base : {"https://collector.example/", "http://x.ingest.monitor.azure.com/", "https://monitor.azure.com.evil.example/", "https://monitor.azure.com/"}) {
    Start(base);
    Span();
    Leave();
    ASSERT_EQ(transport_.InFlight(), 1U);
    EXPECT_FALSE(RequestHeader(transport_.Request(), "authorization")) << base;
    Answer(204);
    destination_.reset();
  }
}

TEST_F(OtlpAzureTest, WaitsForItsTokenAsleep) {
  tokens_->holds_back = true;
  Span();
  Leave();
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(next_, kNever);
  const auto wakes = transport_.Wakes();
  tokens_->waiting({.token = AccessToken{.token = "late"}});
  EXPECT_EQ(transport_.Wakes(), wakes + 1);
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_EQ(RequestHeader(transport_.Request(), "authorization"), "Bearer late");
  Answer(204);
}

TEST_F(OtlpAzureTest, TokenThatComesAfterTheEndWakesNobody) {
  tokens_->holds_back = true;
  Span();
  Leave();
  destination_.reset();
  const auto wakes = transport_.Wakes();
  tokens_->waiting({.token = AccessToken{.token = "late"}});
  EXPECT_EQ(transport_.Wakes(), wakes);
}

TEST_F(OtlpAzureTest, WithoutATokenTheDataWaitsAndOneLineSaysWhy) {
  tokens_->is_down = true;
  Span();
  Leave();
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr("no access token: the identity endpoint is down"));
  tokens_->is_down = false;
  clock_.Advance(minutes(1));
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  Answer(204);
  EXPECT_EQ(Ledger().delivered, 1U);
}

}  // namespace
}  // namespace azmon::deliver
