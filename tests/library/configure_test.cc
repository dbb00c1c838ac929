// SPDX-License-Identifier: MIT
// The library as a program sees it: libazmon.so, the global providers, and a server that plays both destinations.
//
// Each test is a process of its own under ctest, so every one begins without global providers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opentelemetry/context/propagation/global_propagator.h>
#include <opentelemetry/logs/provider.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/provider.h>
#include <opentelemetry/sdk/metrics/meter_provider.h>
#include <opentelemetry/sdk/logs/logger_provider_factory.h>
#include <opentelemetry/sdk/trace/span_data.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/provider.h>

#include "azmon/events.h"
#include "azmon/sdk.h"
#include "destinations.h"

namespace azmon {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
namespace trace = opentelemetry::trace;

void ExpectSumHolds(const Health& health) {
  for (const auto& destination : {health.azure, health.otlp}) {
    if (!destination) continue;
    std::uint64_t dropped = 0;
    for (const auto& [reason, count] : destination->dropped) dropped += count;
    EXPECT_EQ(destination->accepted, destination->delivered + dropped + destination->in_journal);
  }
}

TEST(Configure, OneCallSendsASpanToBothDestinations) {
  Destinations destinations;
  auto telemetry = Configure(For(destinations));
  EXPECT_TRUE(telemetry.ok());
  EXPECT_TRUE(telemetry.problems().empty());
  MakeSpan("place order");
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  const auto items = destinations.Items();
  ASSERT_THAT(destinations.BaseTypes(), Contains("RemoteDependencyData"));
  EXPECT_EQ(items.back()["data"]["baseData"]["name"], "place order");
  EXPECT_EQ(items.back()["tags"]["ai.cloud.role"], "shop");
  EXPECT_THAT(destinations.OtlpSpanNames(), Contains("place order"));
  const Health health = telemetry.health();
  EXPECT_EQ(health.azure->delivered, 1U);
  EXPECT_EQ(health.otlp->delivered, 1U);
  ExpectSumHolds(health);
}

TEST(Configure, PropagatorsOfTraceContextAndBaggageAreInstalled) {
  Destinations destinations;
  const auto telemetry = Configure(For(destinations));
  std::vector<std::string> fields;
  opentelemetry::context::propagation::GlobalTextMapPropagator::GetGlobalPropagator()->Fields([&](opentelemetry::nostd::string_view field) {
    fields.emplace_back(field.data(), field.size());
    return true;
  });
  EXPECT_THAT(fields, testing::IsSupersetOf({"traceparent", "tracestate", "baggage"}));
}

TEST(Configure, DestructorSendsWhatWaits) {
  Destinations destinations;
  {
    Options options = For(destinations);
    options.export_interval = 1h;
    const auto telemetry = Configure(std::move(options));
    MakeSpan("last words");
  }
  EXPECT_THAT(destinations.OtlpSpanNames(), Contains("last words"));
  EXPECT_THAT(destinations.BaseTypes(), Contains("RemoteDependencyData"));
}

TEST(Configure, EitherDestinationMayBeAbsent) {
  Destinations destinations;
  {
    Options options = For(destinations);
    options.otlp.enabled = false;
    auto telemetry = Configure(std::move(options));
    MakeSpan("azure alone");
    EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
    EXPECT_FALSE(telemetry.health().otlp.has_value());
    EXPECT_EQ(telemetry.health().azure->delivered, 1U);
  }
  EXPECT_TRUE(destinations.OtlpSpanNames().empty());
  Options options = For(destinations);
  options.connection_string.reset();
  options.globals = Globals::kReplace;
  auto telemetry = Configure(std::move(options));
  MakeSpan("otlp alone");
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  EXPECT_FALSE(telemetry.health().azure.has_value());
  EXPECT_THAT(destinations.OtlpSpanNames(), testing::ElementsAre("otlp alone"));
}

TEST(Configure, WithoutDestinationItRunsAndSaysWhatToSet) {
  auto telemetry = Configure(Quiet({}));
  EXPECT_FALSE(telemetry.ok());
  ASSERT_EQ(telemetry.problems().size(), 1U);
  EXPECT_THAT(telemetry.problems()[0].text, HasSubstr("OTLP_EXPORT_ENDPOINT"));
  MakeSpan("nowhere");
  EXPECT_TRUE(telemetry.ForceFlush(1s));
}

TEST(Configure, ProviderThatTheProgramSetBeforeStaysAndIsReported) {
  Destinations destinations;
  class OwnProvider final : public trace::TracerProvider {
   public:
    opentelemetry::nostd::shared_ptr<trace::Tracer> GetTracer(opentelemetry::nostd::string_view, opentelemetry::nostd::string_view,
                                                              opentelemetry::nostd::string_view) noexcept override {
      return opentelemetry::nostd::shared_ptr<trace::Tracer>(new trace::NoopTracer);
    }
  };
  const opentelemetry::nostd::shared_ptr<trace::TracerProvider> before(new OwnProvider);
  trace::Provider::SetTracerProvider(before);
  auto telemetry = Configure(For(destinations));
  EXPECT_EQ(trace::Provider::GetTracerProvider().get(), before.get());
  ASSERT_EQ(telemetry.problems().size(), 1U);
  EXPECT_EQ(telemetry.problems()[0].setting, "Options::globals");
  EXPECT_TRUE(telemetry.ok()) << "it is a warning";
  telemetry.tracer_provider()->GetTracer("test")->StartSpan("by hand")->End();
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  EXPECT_THAT(destinations.OtlpSpanNames(), Contains("by hand"));
}

TEST(Configure, GlobalsAreLeftAloneWhenAskedTo) {
  Destinations destinations;
  Options options = For(destinations);
  options.globals = Globals::kLeave;
  auto telemetry = Configure(std::move(options));
  EXPECT_NE(dynamic_cast<trace::NoopTracerProvider*>(trace::Provider::GetTracerProvider().get()), nullptr);
  EXPECT_TRUE(telemetry.problems().empty());
}

TEST(Configure, PipelineThatTheProgramBuildsReachesBothDestinationsUntilShutdown) {
  namespace sdk = opentelemetry::sdk;
  /// A processor of the program's own beside ours.
  class Counts final : public sdk::trace::SpanProcessor {
   public:
    explicit Counts(int& ended) : ended_(ended) {}
    std::unique_ptr<sdk::trace::Recordable> MakeRecordable() noexcept override { return std::make_unique<sdk::trace::SpanData>(); }
    void OnStart(sdk::trace::Recordable&, const trace::SpanContext&) noexcept override {}
    void OnEnd(std::unique_ptr<sdk::trace::Recordable>&&) noexcept override { ++ended_; }
    bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
    bool Shutdown(std::chrono::microseconds) noexcept override { return true; }

   private:
    int& ended_;
  };
  Destinations destinations;
  Options options = For(destinations);
  options.globals = Globals::kLeave;
  auto telemetry = Configure(std::move(options));

  int ended = 0;
  std::vector<std::unique_ptr<sdk::trace::SpanProcessor>> processors;
  processors.push_back(std::make_unique<Counts>(ended));
  processors.push_back(MakeSpanProcessor(telemetry));
  const auto traces = sdk::trace::TracerProviderFactory::Create(std::move(processors), ResourceOf(telemetry), MakeSampler(telemetry));
  const auto logs = sdk::logs::LoggerProviderFactory::Create(MakeLogRecordProcessor(telemetry), ResourceOf(telemetry));
  sdk::metrics::MeterProvider meters(std::make_unique<sdk::metrics::ViewRegistry>(), ResourceOf(telemetry));
  for (auto& reader : MakeMetricReaders(telemetry)) meters.AddMetricReader(std::move(reader));
  traces->GetTracer("own")->StartSpan("own pipeline")->End();
  logs->GetLogger("own", "shop")->Info("own log");
  const auto counter = meters.GetMeter("own")->CreateUInt64Counter("own.counter");
  counter->Add(1);
  EXPECT_TRUE(meters.ForceFlush());
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));

  EXPECT_EQ(ended, 1);
  EXPECT_THAT(destinations.OtlpSpanNames(), testing::ElementsAre("own pipeline"));
  EXPECT_THAT(destinations.BaseTypes(), testing::IsSupersetOf({"RemoteDependencyData", "MessageData", "MetricData"}));
  for (const json& item : destinations.Items()) EXPECT_EQ(item["tags"]["ai.cloud.role"], "shop");
  ASSERT_FALSE(destinations.OtlpMetrics().empty());
  EXPECT_EQ(destinations.OtlpMetrics()[0].name(), "own.counter");

  EXPECT_TRUE(telemetry.Shutdown(kWatchdog));
  const auto accepted = telemetry.health().otlp->accepted;
  traces->GetTracer("own")->StartSpan("too late")->End();
  EXPECT_EQ(telemetry.health().otlp->accepted, accepted);
}

