// SPDX-License-Identifier: MIT
#include "capture/span_processor.h"

namespace azmon::capture {

std::unique_ptr<opentelemetry::sdk::trace::Recordable> SpanProcessor::MakeRecordable() noexcept {
  return std::unique_ptr<SpanRecord>(new SpanRecord(writer_.Spans()));
}

void SpanProcessor::OnStart(opentelemetry::sdk::trace::Recordable& span, const opentelemetry::trace::SpanContext& parent_context) noexcept {
  static_cast<SpanRecord&>(span).Start(parent_context);
}

void SpanProcessor::OnEnd(std::unique_ptr<opentelemetry::sdk::trace::Recordable>&& span) noexcept {
  const std::unique_ptr<opentelemetry::sdk::trace::Recordable> owned = std::move(span);
  const auto& record = static_cast<const SpanRecord&>(*owned);
  if (writer_.DestinationsOf(record.IsSampled()) == 0 || writer_.IsStopped()) return;
  writer_.Write(record, otlp::Signal::kSpan, record.IsSampled(), record.Annotated());
}

}  // namespace azmon::capture
