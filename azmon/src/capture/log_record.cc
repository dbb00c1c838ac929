// SPDX-License-Identifier: MIT
#include "capture/log_record.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "capture/buffer_pool.h"
#include "otlp/fields.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;

std::uint64_t Nanoseconds(opentelemetry::common::SystemTimestamp time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

/// Names of severities as the OpenTelemetry log data model displays them, by number.
constexpr std::string_view kSeverityTexts[] = {"",      "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4",
                                               "INFO",  "INFO2", "INFO3",  "INFO4",  "WARN",   "WARN2", "WARN3",  "WARN4",  "ERROR",
                                               "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4"};

}  // namespace

LogRecord::LogRecord(std::uint8_t severity_min)
    : severity_min_(severity_min), body_(TakeBuffer()), attributes_(otlp::log_record::kAttributes, TakeBuffer()) {
  body_.Clear();
}

LogRecord::~LogRecord() {
  ReturnBuffer(attributes_.TakeBuffer());
  ReturnBuffer(std::move(body_));
}

void* LogRecord::operator new(std::size_t bytes) { return TakeBlock(BlockKind::kLogRecord, bytes); }

void LogRecord::operator delete(void* block) { ReturnBlock(BlockKind::kLogRecord, block); }

void LogRecord::SetTimestamp(opentelemetry::common::SystemTimestamp timestamp) noexcept { time_ns_ = Nanoseconds(timestamp); }

void LogRecord::SetObservedTimestamp(opentelemetry::common::SystemTimestamp timestamp) noexcept { observed_ns_ = Nanoseconds(timestamp); }

void LogRecord::SetSeverity(opentelemetry::logs::Severity severity) noexcept {
  severity_ = static_cast<std::uint8_t>(severity);
  // A record without severity is not below any.
  is_ignored_ = severity_ != 0 && severity_ < severity_min_;
}

void LogRecord::SetBody(const opentelemetry::common::AttributeValue& message) noexcept {
  if (is_ignored_) return;
  body_.Clear();
  AppendAnyValue(otlp::log_record::kBody, message, body_);
}

void LogRecord::SetAttribute(nostd::string_view key, const opentelemetry::common::AttributeValue& value) noexcept {
  if (is_ignored_) return;
  attributes_.Set({key.data(), key.size()}, value, limits::kLogAttributesMax);
}

void LogRecord::SetEventId(std::int64_t id, nostd::string_view name) noexcept {
  if (is_ignored_) return;
  std::string repaired;
  event_name_ = base::ValidUtf8({name.data(), name.size()}, repaired);
  if (id != 0) attributes_.Set("event.id", id, limits::kLogAttributesMax);
}

void LogRecord::SetTraceId(const opentelemetry::trace::TraceId& trace_id) noexcept {
  trace_id.CopyBytesTo(trace_id_);
  has_trace_id_ = trace_id.IsValid();
}

void LogRecord::SetSpanId(const opentelemetry::trace::SpanId& span_id) noexcept {
  span_id.CopyBytesTo(span_id_);
  has_span_id_ = span_id.IsValid();
}

void LogRecord::SetTraceFlags(const opentelemetry::trace::TraceFlags& trace_flags) noexcept { trace_flags_ = trace_flags.flags(); }

void LogRecord::SetResource(const opentelemetry::sdk::resource::Resource& resource) noexcept { resource_ = &resource; }

void LogRecord::SetInstrumentationScope(const opentelemetry::sdk::instrumentationscope::InstrumentationScope& scope) noexcept { scope_ = &scope; }

void LogRecord::AppendMessage(otlp::Buffer& out) const {
  using namespace otlp::log_record;  // NOLINT: field numbers
  const std::string_view severity_text = severity_ < std::size(kSeverityTexts) ? kSeverityTexts[severity_] : std::string_view{};
  // Tags, lengths, ids and times take less than this beside the texts.
  constexpr std::size_t kFixedBytes = 128;
  char* to = out.Reserve(kFixedBytes + severity_text.size() + body_.Size() + attributes_.Bytes().size() + event_name_.size());
  if (time_ns_ != 0) to = otlp::PutFixed64Field(kTime, time_ns_, to);
  if (severity_ != 0) to = otlp::PutVarintField(kSeverityNumber, severity_, to);
  if (!severity_text.empty()) to = otlp::PutBytesField(kSeverityText, severity_text, to);
  to = otlp::PutBytes(body_.View(), to);
  to = otlp::PutBytes(attributes_.Bytes(), to);
  if (attributes_.Dropped() != 0) to = otlp::PutVarintField(kDroppedAttributesCount, attributes_.Dropped(), to);
  if (trace_flags_ != 0) to = otlp::PutFixed32Field(kFlags, trace_flags_, to);
  if (has_trace_id_) to = otlp::PutBytesField(kTraceId, {reinterpret_cast<const char*>(trace_id_), sizeof trace_id_}, to);
  if (has_span_id_) to = otlp::PutBytesField(kSpanId, {reinterpret_cast<const char*>(span_id_), sizeof span_id_}, to);
  if (observed_ns_ != 0) to = otlp::PutFixed64Field(kObservedTime, observed_ns_, to);
  if (!event_name_.empty()) to = otlp::PutBytesField(kEventName, event_name_, to);
  out.Commit(to);
}

}  // namespace azmon::capture
