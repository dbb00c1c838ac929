// SPDX-License-Identifier: MIT
// Spans of opentelemetry-cpp's SDK into the journal: `Pipeline::kSdk`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include <opentelemetry/sdk/trace/processor.h>

#include "capture/local_rates.h"
#include "capture/scope_registry.h"
#include "capture/span_record.h"
#include "journal/journal.h"

namespace azmon::capture {

/// What a processor needs beside the journal.
struct ProcessorOptions {
  std::uint8_t destinations = 0;  ///< flags of otlp::RecordFlags that each sampled record gets
  std::uint8_t unsampled_destinations = 0;  ///< likewise those that were recorded but not sampled
  bool marks_measured = false;    ///< records are annotated as counted by the standard metrics
  std::shared_ptr<LocalRates> rates;  ///< shared with the sampler; may be null when every span is kept at 100 %
  std::function<bool(std::chrono::microseconds)> force_flush;  ///< called by ForceFlush; must not throw
  /// Once true, spans are ignored, by every processor that shares it. May be null.
  std::shared_ptr<const std::atomic<bool>> is_stopped;
};

/// A processor of one provider. OnEnd writes the span into the journal: it never waits for a network or a disk.
class SpanProcessor final : public opentelemetry::sdk::trace::SpanProcessor {
 public:
  SpanProcessor(std::shared_ptr<journal::Journal> journal, ProcessorOptions options);

  std::unique_ptr<opentelemetry::sdk::trace::Recordable> MakeRecordable() noexcept override;
  void OnStart(opentelemetry::sdk::trace::Recordable& span, const opentelemetry::trace::SpanContext& parent_context) noexcept override;
  void OnEnd(std::unique_ptr<opentelemetry::sdk::trace::Recordable>&& span) noexcept override;
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override;
  /// Later spans are ignored. Sending what waits is Telemetry::Shutdown's part.
  bool Shutdown(std::chrono::microseconds timeout) noexcept override;

 private:
  bool IsStopped() const {
    return is_shut_down_.load(std::memory_order_relaxed) || (options_.is_stopped && options_.is_stopped->load(std::memory_order_relaxed));
  }

  const std::shared_ptr<journal::Journal> journal_;
  const ProcessorOptions options_;
  ScopeRegistry scopes_;
  std::atomic<bool> is_shut_down_{false};
};

}  // namespace azmon::capture
