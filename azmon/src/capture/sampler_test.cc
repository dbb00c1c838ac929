// SPDX-License-Identifier: MIT
#include "capture/sampler.h"

#include <gtest/gtest.h>

#include <opentelemetry/proto/trace/v1/trace.pb.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>

#include "capture/span_processor.h"
#include "otlp/annotations.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;
namespace sdk = opentelemetry::sdk;

/// A provider with the sampler and the processor as the distro wires them.
class SamplerTest : public testing::Test {
 protected:
  void Start(SamplerOptions options, std::uint8_t unsampled_destinations = 0) {
    auto spans = std::make_shared<LocalSpans>();
    std::unique_ptr<sdk::trace::SpanProcessor> processor = std::make_unique<SpanProcessor>(
        journal_, ProcessorOptions{.destinations = otlp::kForAzure | otlp::kForOtlp, .unsampled_destinations = unsampled_destinations, .spans = spans});
    provider_ = sdk::trace::TracerProviderFactory::Create(std::move(processor), sdk::resource::Resource::Create({}),
                                                          std::make_unique<Sampler>(options, spans, base::SystemClock()));
    tracer_ = provider_->GetTracer("library");
  }
  struct Kept {
    std::string name;
    std::optional<double> rate;
    std::size_t attributes;
  };
  std::vector<Kept> Read(journal::Destination destination = journal::Destination::kAzure) {
    std::vector<Kept> kept;
    const auto batch = journal_->Read(destination, 1u << 20, 1u << 30);
    for (const auto& entry : batch.entries) {
      opentelemetry::proto::trace::v1::Span span;
      EXPECT_TRUE(span.ParseFromArray(entry.record.message.data(), static_cast<int>(entry.record.message.size())));
      kept.push_back({span.name(), otlp::ReadAnnotations(entry.record.annotations).sample_rate, static_cast<std::size_t>(span.attributes_size())});
    }
    return kept;
  }
  void MakeTrace() {
    const auto root = tracer_->StartSpan("root");
    trace::StartSpanOptions options;
    options.parent = root->GetContext();
    const auto child = tracer_->StartSpan("child", options);
    options.parent = child->GetContext();
    tracer_->StartSpan("grandchild", options)->End();
    child->End();
    root->End();
  }

  std::shared_ptr<journal::Journal> journal_ = std::make_shared<journal::Journal>();
  std::unique_ptr<sdk::trace::TracerProvider> provider_;
  nostd::shared_ptr<trace::Tracer> tracer_;
};

TEST_F(SamplerTest, TracesAreKeptWholeAtOneRateThatNoMessageShows) {
  Start({.root = RootSampling::kFixedPercentage, .argument = 0.25});
  for (int i = 0; i < 1000; ++i) MakeTrace();
  const auto kept = Read();
  EXPECT_EQ(kept.size() % 3, 0U) << "a trace is kept whole or not at all";
  EXPECT_GT(kept.size() / 3, 180U);
  EXPECT_LT(kept.size() / 3, 320U);
  for (const Kept& span : kept) {
    EXPECT_EQ(span.rate, 25.0) << span.name;
    EXPECT_EQ(span.attributes, 0U) << "the rate is no attribute of the message";
  }
}

TEST_F(SamplerTest, EverySpanAtFullRateHasNoRate) {
  Start({.root = RootSampling::kFixedPercentage, .argument = 1});
  MakeTrace();
  for (const Kept& span : Read()) EXPECT_EQ(span.rate, std::nullopt);
}

TEST_F(SamplerTest, UnsampledSpansAreRecordedForWhoWantsThem) {
  Start({.root = RootSampling::kAlwaysOff, .records_unsampled = true}, otlp::kForOtlp);
  MakeTrace();
  EXPECT_TRUE(Read().empty());
  EXPECT_EQ(Read(journal::Destination::kOtlp).size(), 3U);
}

TEST_F(SamplerTest, RateLimitCountsTracesNotSpans) {
  Start({.root = RootSampling::kRateLimited, .argument = 5});
  MakeTrace();
  MakeTrace();
  const auto kept = Read();
  ASSERT_EQ(kept.size() % 3, 0U);
  for (std::size_t i = 0; i < kept.size(); i += 3) {
    EXPECT_EQ(kept[i].rate, kept[i + 1].rate) << "children have their parent's rate";
    EXPECT_EQ(kept[i].rate, kept[i + 2].rate);
  }
}

trace::SpanContext Remote(bool is_sampled) {
  constexpr std::uint8_t kTraceId[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  constexpr std::uint8_t kSpanId[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  return trace::SpanContext(trace::TraceId(kTraceId), trace::SpanId(kSpanId), trace::TraceFlags(is_sampled ? 1 : 0), true);
}

TEST_F(SamplerTest, RemoteParentDecidesOnlyInTheParentBasedForms) {
  for (const bool follows : {false, true}) {
    for (const bool is_sampled : {false, true}) {
      journal_ = std::make_shared<journal::Journal>();
      Start({.root = RootSampling::kAlwaysOn, .follows_remote_parent = follows});
      trace::StartSpanOptions options;
      options.parent = Remote(is_sampled);
      tracer_->StartSpan("span", options)->End();
      EXPECT_EQ(Read().size(), follows && !is_sampled ? 0U : 1U) << follows << is_sampled;
    }
  }
}

TEST_F(SamplerTest, TraceStateOfTheParentGoesOn) {
  Start({.root = RootSampling::kFixedPercentage, .argument = 1});
  trace::StartSpanOptions options;
  const trace::SpanContext remote = Remote(true);
  options.parent = trace::SpanContext(remote.trace_id(), remote.span_id(), remote.trace_flags(), true, trace::TraceState::FromHeader("a=1"));
  EXPECT_EQ(tracer_->StartSpan("span", options)->GetContext().trace_state()->ToHeader(), "a=1");
}

TEST_F(SamplerTest, TraceIdRatioTellsItsRateToo) {
  Start({.root = RootSampling::kTraceIdRatio, .argument = 0.5});
  for (int i = 0; i < 400; ++i) MakeTrace();
  const auto kept = Read();
  EXPECT_GT(kept.size() / 3, 140U);
  EXPECT_LT(kept.size() / 3, 260U);
  for (const Kept& span : kept) EXPECT_EQ(span.rate, 50.0);
}

TEST_F(SamplerTest, DescriptionsAreThoseOfTheOtherDistros) {
  const auto description = [](SamplerOptions options) {
    return std::string(Sampler(options, std::make_shared<LocalSpans>(), base::SystemClock()).GetDescription());
  };
  EXPECT_EQ(description({.root = RootSampling::kFixedPercentage, .argument = 0.5}), "ApplicationInsightsSampler{0.5}");
  EXPECT_EQ(description({.root = RootSampling::kRateLimited, .argument = 5}), "RateLimitedSampler{5}");
}

}  // namespace
}  // namespace azmon::capture
