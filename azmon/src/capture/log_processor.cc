// SPDX-License-Identifier: MIT
#include "capture/log_processor.h"

#include "capture/buffer_pool.h"
#include "otlp/annotations.h"

namespace azmon::capture {

LogProcessor::LogProcessor(std::shared_ptr<journal::Journal> journal, LogProcessorOptions options)
    : journal_(std::move(journal)), options_(std::move(options)), scopes_(journal_) {}

std::unique_ptr<opentelemetry::sdk::logs::Recordable> LogProcessor::MakeRecordable() noexcept {
  return std::unique_ptr<LogRecord>(new LogRecord(options_.severity_min));
}

void LogProcessor::OnEmit(std::unique_ptr<opentelemetry::sdk::logs::Recordable>&& record) noexcept {
  const std::unique_ptr<opentelemetry::sdk::logs::Recordable> owned = std::move(record);
  const auto& log = static_cast<const LogRecord&>(*owned);
  if (log.IsIgnored() || IsStopped()) return;
  if (log.Scope() == nullptr || log.Resource() == nullptr) return;
  const bool is_kept = !options_.trace_based_sampling || !log.HasSpan() || log.IsSampled();
  const std::uint8_t destinations = is_kept ? options_.destinations : options_.unsampled_destinations;
  if (destinations == 0) return;
  std::string annotations;
  if (options_.marks_measured) otlp::AppendAnnotations({.processed_by_metric_extractors = true}, annotations);
  otlp::Buffer message = TakeBuffer();
  log.AppendMessage(message);
  // A record over its limit is in the journal's ledger; there is nobody else to tell here.
  (void)journal_->Append({.signal = otlp::Signal::kLog,
                          .flags = static_cast<std::uint8_t>(destinations | (is_kept ? otlp::kSampled : 0)),
                          .owner = scopes_.IdOf(*log.Scope(), *log.Resource()),
                          .annotations = annotations,
                          .message = message.View()});
  ReturnBuffer(std::move(message));
}

bool LogProcessor::ForceFlush(std::chrono::microseconds timeout) noexcept { return !options_.force_flush || options_.force_flush(timeout); }

bool LogProcessor::Shutdown(std::chrono::microseconds /*timeout*/) noexcept {
  is_shut_down_.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace azmon::capture
