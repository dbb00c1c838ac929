// SPDX-License-Identifier: MIT
#include "deliver/sdk_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "deliver/azure_destination.h"
#include "deliver/deliver_test_support.h"

namespace azmon::deliver {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::UnorderedElementsAre;

class SdkStatsTest : public DestinationTest {
 protected:
  SdkStatsTest() { Start({}); }

  void Start(SdkStatsSettings stats, journal::JournalOptions options = {}) {
    MakeJournal(options);
    AzureSettings settings;
    settings.connection.instrumentation_key = "key";
    settings.connection.ingestion_endpoint = "https://own.example";
    settings.envelope.resource_metric = false;
    settings.gzip = false;
    settings.sdk_stats = std::move(stats);
    destination_ = std::make_unique<AzureDestination>(Shop(), std::move(settings));
  }
  void Send(int spans) {
    for (int i = 0; i < spans; ++i) {
      ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope_, .message = SpanMessage("s", i == 0 ? 1 : 0)}).ok());
    }
    Leave();
  }
  void Leave() {
    Step();
    clock_.Advance(milliseconds(1000));
    Step();
  }
  void Answer(transport::HttpResponse response) {
    ASSERT_EQ(transport_.InFlight(), 1U);
    transport_.Answer(std::move(response));
    Step();
  }
  /// The metric items of the request in flight: "Name telemetry_type code reason success = value".
  std::vector<std::string> Stats() {
    std::vector<std::string> out;
    for (const std::string_view line : base::Split(*transport_.Request().body, '\n')) {
      if (line.empty()) continue;
      const auto item = nlohmann::json::parse(line);
      if (item["data"]["baseType"] != "MetricData") continue;
      const auto& data = item["data"]["baseData"];
      const auto& properties = data["properties"];
      EXPECT_EQ(properties["language"], "cpp");
      EXPECT_EQ(properties["computeType"], "unknown");
      EXPECT_EQ(item["tags"]["ai.cloud.role"], "shop");
      std::string text = data["metrics"][0]["name"].get<std::string>() + " " + properties["telemetry_type"].get<std::string>();
      for (const char* name : {"drop.code", "drop.reason", "retry.code", "retry.reason", "telemetry_success"}) {
        if (properties.contains(name)) text += " " + properties[name].get<std::string>();
      }
      out.push_back(text + " = " + std::to_string(data["metrics"][0]["value"].get<int>()));
    }
    return out;
  }
};

TEST_F(SdkStatsTest, CountsItemsByTypeAndSendsThemAtTheHeadOfTheNextBatch) {
  Send(3);
  EXPECT_TRUE(Stats().empty());
  Answer({.status = 503});
  clock_.Advance(minutes(10));
  Step();
  Answer({.status = 206, .body = R"({"itemsReceived":4,"itemsAccepted":2,"errors":[{"index":2,"statusCode":400,"message":"x"},{"index":3,"statusCode":500,"message":"y"}]})"});
  Leave();
  Answer({.status = 200});
  clock_.Advance(minutes(15));
  Send(1);
  EXPECT_THAT(Stats(), UnorderedElementsAre("Item_Success_Count DEPENDENCY = 2", "Item_Success_Count TRACE = 1", "Item_Dropped_Count DEPENDENCY 400 Bad request true = 1",
                                            "Item_Retry_Count DEPENDENCY 503 Service unavailable = 3", "Item_Retry_Count TRACE 503 Service unavailable = 1",
                                            "Item_Retry_Count DEPENDENCY 500 Internal server error = 1"));
  Answer({.status = 200});
  // Counted anew, and the statistics do not count themselves.
  clock_.Advance(minutes(15));
  Send(1);
  EXPECT_THAT(Stats(), UnorderedElementsAre("Item_Success_Count DEPENDENCY = 1", "Item_Success_Count TRACE = 1"));
  Answer({.status = 200});
  EXPECT_EQ(journal_->LedgerOf(journal::Destination::kAzure).delivered, 4U);
}

TEST_F(SdkStatsTest, RefusedStatisticsLoseNoRecordAndAreNotSentAgain) {
  Send(1);
  Answer({.status = 200});
  clock_.Advance(minutes(15));
  Send(1);
  ASSERT_EQ(Stats().size(), 2U);
  Answer({.status = 206, .body = R"({"itemsReceived":4,"itemsAccepted":2,"errors":[{"index":0,"statusCode":500},{"index":1,"statusCode":400}]})"});
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(journal_->LedgerOf(journal::Destination::kAzure).delivered, 2U);
}

TEST_F(SdkStatsTest, NoAnswerIsAClientCode) {
  Send(1);
  Answer({.error = transport::TransportError::kTimeout});
  clock_.Advance(minutes(16));
  Step();
  Answer({.error = transport::TransportError::kConnect});
  clock_.Advance(minutes(60));
  Step();
  Answer({.status = 200});
  EXPECT_THAT(Stats(), testing::IsSupersetOf({"Item_Retry_Count DEPENDENCY CLIENT_TIMEOUT Client timeout = 1", "Item_Retry_Count DEPENDENCY CLIENT_EXCEPTION Network exception = 1"}));
  Answer({.status = 200});
}

