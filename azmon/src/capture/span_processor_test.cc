// SPDX-License-Identifier: MIT
#include "capture/span_processor.h"

#include <gtest/gtest.h>

#include <thread>

#include <opentelemetry/proto/common/v1/common.pb.h>
#include <opentelemetry/proto/resource/v1/resource.pb.h>
#include <opentelemetry/proto/trace/v1/trace.pb.h>
#include <opentelemetry/sdk/trace/samplers/always_off.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;
namespace sdk = opentelemetry::sdk;

class SpanProcessorTest : public testing::Test {
 protected:
  void Start(std::unique_ptr<sdk::trace::Sampler> sampler = nullptr) {
    auto processor = std::make_unique<SpanProcessor>(journal_, ProcessorOptions{.destinations = otlp::kForAzure | otlp::kForOtlp});
    const auto resource = sdk::resource::Resource::Create({{"service.name", "shop"}, {"n", 3}});
    provider_ = sampler ? sdk::trace::TracerProviderFactory::Create(std::move(processor), resource, std::move(sampler))
                        : sdk::trace::TracerProviderFactory::Create(std::move(processor), resource);
  }
  journal::Batch Read() { return journal_->Read(journal::Destination::kOtlp, 1000000, 1u << 30); }
  static opentelemetry::proto::trace::v1::Span Parsed(const otlp::RecordView& record) {
    opentelemetry::proto::trace::v1::Span span;
    EXPECT_TRUE(span.ParseFromArray(record.message.data(), static_cast<int>(record.message.size())));
    return span;
  }

  std::shared_ptr<journal::Journal> journal_ = std::make_shared<journal::Journal>();
  std::unique_ptr<sdk::trace::TracerProvider> provider_;
};

TEST_F(SpanProcessorTest, ChildAndParentArriveWithScopeAndResource) {
  Start();
  const auto tracer = provider_->GetTracer("library", "1.2");
  const auto parent = tracer->StartSpan("parent");
  trace::StartSpanOptions options;
  options.parent = parent->GetContext();
  tracer->StartSpan("child", options)->End();
  parent->End();
  const auto batch = Read();
  ASSERT_EQ(batch.entries.size(), 2U);
  const auto child = Parsed(batch.entries[0].record);
  const auto root = Parsed(batch.entries[1].record);
  EXPECT_EQ(child.name(), "child");
  EXPECT_EQ(child.parent_span_id(), root.span_id());
  EXPECT_EQ(child.trace_id(), root.trace_id());
  EXPECT_EQ(root.parent_span_id(), "");
  EXPECT_GE(child.end_time_unix_nano(), child.start_time_unix_nano());
  const auto& scope = batch.ScopeOf(batch.entries[0].record);
  opentelemetry::proto::common::v1::InstrumentationScope parsed_scope;
  ASSERT_TRUE(parsed_scope.ParseFromArray(scope.scope.message.data(), static_cast<int>(scope.scope.message.size())));
  EXPECT_EQ(parsed_scope.name(), "library");
  EXPECT_EQ(parsed_scope.version(), "1.2");
  opentelemetry::proto::resource::v1::Resource resource;
  ASSERT_TRUE(resource.ParseFromArray(scope.resource.message.data(), static_cast<int>(scope.resource.message.size())));
  bool has_name = false;
  for (const auto& attribute : resource.attributes()) has_name |= attribute.key() == "service.name" && attribute.value().string_value() == "shop";
  EXPECT_TRUE(has_name);
}

TEST_F(SpanProcessorTest, SpansOfSeveralTracersKeepTheirScopes) {
  Start();
  for (int i = 0; i < 10; ++i) provider_->GetTracer("library " + std::to_string(i % 3))->StartSpan("s" + std::to_string(i % 3))->End();
  const auto batch = Read();
  ASSERT_EQ(batch.entries.size(), 10U);
  for (const auto& entry : batch.entries) {
    const std::string expected = "library " + Parsed(entry.record).name().substr(1);
    EXPECT_NE(batch.ScopeOf(entry.record).scope.message.find(expected), std::string_view::npos);
  }
}

