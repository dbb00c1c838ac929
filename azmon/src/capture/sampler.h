// SPDX-License-Identifier: MIT
// The distro's samplers as a sampler of opentelemetry-cpp's SDK.
//
// A local parent always decides for its children, so no trace is torn inside a process. Spans that are not kept may still be recorded
// (RECORD_ONLY), so that metrics count them. Source: azure-monitor-distro contract 2.5 to 2.8.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <opentelemetry/sdk/trace/sampler.h>

#include "base/clock.h"
#include "capture/local_spans.h"
#include "sampling/fixed_percentage.h"
#include "sampling/rate_limit.h"

namespace azmon::capture {

/// How a trace without a deciding parent is sampled.
enum class RootSampling : std::uint8_t { kAlwaysOn, kAlwaysOff, kFixedPercentage, kRateLimited, kTraceIdRatio };

struct SamplerOptions {
  RootSampling root = RootSampling::kAlwaysOn;
  double argument = 1;               ///< ratio 0 to 1; traces a second of kRateLimited
  bool follows_remote_parent = false;  ///< the `parentbased_` forms
  bool records_unsampled = false;    ///< RECORD_ONLY instead of DROP
};

/// The attribute by which the sampler tells the rate of what it keeps or drops; SpanRecord takes it out of the span.
inline constexpr const char* kSampleRateAttribute = "microsoft.sample_rate";

class Sampler final : public opentelemetry::sdk::trace::Sampler {
 public:
  Sampler(SamplerOptions options, std::shared_ptr<LocalSpans> spans, const base::Clock& clock);

  opentelemetry::sdk::trace::SamplingResult ShouldSample(const opentelemetry::trace::SpanContext& parent_context, opentelemetry::trace::TraceId trace_id,
                                                         opentelemetry::nostd::string_view name, opentelemetry::trace::SpanKind span_kind,
                                                         const opentelemetry::common::KeyValueIterable& attributes,
                                                         const opentelemetry::trace::SpanContextKeyValueIterable& links) noexcept override;
  opentelemetry::nostd::string_view GetDescription() const noexcept override;

 private:
  sampling::Decision DecideRoot(const opentelemetry::trace::SpanContext& parent_context, opentelemetry::trace::TraceId trace_id);

  const SamplerOptions options_;
  const std::shared_ptr<LocalSpans> spans_;
  const base::Clock& clock_;
  const sampling::FixedPercentage fixed_;
  sampling::RateLimit limit_;
  const std::unique_ptr<opentelemetry::sdk::trace::Sampler> ratio_;  ///< OpenTelemetry's own, for kTraceIdRatio
  const std::string description_;
};

}  // namespace azmon::capture
