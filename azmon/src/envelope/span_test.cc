// SPDX-License-Identifier: MIT
// Requests and dependencies: what the corpus does not show.
#include <gtest/gtest.h>

#include "envelope/test_records.h"

namespace azmon::envelope::testing {
namespace {

using otlp::span::kClient;
using otlp::span::kConsumer;
using otlp::span::kInternal;
using otlp::span::kProducer;
using otlp::span::kServer;

TEST(Request, NameTakesTheFirstRuleThatApplies) {
  struct Row {
    const char* name;
    Attributes attributes;
    const char* expected;
  };
  const Row rows[] = {
      {"override", {{"microsoft.operation_name", "op"}, {"http.request.method", "GET"}, {"http.route", "/r"}}, "op"},
      {"route", {{"http.request.method", "GET"}, {"http.route", "/r/{id}"}, {"url.full", "https://h/p"}}, "GET /r/{id}"},
      {"url", {{"http.request.method", "GET"}, {"url.full", "https://h"}, {"url.path", "/no"}}, "GET /"},
      {"url that does not parse, path", {{"http.request.method", "GET"}, {"url.full", "ftp://h/p"}, {"url.path", "/a/../b c"}}, "GET /b%20c"},
      {"path before target", {{"http.request.method", "GET"}, {"url.path", "x"}, {"http.target", "/t"}}, "span name"},
      {"target without query", {{"http.method", "GET"}, {"http.target", "/t?q#f"}}, "GET /t"},
      {"no method", {{"http.route", "/r"}, {"url.full", "https://h/p"}}, "span name"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(DataOf(TestSpan{.kind = kServer, .attributes = row.attributes})["name"], row.expected) << row.name;
    EXPECT_EQ(TagsOf(TestSpan{.kind = kServer, .attributes = row.attributes})["ai.operation.name"], row.expected) << row.name;
  }
}

TEST(Request, EmptyNameStaysAndItsTagIsNotSent) {
  EXPECT_EQ(DataOf(TestSpan{.name = ""})["name"], "");
  EXPECT_FALSE(TagsOf(TestSpan{.name = ""}).contains("ai.operation.name"));
}

TEST(Request, SuccessFollowsStatusThenHttp) {
  struct Row {
    const char* name;
    std::uint32_t kind;
    std::uint32_t status;
    Attributes attributes;
    bool expected;
  };
  const Row rows[] = {
      {"ok over 500", kServer, otlp::status::kOk, {{"http.request.method", "GET"}, {"http.response.status_code", 500}}, true},
      {"error over 200", kServer, otlp::status::kError, {{"http.request.method", "GET"}, {"http.response.status_code", 200}}, false},
      {"399", kServer, 0, {{"http.request.method", "GET"}, {"http.response.status_code", 399}}, true},
      {"400 without method", kServer, 0, {{"http.response.status_code", 400}}, false},
      {"text", kServer, 0, {{"http.request.method", "GET"}, {"http.response.status_code", "404"}}, false},
      {"no number", kServer, 0, {{"http.request.method", "GET"}, {"http.response.status_code", "no"}}, true},
      {"none", kServer, 0, {{"http.request.method", "GET"}}, false},
      {"zero", kServer, 0, {{"http.request.method", "GET"}, {"http.response.status_code", 0}}, false},
      {"none, consumer", kConsumer, 0, {{"http.request.method", "GET"}}, true},
      {"old name behind an empty new one", kServer, 0, {{"http.request.method", "GET"}, {"http.response.status_code", ""}, {"http.status_code", 503}}, false},
  };
  for (const Row& row : rows) {
    const TestSpan span{.kind = row.kind, .attributes = row.attributes, .status = row.status};
    EXPECT_EQ(DataOf(span)["success"], row.expected) << row.name;
  }
}

TEST(Request, UrlTakesTheFirstRuleThatApplies) {
  struct Row {
    const char* name;
    std::uint32_t kind;
    Attributes attributes;
    const char* expected;  ///< nullptr: none
  };
  const Row rows[] = {
      {"no method, no url", kServer, {{"url.full", "https://h/p"}}, nullptr},
      {"full", kServer, {{"http.request.method", "GET"}, {"url.full", "https://u:p@h/p?q"}}, "https://h/p?q"},
      {"parts", kServer, {{"http.request.method", "GET"}, {"url.scheme", "https"}, {"server.address", "h"}, {"server.port", "8443"}, {"url.path", "/p"}, {"url.query", "?a"}},
       "https://h:8443/p?a"},
      {"http.host as it is", kServer, {{"http.method", "GET"}, {"http.scheme", "http"}, {"http.host", "h:80"}, {"http.target", "/p"}}, "http://h:80/p"},
      {"ipv6 in brackets already", kServer, {{"http.method", "GET"}, {"http.scheme", "http"}, {"server.address", "[::1]"}, {"server.port", 81}, {"http.target", "/p"}},
       "http://[::1]:81/p"},
      {"server name of SERVER", kServer, {{"http.method", "GET"}, {"http.scheme", "http"}, {"net.host.name", "n"}, {"net.host.port", 81}, {"http.target", "/p"}}, "http://n:81/p"},
      {"not of CONSUMER", kConsumer, {{"http.method", "GET"}, {"http.scheme", "http"}, {"net.host.name", "n"}, {"http.target", "/p"}}, "/p"},
      {"peer, bare ipv6", kServer, {{"http.method", "GET"}, {"http.scheme", "http"}, {"net.peer.ip", "::1"}, {"http.target", "/p"}}, "http://[::1]/p"},
      {"network peer with its port", kServer, {{"http.method", "GET"}, {"http.scheme", "http"}, {"network.peer.address", "1.2.3.4"}, {"network.peer.port", 81}, {"net.peer.port", 9}, {"http.target", "/p"}},
       "http://1.2.3.4:81/p"},
      {"no scheme, nothing added", kServer, {{"http.method", "GET"}, {"server.address", "h"}, {"url.path", "p"}, {"url.query", "a=1"}}, "p?a=1"},
      {"query alone", kServer, {{"http.method", "GET"}, {"url.query", "a=1"}}, "/?a=1"},
      {"nothing", kServer, {{"http.method", "GET"}, {"url.scheme", "https"}, {"server.address", "h"}}, nullptr},
      {"override without method", kServer, {{"microsoft.request.url", "x"}}, "x"},
  };
  for (const Row& row : rows) {
    const Json data = DataOf(TestSpan{.kind = row.kind, .attributes = row.attributes});
    EXPECT_EQ(data.value("url", "<none>"), row.expected == nullptr ? "<none>" : row.expected) << row.name;
  }
}

TEST(Dependency, TargetIsThePeer) {
  struct Row {
    const char* name;
    Attributes attributes;
    const char* expected;
  };
  const Row rows[] = {
      {"service, never a port", {{"peer.service", "s"}, {"server.address", "h"}, {"server.port", 81}}, "s"},
      {"port of no scheme: 80", {{"server.address", "h"}, {"server.port", 80}}, "h"},
      {"port of no scheme: 8080", {{"server.address", "h"}, {"server.port", 8080}}, "h:8080"},
      {"port of another scheme", {{"server.address", "h"}, {"server.port", 80}, {"url.scheme", "ws"}}, "h:80"},
      {"scheme of the URL goes first", {{"server.address", "h"}, {"server.port", 443}, {"url.full", "http://x/"}, {"url.scheme", "https"}}, "h:443"},
      {"scheme in upper case", {{"server.address", "h"}, {"server.port", 443}, {"url.scheme", "HTTPS"}}, "h"},
      {"double port", {{"server.address", "h"}, {"server.port", 8080.0}}, "h:8080"},
      {"half port", {{"server.address", "h"}, {"server.port", 8080.5}}, "h"},
      {"boolean port", {{"server.address", "h"}, {"server.port", true}}, "h"},
      {"huge port", {{"server.address", "h"}, {"server.port", std::int64_t{1} << 40}}, "h"},
      {"text port with letters", {{"server.address", "h"}, {"server.port", "80a"}}, "h"},
      {"ipv6 without port", {{"server.address", "2001:db8::1"}}, "2001:db8::1"},
      {"ipv6 with port", {{"server.address", "2001:db8::1"}, {"server.port", 81}}, "[2001:db8::1]:81"},
      {"ipv6 in brackets", {{"server.address", "[2001:db8::1]"}, {"server.port", 81}}, "[2001:db8::1]:81"},
      {"http.host, port out of range", {{"http.host", "h:99999"}}, "h"},
      {"http.host, no port behind the colon", {{"http.host", "h:"}}, "h"},
      {"http.host, letters", {{"http.host", "h:x"}}, "h:x"},
      {"http.host, bare ipv6", {{"http.host", "::1"}}, "::1"},
      {"http.host, ipv6 with port", {{"http.host", "[::1]:81"}}, "[::1]:81"},
      {"http.host, ipv6 with default port", {{"http.host", "[::1]:80"}}, "[::1]"},
      {"URL, port 0", {{"url.full", "http://H:0/p"}}, "h"},
      {"URL that does not parse", {{"url.full", "http://a b/"}, {"net.peer.name", "n"}, {"net.peer.port", 81}}, "n:81"},
      {"order of the last", {{"net.peer.ip", "4"}, {"net.sock.peer.addr", "3"}, {"net.sock.peer.name", "2"}, {"net.sock.peer.port", 99}}, "2:99"},
      {"client.address is no peer", {{"client.address", "c"}}, "<none>"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(DataOf(TestSpan{.kind = kClient, .attributes = row.attributes}).value("target", "<none>"), row.expected) << row.name;
  }
}

TEST(Dependency, DatabasePortIsADefaultOfDatabasesOnly) {
  const Attributes peer{{"server.address", "h"}, {"server.port", 5432}};
  Attributes database = peer;
  database.emplace_back("db.system.name", "postgresql");
  Attributes http = database;
  http.emplace_back("http.request.method", "GET");
  EXPECT_EQ(DataOf(TestSpan{.kind = kClient, .attributes = database})["target"], "h");
  EXPECT_EQ(DataOf(TestSpan{.kind = kClient, .attributes = http})["target"], "h:5432");
}

TEST(Dependency, FamilyDecidesTypeByKind) {
  struct Row {
    const char* name;
    std::uint32_t kind;
    Attributes attributes;
    const char* type;
    const char* target;
  };
  const Attributes azure{{"az.namespace", "Microsoft.Storage"}, {"server.address", "h"}};
  const Attributes genai{{"gen_ai.system", "openai"}, {"server.address", "h"}};
  const Attributes messaging{{"messaging.system", "kafka"}, {"server.address", "h"}, {"server.port", 9092}, {"messaging.destination", "d"}};
  const Attributes rpc{{"rpc.system", "grpc"}};
  const Row rows[] = {
      {"unknown kind", 9, {{"server.address", "h"}}, "InProc", "<none>"},
      {"http, internal", kInternal, {{"http.request.method", "GET"}, {"server.address", "h"}}, "Http", "h"},
      {"db, producer", kProducer, {{"db.system", "mysql"}}, "mysql", "mysql"},
      {"rpc, internal", kInternal, rpc, "GRPC", "grpc"},
      {"rpc, other system", kClient, {{"rpc.system.name", "dubbo"}}, "dubbo", "dubbo"},
      {"messaging, client", kClient, messaging, "kafka", "h:9092/d"},
      {"messaging, producer", kProducer, messaging, "Queue Message | kafka", "h:9092/d"},
      {"messaging, internal", kInternal, messaging, "InProc", "<none>"},
      {"azure, client", kClient, azure, "Microsoft.Storage", "h"},
      {"azure, producer", kProducer, azure, "Queue Message | Microsoft.Storage", "h"},
      {"azure, internal", kInternal, azure, "InProc | Microsoft.Storage", "<none>"},
      {"azure over db, internal", kInternal, {{"az.namespace", "Microsoft.DocumentDB"}, {"db.system", "cosmosdb"}, {"db.name", "n"}}, "InProc | Microsoft.DocumentDB", "n"},
      {"azure with rpc, client", kClient, {{"az.namespace", "X"}, {"rpc.system", "grpc"}}, "GRPC", "grpc"},
      {"broker over messaging", kProducer, {{"az.namespace", "Microsoft.ServiceBus"}, {"messaging.system", "servicebus"}, {"server.address", "n/"}, {"server.port", 5671}},
       "Queue Message | Microsoft.ServiceBus", "n/unknown"},
      {"genai, client", kClient, genai, "GenAI | openai", "h"},
      {"genai, producer", kProducer, genai, "Queue Message", "h"},
      {"genai, internal", kInternal, genai, "InProc", "<none>"},
      {"genai, no peer", kClient, {{"gen_ai.provider.name", "p"}, {"gen_ai.system", "s"}}, "GenAI | p", "p"},
  };
  for (const Row& row : rows) {
    const Json data = DataOf(TestSpan{.kind = row.kind, .attributes = row.attributes});
    EXPECT_EQ(data["type"], row.type) << row.name;
    EXPECT_EQ(data.value("target", "<none>"), row.target) << row.name;
  }
}

TEST(Dependency, ResultCodeIsOfItsFamily) {
  const Attributes rpc_code{{"rpc.grpc.status_code", 5}, {"http.response.status_code", 404}};
  Attributes rpc = rpc_code;
  rpc.emplace_back("rpc.system", "grpc");
  Attributes http = rpc;
  http.emplace_back("http.method", "GET");
  EXPECT_EQ(DataOf(TestSpan{.kind = kClient, .attributes = rpc_code})["resultCode"], "0");
  EXPECT_EQ(DataOf(TestSpan{.kind = kClient, .attributes = rpc})["resultCode"], "5");
  EXPECT_EQ(DataOf(TestSpan{.kind = kClient, .attributes = http})["resultCode"], "404");
  EXPECT_EQ(DataOf(TestSpan{.kind = kServer, .attributes = rpc_code})["responseCode"], "5");
}

TEST(Dependency, OperationStaysAPropertyBesideTheQueryText) {
  const Json with_text = DataOf(TestSpan{
      .kind = kClient, .attributes = {{"db.system", "mysql"}, {"db.statement", "SELECT 1"}, {"db.operation", "SELECT"}, {"db.operation.name", "S"}}});
  EXPECT_EQ(with_text["properties"], (Json{{"db.operation", "SELECT"}, {"db.operation.name", "S"}}));
  const Json without = DataOf(TestSpan{.kind = kClient, .attributes = {{"db.system", "mysql"}, {"db.operation", "SELECT"}, {"db.operation.name", "S"}}});
  EXPECT_EQ(without["data"], "S");
  EXPECT_FALSE(without.contains("properties"));
  const Json request = DataOf(TestSpan{.kind = kServer, .attributes = {{"db.system.name", "mysql"}, {"db.query.text", "Q"}, {"db.operation", "SELECT"}}});
  EXPECT_EQ(request["properties"], (Json{{"db.system.name", "mysql"}, {"db.query.text", "Q"}}));
}

TEST(Dependency, SeparatorOfTheDatabaseTargetIsASetting) {
  Around around;
  around.settings.database_target_separator = " | ";
  const TestSpan span{.kind = kClient, .attributes = {{"db.system", "mysql"}, {"db.name", "n"}, {"server.address", "h"}}};
  EXPECT_EQ(DataOf(span, around)["target"], "h | n");
}

TEST(Span, DurationIsNeverNegativeAndIsCapped) {
  EXPECT_EQ(DataOf(TestSpan{.start = kStart, .end = kStart - 1})["duration"], "00:00:00.000");
  EXPECT_EQ(DataOf(TestSpan{.start = 0, .end = ~0ULL})["duration"], "999.23:59:59.9999999");
  EXPECT_EQ(DataOf(TestSpan{.start = 0, .end = 59'999'999'950})["duration"], "00:01:00.000");
}

TEST(Span, SampleRateFallsBackToTheAnnotation) {
  Around around;
  around.annotations.sample_rate = 12.5;
  EXPECT_EQ(ItemsOf(TestSpan{}, around)[0]["sampleRate"], 12.5);
  EXPECT_EQ(ItemsOf(TestSpan{.attributes = {{"microsoft.sample_rate", 25}}}, around)[0]["sampleRate"], 25);
  EXPECT_EQ(ItemsOf(TestSpan{.attributes = {{"microsoft.sample_rate", 0}, {"_MS.sampleRate", "50"}}}, around)[0]["sampleRate"], 50);
  EXPECT_EQ(ItemsOf(TestSpan{.attributes = {{"microsoft.sample_rate", "nan"}}}, around)[0]["sampleRate"], 100);
  around.annotations.sample_rate = 0;
  EXPECT_EQ(ItemsOf(TestSpan{}, around)[0]["sampleRate"], 100);
}

TEST(Span, OperationNameOfTheAnnotationIsOfOtherKindsThanRequests) {
  Around around;
  around.annotations.operation_name = "GET /outer";
  EXPECT_EQ(TagsOf(TestSpan{.kind = kClient}, around)["ai.operation.name"], "GET /outer");
  EXPECT_EQ(TagsOf(TestSpan{.kind = kClient, .attributes = {{"ai.operation.name", "own"}}}, around)["ai.operation.name"], "own");
  EXPECT_EQ(TagsOf(TestSpan{.kind = kServer}, around)["ai.operation.name"], "span name");
  EXPECT_EQ(TagsOf(TestSpan{.kind = kConsumer}, around)["ai.operation.name"], "span name");
  const auto items = ItemsOf(TestSpan{.kind = kInternal, .events = {{"e", {}}}}, around);
  EXPECT_EQ(items[1]["tags"]["ai.operation.name"], "GET /outer");
}

TEST(Span, EventsTakeTheSpansUserAndTheirOwnSession) {
  const TestSpan span{.attributes = {{"enduser.id", "u"}, {"session.id", "s"}, {"client.address", "1.2.3.4"}, {"user_agent.original", "AlwaysOn"}},
                      .events = {{"a", {{"session.id", "own"}, {"enduser.id", "no"}}}, {"b", {}}}};
  const auto items = ItemsOf(span);
  EXPECT_EQ(items[1]["tags"], (Json{{"ai.internal.sdkVersion", "sdk"},
                                    {"ai.operation.id", "0af7651916cd43dd8448eb211c80319c"},
                                    {"ai.operation.parentId", "b7ad6b7169203331"},
                                    {"ai.operation.name", "span name"},
                                    {"ai.operation.syntheticSource", "True"},
                                    {"ai.user.authUserId", "u"},
                                    {"ai.session.id", "own"}}));
  EXPECT_EQ(items[2]["tags"]["ai.session.id"], "s");
  EXPECT_FALSE(items[1]["data"]["baseData"].contains("properties"));
}

TEST(Span, LinksBehindTheHundredthAreLeftOut) {
  const std::string text = DataOf(TestSpan{.links = std::vector<TestLink>(101)})["properties"]["_MS.links"];
  EXPECT_EQ(text.size(), 7601U);
  EXPECT_EQ(Json::parse(text).size(), 100U);
  EXPECT_EQ(Json::parse(text)[99], (Json{{"operation_Id", "0af7651916cd43dd8448eb211c80319c"}, {"id", "b7ad6b7169203331"}}));
}

TEST(Span, TimeSinceEnqueuedIsTheMeanOfTheLinksThatTell) {
  const auto start_ms = static_cast<std::int64_t>(kStart / 1'000'000);
  const Attributes broker{{"az.namespace", "Microsoft.EventHub"}};
  const auto measured = [&](std::vector<TestLink> links) {
    return DataOf(TestSpan{.kind = kConsumer, .attributes = broker, .links = std::move(links), .start = kStart + 999'999})
        .value("measurements", Json::object())
        .value("timeSinceEnqueued", -1.0);
  };
  EXPECT_EQ(measured({{{{"enqueuedTime", start_ms - 5}}}, {{{"enqueuedTime", std::to_string(start_ms - 2)}}}, {{{"other", 1}}}}), 3.5);
  EXPECT_EQ(measured({{{{"enqueuedTime", start_ms + 5}}}}), 0);
  EXPECT_EQ(measured({{{{"enqueuedTime", true}}}}), -1);
  EXPECT_EQ(measured({}), -1);
}

TEST(Span, MarkOfTheStandardMetricsIsOnWhatTheyMeasure) {
  Around around;
  around.annotations.processed_by_metric_extractors = true;
  const auto mark = [&](const TestSpan& span, std::size_t item = 0) {
    return ItemsOf(span, around).at(item)["data"]["baseData"].value("properties", Json::object()).value("_MS.ProcessedByMetricExtractors", "");
  };
  EXPECT_EQ(mark({.kind = kConsumer}), "(Name:'Requests', Ver:'1.1')");
  EXPECT_EQ(mark({.kind = kProducer}), "(Name:'Dependencies', Ver:'1.1')");
  EXPECT_EQ(mark({.kind = kInternal}), "");
  EXPECT_EQ(mark({.kind = kInternal, .events = {{"exception", {}}}}, 1), "(Name:'Exceptions', Ver:'1.1')");
  EXPECT_EQ(mark({.kind = kInternal, .events = {{"x", {}}}}, 1), "(Name:'Traces', Ver:'1.1')");
  EXPECT_EQ(mark({.attributes = {{"_MS.ProcessedByMetricExtractors", "mine"}}}), "mine;(Name:'Requests', Ver:'1.1')");
}

}  // namespace
}  // namespace azmon::envelope::testing
