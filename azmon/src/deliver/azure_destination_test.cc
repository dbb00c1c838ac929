// SPDX-License-Identifier: MIT
#include "deliver/azure_destination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "deliver/deliver_test_support.h"
#include "otlp/annotations.h"

namespace azmon::deliver {
namespace {

using journal::Destination;
using journal::DropReason;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Strings = std::vector<std::string>;

class AzureDestinationTest : public DestinationTest {
 protected:
  AzureDestinationTest() { Start({}); }

  void Start(journal::JournalOptions options, std::string endpoint = "https://own.example") {
    destination_.reset();
    MakeJournal(options);
    AzureSettings settings;
    settings.connection.instrumentation_key = "key";
    settings.connection.ingestion_endpoint = std::move(endpoint);
    settings.envelope.resource_metric = false;
    settings.sdk_stats.interval = seconds(0);  // they have tests of their own
    Make(std::move(settings));
  }
  void Make(AzureSettings settings) {
    destination_.reset();
    destination_ = std::make_unique<AzureDestination>(Shop(), std::move(settings));
  }
  void Append(std::string_view name, int events = 0, std::string_view attribute = {}, std::uint8_t flags = kForBoth) {
    ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = flags, .owner = scope_, .message = SpanMessage(name, events, attribute)}).ok());
  }
  void AppendMany(int count) {
    for (int i = 0; i < count; ++i) Append("s" + std::to_string(i));
  }
  /// Appends, waits for the batch to leave.
  void Send(int count) {
    AppendMany(count);
    Step();
    clock_.Advance(milliseconds(1000));
    Step();
  }
  void Answer(int status, std::string body = {}, std::vector<std::pair<std::string, std::string>> headers = {}, std::size_t index = 0) {
    transport_.Answer({.status = status, .headers = std::move(headers), .body = std::move(body)}, index);
    next_ = Step();
  }
  void Break(transport::TransportError error = transport::TransportError::kConnect) {
    transport_.Answer({.error = error, .error_text = "text"});
    next_ = Step();
  }
  std::vector<nlohmann::json> Items(std::size_t index = 0) {
    std::vector<nlohmann::json> items;
    const transport::HttpRequest& request = transport_.Request(index);
    const std::string text = RequestHeader(request, "content-encoding") ? Gunzip(*request.body) : *request.body;
    EXPECT_TRUE(text.ends_with('\n'));
    for (const std::string_view line : base::Split(std::string_view(text).substr(0, text.size() - 1), '\n')) items.push_back(nlohmann::json::parse(line));
    return items;
  }
  Strings Names(std::size_t index = 0) {
    Strings names;
    for (const auto& item : Items(index)) {
      const auto& data = item.at("data").at("baseData");
      names.push_back(data.contains("name") ? data["name"].get<std::string>() : data.contains("message") ? data["message"].get<std::string>() : data["metrics"][0]["name"].get<std::string>());
    }
    return names;
  }
  journal::Ledger Ledger() const { return journal_->LedgerOf(Destination::kAzure); }
  std::uint64_t DroppedItems(DropReason reason) const { return Ledger().dropped_items[static_cast<std::size_t>(reason)]; }
  std::uint64_t Dropped(DropReason reason) const { return Ledger().dropped[static_cast<std::size_t>(reason)]; }
};

TEST_F(AzureDestinationTest, WithNothingToDoItNeverWakes) { EXPECT_EQ(Step(), kNever); }

TEST_F(AzureDestinationTest, BatchLeavesAfterTheExportInterval) {
  Append("a");
  const auto start = clock_.Now();
  EXPECT_EQ(Step(), start + milliseconds(1000));
  clock_.Advance(milliseconds(999));
  Append("b");
  Step();
  EXPECT_EQ(transport_.InFlight(), 0U);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(Step(), kNever);
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_THAT(Names(), ElementsAre("a", "b"));
}

TEST_F(AzureDestinationTest, FullBatchLeavesAtOnceAndTheRestWaits) {
  AppendMany(1001);
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_EQ(Items().size(), 1000U);
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1000U);
  EXPECT_EQ(next_, clock_.Now() + milliseconds(1000));
}

