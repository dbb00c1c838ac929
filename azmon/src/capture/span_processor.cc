// SPDX-License-Identifier: MIT
#include "capture/span_processor.h"

#include "capture/buffer_pool.h"
#include "otlp/annotations.h"

namespace azmon::capture {

SpanProcessor::SpanProcessor(std::shared_ptr<journal::Journal> journal, ProcessorOptions options)
    : journal_(std::move(journal)), options_(std::move(options)), scopes_(journal_) {}

std::unique_ptr<opentelemetry::sdk::trace::Recordable> SpanProcessor::MakeRecordable() noexcept { return std::unique_ptr<SpanRecord>(new SpanRecord(options_.rates.get())); }

void SpanProcessor::OnStart(opentelemetry::sdk::trace::Recordable& span, const opentelemetry::trace::SpanContext& parent_context) noexcept {
  static_cast<SpanRecord&>(span).SetParentIsRemote(parent_context.IsValid() && parent_context.IsRemote());
}

void SpanProcessor::OnEnd(std::unique_ptr<opentelemetry::sdk::trace::Recordable>&& span) noexcept {
  const std::unique_ptr<opentelemetry::sdk::trace::Recordable> owned = std::move(span);
  const auto& record = static_cast<const SpanRecord&>(*owned);
  const bool is_sampled = record.IsSampled();
  const std::uint8_t destinations = is_sampled ? options_.destinations : options_.unsampled_destinations;
  if (destinations == 0) return;
  if (IsStopped() || record.Scope() == nullptr || record.Resource() == nullptr) return;
  std::string annotations;
  if (options_.marks_measured || record.SampleRate()) {
    otlp::AppendAnnotations({.sample_rate = record.SampleRate(), .processed_by_metric_extractors = options_.marks_measured}, annotations);
  }
  otlp::Buffer message = TakeBuffer();
  record.AppendMessage(message);
  // A record over its limit is in the journal's ledger; there is nobody else to tell here.
  (void)journal_->Append({.signal = otlp::Signal::kSpan,
                          .flags = static_cast<std::uint8_t>(destinations | (is_sampled ? otlp::kSampled : 0)),
                          .owner = scopes_.IdOf(*record.Scope(), *record.Resource()),
                          .annotations = annotations,
                          .message = message.View()});
  ReturnBuffer(std::move(message));
}

bool SpanProcessor::ForceFlush(std::chrono::microseconds timeout) noexcept { return !options_.force_flush || options_.force_flush(timeout); }

bool SpanProcessor::Shutdown(std::chrono::microseconds /*timeout*/) noexcept {
  is_shut_down_.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace azmon::capture
