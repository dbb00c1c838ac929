// SPDX-License-Identifier: MIT
// What the standard metrics see of a span. It is computed apart from the item, so the two are held against each other.
#include "envelope/measure.h"

#include <gtest/gtest.h>

#include "envelope/test_records.h"

namespace azmon::envelope::testing {
namespace {

using otlp::span::kClient;
using otlp::span::kConsumer;
using otlp::span::kInternal;
using otlp::span::kProducer;
using otlp::span::kServer;
using Duration = Measures::Duration;

/// The measures of a span's message, which outlives them like the arena.
Measures MeasuresOf(const std::string& message, TextArena& arena) {
  const Around around;
  return MeasureRecord({.signal = otlp::Signal::kSpan, .message = message}, around.settings, arena);
}

TEST(Measure, DependenciesAreMeasuredAsTheirItemsSay) {
  const std::vector<std::pair<std::uint32_t, Attributes>> spans = {
      {kClient, {{"http.request.method", "PUT"}, {"url.full", "http://store.internal:10000/a/b"}, {"server.address", "store.internal"}, {"server.port", 10000},
                 {"http.response.status_code", 201}}},
      {kClient, {{"http.request.method", "GET"}, {"url.full", "https://user:pw@h/p?q"}, {"http.response.status_code", 503}}},
      {kClient, {{"http.request.method", "GET"}, {"url.full", "http://h/"}, {"microsoft.dependency.target", "t"}, {"microsoft.dependency.type", "y"},
                 {"microsoft.dependency.resultCode", "7"}}},
      {kClient, {{"db.system.name", "postgresql"}, {"db.namespace", "orders"}, {"server.address", "pg"}, {"server.port", 5433}}},
      {kClient, {{"rpc.system", "grpc"}, {"rpc.grpc.status_code", 2}, {"server.address", "peer"}}},
      {kProducer, {{"messaging.system", "kafka"}, {"messaging.destination.name", "topic"}}},
      {kClient, {{"az.namespace", "Microsoft.EventHub"}, {"server.address", "hub"}, {"messaging.destination.name", "events"}}},
      {kClient, {{"gen_ai.provider.name", "openai"}}},
      {kClient, {}},
  };
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const TestSpan span{.kind = spans[i].first, .attributes = spans[i].second, .status = i == 1 ? otlp::status::kError : otlp::status::kUnset};
    const Json data = DataOf(span);
    const std::string message = span.Message();
    TextArena arena;
    const Measures measures = MeasuresOf(message, arena);
    EXPECT_EQ(measures.duration, Duration::kDependency) << i;
    EXPECT_EQ(measures.type, data.value("type", "")) << i;
    EXPECT_EQ(measures.target, data.value("target", "")) << i;
    EXPECT_EQ(measures.result_code, data.value("resultCode", "")) << i;
    EXPECT_EQ(measures.success, data["success"]) << i;
  }
}

TEST(Measure, RequestsAreMeasuredByTheCodeOfTheirItems) {
  const std::vector<std::pair<std::uint32_t, Attributes>> spans = {
      {kServer, {{"http.request.method", "POST"}, {"http.route", "/orders"}, {"http.response.status_code", 409}}},
      {kServer, {{"rpc.system", "grpc"}, {"rpc.grpc.status_code", 5}}},
      {kServer, {{"http.request.method", "GET"}, {"http.response.status_code", 200}, {"microsoft.request.resultCode", "mine"}}},
      {kConsumer, {{"messaging.system", "kafka"}}},
  };
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const TestSpan span{.kind = spans[i].first, .attributes = spans[i].second};
    const std::string message = span.Message();
    TextArena arena;
    const Measures measures = MeasuresOf(message, arena);
    EXPECT_EQ(measures.duration, Duration::kRequest) << i;
    EXPECT_EQ(measures.result_code, DataOf(span).value("responseCode", "")) << i;
  }
}

TEST(Measure, InternalSpansCountByTheirEventsAlone) {
  TextArena arena;
  for (const std::uint32_t kind : std::vector<std::uint32_t>{kInternal, 0, 77}) {
    const std::string bare = TestSpan{.kind = kind, .attributes = {{"order.id", "7"}}}.Message();
    const Measures of_bare = MeasuresOf(bare, arena);
    EXPECT_EQ(of_bare.duration, Duration::kNone) << kind;
    EXPECT_EQ(of_bare.exceptions + of_bare.traces, 0U) << kind;
    const std::string eventful =
        TestSpan{.kind = kind, .events = {{.name = "exception", .attributes = {{"exception.type", "E"}}}, {.name = "step", .attributes = {}}}}.Message();
    const Measures of_eventful = MeasuresOf(eventful, arena);
    EXPECT_EQ(of_eventful.duration, Duration::kNone) << kind;
    EXPECT_EQ(of_eventful.exceptions, 1U) << kind;
    EXPECT_EQ(of_eventful.traces, 1U) << kind;
  }
}

}  // namespace
}  // namespace azmon::envelope::testing
