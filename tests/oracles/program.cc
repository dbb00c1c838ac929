// SPDX-License-Identifier: MIT
// One program in two languages: this and program.mjs record the same telemetry, this one through azmon, the other through the official SDK.
// A change here is a change there. Settings come from the environment.
#include <azmon/azmon.h>
#include <opentelemetry/logs/provider.h>
#include <opentelemetry/metrics/provider.h>
#include <opentelemetry/trace/context.h>
#include <opentelemetry/trace/provider.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace {

namespace logs = opentelemetry::logs;
namespace metrics = opentelemetry::metrics;
namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;
using Attributes = std::vector<std::pair<nostd::string_view, opentelemetry::common::AttributeValue>>;

constexpr const char* kScope = "shop";
constexpr const char* kVersion = "1.2.3";
constexpr const char* kSchema = "https://opentelemetry.io/schemas/1.30.0";

/// The caller's span, as a `traceparent` header would have brought it.
trace::SpanContext RemoteParent() {
  const std::uint8_t trace_id[16] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
  const std::uint8_t span_id[8] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
  return {trace::TraceId(trace_id), trace::SpanId(span_id), trace::TraceFlags(1), true, trace::TraceState::FromHeader("rojo=00f067aa,congo=t61rcWkg")};
}

void SetEveryKindOfAttribute(trace::Span& span) {
  const std::array<nostd::string_view, 3> texts{"a", "", "čaj"};
  const std::array<std::int64_t, 3> integers{1, -2, 9007199254740991};
  const std::array<double, 2> doubles{0.5, -1.25e-7};
  const bool flags[] = {true, false};
  span.SetAttribute("text", "two words");
  span.SetAttribute("text.empty", "");
  span.SetAttribute("text.unicode", "Grüße, 世界 😀\n\"quoted\"\\");
  span.SetAttribute("text.long", nostd::string_view(std::string(5000, 'x')));
  span.SetAttribute("flag", true);
  span.SetAttribute("flag.not", false);
  span.SetAttribute("integer", std::int64_t{9007199254740991});
  span.SetAttribute("integer.negative", std::int64_t{-9007199254740991});
  span.SetAttribute("integer.zero", std::int64_t{0});
  span.SetAttribute("double", 0.1);
  span.SetAttribute("double.small", 5e-324);
  span.SetAttribute("double.large", 1.5e308);
  span.SetAttribute("texts", nostd::span<const nostd::string_view>(texts.data(), texts.size()));
  span.SetAttribute("integers", nostd::span<const std::int64_t>(integers.data(), integers.size()));
  span.SetAttribute("doubles", nostd::span<const double>(doubles.data(), doubles.size()));
  span.SetAttribute("flags", nostd::span<const bool>(flags, 2));
  span.SetAttribute("set.twice", "first");
  span.SetAttribute("set.twice", "second");
}

void RecordLogs() {
  const auto logger = logs::Provider::GetLoggerProvider()->GetLogger(kScope, kScope, kVersion, kSchema);
  const auto emit = [&](logs::Severity severity, const char* body, const Attributes& attributes) {
    auto record = logger->CreateLogRecord();
    record->SetTimestamp(std::chrono::system_clock::now());
    record->SetSeverity(severity);
    record->SetBody(body);
    for (const auto& [key, value] : attributes) record->SetAttribute(key, value);
    logger->EmitLogRecord(std::move(record));
  };
  emit(logs::Severity::kInfo, "order accepted", {{"order.id", std::int64_t{42}}, {"first", true}});
  emit(logs::Severity::kWarn2, "stock is low: Äpfel", {{"left", 1.5}});
  emit(logs::Severity::kFatal, "", {});
  auto event = logger->CreateLogRecord();
  event->SetTimestamp(std::chrono::system_clock::now());
  event->SetEventId(0, "order.placed");
  event->SetAttribute("order.id", std::int64_t{42});
  logger->EmitLogRecord(std::move(event));
}

