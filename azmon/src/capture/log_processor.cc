// SPDX-License-Identifier: MIT
#include "capture/log_processor.h"

namespace azmon::capture {

LogProcessor::LogProcessor(std::shared_ptr<journal::Journal> journal, LogProcessorOptions options)
    : severity_min_(options.severity_min), trace_based_sampling_(options.trace_based_sampling), writer_(std::move(journal), std::move(options.common)) {}

std::unique_ptr<opentelemetry::sdk::logs::Recordable> LogProcessor::MakeRecordable() noexcept {
  return std::unique_ptr<LogRecord>(new LogRecord(severity_min_));
}

void LogProcessor::OnEmit(std::unique_ptr<opentelemetry::sdk::logs::Recordable>&& record) noexcept {
  const std::unique_ptr<opentelemetry::sdk::logs::Recordable> owned = std::move(record);
  const auto& log = static_cast<const LogRecord&>(*owned);
  if (log.IsIgnored() || writer_.IsStopped()) return;
  const bool is_kept = !trace_based_sampling_ || !log.HasSpan() || log.IsSampled();
  if (writer_.DestinationsOf(is_kept) == 0) return;
  LocalSpans::Inheritance inherited;
  if (writer_.Spans() != nullptr && log.HasSpan()) inherited = writer_.Spans()->Find(log.SpanId());
  // Where every record is kept, each stands for itself.
  if (!trace_based_sampling_) inherited.sample_rate.reset();
  writer_.Write(log, otlp::Signal::kLog, is_kept, inherited);
}

}  // namespace azmon::capture
