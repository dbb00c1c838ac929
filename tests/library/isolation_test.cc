// SPDX-License-Identifier: MIT
// Nothing of one destination's internals reaches another: one test an item, with all three destinations on. Each first shows that the item
// is there where it belongs, so that its absence elsewhere says something.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opentelemetry/logs/provider.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/provider.h>

#include "azmon/events.h"
#include "destinations.h"

namespace azmon {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
namespace trace = opentelemetry::trace;

/// What a program's telemetry looks like at each destination.
class IsolationTest : public testing::Test {
 protected:
  /// Starts the distro, lets `work` make telemetry, and ends it.
  template <typename Work>
  void Run(Options options, Work work) {
    options.console = Console::kOn;
    testing::internal::CaptureStderr();
    {
      const auto telemetry = Configure(std::move(options));
      EXPECT_TRUE(telemetry.ok());
      work();
    }
    console_ = testing::internal::GetCapturedStderr();
  }
  void Run() { Run(For(destinations_), &MakeRequest); }

  /// A request with a child, a log record and an exception, and a metric.
  static void MakeRequest() {
    const auto tracer = trace::Provider::GetTracerProvider()->GetTracer("test");
    trace::StartSpanOptions options;
    options.kind = trace::SpanKind::kServer;
    auto server = tracer->StartSpan("handle", {{"http.request.method", "GET"}, {"http.route", "/operation/{name}"}}, options);
    const auto scope = tracer->WithActiveSpan(server);
    options.kind = trace::SpanKind::kClient;
    tracer->StartSpan("call", options)->End();
    opentelemetry::logs::Provider::GetLoggerProvider()->GetLogger("logger", "library")->Warn("body of the log");
    RecordException(std::runtime_error("what happened"));
    server->End();
    opentelemetry::metrics::Provider::GetMeterProvider()->GetMeter("test")->CreateUInt64Counter("orders")->Add(3);
  }

  std::vector<json> ItemsOf(const char* base_type) {
    std::vector<json> found;
    for (const json& item : destinations_.Items()) {
      if (item["data"]["baseType"] == base_type) found.push_back(item);
    }
    return found;
  }
  /// The others' bytes; both have everything of the program's own.
  void ExpectElsewhereNot(const std::string& text) {
    for (const char* const own : {"handle", "body of the log", "what happened"}) {
      EXPECT_THAT(destinations_.AllOtlp(), HasSubstr(own));
      EXPECT_THAT(console_, HasSubstr(own));
    }
    EXPECT_THAT(destinations_.AllOtlp(), Not(HasSubstr(text)));
    EXPECT_THAT(console_, Not(HasSubstr(text)));
  }

