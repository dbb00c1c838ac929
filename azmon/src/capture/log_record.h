// SPDX-License-Identifier: MIT
// A log record under construction, kept in OTLP wire form: the SDK's log Recordable of `Pipeline::kSdk`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <opentelemetry/logs/severity.h>
#include <opentelemetry/sdk/logs/recordable.h>
#include <opentelemetry/trace/span_id.h>
#include <opentelemetry/trace/trace_flags.h>
#include <opentelemetry/trace/trace_id.h>

#include "capture/attribute_encoder.h"
#include "otlp/buffer.h"

namespace azmon::capture {

class LogRecord final : public opentelemetry::sdk::logs::Recordable {
 public:
  /// @param severity_min  a record whose severity is set below it is ignored: what is set afterwards costs nothing
  explicit LogRecord(std::uint8_t severity_min);
  ~LogRecord() override;

  // Blocks of emitted records serve the next ones of their thread.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* block);

  void SetTimestamp(opentelemetry::common::SystemTimestamp timestamp) noexcept override;
  void SetObservedTimestamp(opentelemetry::common::SystemTimestamp timestamp) noexcept override;
  void SetSeverity(opentelemetry::logs::Severity severity) noexcept override;
  void SetBody(const opentelemetry::common::AttributeValue& message) noexcept override;
  void SetAttribute(opentelemetry::nostd::string_view key, const opentelemetry::common::AttributeValue& value) noexcept override;
  /// A name becomes the record's event_name, an id other than 0 the attribute `event.id`.
  void SetEventId(std::int64_t id, opentelemetry::nostd::string_view name) noexcept override;
  void SetTraceId(const opentelemetry::trace::TraceId& trace_id) noexcept override;
  void SetSpanId(const opentelemetry::trace::SpanId& span_id) noexcept override;
  void SetTraceFlags(const opentelemetry::trace::TraceFlags& trace_flags) noexcept override;
  void SetResource(const opentelemetry::sdk::resource::Resource& resource) noexcept override;
  void SetInstrumentationScope(const opentelemetry::sdk::instrumentationscope::InstrumentationScope& scope) noexcept override;

  /// Appends the OTLP LogRecord message.
  void AppendMessage(otlp::Buffer& out) const;

  bool IsIgnored() const { return is_ignored_; }
  bool HasSpan() const { return has_span_id_; }
  std::string_view SpanId() const { return {reinterpret_cast<const char*>(span_id_), sizeof span_id_}; }
  bool IsSampled() const { return (trace_flags_ & opentelemetry::trace::TraceFlags::kIsSampled) != 0; }
  const opentelemetry::sdk::resource::Resource* Resource() const { return resource_; }
  const opentelemetry::sdk::instrumentationscope::InstrumentationScope* Scope() const { return scope_; }

 private:
  const std::uint8_t severity_min_;
  bool is_ignored_ = false;
  bool has_trace_id_ = false;
  bool has_span_id_ = false;
  std::uint8_t trace_flags_ = 0;
  std::uint8_t severity_ = 0;
  std::uint8_t trace_id_[16] = {};
  std::uint8_t span_id_[8] = {};
  std::uint64_t time_ns_ = 0;
  std::uint64_t observed_ns_ = 0;
  std::string event_name_;
  otlp::Buffer body_;  ///< the whole field
  AttributeList attributes_;
  const opentelemetry::sdk::resource::Resource* resource_ = nullptr;  ///< the SDK's, alive as long as its provider
  const opentelemetry::sdk::instrumentationscope::InstrumentationScope* scope_ = nullptr;
};

}  // namespace azmon::capture