TEST_F(AzureDestinationTest, BodyStaysBelowOneMebibyte) {
  const std::string filler(8000, 'x');
  for (int i = 0; i < 400; ++i) Append("s", 0, filler);
  Step();
  ASSERT_GT(transport_.InFlight(), 1U);
  std::size_t items = 0;
  for (std::size_t i = 0; i < transport_.InFlight(); ++i) {
    EXPECT_LE(Gunzip(*transport_.Request(i).body).size(), limits::kTrackBodyBytesMax);
    EXPECT_GT(Gunzip(*transport_.Request(i).body).size(), limits::kTrackBodyBytesMax - 10000);
    items += Items(i).size();
    if (i == 3) break;
  }
  EXPECT_LE(items, 400U);
}

TEST_F(AzureDestinationTest, RequestIsTheOneOfTheSpecification) {
  Send(1);
  const transport::HttpRequest& request = transport_.Request();
  EXPECT_EQ(request.url, "https://own.example/v2.1/track");
  EXPECT_FALSE(request.http2);
  EXPECT_EQ(request.timeout, seconds(30));
  EXPECT_EQ(RequestHeader(request, "Content-Type"), "application/x-json-stream");
  EXPECT_EQ(RequestHeader(request, "Content-Encoding"), "gzip");
  EXPECT_EQ(RequestHeader(request, "Accept"), "application/json");
  EXPECT_THAT(RequestHeader(request, "User-Agent").value_or(""), testing::StartsWith("azsdk-cpp-monitor-opentelemetry-exporter/"));
  EXPECT_THAT(RequestHeader(request, "x-ms-client-request-id").value_or(""),
              testing::ContainsRegex("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"));
  EXPECT_EQ(Items()[0]["iKey"], "key");
}

TEST_F(AzureDestinationTest, CompressionCanBeSwitchedOff) {
  AzureSettings settings;
  settings.connection = {.instrumentation_key = "key", .ingestion_endpoint = "https://own.example"};
  settings.gzip = false;
  Make(settings);
  Send(1);
  EXPECT_EQ(RequestHeader(transport_.Request(), "Content-Encoding"), std::nullopt);
  EXPECT_THAT(*transport_.Request().body, HasSubstr("\"s0\""));
}

TEST_F(AzureDestinationTest, ResourceMetricStandsAtTheHeadOfSpansAndIsNotCounted) {
  AzureSettings settings;
  settings.connection = {.instrumentation_key = "key", .ingestion_endpoint = "https://own.example"};
  Make(settings);
  const std::uint32_t other = journal_->AddScope(journal_->AddResource(ResourceMessage("service.name", "other"), ""), ScopeMessage("x"), "");
  Append("a");
  ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = other, .message = SpanMessage("b")}).ok());
  Append("c");
  Step();
  clock_.Advance(milliseconds(1000));
  Step();
  EXPECT_THAT(Names(), ElementsAre("_OTELRESOURCE_", "_OTELRESOURCE_", "a", "b", "c"));
  // Its own refusal is nobody's loss.
  Answer(206, R"({"errors":[{"index":0,"statusCode":500},{"index":1,"statusCode":400},{"index":3,"statusCode":400}]})");
  EXPECT_EQ(Ledger().delivered, 2U);
  EXPECT_EQ(Dropped(DropReason::kRefused), 1U);
}

struct StatusRow {
  int status;
  std::string_view body;
  std::uint64_t delivered, dropped;
  bool waits;
};

