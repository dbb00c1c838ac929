// SPDX-License-Identifier: MIT
// Resources, metrics, drops, and items that are left from an earlier try.
#include "envelope/envelope.h"

#include <gtest/gtest.h>

#include <limits>

#include "envelope/field_limits.h"
#include "envelope/test_records.h"

namespace azmon::envelope::testing {
namespace {

std::string HistogramMessage(std::uint64_t count, std::optional<double> sum, std::optional<double> max) {
  std::string point;
  otlp::AppendFixed64Field(otlp::histogram_point::kCount, count, point);
  if (sum) otlp::AppendDoubleField(otlp::histogram_point::kSum, *sum, point);
  if (max) otlp::AppendDoubleField(otlp::histogram_point::kMax, *max, point);
  std::string data;
  otlp::AppendBytesField(otlp::histogram::kDataPoints, point, data);
  std::string metric;
  otlp::AppendBytesField(otlp::metric::kHistogram, data, metric);
  otlp::AppendBytesField(otlp::metric::kName, "h", metric);
  return metric;
}

TEST(Metric, WhatTheServiceCannotTakeIsDroppedAndCounted) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto drops = [](const Outcome& outcome, DropReason reason) { return outcome.appended.dropped_by_reason[static_cast<std::size_t>(reason)]; };
  EXPECT_EQ(drops(Map(otlp::Signal::kMetric, HistogramMessage(0, 0, 0)), DropReason::kNoValue), 1U);
  EXPECT_EQ(drops(Map(otlp::Signal::kMetric, HistogramMessage(1, infinity, 0)), DropReason::kNotFinite), 1U);
  EXPECT_EQ(drops(Map(otlp::Signal::kMetric, ""), DropReason::kUnsupported), 1U);
  const Outcome good = Map(otlp::Signal::kMetric, HistogramMessage(~0ULL, std::nullopt, infinity));
  ASSERT_EQ(good.items.size(), 1U);
  EXPECT_EQ(good.items[0]["data"]["baseData"]["metrics"], Json::parse(R"([{"name":"h","kind":"Aggregation","value":0,"count":2147483647}])"));
  EXPECT_EQ(good.items[0]["time"], "2024-01-02T03:04:05.678Z");
}

TEST(Metric, PointsWithoutRecordedValueAndOddKindsAreRead) {
  std::string point;
  otlp::AppendVarintField(otlp::number_point::kFlags, 1, point);
  otlp::AppendFixed64Field(otlp::number_point::kAsInt, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::min()), point);
  std::string other;
  otlp::AppendFixed64Field(otlp::number_point::kAsInt, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::min()), other);
  std::string data;
  otlp::AppendBytesField(otlp::sum::kDataPoints, point, data);
  otlp::AppendBytesField(otlp::sum::kDataPoints, other, data);
  otlp::AppendBytesField(otlp::sum::kDataPoints, "", data);
  std::string metric;
  otlp::AppendBytesField(otlp::metric::kSum, data, metric);
  const Outcome outcome = Map(otlp::Signal::kMetric, metric);
  EXPECT_EQ(outcome.appended.dropped, 2U);
  ASSERT_EQ(outcome.items.size(), 1U);
  EXPECT_EQ(outcome.items[0]["data"]["baseData"]["metrics"][0]["value"].dump(), "-9223372036854775808");
}

TEST(Resource, RoleAndInstance) {
  const auto tags = [](const Attributes& resource, const Settings& settings) {
    return Json::parse("{" + MakeResource({.settings = settings, .resource = resource}).TagMembers() + "}");
  };
  const Settings fallbacks{.host_name = "host", .website_site_name = "site", .website_instance_id = "website"};
  EXPECT_EQ(tags({}, fallbacks), (Json{{"ai.cloud.role", "site"}, {"ai.cloud.roleInstance", "website"}}));
  EXPECT_EQ(tags({{"k8s.pod.name", "pod"}}, fallbacks)["ai.cloud.roleInstance"], "pod");
  EXPECT_EQ(tags({{"service.name", "unknown_service:x"}, {"service.namespace", "ns"}, {"k8s.job.name", "job"}}, fallbacks)["ai.cloud.role"], "job");
  EXPECT_EQ(tags({{"service.name", "s"}, {"service.namespace", "ns"}}, {.role_name_style = RoleNameStyle::kBrackets})["ai.cloud.role"], "[ns]/s");
  EXPECT_EQ(tags({}, {}), Json::object());
  EXPECT_EQ(tags({{"service.name", std::string(300, 's')}}, {})["ai.cloud.role"], std::string(256, 's'));
}

TEST(Resource, MetricCarriesTheAttributes) {
  const auto append = [](const Around& around) {
    std::string out;
    const bool appended = AppendResourceMetric(MakeResource(around), around.settings, around.now, out);
    EXPECT_EQ(appended, !out.empty());
    return ParseLines(out);
  };
  EXPECT_TRUE(append({.resource = {{"telemetry.sdk.name", "x"}, {"_MS.a", 1}, {"k", Any()}}}).empty());
  const auto items = append({.settings = {.application_id = "app"}, .resource = {{"microsoft.thing", 1}, {"enduser.id", "u"}}});
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0]["data"]["baseData"],
            Json::parse(R"({"ver":2,"metrics":[{"name":"_OTELRESOURCE_","value":1}],"properties":{"microsoft.thing":"1","enduser.id":"u","microsoft.applicationId":"app"}})"));
  EXPECT_TRUE(append({.settings = {.resource_metric = false}, .resource = {{"k", 1}}}).empty());
}

