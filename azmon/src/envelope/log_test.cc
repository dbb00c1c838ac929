// SPDX-License-Identifier: MIT
// Log records: what the corpus does not show.
#include "envelope/log.h"

#include <gtest/gtest.h>

#include <limits>

#include "envelope/test_records.h"

namespace azmon::envelope::testing {
namespace {

std::string TypeOf(const TestLog& log) { return ItemOf(log)["data"]["baseType"]; }

TEST(Log, ItemIsTheFirstThatTheRecordAsksFor) {
  const Attributes availability{{"microsoft.availability.id", 0}, {"microsoft.availability.name", "n"}, {"microsoft.availability.duration", 0}, {"microsoft.availability.success", false}};
  Attributes event = availability;
  event.emplace_back("microsoft.custom_event.name", "e");
  Attributes exception = event;
  exception.emplace_back("exception.message", "m");
  Attributes with_null = availability;
  with_null[1].second = Any();
  EXPECT_EQ(TypeOf({.attributes = exception}), "ExceptionData");
  EXPECT_EQ(TypeOf({.attributes = event}), "EventData");
  EXPECT_EQ(TypeOf({.attributes = availability}), "AvailabilityData");
  EXPECT_EQ(TypeOf({.attributes = with_null}), "MessageData");
  EXPECT_EQ(TypeOf({.attributes = {{"_MS.baseType", "EventData"}}, .body = Any::Map({})}), "EventData");
  EXPECT_EQ(TypeOf({.attributes = {{"_MS.baseType", "MetricData"}}, .body = Any::Map({})}), "MessageData");
  EXPECT_EQ(TypeOf({.attributes = {{"_MS.baseType", "EventData"}}, .body = "text"}), "MessageData");
  EXPECT_EQ(TypeOf({.attributes = {{"exception.type", ""}}}), "MessageData");
}

TEST(Log, MessageIsTheBodysTextElseTheEventName) {
  struct Row {
    const char* name;
    std::optional<Any> body;
    const char* expected;
  };
  const Row rows[] = {
      {"none", std::nullopt, "event"},
      {"null", Any(), "event"},
      {"empty text", Any(""), "event"},
      {"empty bytes", Any::Bytes(""), "event"},
      {"false", Any(false), "false"},
      {"zero", Any(0), "0"},
      {"NaN", Any(std::numeric_limits<double>::quiet_NaN()), "NaN"},
      {"empty map", Any::Map({}), "{}"},
      {"bytes", Any::Bytes("\x01\x02"), "AQI="},
      {"map", Any::Map({{"b", Any::Array({1, "x"})}, {"a", Any()}}), "{\"b\":[1,\"x\"],\"a\":null}"},
  };
  for (const Row& row : rows) EXPECT_EQ(DataOf(TestLog{.body = row.body, .event_name = "event"})["message"], row.expected) << row.name;
  EXPECT_EQ(DataOf(TestLog{})["message"], "n/a");
}

TEST(Log, SeverityTextIsKeptOnlyWithoutALevel) {
  EXPECT_EQ(DataOf(TestLog{.severity = 24})["severityLevel"], "Critical");
  EXPECT_EQ(DataOf(TestLog{.severity = 1, .severity_text = "T"})["severityLevel"], "Verbose");
  EXPECT_FALSE(DataOf(TestLog{.severity = 1, .severity_text = "T"}).contains("properties"));
  EXPECT_EQ(DataOf(TestLog{.severity = 25, .severity_text = "T"})["properties"], (Json{{"SeverityText", "T"}}));
  EXPECT_EQ(DataOf(TestLog{.attributes = {{"SeverityText", "own"}}, .severity_text = "T"})["properties"], (Json{{"SeverityText", "own"}}));
}

TEST(Log, LoggerNameIsOnEveryItem) {
  Around around;
  around.scope.name = "shop.orders";
  EXPECT_EQ(DataOf(TestLog{}, around)["properties"], (Json{{"LoggerName", "shop.orders"}}));
  EXPECT_EQ(DataOf(TestLog{.attributes = {{"LoggerName", ""}}}, around)["properties"], (Json{{"LoggerName", ""}}));
  EXPECT_EQ(DataOf(TestLog{.attributes = {{"microsoft.custom_event.name", "e"}}}, around)["properties"], (Json{{"LoggerName", "shop.orders"}}));
}

TEST(Log, ExceptionKeepsABodyThatSaysMore) {
  const auto properties = [](const Any& body, const char* message) {
    return DataOf(TestLog{.attributes = {{"exception.type", "E"}, {"exception.message", message}}, .body = body}).value("properties", Json::object());
  };
  EXPECT_EQ(properties("more", "m"), (Json{{"log.body", "more"}}));
  EXPECT_EQ(properties("m", "m"), Json::object());
  EXPECT_EQ(properties(5, "m"), Json::object());
  EXPECT_EQ(properties("body", ""), Json::object());
  const Json data = DataOf(TestLog{.attributes = {{"exception.type", "E"}}, .body = 5, .severity = 17, .event_name = "no"});
  EXPECT_EQ(data["exceptions"], Json::parse(R"([{"typeName":"E","message":"5","hasFullStack":false}])"));
  EXPECT_EQ(data["severityLevel"], "Error");
}

TEST(Log, TimeIsTheRecordsElseTheObservedElseNow) {
  EXPECT_EQ(ItemOf({.observed = 1'000'000'000})["time"], "2024-01-02T03:04:05.678Z");
  EXPECT_EQ(ItemOf({.time = 0, .observed = 1'000'000'000})["time"], "1970-01-01T00:00:01.000Z");
  Around around;
  around.now = base::WallTime(std::chrono::seconds(2));
  EXPECT_EQ(ItemOf({.time = 0}, around)["time"], "1970-01-01T00:00:02.000Z");
}

TEST(Log, TagsComeFromAttributes) {
  Around around;
  around.annotations.operation_name = "annotated";
  EXPECT_EQ(ItemOf({}, around)["tags"]["ai.operation.name"], "annotated");
  EXPECT_EQ(ItemOf({.attributes = {{"ai.operation.name", "own"}}}, around)["tags"]["ai.operation.name"], "own");
  const Json tags = ItemOf({.attributes = {{"microsoft.operation_name", "first"}, {"ai.operation.name", "own"}, {"client.address", "1"}, {"http.user_agent", "x AlwaysOn"}}}, around)["tags"];
  EXPECT_EQ(tags, (Json{{"ai.internal.sdkVersion", "sdk"}, {"ai.operation.name", "first"}, {"ai.operation.syntheticSource", "True"}}));
}

TEST(Log, LegacyDataKeepsTheFieldsOfItsType) {
  const auto legacy = [](const char* type, const Any& body) { return DataOf(TestLog{.attributes = {{"_MS.baseType", type}}, .body = body, .severity = 9}); };
  EXPECT_EQ(legacy("MessageData", Any::Map({{"severityLevel", 2}, {"ver", 7}, {"message", Any()}})), (Json{{"ver", 2}, {"message", "n/a"}, {"severityLevel", "2"}}));
  EXPECT_EQ(legacy("EventData", Any::Map({{"name", std::string(600, 'n')}, {"measurements", Any::Map({{"m", 1.5}, {"t", "2"}, {"b", true}})}, {"properties", "no"}})),
            (Json{{"ver", 2}, {"name", std::string(512, 'n')}, {"measurements", {{"m", 1.5}}}}));
  EXPECT_EQ(legacy("AvailabilityData", Any::Map({{"id", 5}, {"success", "true"}, {"message", true}})), (Json{{"ver", 2}, {"id", "5"}, {"success", "true"}, {"message", true}}));
  const Json exception = legacy("ExceptionData", Any::Map({{"exceptions", Any::Array({Any::Map({{"id", 1},
                                                                                                {"outerId", std::numeric_limits<double>::infinity()},
                                                                                                {"typeName", 5},
                                                                                                {"parsedStack", Any::Array({Any::Map({{"level", 0}, {"method", "f"}, {"x", 1}}), "no"})}}),
                                                                                      "no map"})}}));
  EXPECT_EQ(exception, Json::parse(R"({"ver":2,"exceptions":[{"id":1,"typeName":"5","parsedStack":[{"level":0,"method":"f"}]}]})"));
}

TEST(Availability, DurationIsTheServicesFormOrMilliseconds) {
  const auto duration = [](const Any& value) {
    return DataOf(TestLog{.attributes = {{"microsoft.availability.id", "i"}, {"microsoft.availability.name", "n"}, {"microsoft.availability.duration", value}, {"microsoft.availability.success", "TRUE"}}})["duration"]
        .get<std::string>();
  };
  EXPECT_EQ(duration("12.23:59:59.1234567"), "12.23:59:59.1234567");
  EXPECT_EQ(duration("23:59:59"), "23:59:59");
  EXPECT_EQ(duration("24:00:00"), "00:00:00.000");
  EXPECT_EQ(duration("00:00:00.12345678"), "00:00:00.000");
  EXPECT_EQ(duration("00:00:00."), "00:00:00.000");
  EXPECT_EQ(duration("1500"), "00:00:01.500");
  EXPECT_EQ(duration(0.00004), "00:00:00.000");
  EXPECT_EQ(duration(0.00005), "00:00:00.0000001");
  EXPECT_EQ(duration(-5), "00:00:00.000");
  EXPECT_EQ(duration(std::numeric_limits<std::int64_t>::max()), "999.23:59:59.9999999");
  EXPECT_EQ(duration(true), "00:00:00.000");
}

TEST(Availability, TimestampsNeedSecondsAndAnOffset) {
  EXPECT_EQ(ParseIsoTime("1970-01-01T00:00:01Z"), 1'000'000'000U);
  EXPECT_EQ(ParseIsoTime("2024-02-29T00:00:00.123456789+00:00"), 1'709'164'800'123'456'789U);
  EXPECT_EQ(ParseIsoTime("1970-01-01T00:30:00-01:30"), 7'200'000'000'000U);
  for (const char* text : {"", "2024-01-02", "2024-01-02T03:04Z", "2024-01-02T03:04:05", "2024-01-02 03:04:05Z", "2024-02-30T00:00:00Z", "2024-13-01T00:00:00Z",
                           "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567890Z", "1969-12-31T23:59:59Z",
                           "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00+1:00", "9999-01-01T00:00:00Z"}) {
    EXPECT_FALSE(ParseIsoTime(text)) << text;
  }
}

}  // namespace
}  // namespace azmon::envelope::testing