TEST_F(AzureDestinationTest, EachStatusEndsInTheRightCounter) {
  const std::vector<StatusRow> rows = {
      {200, "", 2, 0, false}, {200, "ok", 2, 0, false}, {206, "garbage", 0, 0, true},
      {301, "", 0, 2, false}, {400, "", 0, 2, false}, {401, "", 0, 0, true}, {402, "", 0, 2, false}, {403, "", 0, 0, true}, {404, "", 0, 2, false},
      {405, "", 0, 2, false}, {408, "", 0, 0, true}, {411, "", 0, 2, false}, {429, "", 0, 0, true}, {439, "", 0, 0, true}, {500, "", 0, 0, true},
      {501, "", 0, 2, false}, {502, "", 0, 0, true}, {503, "", 0, 0, true}, {504, "", 0, 0, true}, {505, "", 0, 2, false}, {307, "", 0, 0, true},
      {206, R"({"errors":[{"index":0,"statusCode":400}]})", 1, 1, false},
      {200, R"({"errors":[{"index":1,"statusCode":404}]})", 1, 1, false},
  };
  for (const StatusRow& row : rows) {
    SCOPED_TRACE(std::to_string(row.status) + " " + std::string(row.body));
    Start({});
    Send(2);
    Answer(row.status, std::string(row.body));
    EXPECT_EQ(Ledger().delivered, row.delivered);
    EXPECT_EQ(Ledger().DroppedTotal(), row.dropped);
    EXPECT_EQ(Ledger().in_journal, row.waits ? 2U : 0U);
    ExpectSumHolds(*journal_);
    if (row.waits) {
      EXPECT_EQ(next_, clock_.Now() + seconds(10));  // the first failure waits 10 s
      clock_.Advance(milliseconds(9999));
      Step();
      EXPECT_EQ(transport_.InFlight(), 0U);
      clock_.Advance(milliseconds(1));
      Step();
      ASSERT_EQ(transport_.InFlight(), 1U);
      EXPECT_THAT(Names(), ElementsAre("s0", "s1"));
      Answer(200);
      EXPECT_EQ(Ledger().delivered, 2U);
      EXPECT_EQ(next_, kNever);
    }
  }
}

TEST_F(AzureDestinationTest, QuotaPausesTheWholeDestinationWithOneLine) {
  Send(1);
  Answer(439, {}, {{"retry-after", "1800"}});
  for (int minute = 0; minute < 29; ++minute) {
    AppendMany(2000);
    clock_.Advance(std::chrono::minutes(1));
    Step();
    EXPECT_EQ(transport_.InFlight(), 0U);
  }
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr("daily cap"));
  clock_.Advance(std::chrono::minutes(1));
  Step();
  EXPECT_EQ(transport_.InFlight(), 1U);
  Answer(200);
  EXPECT_EQ(Dropped(DropReason::kRefused), 0U);
}

TEST_F(AzureDestinationTest, NetworkFailuresKeepTheBatch) {
  using enum transport::TransportError;
  for (const transport::TransportError error : {kResolve, kConnect, kTls, kTimeout, kBroken, kLocal}) {
    Start({});
    Send(1);
    Break(error);
    EXPECT_EQ(Ledger().in_journal, 1U);
    clock_.Advance(seconds(10));
    Step();
    Answer(200);
    EXPECT_EQ(Ledger().delivered, 1U);
  }
}

TEST_F(AzureDestinationTest, RetryAfterReplacesTheBackOff) {
  Send(1);
  Answer(429, "", {{"retry-after", "3"}});
  EXPECT_EQ(next_, clock_.Now() + seconds(3));
  clock_.Advance(seconds(3));
  Step();
  Answer(503, "", {{"retry-after", "garbage"}});
  EXPECT_EQ(next_, clock_.Now() + seconds(10));
}

TEST_F(AzureDestinationTest, WhileBackingOffNothingIsReadAndOneRequestAsksAgain) {
  AppendMany(6000);
  Step();
  ASSERT_EQ(transport_.InFlight(), 4U);  // bounded
  Answer(503, "", {}, 0);
  Answer(503, "", {}, 0);
  Answer(503, "", {}, 0);
  Answer(503, "", {}, 0);
  EXPECT_EQ(transport_.InFlight(), 0U);
  clock_.Advance(seconds(10));
  EXPECT_EQ(Step(), kNever);
  EXPECT_EQ(transport_.InFlight(), 1U);
  Answer(503);
  EXPECT_EQ(transport_.InFlight(), 0U);
  clock_.Advance(seconds(60));
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_EQ(Names().front(), "s0");
  Answer(200);
  EXPECT_EQ(transport_.InFlight(), 4U);
  while (transport_.InFlight() > 0) Answer(200);
  EXPECT_EQ(Ledger().delivered, 6000U);
}

TEST_F(AzureDestinationTest, AnswerToARequestFromBeforeTheFailureDoesNotEndTheBackOff) {
  AppendMany(2000);
  Step();
  ASSERT_EQ(transport_.InFlight(), 2U);
  Answer(429, "", {{"retry-after", "60"}}, 0);
  Answer(200, "", {}, 0);
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(next_, clock_.Now() + seconds(60));
  EXPECT_EQ(Ledger().delivered, 0U);  // settled in order: the first is not answered yet
  clock_.Advance(seconds(60));
  Step();
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 2000U);
}

