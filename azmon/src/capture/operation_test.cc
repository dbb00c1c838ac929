// SPDX-License-Identifier: MIT
// What spans pass on to the items below them: the name of the operation (distro contract 6.7) and the sampling rate (2.5, 2.9). The providers
// are wired as the distro wires them.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include <opentelemetry/logs/logger.h>
#include <opentelemetry/proto/logs/v1/logs.pb.h>
#include <opentelemetry/proto/trace/v1/trace.pb.h>
#include <opentelemetry/sdk/logs/logger_provider.h>
#include <opentelemetry/sdk/logs/logger_provider_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>

#include "capture/log_processor.h"
#include "capture/sampler.h"
#include "capture/span_processor.h"
#include "otlp/annotations.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;
namespace sdk = opentelemetry::sdk;
using trace::SpanKind;
using Span = nostd::shared_ptr<trace::Span>;

class OperationTest : public testing::Test {
 protected:
  void Start(SamplerOptions sampler = {}, bool trace_based_logs = false) {
    const auto spans = std::make_shared<LocalSpans>();
    const ProcessorOptions options{.destinations = otlp::kForAzure | otlp::kForOtlp, .spans = spans};
    provider_ = sdk::trace::TracerProviderFactory::Create(std::make_unique<SpanProcessor>(journal_, options), sdk::resource::Resource::Create({}),
                                                          std::make_unique<Sampler>(sampler, spans, base::SystemClock()));
    tracer_ = provider_->GetTracer("library");
    logger_provider_ = sdk::logs::LoggerProviderFactory::Create(
        std::make_unique<LogProcessor>(journal_, LogProcessorOptions{.common = options, .trace_based_sampling = trace_based_logs}));
    logger_ = logger_provider_->GetLogger("logger", "library");
  }

  Span Begin(const char* name, SpanKind kind, const Span& parent = Span()) {
    trace::StartSpanOptions options;
    options.kind = kind;
    if (parent) options.parent = parent->GetContext();
    return tracer_->StartSpan(name, options);
  }
  void Log(const char* body, Span span) {
    const auto scope = tracer_->WithActiveSpan(span);
    logger_->Info(body);
  }

  /// Annotations by span name or log body.
  std::map<std::string, otlp::Annotations> Read() {
    batch_ = journal_->Read(journal::Destination::kAzure, 1000, 1u << 20);
    std::map<std::string, otlp::Annotations> read;
    for (const auto& entry : batch_.entries) {
      const auto bytes = static_cast<int>(entry.record.message.size());
      std::string name;
      if (entry.record.signal == otlp::Signal::kSpan) {
        opentelemetry::proto::trace::v1::Span span;
        EXPECT_TRUE(span.ParseFromArray(entry.record.message.data(), bytes));
        name = span.name();
      } else {
        opentelemetry::proto::logs::v1::LogRecord log;
        EXPECT_TRUE(log.ParseFromArray(entry.record.message.data(), bytes));
        name = log.body().string_value();
      }
      read[name] = otlp::ReadAnnotations(entry.record.annotations);
    }
    return read;
  }
  std::map<std::string, std::string> Names() {
    std::map<std::string, std::string> names;
    for (const auto& [name, annotations] : Read()) names[name] = annotations.operation_name;
    return names;
  }
  using Expected = std::map<std::string, std::string>;

  std::shared_ptr<journal::Journal> journal_ = std::make_shared<journal::Journal>();
  journal::Batch batch_;
  std::unique_ptr<sdk::trace::TracerProvider> provider_;
  std::unique_ptr<sdk::logs::LoggerProvider> logger_provider_;
  nostd::shared_ptr<trace::Tracer> tracer_;
  nostd::shared_ptr<opentelemetry::logs::Logger> logger_;
};

TEST_F(OperationTest, EverythingBelowARequestCarriesItsNameButRequestsNameThemselves) {
  Start();
  const Span server = Begin("handle", SpanKind::kServer);
  server->SetAttribute("http.request.method", "GET");
  server->SetAttribute("http.route", "/orders/{id}");
  const Span internal = Begin("work", SpanKind::kInternal, server);
  const Span client = Begin("call", SpanKind::kClient, internal);
  const Span inner = Begin("inner", SpanKind::kServer, client);
  const Span producer = Begin("send", SpanKind::kProducer, inner);
  Log("in the client", client);
  Log("in the server", server);
  for (const Span& span : {producer, inner, client, internal, server}) span->End();
  const std::string name = "GET /orders/{id}";
  EXPECT_EQ(Names(), (Expected{{"handle", ""},
                               {"work", name},
                               {"call", name},
                               {"inner", ""},
                               {"send", name},
                               {"in the client", name},
                               {"in the server", name}}));
}

TEST_F(OperationTest, NameIsThatOfTheMomentWhenTheItemEnds) {
  Start();
  const Span server = Begin("first name", SpanKind::kServer);
  Begin("before", SpanKind::kInternal, server)->End();
  server->UpdateName("second name");
  Begin("renamed", SpanKind::kInternal, server)->End();
  const Span open = Begin("open", SpanKind::kInternal, server);
  server->SetAttribute("http.request.method", "PUT");
  server->SetAttribute("url.path", "/a b");
  Begin("path", SpanKind::kInternal, server)->End();
  server->SetAttribute("http.route", "/r");
  Begin("route", SpanKind::kInternal, server)->End();
  server->SetAttribute("microsoft.operation_name", "own");
  open->End();
  EXPECT_EQ(Names(), (Expected{{"before", "first name"}, {"renamed", "second name"}, {"path", "PUT /a%20b"}, {"route", "PUT /r"}, {"open", "own"}}));
}

