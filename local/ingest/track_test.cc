// SPDX-License-Identifier: MIT
#include "local/ingest/track.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "local/model/limits.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Envelope(const char* base_type, json base_data, json tags = json::object()) {
  return {{"ver", 1},       {"name", "Microsoft.ApplicationInsights.X"},
          {"time", "2026-11-24T10:00:00.1234567Z"}, {"iKey", "00000000-0000-4000-8000-0000a2004380"},
          {"sampleRate", 100}, {"tags", std::move(tags)},
          {"data", {{"baseType", base_type}, {"baseData", std::move(base_data)}}}};
}

json Request() {
  return Envelope("RequestData",
                  {{"ver", 2}, {"id", "b7ad6b7169203331"}, {"name", "POST /orders"}, {"duration", "00:00:01.5"}, {"success", true},
                   {"responseCode", "200"}, {"url", "http://h/orders"}, {"properties", {{"order.id", "42"}}}, {"measurements", {{"bytes", 12}}}},
                  {{"ai.operation.id", "0af7651916cd43dd8448eb211c80319c"}, {"ai.operation.parentId", "00f067aa0ba902b7"},
                   {"ai.cloud.role", "order-processor"}, {"ai.cloud.roleInstance", "host"}});
}

TrackResult Parse(std::string body, Strictness strictness = Strictness::kStrict) {
  auto result = ParseTrack(std::move(body), strictness);
  EXPECT_TRUE(result.ok());
  return std::move(*result);
}

Item One(const json& envelope, Strictness strictness = Strictness::kStrict) {
  auto result = Parse(envelope.dump(), strictness);
  EXPECT_EQ(result.status(), 200) << TrackAnswer(result);
  return result.batch.items.empty() ? Item{} : result.batch.items[0];
}

std::string Refusal(const json& envelope) {
  const auto result = Parse(envelope.dump());
  EXPECT_EQ(result.status(), 400) << envelope.dump();
  return result.errors.empty() ? "" : result.errors[0].message;
}