TEST_F(AzureDestinationTest, PartialAnswerSendsAgainOnlyWhatMayBeRetried) {
  Send(5);
  Answer(206, R"({"itemsReceived":5,"itemsAccepted":3,"errors":[{"index":4,"statusCode":400},{"index":2,"statusCode":500},{"index":2,"statusCode":400},{"index":99,"statusCode":500}]})");
  EXPECT_EQ(Ledger().delivered, 3U);
  EXPECT_EQ(Dropped(DropReason::kRefused), 1U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  ExpectSumHolds(*journal_);
  clock_.Advance(milliseconds(1000));
  Step();
  EXPECT_THAT(Names(), ElementsAre("s2"));
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 4U);
  EXPECT_EQ(journal_->LedgerOf(Destination::kOtlp).in_journal, 5U);  // not the other destination's business
}

TEST_F(AzureDestinationTest, OfARecordOnlyTheItemsThatWereNotAcceptedAreSentAgain) {
  Append("a", 3);
  Step();
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_THAT(Names(), ElementsAre("a", "a-event0", "a-event1", "a-event2"));
  Answer(206, R"({"errors":[{"index":1,"statusCode":500},{"index":3,"statusCode":503}]})");
  EXPECT_EQ(Ledger().in_journal, 1U);
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_THAT(Names(), ElementsAre("a-event0", "a-event2"));
  Answer(206, R"({"errors":[{"index":1,"statusCode":500}]})");
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_THAT(Names(), ElementsAre("a-event2"));
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(AzureDestinationTest, ItemsBeyondTheSixtyThirdFollowTheLastBit) {
  Append("a", 70);
  Step();
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_EQ(Items().size(), 71U);
  Answer(206, R"({"errors":[{"index":62,"statusCode":500},{"index":70,"statusCode":500}]})");
  clock_.Advance(milliseconds(1000));
  Step();
  EXPECT_THAT(Names(), ElementsAre("a-event61", "a-event62", "a-event63", "a-event64", "a-event65", "a-event66", "a-event67", "a-event68", "a-event69"));
  Answer(206, R"({"errors":[{"index":8,"statusCode":500}]})");
  clock_.Advance(milliseconds(1000));
  Step();
  EXPECT_EQ(Items().size(), 8U);
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(AzureDestinationTest, RecordWithARefusedItemIsALostRecord) {
  Append("a", 2);
  Append("b");
  Step();
  clock_.Advance(milliseconds(1000));
  Step();
  Answer(206, R"({"errors":[{"index":1,"statusCode":400}]})");
  EXPECT_EQ(Ledger().delivered, 1U);
  EXPECT_EQ(Dropped(DropReason::kRefused), 1U);
  EXPECT_EQ(DroppedItems(DropReason::kRefused), 1U);
}

TEST_F(AzureDestinationTest, RecordWhoseItemWasRefusedEarlierIsLostThoughTheRestIsTakenLater) {
  Append("a", 3);
  Step();
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_THAT(Names(), ElementsAre("a", "a-event0", "a-event1", "a-event2"));
  Answer(206, R"({"errors":[{"index":1,"statusCode":400},{"index":2,"statusCode":500},{"index":3,"statusCode":500}]})");
  EXPECT_EQ(Ledger().in_journal, 1U);
  EXPECT_EQ(DroppedItems(DropReason::kRefused), 1U);
  EXPECT_EQ(Dropped(DropReason::kRefused), 0U);
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_THAT(Names(), ElementsAre("a-event1", "a-event2"));
  Answer(206, R"({"errors":[{"index":1,"statusCode":500}]})");
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_THAT(Names(), ElementsAre("a-event2"));
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 0U);
  EXPECT_EQ(Dropped(DropReason::kRefused), 1U);
  EXPECT_EQ(DroppedItems(DropReason::kRefused), 1U);
  ExpectSumHolds(*journal_);
}

TEST_F(AzureDestinationTest, DataPointThatCannotBeMadeIsCountedOnceAsAnItemAndTheRecordIsDelivered) {
  std::string metric;
  otlp::AppendBytesField(otlp::metric::kName, "m", metric);
  const std::size_t gauge = otlp::OpenMessage(otlp::metric::kGauge, metric);
  for (const double value : {1.0, std::numeric_limits<double>::quiet_NaN(), 3.0}) {
    const std::size_t point = otlp::OpenMessage(otlp::gauge::kDataPoints, metric);
    otlp::AppendDoubleField(otlp::number_point::kAsDouble, value, metric);
    otlp::CloseMessage(point, metric);
  }
  otlp::CloseMessage(gauge, metric);
  ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kMetric, .flags = kForBoth, .owner = scope_, .message = metric}).ok());
  Step();
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_EQ(Items().size(), 2U);
  Answer(206, R"({"errors":[{"index":1,"statusCode":500}]})");
  EXPECT_EQ(DroppedItems(DropReason::kNotFinite), 0U) << "it is read once more";
  clock_.Advance(milliseconds(1000));
  Step();
  ASSERT_EQ(Items().size(), 1U);
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1U);
  EXPECT_EQ(Ledger().DroppedTotal(), 0U);
  EXPECT_EQ(DroppedItems(DropReason::kNotFinite), 1U);
}