TEST_F(OperationTest, AttributesThatTheRequestStartsWithCount) {
  Start();
  trace::StartSpanOptions options;
  options.kind = SpanKind::kServer;
  const Span server = tracer_->StartSpan("s", {{"http.request.method", "GET"}, {"url.full", "http://h/x?q"}}, options);
  Begin("child", SpanKind::kClient, server)->End();
  EXPECT_EQ(Names(), (Expected{{"child", "GET /x"}}));
}

TEST_F(OperationTest, ConsumerGivesItsOwnNameOrTheAttribute) {
  Start();
  const Span consumer = Begin("process q", SpanKind::kConsumer);
  Begin("first", SpanKind::kInternal, consumer)->End();
  consumer->SetAttribute("ai.operation.name", "named");
  Begin("second", SpanKind::kInternal, consumer)->End();
  EXPECT_EQ(Names(), (Expected{{"first", "process q"}, {"second", "named"}}));
}

TEST_F(OperationTest, WithoutALocalRequestThereIsNoName) {
  Start();
  const Span root = Begin("root", SpanKind::kInternal);
  Begin("child", SpanKind::kClient, root)->End();
  Log("log", root);
  logger_->Info("no span");
  root->End();
  const std::uint8_t trace_id[16] = {1};
  const std::uint8_t span_id[8] = {2};
  trace::StartSpanOptions remote;
  remote.parent = trace::SpanContext(trace::TraceId(trace_id), trace::SpanId(span_id), trace::TraceFlags(1), true);
  tracer_->StartSpan("below a remote", remote)->End();
  EXPECT_EQ(Names(), (Expected{{"root", ""}, {"child", ""}, {"log", ""}, {"no span", ""}, {"below a remote", ""}}));
}

TEST_F(OperationTest, RequestBelowAnInternalRootGivesItsNameToItsOwnChildrenOnly) {
  Start();
  const Span root = Begin("loop", SpanKind::kInternal);
  const Span consumer = Begin("process q", SpanKind::kConsumer, root);
  Begin("child", SpanKind::kInternal, consumer)->End();
  consumer->End();
  Begin("beside", SpanKind::kInternal, root)->End();
  root->End();
  EXPECT_EQ(Names(), (Expected{{"loop", ""}, {"process q", ""}, {"child", "process q"}, {"beside", ""}}));
}

TEST_F(OperationTest, NameOfAnEndedRequestStaysWithTheSpansThatItStarted) {
  Start();
  const Span server = Begin("s", SpanKind::kServer);
  const Span late = Begin("late", SpanKind::kInternal, server);
  server->End();
  Begin("grandchild", SpanKind::kInternal, late)->End();
  late->End();
  Begin("after the end", SpanKind::kInternal, server)->End();
  EXPECT_EQ(Names(), (Expected{{"s", ""}, {"late", "s"}, {"grandchild", "s"}, {"after the end", ""}}));
}

TEST_F(OperationTest, LongNamesAreCutBetweenCodePoints) {
  Start();
  const Span server = Begin((std::string(1023, 'n') + "😀").c_str(), SpanKind::kServer);
  Begin("child", SpanKind::kInternal, server)->End();
  EXPECT_EQ(Names()["child"], std::string(1023, 'n'));
}

TEST_F(OperationTest, LogsStandForAsManyAsTheirSpanOnlyWhereTheyWereSampledWithIt) {
  for (const bool trace_based : {false, true}) {
    journal_ = std::make_shared<journal::Journal>();
    Start({.root = RootSampling::kFixedPercentage, .argument = 0.25}, trace_based);
    for (int i = 0; i < 64; ++i) {
      const Span span = Begin("span", SpanKind::kServer);
      Log(span->GetContext().IsSampled() ? "sampled" : "unsampled", span);
      span->End();
    }
    logger_->Info("no span");
    const auto read = Read();
    ASSERT_TRUE(read.contains("span") && read.contains("sampled")) << "64 traces at 25 %";
    EXPECT_EQ(read.at("span").sample_rate, 25.0);
    EXPECT_EQ(read.at("sampled").sample_rate, trace_based ? std::optional(25.0) : std::nullopt);
    EXPECT_EQ(read.at("no span").sample_rate, std::nullopt);
    EXPECT_EQ(read.contains("unsampled"), !trace_based);
  }
}

TEST_F(OperationTest, SpansOfManyThreadsReadTheNameWhileItChanges) {
  Start();
  const Span server = Begin("s", SpanKind::kServer);
  server->SetAttribute("http.request.method", "GET");
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) Begin("child", SpanKind::kInternal, server)->End();
    });
  }
  for (int i = 0; i < 300; ++i) server->SetAttribute("http.route", i % 2 == 0 ? "/a" : "/b");
  for (auto& thread : threads) thread.join();
  for (const auto& entry : journal_->Read(journal::Destination::kAzure, 10000, 1u << 24).entries) {
    const auto name = otlp::ReadAnnotations(entry.record.annotations).operation_name;
    EXPECT_TRUE(name == "s" || name == "GET /a" || name == "GET /b") << name;
  }
}

}  // namespace
}  // namespace azmon::capture