TEST(Configure, SecondCallReturnsTheRunningOneAndAProblem) {
  Destinations destinations;
  auto first = Configure(For(destinations));
  {
    auto second = Configure(For(destinations));
    EXPECT_EQ(second.tracer_provider().get(), first.tracer_provider().get());
    EXPECT_THAT(second.problems().back().text, HasSubstr("runs"));
  }
  MakeSpan("still alive");
  EXPECT_TRUE(first.ForceFlush(kWatchdog));
  EXPECT_THAT(destinations.OtlpSpanNames(), Contains("still alive"));
}

TEST(Configure, ShutdownKeepsItsDeadlineWhenDestinationsHang) {
  Destinations destinations;
  destinations.Hang(true);
  auto telemetry = Configure(For(destinations));
  MakeSpan("stuck");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(telemetry.Shutdown(300ms));
  // The promise is 100 ms over the deadline; the rest is room for a loaded machine.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 300ms + 2s);
  ExpectSumHolds(telemetry.health());
  EXPECT_EQ(telemetry.health().azure->in_journal, 1U) << "it is kept for the next start";
  EXPECT_EQ(telemetry.health().azure->accepted, 1U);
  MakeSpan("too late");
  EXPECT_EQ(telemetry.health().azure->accepted, 1U);
  destinations.Hang(false);
}