  Destinations destinations_;
  std::string console_;
};

TEST_F(IsolationTest, MarksOfTheStandardMetricsStayWithApplicationInsights) {
  Run();
  for (const char* const type : {"RequestData", "RemoteDependencyData", "MessageData", "ExceptionData"}) {
    ASSERT_FALSE(ItemsOf(type).empty()) << type;
    EXPECT_TRUE(ItemsOf(type)[0]["data"]["baseData"]["properties"].contains("_MS.ProcessedByMetricExtractors")) << type;
  }
  ExpectElsewhereNot("_MS.");
  ExpectElsewhereNot("ProcessedByMetricExtractors");
}

TEST_F(IsolationTest, SampleRatesStayWithApplicationInsights) {
  Options options = For(destinations_);
  options.sampling_ratio = 0.5;
  options.enable_trace_based_log_sampling = true;
  Run(std::move(options), [] {
    for (int i = 0; i < 40; ++i) MakeRequest();
  });
  ASSERT_FALSE(ItemsOf("RequestData").empty());
  EXPECT_EQ(ItemsOf("RequestData")[0]["sampleRate"], 50);
  ASSERT_FALSE(ItemsOf("MessageData").empty());
  EXPECT_EQ(ItemsOf("MessageData")[0]["sampleRate"], 50);
  ExpectElsewhereNot("sample_rate");
  ExpectElsewhereNot("sampleRate");
}

TEST_F(IsolationTest, OperationNameOfTheLocalRootStaysWithApplicationInsights) {
  Run();
  for (const char* const type : {"RequestData", "RemoteDependencyData", "MessageData", "ExceptionData"}) {
    ASSERT_FALSE(ItemsOf(type).empty()) << type;
    EXPECT_EQ(ItemsOf(type)[0]["tags"]["ai.operation.name"], "GET /operation/{name}") << type;
  }
  ExpectElsewhereNot("GET /operation/{name}");
  ExpectElsewhereNot("ai.operation");
}

TEST_F(IsolationTest, StandardMetricsStayWithApplicationInsights) {
  Run();
  std::vector<std::string> names;
  for (const json& item : ItemsOf("MetricData")) names.push_back(item["data"]["baseData"]["metrics"][0]["name"]);
  EXPECT_THAT(names, testing::IsSupersetOf({"requests/duration", "dependencies/duration", "exceptions/count", "traces/count", "_OTELRESOURCE_"}));
  for (const char* const name : {"requests/duration", "dependencies/duration", "exceptions/count", "traces/count", "_OTELRESOURCE_"}) ExpectElsewhereNot(name);
}

TEST_F(IsolationTest, EachDestinationHasItsOwnTemporality) {
  Run(For(destinations_), [] {
    MakeRequest();
    const auto provider = opentelemetry::metrics::Provider::GetMeterProvider();
    const auto counter = provider->GetMeter("test")->CreateUInt64Counter("sum");
    counter->Add(3);
    Configure(Quiet({})).ForceFlush(kWatchdog);
    counter->Add(4);
  });
  std::vector<double> azure;
  for (const json& item : ItemsOf("MetricData")) {
    const json& point = item["data"]["baseData"]["metrics"][0];
    if (point["name"] == "sum") azure.push_back(point["value"]);
  }
  EXPECT_THAT(azure, testing::ElementsAre(3, 4));
  std::vector<std::int64_t> otlp;
  for (const auto& metric : destinations_.OtlpMetrics()) {
    if (metric.name() == "sum") otlp.push_back(metric.sum().data_points(0).as_int());
  }
  // A flush may meet a collection that was due anyway: cumulative sums may come twice.
  EXPECT_THAT(otlp, testing::Each(testing::AnyOf(3, 7)));
  ASSERT_FALSE(otlp.empty());
  EXPECT_EQ(otlp.back(), 7);
  EXPECT_THAT(console_, HasSubstr(" sum value=3\n"));
  EXPECT_THAT(console_, HasSubstr(" sum value=4\n"));
}

TEST_F(IsolationTest, KeysAndHeadersStayWithTheirDestination) {
  Options options = For(destinations_);
  options.otlp.headers["x-api-key"] = "only-for-otlp";
  Run(std::move(options), &MakeRequest);
  EXPECT_THAT(destinations_.AllAzure(), HasSubstr("00000000-0000-4000-8000-0000a2004380"));
  ExpectElsewhereNot("00000000-0000-4000-8000-0000a2004380");
  EXPECT_THAT(destinations_.AllAzure(), Not(HasSubstr("only-for-otlp")));
  ExpectElsewhereNot("only-for-otlp");
}

TEST_F(IsolationTest, SpansThatOnlyOtlpWantsReachNobodyElse) {
  Options options = For(destinations_);
  options.sampling_ratio = 0;
  options.otlp.sampling = OtlpSampling::kAll;
  Run(std::move(options), &MakeRequest);
  EXPECT_THAT(destinations_.OtlpSpanNames(), testing::UnorderedElementsAre("handle", "call"));
  EXPECT_TRUE(ItemsOf("RequestData").empty());
  EXPECT_TRUE(ItemsOf("RemoteDependencyData").empty());
  EXPECT_THAT(console_, Not(HasSubstr("\"handle\"")));
}

TEST_F(IsolationTest, ConsoleShowsEverySignalOnceAndIsInTheHealth) {
  Run(For(destinations_), [] {
    MakeRequest();
    auto running = Configure(Quiet({}));
    EXPECT_TRUE(running.ForceFlush(kWatchdog));
    const auto health = running.health();
    ASSERT_TRUE(health.console.has_value());
    EXPECT_EQ(health.console->accepted, 4U) << "two spans, a log record, a metric";
    EXPECT_EQ(health.console->delivered, 4U);
  });
  for (const char* const line : {" SERVER \"handle\" ", " CLIENT \"call\" ", " WARN \"body of the log\" ", " orders value=3\n"}) {
    const auto first = console_.find(line);
    EXPECT_NE(first, std::string::npos) << line << " is not in:\n" << console_;
    EXPECT_EQ(console_.find(line, first + 1), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace azmon
