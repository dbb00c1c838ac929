// SPDX-License-Identifier: MIT
#include "capture/sampler.h"

#include <map>

#include <opentelemetry/common/key_value_iterable.h>
#include <opentelemetry/sdk/trace/samplers/trace_id_ratio_factory.h>
#include <opentelemetry/trace/span_context.h>
#include <opentelemetry/trace/span_context_kv_iterable.h>
#include <opentelemetry/trace/trace_state.h>

#include "base/json_writer.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;
namespace sdk = opentelemetry::sdk::trace;

std::int64_t Nanoseconds(base::SteadyTime time) { return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count(); }

/// Distro contract 2.2: the texts that other distros show.
std::string Describe(const SamplerOptions& options) {
  std::string argument;
  base::AppendEcmaNumber(options.argument, argument);
  switch (options.root) {
    case RootSampling::kAlwaysOn: return options.follows_remote_parent ? "ParentBased{AlwaysOnSampler}" : "AlwaysOnSampler";
    case RootSampling::kAlwaysOff: return options.follows_remote_parent ? "ParentBased{AlwaysOffSampler}" : "AlwaysOffSampler";
    case RootSampling::kFixedPercentage: return "ApplicationInsightsSampler{" + argument + "}";
    case RootSampling::kRateLimited: return "RateLimitedSampler{" + argument + "}";
    case RootSampling::kTraceIdRatio: return options.follows_remote_parent ? "ParentBased{TraceIdRatioBased{" + argument + "}}" : "TraceIdRatioBased{" + argument + "}";
  }
  return "Sampler";
}

sampling::Decision WithPercentage(bool is_sampled, double percentage) {
  if (percentage >= 100) return {.is_sampled = is_sampled};
  return {.is_sampled = is_sampled, .sample_rate = percentage};
}

}  // namespace

Sampler::Sampler(SamplerOptions options, std::shared_ptr<LocalSpans> spans, const base::Clock& clock)
    : options_(options),
      spans_(std::move(spans)),
      clock_(clock),
      fixed_(options.argument),
      limit_(options.argument, Nanoseconds(clock.Now())),
      ratio_(sdk::TraceIdRatioBasedSamplerFactory::Create(options.argument)),
      description_(Describe(options)) {}

sampling::Decision Sampler::DecideRoot(const trace::SpanContext& parent_context, trace::TraceId trace_id) {
  const std::string_view id(reinterpret_cast<const char*>(trace_id.Id().data()), trace_id.Id().size());
  switch (options_.root) {
    case RootSampling::kAlwaysOn: return {};
    case RootSampling::kAlwaysOff: return {.is_sampled = false};
    case RootSampling::kFixedPercentage: return fixed_.Decide(id);
    case RootSampling::kRateLimited: {
      const double percentage = limit_.NextPercentage(Nanoseconds(clock_.Now()));
      return WithPercentage(percentage >= 100 || sampling::TraceIdScore(id) < percentage, percentage);
    }
    case RootSampling::kTraceIdRatio: {
      // OpenTelemetry's sampler looks at the trace id alone.
      class NoLinks final : public trace::SpanContextKeyValueIterable {
       public:
        bool ForEachKeyValue(nostd::function_ref<bool(trace::SpanContext, const opentelemetry::common::KeyValueIterable&)>) const noexcept override {
          return true;
        }
        std::size_t size() const noexcept override { return 0; }
      };
      const auto result = ratio_->ShouldSample(parent_context, trace_id, "", trace::SpanKind::kInternal, opentelemetry::common::NoopKeyValueIterable(), NoLinks());
      return WithPercentage(result.decision == sdk::Decision::RECORD_AND_SAMPLE, options_.argument * 100);
    }
  }
  return {};
}

sdk::SamplingResult Sampler::ShouldSample(const trace::SpanContext& parent_context, trace::TraceId trace_id, nostd::string_view /*name*/,
                                          trace::SpanKind /*span_kind*/, const opentelemetry::common::KeyValueIterable& /*attributes*/,
                                          const trace::SpanContextKeyValueIterable& /*links*/) noexcept {
  sampling::Decision decision;
  const bool has_parent = parent_context.IsValid();
  if (has_parent && !parent_context.IsRemote()) {
    decision.is_sampled = parent_context.IsSampled();
    const auto& span_id = parent_context.span_id().Id();
    if (decision.is_sampled) decision.sample_rate = spans_->Find({reinterpret_cast<const char*>(span_id.data()), span_id.size()}).sample_rate;
  } else if (has_parent && options_.follows_remote_parent) {
    decision.is_sampled = parent_context.IsSampled();
  } else {
    decision = DecideRoot(parent_context, trace_id);
  }
  sdk::SamplingResult result{.decision = sdk::Decision::RECORD_AND_SAMPLE, .attributes = nullptr, .trace_state = {}};
  if (!decision.is_sampled) {
    result.decision = options_.records_unsampled ? sdk::Decision::RECORD_ONLY : sdk::Decision::DROP;
  }
  if (decision.sample_rate) {
    using Attributes = std::map<std::string, opentelemetry::common::AttributeValue>;
    result.attributes = std::make_unique<const Attributes>(Attributes{{kSampleRateAttribute, *decision.sample_rate}});
  }
  // The state of the trace goes on as it came.
  if (has_parent) result.trace_state = parent_context.trace_state();
  return result;
}

nostd::string_view Sampler::GetDescription() const noexcept { return {description_.data(), description_.size()}; }

}  // namespace azmon::capture