/// The values of a metric that came by Application Insights' way.
std::vector<double> MetricValues(Destinations& destinations, std::string_view name) {
  std::vector<double> values;
  for (const json& item : destinations.Items()) {
    const json& data = item["data"]["baseData"];
    if (data.contains("metrics") && data["metrics"][0]["name"] == name) values.push_back(data["metrics"][0]["value"]);
  }
  return values;
}

TEST(Configure, ShutdownSendsTheLastIntervalOfTheSdkStatistics) {
  Destinations destinations;
  auto telemetry = Configure(For(destinations));
  MakeSpan("only one");
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  EXPECT_THAT(MetricValues(destinations, "Item_Success_Count"), testing::IsEmpty());
  EXPECT_TRUE(telemetry.Shutdown(kWatchdog));
  const auto counts = MetricValues(destinations, "Item_Success_Count");
  ASSERT_FALSE(counts.empty());
  // The span, and metrics: `_OTELRESOURCE_` at the head of its batch and the standard metrics.
  EXPECT_THAT(counts, Contains(1));
  EXPECT_EQ(telemetry.health().azure->in_journal, 0U);
  ExpectSumHolds(telemetry.health());
}

TEST(Configure, ShutdownKeepsItsDeadlineWithMetricReadersWhenDestinationsHang) {
  Destinations destinations;
  destinations.Hang(true);
  Options options = For(destinations);
  options.metric_interval = 10ms;  // readers are at work all the time
  auto telemetry = Configure(std::move(options));
  const auto meter = opentelemetry::metrics::Provider::GetMeterProvider()->GetMeter("test");
  const auto counter = meter->CreateUInt64Counter("orders");
  const auto histogram = meter->CreateDoubleHistogram("http.server.request.duration", "", "s");
  opentelemetry::sdk::metrics::MeterProvider own(std::make_unique<opentelemetry::sdk::metrics::ViewRegistry>(), ResourceOf(telemetry));
  for (auto& reader : MakeMetricReaders(telemetry)) own.AddMetricReader(std::move(reader));
  for (int i = 0; i < 1000; ++i) {
    counter->Add(1, {{"i", i % 100}});
    histogram->Record(i, opentelemetry::context::Context{});
  }
  MakeSpan("stuck");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(telemetry.Shutdown(300ms));
  // As above. Without an end of its own it would wait for destinations that answer only after the test.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 300ms + 2s);
  ExpectSumHolds(telemetry.health());
  EXPECT_GE(telemetry.health().otlp->in_journal, 1U) << "it is kept for the next start";
  destinations.Hang(false);
}

TEST(Configure, LogsEventsAndExceptionsBecomeTheirItems) {
  Destinations destinations;
  auto telemetry = Configure(For(destinations));
  opentelemetry::logs::Provider::GetLoggerProvider()->GetLogger("orders", "shop")->Warn("queue is nearly full");
  TrackEvent("order placed", {{"order.id", "42"}});
  TrackAvailability({.id = "1", .name = "ping", .duration = 12ms, .success = true});
  try {
    throw std::runtime_error("no stock");
  } catch (...) {
    RecordCurrentException();
    RecordCurrentException();
  }
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  EXPECT_THAT(destinations.BaseTypes(), testing::IsSupersetOf({"MessageData", "EventData", "AvailabilityData", "ExceptionData"}));
  int exceptions = 0;
  for (const json& item : destinations.Items()) {
    const json& data = item["data"]["baseData"];
    if (item["data"]["baseType"] == "ExceptionData") {
      ++exceptions;
      EXPECT_EQ(data["exceptions"][0]["typeName"], "std::runtime_error");
      EXPECT_EQ(data["exceptions"][0]["message"], "no stock");
    }
    if (item["data"]["baseType"] == "MessageData") {
      EXPECT_EQ(data["message"], "queue is nearly full");
      EXPECT_EQ(data["severityLevel"], "Warning");
    }
    if (item["data"]["baseType"] == "EventData") {
      EXPECT_EQ(data["name"], "order placed");
    }
  }
  EXPECT_EQ(exceptions, 1) << "the same exception is recorded once";
}