void RecordSpans() {
  const auto tracer = trace::Provider::GetTracerProvider()->GetTracer(kScope, kVersion, kSchema);
  trace::StartSpanOptions server;
  server.kind = trace::SpanKind::kServer;
  server.parent = RemoteParent();
  auto request = tracer->StartSpan("POST /orders", {{"http.request.method", "POST"}}, server);
  const auto scope = tracer->WithActiveSpan(request);
  SetEveryKindOfAttribute(*request);
  request->AddEvent("received");
  request->AddEvent("stored", {{"rows", std::int64_t{3}}, {"table", "orders"}, {"took", 0.25}});
  RecordLogs();

  trace::StartSpanOptions client;
  client.kind = trace::SpanKind::kClient;
  const auto call = tracer->StartSpan("GET", {{"http.request.method", "GET"}, {"http.response.status_code", std::int64_t{503}}}, client);
  call->SetStatus(trace::StatusCode::kError, "no answer: Zeitüberschreitung");
  call->End();

  trace::StartSpanOptions producer;
  producer.kind = trace::SpanKind::kProducer;
  const auto sent = tracer->StartSpan("orders publish", {{"messaging.system", "rabbitmq"}}, producer);
  sent->SetStatus(trace::StatusCode::kOk);
  sent->End();
  request->UpdateName("POST /orders/{id}");
  request->End();

  trace::StartSpanOptions consumer;
  consumer.kind = trace::SpanKind::kConsumer;
  consumer.parent = opentelemetry::context::Context{trace::kIsRootSpanKey, true};
  auto received = tracer->StartSpan("orders process", {}, {{sent->GetContext(), {{"position", std::int64_t{1}}}}, {RemoteParent(), {}}}, consumer);
  const auto in_received = tracer->WithActiveSpan(received);
  trace::Provider::GetTracerProvider()->GetTracer("other")->StartSpan("step")->End();
  received->End();
}

void RecordMetrics() {
  const auto meter = metrics::Provider::GetMeterProvider()->GetMeter(kScope, kVersion, kSchema);
  const auto orders = meter->CreateUInt64Counter("orders", "orders placed", "{order}");
  orders->Add(3, {{"paid", true}, {"country", "CZ"}});
  orders->Add(4, {{"paid", true}, {"country", "CZ"}});
  orders->Add(1, {{"paid", false}, {"country", "SE"}});
  const auto weight = meter->CreateDoubleCounter("weight", "", "kg");
  weight->Add(0.75);
  weight->Add(1.5);
  const auto open = meter->CreateInt64UpDownCounter("open", "open orders", "{order}");
  open->Add(5);
  open->Add(-7);
  const auto duration = meter->CreateDoubleHistogram("duration", "of an order", "ms");
  for (const double value : {0.0, 3.5, 12.0, 80.25, 80.25, 99999.0}) duration->Record(value, {{"paid", true}}, opentelemetry::context::Context{});
}

}  // namespace

int main() {
  auto telemetry = azmon::Configure();
  for (const azmon::Problem& problem : telemetry.problems()) std::fprintf(stderr, "%s: %s\n", problem.setting.c_str(), problem.text.c_str());
  const auto meter = metrics::Provider::GetMeterProvider()->GetMeter(kScope, kVersion, kSchema);
  const auto level = meter->CreateDoubleObservableGauge("level", "of the tank", "1");
  level->AddCallback([](metrics::ObserverResult result, void*) {
    nostd::get<nostd::shared_ptr<metrics::ObserverResultT<double>>>(result)->Observe(0.625, {{"tank", "north"}});
  }, nullptr);
  RecordSpans();
  RecordMetrics();
  // The reader of metrics collects once, at the end: both programs send one state of each instrument.
  return telemetry.Shutdown(std::chrono::seconds(20)) && telemetry.ok() ? 0 : 1;
}