TEST_F(AzureDestinationTest, SampledOutByTheServiceHasItsOwnCounter) {
  Send(2);
  Answer(206, R"({"errors":[{"index":0,"statusCode":500,"message":"Telemetry sampled out."}]})");
  EXPECT_EQ(Dropped(DropReason::kSampledOut), 1U);
  EXPECT_EQ(Ledger().delivered, 1U);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(AzureDestinationTest, ItemsThatNobodyTakesDoNotGoRoundWithoutAPause) {
  Send(1);
  for (int round = 0; round < 5; ++round) {
    Answer(206, R"({"errors":[{"index":0,"statusCode":429}]})");
    EXPECT_GE(next_, clock_.Now() + seconds(10)) << round;
    clock_.Advance(std::chrono::duration_cast<milliseconds>(next_ - clock_.Now()));
    Step();
    ASSERT_EQ(transport_.InFlight(), 1U) << round;
  }
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(AzureDestinationTest, PartialAnswerWithRetryAfterPausesEverything) {
  Send(2);
  Answer(206, R"({"errors":[{"index":0,"statusCode":429}]})", {{"retry-after", "30"}});
  AppendMany(2000);
  Step();
  EXPECT_EQ(transport_.InFlight(), 0U);
  clock_.Advance(seconds(30));
  Step();
  EXPECT_EQ(transport_.InFlight(), 1U);
}

TEST_F(AzureDestinationTest, TooLargeIsHalvedUntilASingleItemIsDropped) {
  Send(8);
  Answer(413);
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_THAT(Names(), ElementsAre("s0", "s1", "s2", "s3"));
  Answer(200);
  EXPECT_THAT(Names(), ElementsAre("s4", "s5", "s6", "s7"));
  Answer(413);
  EXPECT_THAT(Names(), ElementsAre("s4", "s5"));
  Answer(413);
  EXPECT_THAT(Names(), ElementsAre("s4"));
  Answer(413);
  EXPECT_THAT(Names(), ElementsAre("s5"));
  Answer(200);
  EXPECT_THAT(Names(), ElementsAre("s6", "s7"));
  Answer(206, R"({"errors":[{"index":1,"statusCode":500}]})");
  EXPECT_EQ(Ledger().delivered, 6U);
  EXPECT_EQ(Dropped(DropReason::kTooLarge), 1U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  ExpectSumHolds(*journal_);
  clock_.Advance(milliseconds(1000));
  Step();
  EXPECT_THAT(Names(), ElementsAre("s7"));
}

TEST_F(AzureDestinationTest, FailureBetweenHalvesKeepsWhatWasAccepted) {
  Send(4);
  Answer(413);
  Answer(200);
  Break();
  clock_.Advance(seconds(10));
  Step();
  EXPECT_THAT(Names(), ElementsAre("s2", "s3"));
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 4U);
}

TEST_F(AzureDestinationTest, RecordsThatGiveNoItemAreCountedWithoutARequest) {
  ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope_, .message = "\xFF\xFF"}).ok());
  Append("unsampled", 0, {}, otlp::kForAzure);
  Step();
  clock_.Advance(milliseconds(1000));
  EXPECT_EQ(Step(), kNever);
  EXPECT_EQ(transport_.Started(), 0U);
  EXPECT_EQ(Dropped(DropReason::kMalformed), 1U);
  EXPECT_EQ(Dropped(DropReason::kSampledOut), 1U);
  EXPECT_EQ(Ledger().in_journal, 0U);
}