TEST(Configure, OtlpGetsEveryTraceAndAzureItsShareWithRightCounts) {
  constexpr int kTraces = 1000;
  Destinations destinations;
  {
    Options options = For(destinations);
    options.sampling_ratio = 0.1;
    options.otlp.sampling = OtlpSampling::kAll;
    const auto telemetry = Configure(std::move(options));
    const auto tracer = trace::Provider::GetTracerProvider()->GetTracer("test");
    trace::StartSpanOptions server;
    server.kind = trace::SpanKind::kServer;
    for (int i = 0; i < kTraces; ++i) tracer->StartSpan("GET /", server)->End();
  }
  EXPECT_EQ(destinations.OtlpSpanNames().size(), static_cast<std::size_t>(kTraces));
  int items = 0;
  double counted = 0;
  for (const json& item : destinations.Items()) {
    const json& data = item["data"]["baseData"];
    if (item["data"]["baseType"] == "RequestData") {
      ++items;
      EXPECT_EQ(item["sampleRate"], 10);
      EXPECT_TRUE(data["properties"].contains("_MS.ProcessedByMetricExtractors"));
    }
    if (item["data"]["baseType"] == "MetricData" && data["metrics"][0]["name"] == "requests/duration") counted += data["metrics"][0]["count"].get<double>();
  }
  EXPECT_GT(items, kTraces / 20);
  EXPECT_LT(items, kTraces / 5);
  EXPECT_EQ(counted, kTraces) << "standard metrics count what sampling left out, once";
  for (const std::string& message : destinations.OtlpMessages()) {
    EXPECT_THAT(message, testing::Not(HasSubstr("_MS."))) << "nothing of Azure's reaches OTLP";
    EXPECT_THAT(message, testing::Not(HasSubstr("sample_rate")));
  }
}

TEST(Configure, MetricsGoToBothDestinationsEachInItsTemporality) {
  Destinations destinations;
  {
    auto telemetry = Configure(For(destinations));
    const auto meter = opentelemetry::metrics::Provider::GetMeterProvider()->GetMeter("test");
    const auto counter = meter->CreateUInt64Counter("orders");
    const auto duration = meter->CreateDoubleHistogram("http.server.request.duration", "", "s");
    counter->Add(3);
    duration->Record(0.02, opentelemetry::context::Context{});
    EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
    counter->Add(4);
  }
  std::vector<double> deltas;
  for (const json& item : destinations.Items()) {
    const json& data = item["data"]["baseData"];
    if (item["data"]["baseType"] == "MetricData" && data["metrics"][0]["name"] == "orders") deltas.push_back(data["metrics"][0]["value"]);
  }
  EXPECT_THAT(deltas, testing::ElementsAre(3, 4)) << "deltas, the last at shutdown";
  std::vector<std::int64_t> sums;
  std::vector<double> bounds;
  for (const auto& metric : destinations.OtlpMetrics()) {
    if (metric.name() == "orders") sums.push_back(metric.sum().data_points(0).as_int());
    if (metric.has_histogram()) bounds.assign(metric.histogram().data_points(0).explicit_bounds().begin(), metric.histogram().data_points(0).explicit_bounds().end());
  }
  ASSERT_FALSE(sums.empty());
  EXPECT_EQ(sums.back(), 7) << "cumulative";
  ASSERT_FALSE(bounds.empty());
  EXPECT_EQ(bounds.front(), 0.005);
  EXPECT_EQ(bounds.back(), 10);
}

TEST(Configure, ExceptionInsideASpanIsItsEventAndNoLog) {
  Destinations destinations;
  Options options = For(destinations);
  options.enable_standard_metrics = false;
  auto telemetry = Configure(std::move(options));
  {
    const auto tracer = trace::Provider::GetTracerProvider()->GetTracer("test");
    auto span = tracer->StartSpan("work");
    const auto scope = tracer->WithActiveSpan(span);
    RecordException(std::logic_error("wrong"));
    span->End();
  }
  EXPECT_TRUE(telemetry.ForceFlush(kWatchdog));
  EXPECT_EQ(telemetry.health().azure->accepted, 1U) << "one record: the span";
  EXPECT_THAT(destinations.BaseTypes(), Contains("ExceptionData"));
}

}  // namespace
}  // namespace azmon