/// The string attributes of the resource that a record belongs to.
std::map<std::string, std::string> ResourceOf(const journal::Batch& batch, const otlp::RecordView& record) {
  const std::string_view message = batch.ScopeOf(record).resource.message;
  opentelemetry::proto::resource::v1::Resource resource;
  EXPECT_TRUE(resource.ParseFromArray(message.data(), static_cast<int>(message.size())));
  std::map<std::string, std::string> attributes;
  for (const auto& attribute : resource.attributes()) attributes[attribute.key()] = attribute.value().string_value();
  return attributes;
}

TEST_F(SpanProcessorTest, LateAttributesAreInTheResourceOfLaterSpansAndChangeNothingOfTheUsers) {
  const auto late = std::make_shared<LateResource>();
  const auto start = [&](const sdk::resource::ResourceAttributes& attributes) {
    auto processor = std::make_unique<SpanProcessor>(journal_, ProcessorOptions{.destinations = otlp::kForOtlp, .late_resource = late});
    return sdk::trace::TracerProviderFactory::Create(std::move(processor), sdk::resource::Resource::Create(attributes));
  };
  const auto ours = start({{"telemetry.distro.name", "azmon"}, {"host.name", "box"}, {"region", "mine"}});
  const auto foreign = start({{"host.name", "box"}});
  const auto one = ours->GetTracer("one");
  one->StartSpan("before")->End();
  late->Set({{.key = "host.id", .value = "1", .instead_of = {}},
             {.key = "host.name", .value = "vm", .instead_of = "box"},
             {.key = "region", .value = "theirs", .instead_of = "detected"}});
  late->Set({{.key = "host.id", .value = "a second answer", .instead_of = {}}});
  one->StartSpan("after")->End();
  ours->GetTracer("two")->StartSpan("after, another scope")->End();
  foreign->GetTracer("one")->StartSpan("foreign")->End();
  std::thread([&] { one->StartSpan("after, another thread")->End(); }).join();
  const auto batch = Read();
  ASSERT_EQ(batch.entries.size(), 5U);
  for (const auto& entry : batch.entries) {
    const std::string name = Parsed(entry.record).name();
    auto attributes = ResourceOf(batch, entry.record);
    const bool is_after = name.starts_with("after");
    EXPECT_EQ(attributes["host.name"], is_after ? "vm" : "box") << name;
    EXPECT_EQ(attributes["host.id"], is_after ? "1" : "") << name;
    EXPECT_EQ(attributes["region"], name == "foreign" ? "" : "mine") << name;
  }
}

TEST_F(SpanProcessorTest, UnsampledSpansLeaveNoRecord) {
  Start(std::make_unique<sdk::trace::AlwaysOffSampler>());
  provider_->GetTracer("library")->StartSpan("span")->End();
  EXPECT_TRUE(Read().entries.empty());
}

TEST_F(SpanProcessorTest, SpansEndedAfterShutdownAreIgnored) {
  Start();
  const auto span = provider_->GetTracer("library")->StartSpan("span");
  provider_->Shutdown();
  span->End();
  EXPECT_TRUE(Read().entries.empty());
}

TEST_F(SpanProcessorTest, EverySpanOfManyThreadsArrivesOnce) {
  Start();
  constexpr int kThreads = 4;
  constexpr int kSpans = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      const auto tracer = provider_->GetTracer("library");
      for (int i = 0; i < kSpans; ++i) {
        const auto span = tracer->StartSpan("span");
        span->SetAttribute("i", i);
        span->End();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> ids;
  for (const auto& entry : Read().entries) ids.insert(Parsed(entry.record).span_id());
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kThreads * kSpans));
}

}  // namespace
}  // namespace azmon::capture