TEST_F(AzureDestinationTest, RedirectWithinTheServiceIsFollowedAndRemembered) {
  Start({}, "https://a.in.applicationinsights.azure.com");
  Send(1);
  Answer(308, "", {{"location", "https://b.in.applicationinsights.azure.com/v2.1/track"}, {"cache-control", "max-age=60"}});
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_EQ(transport_.Request().url, "https://b.in.applicationinsights.azure.com/v2.1/track");
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1U);
  Send(1);
  EXPECT_EQ(transport_.Request().url, "https://b.in.applicationinsights.azure.com/v2.1/track");
  Answer(200);
  clock_.Advance(seconds(60));
  Send(1);
  EXPECT_EQ(transport_.Request().url, "https://a.in.applicationinsights.azure.com/v2.1/track");
}

TEST_F(AzureDestinationTest, RememberedRedirectIsForgottenWhenItsHostFails) {
  Start({}, "https://a.in.applicationinsights.azure.com");
  Send(1);
  Answer(307, "", {{"location", "https://b.in.applicationinsights.azure.com/v2.1/track"}});
  Break();
  clock_.Advance(seconds(10));
  Step();
  EXPECT_EQ(transport_.Request().url, "https://a.in.applicationinsights.azure.com/v2.1/track");
}

TEST_F(AzureDestinationTest, RedirectToAForeignHostIsNotFollowedAndNothingIsLost) {
  Start({}, "https://a.in.applicationinsights.azure.com");
  Send(1);
  Answer(308, "", {{"location", "https://evil.example/v2.1/track"}});
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  EXPECT_EQ(next_, clock_.Now() + seconds(10));
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr("foreign host"));
}

TEST_F(AzureDestinationTest, RedirectsEndInACircleOrAfterTen) {
  Start({}, "https://a.in.applicationinsights.azure.com");
  Send(1);
  Answer(307, "", {{"location", "/one"}});
  Answer(307, "", {{"location", "/v2.1/track"}});
  EXPECT_EQ(transport_.InFlight(), 0U);
  clock_.Advance(seconds(10));
  Step();
  int hops = 0;
  while (transport_.InFlight() > 0) Answer(307, "", {{"location", "/hop" + std::to_string(++hops)}});
  EXPECT_EQ(hops, 11);
  EXPECT_EQ(Ledger().in_journal, 1U);
}

TEST_F(AzureDestinationTest, FlushSendsAtOnceAndIsReachedWhenAllIsAnswered) {
  Append("a");
  destination_->Flush(journal_->End());
  EXPECT_FALSE(destination_->IsFlushed());
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  Answer(206, R"({"errors":[{"index":0,"statusCode":503}]})");
  EXPECT_FALSE(destination_->IsFlushed());  // it is appended again, not answered
  clock_.Advance(seconds(10));
  Step();
  Answer(200);
  EXPECT_TRUE(destination_->IsFlushed());
}

TEST_F(AzureDestinationTest, FlushDoesNotWaitForWhatCameLater) {
  Append("a");
  destination_->Flush(journal_->End());
  Step();
  Append("b");
  Answer(200);
  EXPECT_TRUE(destination_->IsFlushed());
  EXPECT_EQ(transport_.InFlight(), 0U);
}

TEST_F(AzureDestinationTest, HurryAllowsOneRequestDuringBackOff) {
  Send(1);
  Answer(503);
  destination_->Hurry(clock_.Now());
  Step();
  EXPECT_EQ(transport_.InFlight(), 1U);
}

TEST_F(AzureDestinationTest, StopKeepsWhatIsNotAnsweredAndSettlesWhatIs) {
  AppendMany(2000);
  Step();
  ASSERT_EQ(transport_.InFlight(), 2U);
  transport_.Answer({.status = 200}, 1);
  destination_->Stop();
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(Ledger().delivered, 1000U);
  EXPECT_EQ(Ledger().in_journal, 1000U);
  EXPECT_EQ(journal_->Read(Destination::kAzure, 10, 1 << 20).entries.front().record.message, SpanMessage("s0"));
}

