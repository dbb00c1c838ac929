// SPDX-License-Identifier: MIT
#include "local/ingest/otlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "local/ingest/otlp_schema.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kTrace = "0af7651916cd43dd8448eb211c80319c";
constexpr const char* kSpan = "b7ad6b7169203331";
constexpr std::string_view kKey = "key";

json Attribute(const std::string& key, json value) { return {{"key", key}, {"value", std::move(value)}}; }
json Text(const std::string& key, const std::string& value) { return Attribute(key, {{"stringValue", value}}); }
json Whole(const std::string& key, std::int64_t value) { return Attribute(key, {{"intValue", std::to_string(value)}}); }

json Span(int kind, const std::string& name, std::vector<json> attributes = {}) {
  return {{"traceId", kTrace}, {"spanId", kSpan}, {"parentSpanId", "00f067aa0ba902b7"}, {"name", name}, {"kind", kind},
          {"startTimeUnixNano", "1700000000123456789"}, {"endTimeUnixNano", "1700000000223456789"}, {"attributes", json(std::move(attributes))}};
}

json Traces(json spans) {
  return {{"resourceSpans", json::array({{{"resource", {{"attributes", json::array({Text("service.name", "checkout"), Text("service.namespace", "shop"),
                                                                                       Text("service.instance.id", "host-1")})}}},
                                          {"scopeSpans", json::array({{{"scope", {{"name", "tracer"}, {"version", "1"}}}, {"spans", std::move(spans)}}})}}})}};
}

std::string Protobuf(const json& request, const OtlpMessage& message) {
  auto bytes = OtlpFromJson(request.dump(), message);
  EXPECT_TRUE(bytes.ok()) << bytes.error().ToString();
  return bytes.ok() ? *bytes : "";
}

OtlpResult ParseTraces(json spans) {
  auto result = ParseOtlp(Protobuf(Traces(std::move(spans)), kTracesRequest), OtlpSignal::kTraces, kKey, 77);
  EXPECT_TRUE(result.ok());
  return std::move(*result);
}

Item OneSpan(json span) {
  auto result = ParseTraces(json::array({std::move(span)}));
  EXPECT_EQ(result.rejected, 0U) << result.message;
  return result.batch.items.empty() ? Item{} : result.batch.items[0];
}

