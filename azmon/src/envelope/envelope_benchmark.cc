// SPDX-License-Identifier: MIT
// Nanoseconds from a record to its items.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "envelope/attributes.h"
#include "envelope/envelope.h"
#include "envelope/measure.h"
#include "envelope/span.h"
#include "otlp/annotations.h"
#include "otlp/fields.h"
#include "otlp/record.h"
#include "otlp/wire.h"

namespace azmon::envelope {
namespace {

std::string StringAttribute(std::string_view key, std::string_view value) {
  std::string out;
  otlp::AppendBytesField(otlp::key_value::kKey, key, out);
  const std::size_t mark = otlp::OpenMessage(otlp::key_value::kValue, out);
  otlp::AppendBytesField(otlp::any_value::kString, value, out);
  otlp::CloseMessage(mark, out);
  return out;
}

std::string IntAttribute(std::string_view key, std::int64_t value) {
  std::string out;
  otlp::AppendBytesField(otlp::key_value::kKey, key, out);
  const std::size_t mark = otlp::OpenMessage(otlp::key_value::kValue, out);
  otlp::AppendVarintField(otlp::any_value::kInt, static_cast<std::uint64_t>(value), out);
  otlp::CloseMessage(mark, out);
  return out;
}

/// @param attributes  KeyValue messages
std::string SpanMessage(std::uint32_t kind, std::string_view name, const std::vector<std::string>& attributes) {
  namespace field = otlp::span;
  std::string out;
  otlp::AppendBytesField(field::kTraceId, "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36", out);
  otlp::AppendBytesField(field::kSpanId, "\x1a\xf0\x67\xaa\x0b\xa9\x02\xb7", out);
  otlp::AppendBytesField(field::kParentSpanId, "\xb7\xad\x6b\x71\x69\x20\x33\x31", out);
  otlp::AppendBytesField(field::kName, name, out);
  otlp::AppendVarintField(field::kKind, kind, out);
  otlp::AppendFixed64Field(field::kStartTime, 1'704'164'645'678'123'456, out);
  otlp::AppendFixed64Field(field::kEndTime, 1'704'164'645'690'469'134, out);
  for (const std::string& attribute : attributes) otlp::AppendBytesField(field::kAttributes, attribute, out);
  return out;
}

/// The ten attributes of an HTTP server instrumentation.
std::string ServerSpan() {
  return SpanMessage(otlp::span::kServer, "GET /orders/{id}",
                     {StringAttribute("http.request.method", "GET"), StringAttribute("url.scheme", "https"),
                      StringAttribute("url.path", "/orders/4711"), StringAttribute("http.route", "/orders/{id}"),
                      StringAttribute("server.address", "checkout.example.com"), IntAttribute("server.port", 443),
                      IntAttribute("http.response.status_code", 200), StringAttribute("client.address", "203.0.113.9"),
                      StringAttribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"), StringAttribute("network.protocol.version", "1.1")});
}

std::string DatabaseSpan() {
  return SpanMessage(otlp::span::kClient, "SELECT orders",
                     {StringAttribute("db.system.name", "postgresql"), StringAttribute("db.namespace", "orders"),
                      StringAttribute("db.query.text", "SELECT id, name, price FROM orders WHERE customer = ? AND state = ?"),
                      StringAttribute("db.operation.name", "SELECT"), StringAttribute("server.address", "pg.internal"),
                      IntAttribute("server.port", 5433), StringAttribute("thread.name", "worker-3")});
}

/// Ten attributes that all become properties.
std::string InternalSpan() {
  std::vector<std::string> attributes;
  for (int i = 0; i < 10; ++i) attributes.push_back(StringAttribute("app.attribute." + std::to_string(i), "a value of a usual length"));
  return SpanMessage(otlp::span::kInternal, "compute totals", attributes);
}

struct Fixture {
  Settings settings;
  ResourceContext resource;
  ScopeContext scope;

  Fixture() {
    settings.instrumentation_key = "00000000-0000-0000-0000-000000000001";
    settings.sdk_version = "ulm_cpp20:otel1.19.0:dst0.1.0";
    std::string message;
    otlp::AppendBytesField(otlp::resource::kAttributes, StringAttribute("service.name", "checkout"), message);
    otlp::AppendBytesField(otlp::resource::kAttributes, StringAttribute("service.instance.id", "checkout--1-abcdef"), message);
    otlp::AppendBytesField(otlp::resource::kAttributes, StringAttribute("service.version", "1.2.3"), message);
    resource = ResourceContext::Make(message, settings);
  }
};

void Append(benchmark::State& state, const std::string& message) {
  const Fixture fixture;
  std::string annotations;
  otlp::AppendAnnotations({.operation_name = "GET /orders/{id}", .processed_by_metric_extractors = true}, annotations);
  const otlp::RecordView record{.signal = otlp::Signal::kSpan, .annotations = annotations, .message = message};
  std::string out;
  out.reserve(1 << 20);
  for (auto _ : state) {
    if (out.size() > (1 << 20) - 8192) out.clear();
    benchmark::DoNotOptimize(AppendItems(record, fixture.resource, fixture.scope, fixture.settings, {}, out));
  }
  out.clear();
  AppendItems(record, fixture.resource, fixture.scope, fixture.settings, {}, out);
  state.counters["item_bytes"] = static_cast<double>(out.size());
}

void ServerSpanToItem(benchmark::State& state) { Append(state, ServerSpan()); }
BENCHMARK(ServerSpanToItem);
void DatabaseSpanToItem(benchmark::State& state) { Append(state, DatabaseSpan()); }
BENCHMARK(DatabaseSpanToItem);
void InternalSpanToItem(benchmark::State& state) { Append(state, InternalSpan()); }
BENCHMARK(InternalSpanToItem);

void ServerSpanRead(benchmark::State& state) {
  const std::string message = ServerSpan();
  for (auto _ : state) {
    Span span;
    ReadSpan(message, span);
    benchmark::DoNotOptimize(span.attributes.size());
  }
}
BENCHMARK(ServerSpanRead);

void ServerSpanMeasured(benchmark::State& state) {
  const Fixture fixture;
  const std::string message = ServerSpan();
  for (auto _ : state) {
    TextArena arena;
    benchmark::DoNotOptimize(MeasureRecord({.signal = otlp::Signal::kSpan, .message = message}, fixture.settings, arena));
  }
}
BENCHMARK(ServerSpanMeasured);

}  // namespace
}  // namespace azmon::envelope

BENCHMARK_MAIN();