TEST_F(SdkStatsTest, IdleProcessSendsThemAloneWhenTheIntervalIsOverAndThenSleeps) {
  Send(1);
  Answer({.status = 200});
  const milliseconds wait = UntilItSends();
  EXPECT_GT(wait, minutes(14));
  EXPECT_LE(wait, minutes(15));
  EXPECT_THAT(Stats(), UnorderedElementsAre("Item_Success_Count DEPENDENCY = 1", "Item_Success_Count TRACE = 1"));
  Answer({.status = 503});
  EXPECT_LT(UntilItSends(), minutes(2)) << "as a batch";
  EXPECT_THAT(Stats(), UnorderedElementsAre("Item_Success_Count DEPENDENCY = 1", "Item_Success_Count TRACE = 1"));
  Answer({.status = 200});
  EXPECT_EQ(Step(), kNever);
  EXPECT_EQ(journal_->LedgerOf(journal::Destination::kAzure).delivered, 1U);
}

TEST_F(SdkStatsTest, RecordsBehindStatisticsThatLeftAloneAreDelivered) {
  Send(1);
  Answer({.status = 200});
  UntilItSends();
  ASSERT_EQ(Stats().size(), 2U);
  ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope_, .message = SpanMessage("behind")}).ok());
  Leave();
  ASSERT_EQ(transport_.InFlight(), 2U);
  transport_.Answer({.status = 200}, 1);
  transport_.Answer({.status = 400});
  Step();
  EXPECT_EQ(journal_->LedgerOf(journal::Destination::kAzure).delivered, 2U);
  EXPECT_TRUE(lines_.empty()) << "refused statistics are no lost records";
}

TEST_F(SdkStatsTest, TheEndSendsWhatWasCountedLast) {
  Send(2);
  Answer({.status = 200});
  EXPECT_FALSE(destination_->Finish(clock_.Now()));
  EXPECT_THAT(Stats(), UnorderedElementsAre("Item_Success_Count DEPENDENCY = 2", "Item_Success_Count TRACE = 1"));
  Step();
  EXPECT_FALSE(destination_->Finish(clock_.Now()));
  Answer({.status = 200});
  EXPECT_TRUE(destination_->Finish(clock_.Now()));
  EXPECT_EQ(transport_.Started(), 2U);
}

TEST_F(SdkStatsTest, TheEndTriesOnceAndSaysNothingWhereNothingWasCounted) {
  EXPECT_TRUE(destination_->Finish(clock_.Now()));
  EXPECT_EQ(transport_.Started(), 0U);
  Start({});
  Send(1);
  Answer({.status = 200});
  EXPECT_FALSE(destination_->Finish(clock_.Now()));
  Answer({.status = 503});
  EXPECT_TRUE(destination_->Finish(clock_.Now()));
  EXPECT_EQ(transport_.InFlight(), 0U);
}

TEST_F(SdkStatsTest, UnknownMachineThatTurnsOutToBeAVirtualOneIsNamed) {
  bool is_machine = false;
  Start({.is_virtual_machine = [&] { return is_machine; }});
  Send(1);
  Answer({.status = 200});
  is_machine = true;
  EXPECT_FALSE(destination_->Finish(clock_.Now()));
  EXPECT_THAT(*transport_.Request().body, testing::HasSubstr(R"("computeType":"vm")"));
  Answer({.status = 200});
}

TEST_F(SdkStatsTest, RecycledRecordsAreCountedWithoutAType) {
  Start({}, {.bytes_max = 64 * 1024, .segment_bytes = 16 * 1024});
  Send(1);
  Answer({.status = 200});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope_, .message = SpanMessage("s", 0, std::string(200, 'x'))}).ok());
  }
  const auto recycled = journal_->LedgerOf(journal::Destination::kAzure).dropped[static_cast<std::size_t>(journal::DropReason::kStorageCapacity)];
  ASSERT_GT(recycled, 0U);
  clock_.Advance(minutes(15));
  Leave();
  EXPECT_THAT(Stats(), testing::Contains("Item_Dropped_Count UNKNOWN CLIENT_PERSISTENCE_CAPACITY Client persistence capacity = " + std::to_string(recycled)));
  while (transport_.InFlight() > 0) {
    transport_.Answer({.status = 200});
    Step();
  }
}

TEST_F(SdkStatsTest, SwitchedOffMeansOff) {
  Start({.interval = std::chrono::seconds(0)});
  Send(1);
  Answer({.status = 200});
  clock_.Advance(minutes(60));
  Send(1);
  EXPECT_TRUE(Stats().empty());
  Answer({.status = 200});
}

TEST(StatsCode, ReasonsAreFewAndFixed) {
  EXPECT_EQ(ReasonText({402}), "Daily quota exceeded");
  EXPECT_EQ(ReasonText({418}), "Client error 4xx");
  EXPECT_EQ(ReasonText({599}), "Server error 5xx");
  EXPECT_EQ(ReasonText({302}), "status_302");
  EXPECT_EQ(CodeText({StatsCode::kClientTimeout}), "CLIENT_TIMEOUT");
}

}  // namespace
}  // namespace azmon::deliver