TEST(Otlp, AServerSpanIsARequest) {
  const Item item = OneSpan(Span(2, "GET", {Text("http.request.method", "GET"), Text("http.route", "/cart/{id}"), Text("url.scheme", "https"),
                                            Text("server.address", "shop.example.com"), Whole("server.port", 8443), Text("url.path", "/cart/7"),
                                            Text("url.query", "a=1"), Whole("http.response.status_code", 200)}));
  EXPECT_EQ(item.type, ItemType::kRequest);
  EXPECT_EQ(item.source, Source::kOtlp);
  EXPECT_EQ(item.name, "GET /cart/{id}");
  EXPECT_EQ(item.url, "https://shop.example.com:8443/cart/7?a=1");
  EXPECT_EQ(item.result_code, "200");
  EXPECT_EQ(item.success, 1);
  EXPECT_EQ(item.operation_id, kTrace);
  EXPECT_EQ(item.id, kSpan);
  EXPECT_EQ(item.parent_id, "00f067aa0ba902b7");
  EXPECT_EQ(item.role, "shop.checkout");
  EXPECT_EQ(item.role_instance, "host-1");
  EXPECT_EQ(item.i_key, kKey);
  EXPECT_EQ(item.time, 17'000'000'001'234'567);
  EXPECT_EQ(item.duration, 1'000'000);
  const auto dimensions = json::parse(item.dimensions);
  EXPECT_EQ(dimensions["http.route"], "/cart/{id}");
  EXPECT_EQ(dimensions["http.response.status_code"], "200");
}

TEST(Otlp, RequestsFailByStatus) {
  json span = Span(2, "GET", {Text("http.request.method", "GET"), Whole("http.response.status_code", 404)});
  EXPECT_EQ(OneSpan(span).success, 0);
  span["status"] = {{"code", 1}};
  EXPECT_EQ(OneSpan(span).success, 1);
  EXPECT_EQ(OneSpan(Span(2, "GET", {Text("http.request.method", "GET")})).success, 0);
  span = Span(5, "receive");
  EXPECT_EQ(OneSpan(span).type, ItemType::kRequest);
  EXPECT_EQ(OneSpan(span).success, 1);
  span["status"] = {{"code", "STATUS_CODE_ERROR"}, {"message", "no"}};
  EXPECT_EQ(OneSpan(span).success, 0);
  EXPECT_EQ(OneSpan(span).message, "no");
}

TEST(Otlp, OtherSpansAreDependencies) {
  struct Case {
    const char* what;
    json span;
    const char *name, *type, *target, *data, *result;
  };
  const Case cases[] = {
      {"http", Span(3, "GET", {Text("http.request.method", "GET"), Text("url.full", "https://u:p@api.example.com:443/v1/items?q=1"), Text("server.address", "api.example.com"), Whole("server.port", 443), Whole("http.response.status_code", 200)}),
       "GET /v1/items", "Http", "api.example.com", "https://api.example.com:443/v1/items?q=1", "200"},
      {"http port", Span(3, "GET", {Text("http.request.method", "GET"), Text("url.full", "http://127.0.0.1:8001/orders")}), "GET /orders", "Http", "127.0.0.1:8001", "http://127.0.0.1:8001/orders", "0"},
      {"sql", Span(3, "SELECT", {Text("db.system", "mssql"), Text("db.name", "sales"), Text("db.statement", "SELECT 1"), Text("net.peer.name", "db1"), Whole("net.peer.port", 1433)}),
       "SELECT", "SQL", "db1|sales", "SELECT 1", "0"},
      {"postgres", Span(3, "q", {Text("db.system.name", "postgresql"), Text("db.namespace", "sales"), Text("db.query.text", "SELECT 2"), Text("server.address", "pg"), Whole("server.port", 5433)}),
       "q", "postgresql", "pg:5433|sales", "SELECT 2", "0"},
      {"grpc", Span(3, "my.Svc/Do", {Text("rpc.system", "grpc"), Text("server.address", "g"), Whole("server.port", 50051), Whole("rpc.grpc.status_code", 5)}), "my.Svc/Do", "GRPC", "g:50051", "", "5"},
      {"queue", Span(4, "send", {Text("messaging.system", "kafka"), Text("messaging.destination.name", "orders")}), "send", "Queue Message | kafka", "orders", "", "0"},
      {"azure", Span(1, "BlobClient.PutBlob", {Text("az.namespace", "Microsoft.Storage")}), "BlobClient.PutBlob", "InProc | Microsoft.Storage", "", "", "0"},
      {"internal", Span(1, "work"), "work", "InProc", "", "", "0"},
      {"client", Span(3, "call", {Text("server.address", "h"), Whole("server.port", 99)}), "call", "Dependency", "h:99", "", "0"},
  };
  for (const Case& at : cases) {
    const Item item = OneSpan(at.span);
    EXPECT_EQ(item.type, ItemType::kDependency) << at.what;
    EXPECT_EQ(item.name, at.name) << at.what;
    EXPECT_EQ(item.kind, at.type) << at.what;
    EXPECT_EQ(item.target, at.target) << at.what;
    EXPECT_EQ(item.data, at.data) << at.what;
    EXPECT_EQ(item.result_code, at.result) << at.what;
  }
}

TEST(Otlp, EventsBecomeItemsBelowTheirSpan) {
  json span = Span(1, "work");
  span["events"] = json::array({{{"timeUnixNano", "1700000000130000000"}, {"name", "retry"}, {"attributes", json::array({Whole("attempt", 2)})}},
                                {{"timeUnixNano", "1700000000140000000"}, {"name", "exception"},
                                 {"attributes", json::array({Text("exception.type", "std::runtime_error"), Text("exception.message", "boom"), Text("exception.stacktrace", "at f")})}}});
  span["links"] = json::array({{{"traceId", kTrace}, {"spanId", "00000000000000aa"}}});
  const auto result = ParseTraces(json::array({span}));
  ASSERT_EQ(result.batch.items.size(), 3U);
  EXPECT_EQ(result.received, 1U);
  EXPECT_EQ(result.batch.items[0].links, std::string(R"([{"operation_Id":")") + kTrace + R"(","id":"00000000000000aa"}])");
  const Item& trace = result.batch.items[1];
  EXPECT_EQ(trace.type, ItemType::kTrace);
  EXPECT_EQ(trace.message, "retry");
  EXPECT_EQ(trace.parent_id, kSpan);
  EXPECT_EQ(trace.operation_id, kTrace);
  EXPECT_EQ(trace.dimensions, R"({"attempt":"2"})");
  const Item& exception = result.batch.items[2];
  EXPECT_EQ(exception.type, ItemType::kException);
  EXPECT_EQ(exception.exception_type, "std::runtime_error");
  EXPECT_EQ(exception.message, "boom");
  EXPECT_EQ(exception.stack, "at f");
}

TEST(Otlp, AttributeValuesBecomeText) {
  const Item item = OneSpan(Span(1, "x", {Attribute("b", {{"boolValue", true}}), Attribute("d", {{"doubleValue", 1.5}}), Attribute("i", {{"intValue", 9007199254740993LL}}),
                                          Attribute("a", {{"arrayValue", {{"values", json::array({{{"intValue", "1"}}, {{"stringValue", "two"}}})}}}}),
                                          Attribute("m", {{"kvlistValue", {{"values", json::array({Text("k", "v")})}}}}), Attribute("y", {{"bytesValue", "AQI="}}),
                                          Text("i", "last")}));
  const auto dimensions = json::parse(item.dimensions);
  EXPECT_EQ(dimensions["b"], "true");
  EXPECT_EQ(dimensions["d"], "1.5");
  EXPECT_EQ(dimensions["a"], R"([1,"two"])");
  EXPECT_EQ(dimensions["m"], R"({"k":"v"})");
  EXPECT_EQ(dimensions["y"], "AQI=");
  EXPECT_EQ(dimensions["i"], "last");
  EXPECT_EQ(dimensions.size(), 6U);
}

TEST(Otlp, BadIdsAreRejectedAlone) {
  json no_trace = Span(1, "a");
  no_trace["traceId"] = "00000000000000000000000000000000";
  json short_span = Span(1, "b");
  short_span["spanId"] = "abcd";
  const auto result = ParseTraces(json::array({no_trace, Span(1, "good"), short_span}));
  EXPECT_EQ(result.received, 3U);
  EXPECT_EQ(result.rejected, 2U);
  EXPECT_EQ(result.batch.items.size(), 1U);
  EXPECT_THAT(result.message, HasSubstr("trace_id"));
  EXPECT_EQ(json::parse(OtlpAnswerJson(result, OtlpSignal::kTraces))["partialSuccess"]["rejectedSpans"], "2");
  EXPECT_EQ(OtlpAnswer(result).substr(2, 2), std::string("\x08\x02"));
}

TEST(Otlp, LogsBecomeTracesExceptionsAndEvents) {
  const json request = {{"resourceLogs", json::array({{{"resource", {{"attributes", json::array({Text("service.name", "s")})}}},
      {"scopeLogs", json::array({{{"scope", json::object()}, {"logRecords", json::array({
          {{"timeUnixNano", "1700000000000000000"}, {"severityNumber", 13}, {"body", {{"stringValue", "watch out"}}}, {"traceId", kTrace}, {"spanId", kSpan}, {"attributes", json::array({Text("a", "b")})}},
          {{"observedTimeUnixNano", "1700000001000000000"}, {"severityNumber", "SEVERITY_NUMBER_ERROR"}, {"attributes", json::array({Text("exception.type", "E"), Text("exception.message", "m")})}},
          {{"body", {{"kvlistValue", {{"values", json::array({Text("k", "v")})}}}}}},
          {{"attributes", json::array({Text("microsoft.custom_event.name", "signed up")})}}})}}})}}})}};
  const auto result = ParseOtlp(Protobuf(request, kLogsRequest), OtlpSignal::kLogs, kKey, 77);
  ASSERT_TRUE(result.ok());
  const auto& items = result->batch.items;
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0].type, ItemType::kTrace);
  EXPECT_EQ(items[0].message, "watch out");
  EXPECT_EQ(items[0].severity, 2);
  EXPECT_EQ(items[0].operation_id, kTrace);
  EXPECT_EQ(items[0].parent_id, kSpan);
  EXPECT_EQ(items[1].type, ItemType::kException);
  EXPECT_EQ(items[1].severity, 3);
  EXPECT_EQ(items[1].time, 17'000'000'010'000'000);
  EXPECT_EQ(items[2].message, R"({"k":"v"})");
  EXPECT_EQ(items[2].time, 77);
  EXPECT_EQ(items[2].operation_id, "");
  EXPECT_EQ(items[3].type, ItemType::kCustomEvent);
  EXPECT_EQ(items[3].name, "signed up");
}

TEST(Otlp, SeveritiesMapToFiveLevels) {
  for (const auto& [number, level] : {std::pair(1, 0), {8, 0}, {9, 1}, {12, 1}, {13, 2}, {17, 3}, {20, 3}, {21, 4}, {24, 4}, {25, -1}, {0, -1}}) {
    const json request = {{"resourceLogs", json::array({{{"scopeLogs", json::array({{{"logRecords", json::array({{{"severityNumber", number}}})}}})}}})}};
    EXPECT_EQ(ParseOtlp(Protobuf(request, kLogsRequest), OtlpSignal::kLogs, kKey, 1)->batch.items[0].severity, level) << number;
  }
}

TEST(Otlp, DataPointsBecomeMetrics) {
  const json request = {{"resourceMetrics", json::array({{{"scopeMetrics", json::array({{{"metrics", json::array({
      {{"name", "queue"}, {"gauge", {{"dataPoints", json::array({{{"asInt", "3"}, {"timeUnixNano", "1700000000000000000"}}, {{"asDouble", 1.5}}})}}}},
      {{"name", "latency"}, {"unit", "ms"}, {"histogram", {{"aggregationTemporality", 1}, {"dataPoints", json::array({
          {{"count", "2"}, {"sum", 7.5}, {"min", 1}, {"max", 6.5}, {"bucketCounts", json::array({"1", "1"})}, {"explicitBounds", json::array({5})}, {"attributes", json::array({Text("route", "/")})}}})}}}},
      {{"name", "exp"}, {"exponentialHistogram", {{"dataPoints", json::array({{{"count", 1}, {"sum", 2}, {"scale", -3}, {"positive", {{"offset", -1}, {"bucketCounts", json::array({"1"})}}}}})}}}}})}}})}}})}};
  const std::string bytes = Protobuf(request, kMetricsRequest);
  const auto result = ParseOtlp(bytes, OtlpSignal::kMetrics, kKey, 77);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->batch.items.size(), 4U);
  EXPECT_EQ(result->batch.items[0].measurements, R"({"value":3,"count":1})");
  EXPECT_EQ(result->batch.items[0].kind, "gauge");
  EXPECT_EQ(result->batch.items[2].name, "latency");
  EXPECT_EQ(result->batch.items[2].measurements, R"({"value":7.5,"count":2,"min":1,"max":6.5})");
  EXPECT_EQ(result->batch.items[2].dimensions, R"({"route":"/"})");
  EXPECT_EQ(result->batch.items[2].point, R"({"unit":"ms","temporality":"delta","bounds":[5],"counts":[1,1]})");
  EXPECT_EQ(result->batch.items[3].kind, "exponentialHistogram");
  EXPECT_EQ(result->batch.items[3].point, R"({"scale":-3,"zeroCount":0,"offset":-1,"counts":[1]})");
  const auto raw = json::parse(OtlpItemJson(RawKind::kOtlpMetrics, result->batch.body, result->batch.items[3].raw));
  const auto point = raw["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["exponentialHistogram"]["dataPoints"][0];
  EXPECT_EQ(point["scale"], -3);
  EXPECT_EQ(point["positive"]["offset"], -1);
  EXPECT_EQ(point["positive"]["bucketCounts"], json::array({"1"}));
}

TEST(Otlp, ASumSaysHowItCountsAndAPointWithoutAValueHasNone) {
  const json request = {{"resourceMetrics", json::array({{{"scopeMetrics", json::array({{{"metrics", json::array({
      {{"name", "orders"}, {"unit", "{order}"}, {"description", "Orders placed"}, {"sum", {{"aggregationTemporality", 2}, {"isMonotonic", true}, {"dataPoints", json::array({
          {{"asInt", "3"}, {"startTimeUnixNano", "1000"}, {"timeUnixNano", "2000"}}, {{"flags", 1}, {"timeUnixNano", "3000"}}})}}}}})}}})}}})}};
  const auto result = ParseOtlp(Protobuf(request, kMetricsRequest), OtlpSignal::kMetrics, kKey, 77);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->batch.items.size(), 2U);
  EXPECT_EQ(result->batch.items[0].point, R"({"unit":"{order}","description":"Orders placed","temporality":"cumulative","isMonotonic":true,"start":10})");
  EXPECT_EQ(result->batch.items[1].measurements, "{}");
}