TEST(Track, ReadsARequest) {
  const Item item = One(Request());
  EXPECT_EQ(item.type, ItemType::kRequest);
  EXPECT_EQ(FormatTime(item.time), "2026-11-24T10:00:00.1234567Z");
  EXPECT_EQ(item.duration, 15'000'000);
  EXPECT_EQ(item.success, 1);
  EXPECT_EQ(item.id, "b7ad6b7169203331");
  EXPECT_EQ(item.operation_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(item.parent_id, "00f067aa0ba902b7");
  EXPECT_EQ(item.role, "order-processor");
  EXPECT_EQ(item.role_instance, "host");
  EXPECT_EQ(item.dimensions, R"({"order.id":"42"})");
  EXPECT_EQ(item.measurements, R"({"bytes":12})");
  EXPECT_EQ(item.item_count, 1);
}

TEST(Track, ReadsEveryKindOfItem) {
  EXPECT_EQ(One(Envelope("RemoteDependencyData", {{"name", "GET /"}, {"duration", "00:00:00.1"}, {"target", "h"}, {"type", "Http"}})).success, 1);
  const Item trace = One(Envelope("MessageData", {{"message", "hello"}, {"severityLevel", "Warning"}}));
  EXPECT_EQ(trace.type, ItemType::kTrace);
  EXPECT_EQ(trace.severity, 2);
  EXPECT_EQ(One(Envelope("MessageData", {{"message", "hello"}, {"severityLevel", 4}})).severity, 4);
  EXPECT_EQ(One(Envelope("EventData", {{"name", "signed up"}})).name, "signed up");
  const Item metric = One(Envelope("MetricData", {{"metrics", json::array({{{"name", "m"}, {"value", 3.5}, {"count", 2}, {"kind", 1}}})}}));
  EXPECT_EQ(metric.type, ItemType::kMetric);
  EXPECT_EQ(metric.measurements, R"({"value":3.5,"count":2})");
  EXPECT_EQ(One(Envelope("PageViewData", {{"name", "/"}, {"url", "http://h/"}, {"duration", "00:00:02"}})).duration, 20'000'000);
  EXPECT_EQ(One(Envelope("AvailabilityData", {{"id", "1"}, {"name", "ping"}, {"duration", "00:00:02"}, {"success", false}})).success, 0);
}

TEST(Track, ReadsExceptionsWithTheirCauses) {
  const Item item = One(Envelope("ExceptionData", {{"exceptions", json::array({
      {{"id", 1}, {"typeName", "Outer"}, {"message", "it failed"}, {"stack", "at f\nat g\n"}},
      {{"id", 2}, {"outerId", 1}, {"typeName", "Inner"}, {"message", "because"},
       {"parsedStack", json::array({{{"level", 0}, {"method", "h"}, {"fileName", "h.cc"}, {"line", 7}}})}}})}, {"severityLevel", "Error"}}));
  EXPECT_EQ(item.type, ItemType::kException);
  EXPECT_EQ(item.exception_type, "Outer");
  EXPECT_EQ(item.message, "it failed");
  EXPECT_EQ(item.stack, "at f\nat g\nCaused by: Inner: because\n   at h in h.cc:line 7");
  EXPECT_EQ(item.severity, 3);
}

TEST(Track, ReadsLinks) {
  json request = Request();
  request["data"]["baseData"]["properties"]["_MS.links"] = R"([{"operation_Id":"o","id":"i","x":1}])";
  EXPECT_EQ(One(request).links, R"([{"operation_Id":"o","id":"i"}])");
  request["data"]["baseData"]["properties"]["_MS.links"] = "no json";
  EXPECT_EQ(One(request).links, "");
}

TEST(Track, CountsSampledItems) {
  json request = Request();
  request["sampleRate"] = 5;
  EXPECT_EQ(One(request).item_count, 20);
  request["sampleRate"] = 33.333;
  EXPECT_EQ(One(request).item_count, 3);
  for (const json& rate : {json(0), json(-1), json(101), json("x")}) {
    request["sampleRate"] = rate;
    EXPECT_THAT(Refusal(request), HasSubstr("sampleRate"));
  }
}

TEST(Track, TakesArraysObjectsAndLines) {
  const std::string one = Request().dump();
  for (const std::string& body : {one, "[" + one + "]", one + "\n", "\xef\xbb\xbf" + one, "  " + Request().dump(2) + "  "}) {
    EXPECT_EQ(Parse(body).accepted(), 1U) << body;
  }
  for (const std::string& body : {"[" + one + ",\n" + one + "]", one + "\n" + one, one + "\r\n" + one + "\r\n\r\n", one + one,
                                  Request().dump(2) + "\n" + Request().dump(2)}) {
    const auto result = Parse(body);
    EXPECT_EQ(result.accepted(), 2U) << body;
    EXPECT_EQ(result.status(), 200);
    for (const Item& item : result.batch.items) {
      EXPECT_EQ(json::parse(result.batch.body.substr(item.raw.item.at, item.raw.item.bytes)), Request());
    }
  }
}

TEST(Track, SaysWhichItemIsWrongAndWhy) {
  json bad = Request();
  bad["data"]["baseData"].erase("duration");
  const auto result = Parse("[" + Request().dump() + "," + bad.dump() + "," + Request().dump() + "]");
  EXPECT_EQ(result.status(), 206);
  ASSERT_EQ(result.errors.size(), 1U);
  EXPECT_EQ(result.errors[0].index, 1U);
  EXPECT_EQ(result.errors[0].status, 400);
  EXPECT_THAT(result.errors[0].message, HasSubstr("'duration' of RequestData"));
  const auto answer = json::parse(TrackAnswer(result));
  EXPECT_EQ(answer["itemsReceived"], 3);
  EXPECT_EQ(answer["itemsAccepted"], 2);
  EXPECT_EQ(answer["errors"][0]["index"], 1);
  EXPECT_EQ(answer["appId"], "00000000-0000-4000-8000-0000a2004380");
}

TEST(Track, RefusesWhatTheSchemaForbids) {
  const auto changed = [](auto change) {
    json request = Request();
    change(request);
    return Refusal(request);
  };
  EXPECT_THAT(changed([](json& r) { r.erase("iKey"); }), HasSubstr("iKey"));
  EXPECT_THAT(changed([](json& r) { r["iKey"] = ""; }), HasSubstr("iKey"));
  EXPECT_THAT(changed([](json& r) { r.erase("time"); }), HasSubstr("time"));
  EXPECT_THAT(changed([](json& r) { r["time"] = "yesterday"; }), HasSubstr("time"));
  EXPECT_THAT(changed([](json& r) { r["data"]["baseType"] = "SurpriseData"; }), HasSubstr("SurpriseData"));
  EXPECT_THAT(changed([](json& r) { r["data"].erase("baseData"); }), HasSubstr("baseData"));
  EXPECT_THAT(changed([](json& r) { r.erase("data"); }), HasSubstr("baseType"));
  EXPECT_THAT(changed([](json& r) { r["tags"] = 1; }), HasSubstr("tags"));
  EXPECT_THAT(changed([](json& r) { r["tags"]["ai.operation.id"] = 1; }), HasSubstr("ai.operation.id"));
  EXPECT_THAT(changed([](json& r) { r["data"]["baseData"]["duration"] = "00:00:60.000"; }), HasSubstr("duration"));
  EXPECT_THAT(changed([](json& r) { r["data"]["baseData"]["duration"] = "-00:00:01"; }), HasSubstr("duration"));
  EXPECT_THAT(changed([](json& r) { r["data"]["baseData"]["success"] = "true"; }), HasSubstr("success"));
  EXPECT_THAT(changed([](json& r) { r["data"]["baseData"]["name"] = std::string(1025, 'x'); }), HasSubstr("too long"));
  EXPECT_THAT(changed([](json& r) { r["data"]["baseData"]["properties"]["n"] = 3; }), HasSubstr("properties.n"));
  EXPECT_THAT(changed([](json& r) { r["data"]["baseData"]["measurements"]["n"] = "3"; }), HasSubstr("measurements.n"));
  EXPECT_THAT(Refusal(Envelope("MessageData", {{"message", ""}})), HasSubstr("message"));
  EXPECT_THAT(Refusal(Envelope("MetricData", {{"metrics", json::array()}})), HasSubstr("metrics"));
  EXPECT_THAT(Refusal(Envelope("ExceptionData", {{"exceptions", json::array()}})), HasSubstr("exceptions"));
}

TEST(Track, LimitsCountUtf16Units) {
  json request = Request();
  std::string name;
  for (int i = 0; i < 512; ++i) name += "\xf0\x9f\x98\x80";  // two units each
  request["data"]["baseData"]["name"] = name;
  EXPECT_EQ(One(request).name, name);
  request["data"]["baseData"]["name"] = name + "x";
  EXPECT_THAT(Refusal(request), HasSubstr("too long"));
}

TEST(Track, LooseTakesWhatItCanShow) {
  json request = Request();
  request["data"]["baseData"]["success"] = "true";
  request["data"]["baseData"]["duration"] = 12.5;
  request["data"]["baseData"]["responseCode"] = 200;
  request["data"]["baseData"]["properties"]["n"] = 3;
  request["data"]["baseData"]["url"] = std::string(5000, 'u');
  const Item item = One(request, Strictness::kLoose);
  EXPECT_EQ(item.success, 1);
  EXPECT_EQ(item.duration, 125'000);
  EXPECT_EQ(item.result_code, "200");
  EXPECT_EQ(item.url.size(), 2048U);
  EXPECT_THAT(item.dimensions, HasSubstr(R"("n":"3")"));
  EXPECT_EQ(One(json{{"data", {{"baseType", "MessageData"}, {"baseData", json::object()}}}}, Strictness::kLoose).type, ItemType::kTrace);
}

TEST(Track, HostileBodiesAreAnswersNotCrashes) {
  const std::string one = Request().dump();
  struct Case {
    std::string body;
    int status;
  };
  const Case cases[] = {
      {"", 400}, {"   ", 400}, {"[]", 400}, {"null", 400}, {"1", 400}, {"\"text\"", 400}, {"{", 400}, {"[", 400}, {"]", 400}, {"}", 400},
      {"[" + one, 206}, {"[" + one + ",", 206}, {"[" + one + "," + one.substr(0, 50), 206}, {"[" + one + one + "]", 206},
      {"[" + one + "]x", 206}, {"[,]", 400}, {"[null," + one + "]", 206}, {std::string(100'000, '['), 400}, {std::string(100'000, '{'), 400},
      {"\xff\xfe{}", 400}, {one.substr(0, one.size() - 3), 400}, {one + "\nnonsense\n" + one, 206}, {"{\"a\":\"x\n" + one, 206},
      {std::string("{\"a\0b\":1}", 9), 400}, {"{\"data\":[]}", 400}, {"{\"data\":{\"baseType\":5}}", 400},
  };
  for (const Case& at : cases) {
    const auto result = Parse(at.body);
    EXPECT_EQ(result.status(), at.status) << at.body.substr(0, 80);
    EXPECT_EQ(result.received, result.accepted() + result.rejected);
    EXPECT_EQ(result.accepted(), result.batch.items.size());
    EXPECT_TRUE(json::accept(TrackAnswer(result)));
  }
}

TEST(Track, ABrokenLineCostsOnlyItself) {
  const std::string one = Request().dump();
  const auto result = Parse(one + "\n{\"half\":\n" + one + "\n" + one);
  EXPECT_EQ(result.received, 4U);
  EXPECT_EQ(result.accepted(), 3U);
  ASSERT_EQ(result.errors.size(), 1U);
  EXPECT_EQ(result.errors[0].index, 1U);
}

TEST(Track, TooManyItemsAreRefusedWhole) {
  std::string body;
  for (std::size_t i = 0; i <= limits::kRequestItemsMax; ++i) body += "1\n";
  EXPECT_EQ(ParseTrack(body, Strictness::kStrict).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace azmon::local