TEST(Resource, DamagedBytesEndTheReading) {
  std::string message;
  AppendAttributes(otlp::resource::kAttributes, {{"service.name", "s"}}, message);
  EXPECT_EQ(ResourceContext::Make(message + "\x0a\xff", {}).Role(), "s");
  std::string damaged_array;
  otlp::AppendBytesField(otlp::any_value::kArray, "\x0a\xff", damaged_array);
  std::string attribute = KeyValueBytes("k", Any());
  otlp::AppendBytesField(otlp::key_value::kValue, damaged_array, attribute);
  std::string with_array = message;
  otlp::AppendBytesField(otlp::resource::kAttributes, attribute, with_array);
  EXPECT_EQ(ResourceContext::Make(with_array, {}).MetricMembers(), "\"service.name\":\"s\"");
  EXPECT_EQ(ScopeContext::Parse(std::string("\x0a\x01n\x12\xff", 5)).name, "n");
}

TEST(Envelope, MalformedRecordLeavesTheOutputAsItWas) {
  const std::string message = TestSpan{.events = {{"e", {}}}}.Message();
  const Around around;
  for (std::size_t size = 1; size < message.size(); ++size) {
    std::string out = "before\n";
    const Appended appended = AppendItems({.signal = otlp::Signal::kSpan, .message = std::string_view(message).substr(0, size)}, MakeResource(around), {},
                                          around.settings, around.now, out);
    if (appended.dropped == 0) continue;  // cut between two fields
    EXPECT_EQ(out, "before\n");
    EXPECT_EQ(appended.items, 0U);
    EXPECT_EQ(appended.dropped_by_reason[static_cast<std::size_t>(DropReason::kMalformed)], 1U);
  }
  // Damage in the last event, behind items that were written already.
  const std::string bad_event = message + std::string("\x5a\x02\x0a\xff", 4);
  EXPECT_EQ(Map(otlp::Signal::kSpan, bad_event).appended.dropped, 1U);
  EXPECT_TRUE(Map(otlp::Signal::kSpan, bad_event).items.empty());
}

TEST(Envelope, IdsOfAWrongLengthAreNone) {
  const auto items = ItemsOf({.trace_id = "short", .span_id = std::string(5000, 'x'), .parent_id = "short"});
  EXPECT_EQ(items[0]["tags"], (Json{{"ai.internal.sdkVersion", "sdk"}, {"ai.operation.name", "span name"}}));
  EXPECT_EQ(items[0]["data"]["baseData"]["id"], "");
}

TEST(Envelope, OnlyTheItemsThatAreLeftAreAppended) {
  TestSpan span;
  for (int i = 0; i < 80; ++i) span.events.push_back({"event " + std::to_string(i), {}});
  Around around;
  around.annotations.items_left = 1ULL << 2;
  auto items = ItemsOf(span, around);
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0]["data"]["baseData"]["message"], "event 1");
  around.annotations.items_left = 1ULL << 63;
  items = ItemsOf(span, around);
  ASSERT_EQ(items.size(), 18U);  // items 63 to 80
  EXPECT_EQ(items[0]["data"]["baseData"]["message"], "event 62");
  around.annotations.items_left = 0;
  EXPECT_TRUE(ItemsOf(span, around).empty());
}

TEST(Envelope, ItemsOfOneRecordAreBounded) {
  std::string message = TestSpan{}.Message();
  for (int i = 0; i < 3000; ++i) otlp::AppendBytesField(otlp::span::kEvents, "", message);
  const Outcome outcome = Map(otlp::Signal::kSpan, message);
  EXPECT_EQ(outcome.appended.items, field_limits::kRecordItems);
  EXPECT_EQ(outcome.appended.dropped_by_reason[static_cast<std::size_t>(DropReason::kTooMany)], 3001 - field_limits::kRecordItems);
}

TEST(Envelope, OtherRecordsAreNoTelemetry) {
  EXPECT_EQ(Map(otlp::Signal::kScope, "").appended.dropped_by_reason[static_cast<std::size_t>(DropReason::kUnsupported)], 1U);
}

TEST(Envelope, TextsOfEveryLengthAreWrittenWhole) {
  // Borders of the writer's words and buffers.
  for (const std::size_t size : {0, 1, 7, 8, 9, 15, 16, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 8192}) {
    for (const char* tail : {"", "\"", "\\", "\n", "\xC3\xA9", "\x01", "\xFF"}) {
      const std::string body = "x" + std::string(size, 'a') + tail + std::string(size, 'b');
      const std::string expected = tail == std::string_view("\xFF") ? "x" + std::string(size, 'a') + "\xEF\xBF\xBD" + std::string(size, 'b') : body;
      EXPECT_EQ(DataOf(TestLog{.body = body})["message"], expected) << size << " " << tail;
    }
  }
}

}  // namespace
}  // namespace azmon::envelope::testing