TEST(Otlp, TheRawItemIsTheSpanWithItsResourceAndScope) {
  json span = Span(2, "GET /x", {Text("a", "b"), Whole("n", -5), Attribute("d", {{"doubleValue", 0.25}})});
  span["events"] = json::array({{{"timeUnixNano", "5"}, {"name", "e"}}});
  span["status"] = {{"code", 2}, {"message", "bad"}};
  span["flags"] = 257;
  const json request = Traces(json::array({Span(1, "other"), span}));
  auto result = ParseOtlp(Protobuf(request, kTracesRequest), OtlpSignal::kTraces, kKey, 77);
  ASSERT_TRUE(result.ok());
  const auto raw = json::parse(OtlpItemJson(RawKind::kOtlpTraces, result->batch.body, result->batch.items[1].raw));
  json expected = Traces(json::array({span}));
  EXPECT_EQ(raw, expected) << raw.dump(1);
}

TEST(OtlpJson, ToleratesSnakeCaseNumbersAndUnknownMembers) {
  const auto bytes = OtlpFromJson(R"({"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"0AF7651916CD43DD8448EB211C80319C","span_id":"b7ad6b7169203331",
      "name":"x","kind":"SPAN_KIND_CLIENT","start_time_unix_nano":1700000000000000000,"surprise":{"a":[1]},"attributes":null}]}]}],"more":1})", kTracesRequest);
  ASSERT_TRUE(bytes.ok()) << bytes.error().ToString();
  const auto result = ParseOtlp(*bytes, OtlpSignal::kTraces, kKey, 0);
  ASSERT_EQ(result->batch.items.size(), 1U);
  EXPECT_EQ(result->batch.items[0].kind, "Dependency");
  EXPECT_EQ(result->batch.items[0].operation_id, kTrace);
  EXPECT_EQ(result->batch.items[0].time, 17'000'000'000'000'000);
}