TEST_F(AzureDestinationTest, RecordsRecycledWhileInFlightAreCountedOnce) {
  Start({.bytes_max = 64 * 1024, .segment_bytes = 16 * 1024});
  Send(50);
  ASSERT_EQ(transport_.InFlight(), 1U);
  AppendMany(1000);
  EXPECT_GE(Dropped(DropReason::kStorageCapacity), 50U);
  ExpectSumHolds(*journal_);
  Answer(200);
  ExpectSumHolds(*journal_);
  while (transport_.InFlight() > 0) Answer(200);
  clock_.Advance(seconds(1));
  Step();
  while (transport_.InFlight() > 0) Answer(200);
  EXPECT_EQ(Ledger().in_journal, 0U);
}

TEST_F(AzureDestinationTest, TroubleIsToldOnceWithItsCauseAndTheRecovery) {
  Send(1);
  Break(transport::TransportError::kResolve);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], testing::AllOf(HasSubstr("Application Insights"), HasSubstr("name not resolved"), HasSubstr("name server"), HasSubstr("10 s")));
  clock_.Advance(seconds(10));
  Step();
  Break(transport::TransportError::kResolve);
  EXPECT_EQ(lines_.size(), 1U);
  clock_.Advance(seconds(60));
  Step();
  Answer(200);
  log_.Step(clock_.Now());
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_THAT(lines_[1], HasSubstr("takes telemetry again"));
}

TEST_F(AzureDestinationTest, LossIsToldOnceInFiveMinutes) {
  for (int i = 0; i < 3; ++i) {
    Send(1);
    Answer(400);
  }
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], testing::AllOf(HasSubstr("HTTP 400"), HasSubstr("InstrumentationKey")));
  clock_.Advance(std::chrono::minutes(5));
  Send(1);
  Answer(400);
  EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(AzureDestinationTest, RandomPartialAnswersLoseAndDuplicateNothing) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed=" + std::to_string(seed));
    base::Random random(seed);
    Start({});
    const int records = 1 + static_cast<int>(random.Below(20));
    std::map<std::string, int> accepted;
    std::map<std::string, int> refused;
    std::size_t items_made = 0;
    for (int i = 0; i < records; ++i) {
      const int events = static_cast<int>(random.Below(5));
      Append("s" + std::to_string(i), events);
      items_made += 1 + static_cast<std::size_t>(events);
    }
    for (int round = 0; round < 1000 && Ledger().in_journal > 0; ++round) {
      const auto next = Step();
      if (transport_.InFlight() == 0) {
        ASSERT_NE(next, kNever);
        clock_.Advance(std::chrono::ceil<milliseconds>(next - clock_.Now()));
        continue;
      }
      const Strings names = Names();
      const std::uint64_t kind = random.Below(10);
      if (kind == 0) {
        Break();
        continue;
      }
      if (kind == 1 && names.size() > 1) {
        Answer(413);
        continue;
      }
      nlohmann::json errors = nlohmann::json::array();
      for (std::size_t i = 0; i < names.size(); ++i) {
        constexpr std::array kStatuses = {200, 200, 200, 400, 429, 500, 503};
        const int status = kStatuses[random.Below(kStatuses.size())];
        if (status == 200) {
          ++accepted[names[i]];
        } else {
          if (status == 400) ++refused[names[i]];
          errors.push_back({{"index", i}, {"statusCode", status}, {"message", "m"}});
        }
      }
      if (random.Below(2) == 0) std::reverse(errors.begin(), errors.end());
      Answer(206, nlohmann::json{{"errors", errors}}.dump());
    }
    EXPECT_EQ(Ledger().in_journal, 0U);
    ExpectSumHolds(*journal_);
    std::size_t ended = 0;
    for (const auto& [name, count] : accepted) {
      EXPECT_EQ(count, 1) << name;
      EXPECT_FALSE(refused.contains(name)) << name;
      ++ended;
    }
    for (const auto& [name, count] : refused) EXPECT_EQ(count, 1) << name;
    EXPECT_EQ(ended + refused.size(), items_made);
  }
}

}  // namespace
}  // namespace azmon::deliver
