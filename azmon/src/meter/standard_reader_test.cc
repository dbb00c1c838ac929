// SPDX-License-Identifier: MIT
#include "meter/standard_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::meter {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class ManualClock final : public base::Clock {
 public:
  base::SteadyTime Now() const override { return now; }
  base::WallTime WallNow() const override { return base::WallTime(std::chrono::nanoseconds(1'700'000'000'000'000'000)) + (now - base::SteadyTime{}); }
  base::SteadyTime now{};
};

class StandardReaderTest : public testing::Test {
 protected:
  StandardReaderTest() {
    std::string resource;
    const std::size_t pair = otlp::OpenMessage(otlp::resource::kAttributes, resource);
    otlp::AppendBytesField(otlp::key_value::kKey, "service.name", resource);
    const std::size_t value = otlp::OpenMessage(otlp::key_value::kValue, resource);
    otlp::AppendBytesField(otlp::any_value::kString, "shop", resource);
    otlp::CloseMessage(value, resource);
    otlp::CloseMessage(pair, resource);
    scope_ = journal_.AddScope(journal_.AddResource(resource, ""), "", "");
  }
  void AppendServerSpan(std::uint8_t flags) {
    std::string span;
    otlp::AppendBytesField(otlp::span::kTraceId, std::string(16, '\x01'), span);
    otlp::AppendBytesField(otlp::span::kSpanId, std::string(8, '\x02'), span);
    otlp::AppendBytesField(otlp::span::kName, "GET /", span);
    otlp::AppendVarintField(otlp::span::kKind, otlp::span::kServer, span);
    otlp::AppendFixed64Field(otlp::span::kStartTime, 1'000'000'000, span);
    otlp::AppendFixed64Field(otlp::span::kEndTime, 1'020'000'000, span);
    ASSERT_TRUE(journal_.Append({.signal = otlp::Signal::kSpan, .flags = flags, .owner = scope_, .message = span}).ok());
  }
  /// The items of the metrics that were appended for Application Insights.
  std::vector<json> Items() {
    std::vector<json> items;
    const auto batch = journal_.Read(journal::Destination::kAzure, 1000, 1u << 20);
    for (const auto& entry : batch.entries) {
      if (entry.record.signal != otlp::Signal::kMetric) continue;
      const auto& scope = batch.ScopeOf(entry.record);
      std::string lines;
      envelope::AppendItems(entry.record, envelope::ResourceContext::Make(scope.resource.message, settings_), envelope::ScopeContext::Parse(scope.scope.message),
                            settings_, clock_.WallNow(), lines);
      items.push_back(json::parse(lines));
    }
    journal_.Settle(journal::Destination::kAzure, batch, {.delivered = batch.entries.size()});
    return items;
  }

  ManualClock clock_;
  journal::Journal journal_;
  envelope::Settings settings_{.instrumentation_key = "key", .sdk_version = "test"};
  StandardReader reader_{journal_, settings_, clock_, 60s};
  std::uint32_t scope_ = 0;
};

TEST_F(StandardReaderTest, CountsUnsampledSpansOnceAndTellsAzureAlone) {
  AppendServerSpan(otlp::kForMeter);
  AppendServerSpan(otlp::kSampled | otlp::kForMeter | otlp::kForOtlp);
  EXPECT_EQ(reader_.Step(clock_.now, false), clock_.now + 60s) << "nothing is read before it must";
  clock_.now += 60s;
  reader_.Step(clock_.now, false);
  const auto items = Items();
  ASSERT_EQ(items.size(), 1U);
  const json& data = items[0]["data"]["baseData"];
  EXPECT_EQ(data["metrics"][0]["name"], "requests/duration");
  EXPECT_EQ(data["metrics"][0]["count"], 2);
  EXPECT_DOUBLE_EQ(data["metrics"][0]["value"], 40);
  EXPECT_EQ(data["properties"]["cloud/roleName"], "shop");
  EXPECT_EQ(journal_.Read(journal::Destination::kOtlp, 10, 1u << 20).entries.size(), 1U) << "the span, and no metric";
}

TEST_F(StandardReaderTest, IdleIntervalsSayNothingAndCostNoWakeUp) {
  AppendServerSpan(otlp::kForMeter);
  clock_.now += 60s;
  EXPECT_EQ(reader_.Step(clock_.now, false), base::SteadyTime::max());
  EXPECT_EQ(Items().size(), 1U);
  clock_.now += 60s;
  EXPECT_EQ(reader_.Step(clock_.now, false), base::SteadyTime::max());
  EXPECT_TRUE(Items().empty());
}

TEST_F(StandardReaderTest, FinishAppendsTheRestOfTheInterval) {
  AppendServerSpan(otlp::kForMeter);
  reader_.Step(clock_.now, true);
  EXPECT_EQ(Items().size(), 1U);
  reader_.Step(clock_.now, true);
  EXPECT_TRUE(Items().empty());
}

}  // namespace
}  // namespace azmon::meter