TEST(OtlpJson, RefusesWhatIsWrong) {
  for (const char* text : {"", "[]", "{", "{\"resourceSpans\":{}}", "{\"resourceSpans\":[1]}", R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]})",
                           R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]})", R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]})",
                           R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1.5}]}]}]})", R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SIDEWAYS"}]}]}]})",
                           R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"droppedAttributesCount":4294967296}]}]}]})"}) {
    const auto bytes = OtlpFromJson(text, kTracesRequest);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.error().code, ErrorCode::kMalformed) << text;
  }
  std::string deep = R"({"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":)";
  for (int i = 0; i < 500; ++i) deep += R"({"arrayValue":{"values":[)";
  EXPECT_FALSE(OtlpFromJson(deep, kTracesRequest).ok());
}

TEST(Otlp, HostileBytesAreErrorsOrNothing) {
  const std::string good = Protobuf(Traces(json::array({Span(2, "GET /x", {Text("a", "b")})})), kTracesRequest);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    for (const OtlpSignal signal : {OtlpSignal::kTraces, OtlpSignal::kLogs, OtlpSignal::kMetrics}) {
      const auto result = ParseOtlp(good.substr(0, cut), signal, kKey, 0);
      if (result.ok()) {
        for (const Item& item : result->batch.items) EXPECT_TRUE(json::accept(OtlpItemJson(result->batch.kind, result->batch.body, item.raw)));
      }
    }
  }
  std::uint32_t state = 1;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int change = 0; change < 3; ++change) {
      state = state * 1664525U + 1013904223U;
      bytes[(state >> 8) % bytes.size()] = static_cast<char>(state >> 24);
    }
    const auto result = ParseOtlp(bytes, static_cast<OtlpSignal>(round % 3), kKey, 0);
    if (!result.ok()) continue;
    for (const Item& item : result->batch.items) EXPECT_TRUE(json::accept(OtlpItemJson(result->batch.kind, result->batch.body, item.raw)));
  }
}

}  // namespace
}  // namespace azmon::local
