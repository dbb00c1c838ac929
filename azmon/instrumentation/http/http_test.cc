// SPDX-License-Identifier: MIT
#include "azmon/http.h"

#include <map>
#include <string>

#include <gtest/gtest.h>
#include <opentelemetry/baggage/baggage_context.h>
#include <opentelemetry/trace/scope.h>

#include "azmon/instrumentation/http/test_support.h"

namespace azmon::http {
namespace {

namespace otel = opentelemetry;
using testing::Attribute;
using testing::Hex;

class MapCarrier final : public otel::context::propagation::TextMapCarrier {
 public:
  MapCarrier() = default;
  explicit MapCarrier(std::map<std::string, std::string> fields) : fields_(std::move(fields)) {}
  otel::nostd::string_view Get(otel::nostd::string_view key) const noexcept override {
    const auto found = fields_.find(std::string(key));
    return found == fields_.end() ? otel::nostd::string_view() : otel::nostd::string_view(found->second);
  }
  void Set(otel::nostd::string_view key, otel::nostd::string_view value) noexcept override { fields_[std::string(key)] = std::string(value); }
  std::map<std::string, std::string> fields_;
};

ServerRequest Order() {
  ServerRequest request;
  request.method = "POST";
  request.path = "/orders/42";
  request.query = "x=1&sig=secret";
  request.route = "/orders/{id}";
  request.host = "shop.example:8443";
  request.scheme = "https";
  request.user_agent = "agent/1";
  request.peer_address = "10.0.0.1";
  request.peer_port = 5000;
  request.protocol_version = "1.1";
  return request;
}

TEST(ServerSpan, HasTheStableAttributes) {
  testing::Telemetry telemetry;
  {
    ServerSpan span(Order(), MapCarrier());
    span.SetResponseStatus(200);
  }
  const auto spans = telemetry.Take();
  ASSERT_EQ(spans.size(), 1u);
  const auto& span = *spans[0];
  EXPECT_EQ(span.GetName(), "POST /orders/{id}");
  EXPECT_EQ(span.GetSpanKind(), otel::trace::SpanKind::kServer);
  const std::map<std::string, std::string> expected{{"http.request.method", "POST"},
                                                    {"http.request.method_original", "-"},
                                                    {"url.scheme", "https"},
                                                    {"url.path", "/orders/42"},
                                                    {"url.query", "x=1&sig=REDACTED"},
                                                    {"http.route", "/orders/{id}"},
                                                    {"server.address", "shop.example"},
                                                    {"server.port", "8443"},
                                                    {"client.address", "10.0.0.1"},
                                                    {"network.peer.address", "10.0.0.1"},
                                                    {"network.peer.port", "5000"},
                                                    {"network.protocol.version", "1.1"},
                                                    {"user_agent.original", "agent/1"},
                                                    {"http.response.status_code", "200"},
                                                    {"error.type", "-"}};
  for (const auto& [key, value] : expected) EXPECT_EQ(Attribute(span, key), value) << key;
  EXPECT_EQ(span.GetAttributes().size(), 13u) << "nothing else";
  EXPECT_EQ(span.GetStatus(), otel::trace::StatusCode::kUnset);
}

TEST(ServerSpan, NamesAndMethodsAreOfFewValues) {
  testing::Telemetry telemetry;
  struct Row {
    const char* method;
    const char* route;
    const char* name;
    const char* attribute;
    const char* original;
  };
  for (const Row& row : {Row{"GET", "", "GET", "GET", "-"}, Row{"GET", "/a", "GET /a", "GET", "-"}, Row{"BREW", "/a", "HTTP /a", "_OTHER", "BREW"},
                         Row{"get", "", "HTTP", "_OTHER", "get"}}) {
    ServerRequest request;
    request.method = row.method;
    request.route = row.route;
    { ServerSpan span(request, MapCarrier()); }
    const auto spans = telemetry.Take();
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_EQ(spans[0]->GetName(), row.name);
    EXPECT_EQ(Attribute(*spans[0], "http.request.method"), row.attribute);
    EXPECT_EQ(Attribute(*spans[0], "http.request.method_original"), row.original);
  }
  ServerRequest request;
  request.method = "PUT";
  {
    ServerSpan span(request, MapCarrier());
    span.SetRoute("/late/{x}");
  }
  EXPECT_EQ(telemetry.Take()[0]->GetName(), "PUT /late/{x}");
}

TEST(ServerSpan, OnlyServerErrorsAreErrors) {
  testing::Telemetry telemetry;
  struct Row {
    int status;
    const char* thrown;
    otel::trace::StatusCode code;
    const char* error_type;
  };
  using otel::trace::StatusCode;
  for (const Row& row : {Row{200, "", StatusCode::kUnset, "-"}, Row{404, "", StatusCode::kUnset, "-"}, Row{499, "", StatusCode::kUnset, "-"},
                         Row{500, "", StatusCode::kError, "500"}, Row{503, "", StatusCode::kError, "503"},
                         Row{500, "std::bad_alloc", StatusCode::kError, "std::bad_alloc"}, Row{200, "client_closed", StatusCode::kError, "client_closed"}}) {
    {
      ServerSpan span(Order(), MapCarrier());
      span.SetResponseStatus(row.status);
      if (*row.thrown != 0) span.SetError(row.thrown);
    }
    const auto spans = telemetry.Take();
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_EQ(spans[0]->GetStatus(), row.code) << row.status;
    EXPECT_EQ(Attribute(*spans[0], "error.type"), row.error_type) << row.status;
    EXPECT_EQ(Attribute(*spans[0], "http.response.status_code"), std::to_string(row.status));
  }
}

TEST(ServerSpan, ContinuesTheTraceOfTheCallerWithStateAndBaggage) {
  testing::Telemetry telemetry;
  MapCarrier headers({{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {"tracestate", "a=1,b=2"}, {"baggage", "user=42"}});
  std::string baggage;
  {
    ServerSpan span(Order(), headers);
    EXPECT_TRUE(otel::trace::Tracer::GetCurrentSpan()->GetContext() == span.span().GetContext());
    otel::baggage::GetBaggage(otel::context::RuntimeContext::GetCurrent())->GetValue("user", baggage);
  }
  EXPECT_FALSE(otel::trace::Tracer::GetCurrentSpan()->GetContext().IsValid()) << "no longer current";
  const auto spans = telemetry.Take();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(Hex(spans[0]->GetTraceId()), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(Hex(spans[0]->GetParentSpanId()), "b7ad6b7169203331");
  EXPECT_EQ(spans[0]->GetSpanContext().trace_state()->ToHeader(), "a=1,b=2");
  EXPECT_EQ(baggage, "42");
}

TEST(ServerSpan, HostileHeadersStartANewTrace) {
  testing::Telemetry telemetry;
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  for (const std::string& traceparent :
       {std::string(""), std::string("garbage"), "00-" + id, "00-" + id + "-b7ad6b7169203331", "00-" + id + "-b7ad6b7169203331-01-", "00-" + id + "-b7ad6b7169203331-01-x",
        std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"), std::string("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
        "00-" + id + "-0000000000000000-01", "ff-" + id + "-b7ad6b7169203331-01", "0-" + id + "-b7ad6b7169203331-01", "00-" + id + "-b7ad6b716920333g-01",
        "00-" + id + "-b7ad6b7169203331-0x", "00_" + id + "-b7ad6b7169203331-01", "00-" + id + "-b7ad6b7169203331-01, 00-" + id + "-b7ad6b7169203331-01",
        "01-" + id + "-b7ad6b7169203331-01x", std::string(100'000, '-'), std::string(100'000, '0'), std::string(55, '\0'), std::string("\xff\xfe\xfd")}) {
    MapCarrier headers({{"traceparent", traceparent}, {"tracestate", std::string(50'000, ',')}, {"baggage", std::string(100'000, '%')}});
    {
      ServerSpan span(Order(), headers);
      span.SetResponseStatus(200);
    }
    const auto spans = telemetry.Take();
    ASSERT_EQ(spans.size(), 1u) << traceparent.substr(0, 80);
    EXPECT_TRUE(spans[0]->GetTraceId().IsValid());
    EXPECT_NE(Hex(spans[0]->GetTraceId()), id) << traceparent.substr(0, 80);
    EXPECT_FALSE(spans[0]->GetParentSpanId().IsValid()) << traceparent.substr(0, 80);
  }
}

TEST(ServerSpan, AHostileTracestateOrBaggageDoesNotBreakTheTrace) {
  testing::Telemetry telemetry;
  for (const std::string& rest : {std::string("a"), std::string("=,=,=;;"), std::string("a=\x01"), std::string(3000, 'a'), std::string("%zz=%"),
                                  std::string("a=%"), std::string("a=%4"), std::string(1000, ','), std::string("k=v;p=%;;=,,k2")}) {
    MapCarrier headers({{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {"tracestate", rest}, {"baggage", rest}});
    { ServerSpan span(Order(), headers); }
    const auto spans = telemetry.Take();
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_EQ(Hex(spans[0]->GetParentSpanId()), "b7ad6b7169203331") << rest.substr(0, 40);
  }
}

TEST(ServerSpan, NewerVersionsOfTraceparentAreReadByTheirHead) {
  testing::Telemetry telemetry;
  MapCarrier headers;
  headers.fields_["traceparent"] = " 01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ";
  { ServerSpan span(Order(), headers); }
  EXPECT_EQ(Hex(telemetry.Take()[0]->GetParentSpanId()), "b7ad6b7169203331");
}

TEST(ServerSpan, IsNeverAChildOfWhatHappensToBeCurrent) {
  testing::Telemetry telemetry;
  const auto other = DefaultTracer()->StartSpan("other");
  const otel::trace::Scope scope(other);
  { ServerSpan span(Order(), MapCarrier()); }
  const auto spans = telemetry.Take();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_FALSE(spans[0]->GetParentSpanId().IsValid());
  EXPECT_NE(Hex(spans[0]->GetTraceId()), Hex(other->GetContext().trace_id()));
}

TEST(ServerSpan, TheClientIsTheFirstForwardedAddress) {
  testing::Telemetry telemetry;
  const std::map<std::string, std::string> rows{{"203.0.113.7", "203.0.113.7"},       {"203.0.113.7, 10.0.0.9", "203.0.113.7"},
                                                {"203.0.113.7:4711", "203.0.113.7"},  {"[2001:db8::1]:4711", "2001:db8::1"},
                                                {"2001:db8::1", "2001:db8::1"},       {"unknown", "10.0.0.1"},
                                                {"", "10.0.0.1"},                     {"<script>", "10.0.0.1"},
                                                {"[", "10.0.0.1"},                    {",,", "10.0.0.1"}};
  for (const auto& [field, client] : rows) {
    MapCarrier headers;
    headers.fields_["x-forwarded-for"] = field;
    { ServerSpan span(Order(), headers); }
    EXPECT_EQ(Attribute(*telemetry.Take()[0], "client.address"), client) << field;
  }
}

TEST(ServerSpan, HostsAreSplitIntoAddressAndPort) {
  testing::Telemetry telemetry;
  struct Row {
    const char* host;
    const char* scheme;
    const char* address;
    const char* port;
  };
  for (const Row& row : {Row{"a", "http", "a", "80"}, Row{"a", "https", "a", "443"}, Row{"a:1", "http", "a", "1"}, Row{"[::1]:8", "http", "::1", "8"},
                         Row{"[::1]", "http", "::1", "80"}, Row{"a:x", "http", "a", "80"}, Row{"", "http", "-", "-"}}) {
    ServerRequest request = Order();
    request.host = row.host;
    request.scheme = row.scheme;
    { ServerSpan span(request, MapCarrier()); }
    const auto spans = telemetry.Take();
    EXPECT_EQ(Attribute(*spans[0], "server.address"), row.address) << row.host;
    EXPECT_EQ(Attribute(*spans[0], "server.port"), row.port) << row.host;
  }
}

TEST(ServerSpan, EndsOnce) {
  testing::Telemetry telemetry;
  {
    ServerSpan span(Order(), MapCarrier());
    span.End();
    span.End();
  }
  EXPECT_EQ(telemetry.Take().size(), 1u);
}

ClientRequest Put() {
  ClientRequest request;
  request.method = "PUT";
  request.url = "https://user:password@account.blob.example:8443/receipts/order-1.json?sv=1&sig=abc%2F&x=y";
  request.server_address = "account.blob.example";
  request.server_port = 8443;
  return request;
}

TEST(ClientSpan, HasTheStableAttributesAndNoSecrets) {
  testing::Telemetry telemetry;
  MapCarrier headers;
  {
    ClientSpan span(Put(), headers);
    EXPECT_FALSE(otel::trace::Tracer::GetCurrentSpan()->GetContext().IsValid()) << "does not become current";
    span.SetPeer("10.0.0.2", 8443);
    span.SetProtocolVersion("1.1");
    span.SetResponseStatus(201);
  }
  const auto spans = telemetry.Take();
  ASSERT_EQ(spans.size(), 1u);
  const auto& span = *spans[0];
  EXPECT_EQ(span.GetName(), "PUT");
  EXPECT_EQ(span.GetSpanKind(), otel::trace::SpanKind::kClient);
  const std::map<std::string, std::string> expected{
      {"http.request.method", "PUT"},
      {"url.full", "https://REDACTED:REDACTED@account.blob.example:8443/receipts/order-1.json?sv=1&sig=REDACTED&x=y"},
      {"url.template", "-"},
      {"server.address", "account.blob.example"},
      {"server.port", "8443"},
      {"network.peer.address", "10.0.0.2"},
      {"network.peer.port", "8443"},
      {"network.protocol.version", "1.1"},
      {"http.request.resend_count", "-"},
      {"http.response.status_code", "201"},
      {"error.type", "-"}};
  for (const auto& [key, value] : expected) EXPECT_EQ(Attribute(span, key), value) << key;
  EXPECT_EQ(span.GetAttributes().size(), 8u) << "nothing else";
}

TEST(ClientSpan, InjectsItselfAndTheBaggageAndIsAChildOfTheCurrentSpan) {
  testing::Telemetry telemetry;
  const auto parent = DefaultTracer()->StartSpan("parent");
  auto context = otel::context::RuntimeContext::GetCurrent();
  context = otel::trace::SetSpan(context, parent);
  context = otel::baggage::SetBaggage(context, otel::baggage::Baggage::FromHeader("user=42"));
  const auto token = otel::context::RuntimeContext::Attach(context);
  MapCarrier headers;
  { ClientSpan span(Put(), headers); }
  const auto spans = telemetry.Take();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(Hex(spans[0]->GetParentSpanId()), Hex(parent->GetContext().span_id()));
  EXPECT_EQ(headers.fields_["traceparent"], "00-" + Hex(parent->GetContext().trace_id()) + "-" + Hex(spans[0]->GetSpanId()) + "-01");
  EXPECT_EQ(headers.fields_["baggage"], "user=42");
}

TEST(ClientSpan, FourAndFiveHundredsAndFailuresAreErrors) {
  testing::Telemetry telemetry;
  using otel::trace::StatusCode;
  struct Row {
    int status;
    const char* failure;
    StatusCode code;
    const char* error_type;
  };
  for (const Row& row : {Row{200, "", StatusCode::kUnset, "-"}, Row{302, "", StatusCode::kUnset, "-"}, Row{400, "", StatusCode::kError, "400"},
                         Row{503, "", StatusCode::kError, "503"}, Row{0, "timeout", StatusCode::kError, "timeout"}}) {
    MapCarrier headers;
    {
      ClientSpan span(Put(), headers);
      if (row.status != 0) span.SetResponseStatus(row.status);
      if (*row.failure != 0) span.SetError(row.failure, "the deadline passed");
    }
    const auto spans = telemetry.Take();
    EXPECT_EQ(spans[0]->GetStatus(), row.code) << row.status;
    EXPECT_EQ(Attribute(*spans[0], "error.type"), row.error_type) << row.status;
    EXPECT_EQ(spans[0]->GetDescription(), *row.failure != 0 ? "the deadline passed" : "");
  }
}

TEST(ClientSpan, RepetitionsAndTemplatesAreRecorded) {
  testing::Telemetry telemetry;
  ClientRequest request = Put();
  request.resend_count = 2;
  request.url_template = "/receipts/{name}";
  MapCarrier headers;
  { ClientSpan span(request, headers); }
  const auto spans = telemetry.Take();
  EXPECT_EQ(spans[0]->GetName(), "PUT /receipts/{name}");
  EXPECT_EQ(Attribute(*spans[0], "http.request.resend_count"), "2");
  EXPECT_EQ(Attribute(*spans[0], "url.template"), "/receipts/{name}");
}

TEST(Redaction, HidesSignaturesHoweverTheyAreWritten) {
  const std::map<std::string, std::string> rows{
      {"", ""},
      {"sig=a", "sig=REDACTED"},
      {"SIG=a&b=c", "SIG=REDACTED&b=c"},
      {"%73ig=a", "%73ig=REDACTED"},
      {"sig", "sig"},
      {"sig=", "sig=REDACTED"},
      {"sigx=a&xsig=b", "sigx=a&xsig=b"},
      {"a=1&Signature=2&AWSAccessKeyId=3&X-Goog-Signature=4&&z", "a=1&Signature=REDACTED&AWSAccessKeyId=REDACTED&X-Goog-Signature=REDACTED&&z"},
      {"%zz=1&sig=2", "%zz=1&sig=REDACTED"}};
  for (const auto& [query, redacted] : rows) EXPECT_EQ(RedactQuery(query), redacted) << query;
  EXPECT_EQ(RedactUrl("http://a/b?c#d"), "http://a/b?c#d");
  EXPECT_EQ(RedactUrl("http://u@a/b"), "http://REDACTED@a/b");
  EXPECT_EQ(RedactUrl("http://u:p@a"), "http://REDACTED:REDACTED@a");
  EXPECT_EQ(RedactUrl("http://a/x@y?sig=1#f"), "http://a/x@y?sig=REDACTED#f");
  EXPECT_EQ(RedactUrl("/relative?sig=1"), "/relative?sig=REDACTED");
  EXPECT_EQ(RedactUrl("http://u:p@x@a/"), "http://REDACTED:REDACTED@a/");
}

}  // namespace
}  // namespace azmon::http
