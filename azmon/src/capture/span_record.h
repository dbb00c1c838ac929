// SPDX-License-Identifier: MIT
// A span under construction, kept in OTLP wire form from the first attribute on.
//
// The SDK's Recordable of `Pipeline::kSdk`: attributes, events and links are encoded when they are set, so that the end of a span only
// puts fixed fields before them. Thread-compatible, as the SDK asks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <opentelemetry/sdk/trace/recordable.h>

#include "capture/attribute_encoder.h"
#include "capture/local_spans.h"
#include "otlp/fields.h"
#include "otlp/record.h"

namespace azmon::capture {

class SpanRecord final : public opentelemetry::sdk::trace::Recordable {
 public:
  /// @param spans  learns what the span passes on as long as it is open; may be null; outlives the record
  explicit SpanRecord(LocalSpans* spans = nullptr);
  ~SpanRecord() override;

  // Blocks of ended spans serve the next ones of their thread.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* block);

  void SetIdentity(const opentelemetry::trace::SpanContext& context, opentelemetry::trace::SpanId parent_span_id) noexcept override;
  void SetAttribute(opentelemetry::nostd::string_view key, const opentelemetry::common::AttributeValue& value) noexcept override;
  void AddEvent(opentelemetry::nostd::string_view name, opentelemetry::common::SystemTimestamp timestamp,
                const opentelemetry::common::KeyValueIterable& attributes) noexcept override;
  void AddLink(const opentelemetry::trace::SpanContext& context, const opentelemetry::common::KeyValueIterable& attributes) noexcept override;
  void SetStatus(opentelemetry::trace::StatusCode code, opentelemetry::nostd::string_view description) noexcept override;
  void SetName(opentelemetry::nostd::string_view name) noexcept override;
  void SetTraceFlags(opentelemetry::trace::TraceFlags flags) noexcept override;
  void SetSpanKind(opentelemetry::trace::SpanKind kind) noexcept override;
  void SetResource(const opentelemetry::sdk::resource::Resource& resource) noexcept override;
  void SetStartTime(opentelemetry::common::SystemTimestamp start_time) noexcept override;
  void SetDuration(std::chrono::nanoseconds duration) noexcept override;
  void SetInstrumentationScope(const opentelemetry::sdk::trace::InstrumentationScope& scope) noexcept override;

  /// The span starts: its name, kind and first attributes are set.
  /// @param parent  may be invalid
  void Start(const opentelemetry::trace::SpanContext& parent);

  /// Appends the OTLP Span message.
  void AppendMessage(otlp::Buffer& out) const;

  /// What stands beside the message: the sampling rate in percent, as the sampler told it or the program set it, and the request that the
  /// span is part of. A request names itself. Distro contract 6.7.
  LocalSpans::Inheritance Annotated() const {
    return {.sample_rate = sample_rate_, .operation = IsRequest() ? nullptr : operation_};
  }

  bool IsSampled() const { return (trace_flags_ & opentelemetry::trace::TraceFlags::kIsSampled) != 0; }
  const opentelemetry::sdk::resource::Resource* Resource() const { return resource_; }
  const opentelemetry::sdk::trace::InstrumentationScope* Scope() const { return scope_; }

 private:
  std::string_view SpanId() const { return {reinterpret_cast<const char*>(span_id_), sizeof span_id_}; }

  bool IsRequest() const { return kind_ == otlp::span::kServer || kind_ == otlp::span::kConsumer; }
  void PassOn();

  LocalSpans* const spans_;
  bool is_entered_ = false;  ///< in spans_
  std::shared_ptr<RootOperation> own_operation_;          ///< of the outermost request of this process
  std::shared_ptr<const RootOperation> operation_;        ///< of that request, at it and below
  std::uint8_t trace_id_[16] = {};
  std::uint8_t span_id_[8] = {};
  std::uint8_t parent_span_id_[8] = {};
  bool has_parent_ = false;
  bool parent_is_remote_ = false;
  std::uint8_t trace_flags_ = 0;
  std::uint8_t kind_ = 0;
  std::uint8_t status_ = 0;
  std::optional<double> sample_rate_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t duration_ns_ = 0;
  std::uint32_t events_ = 0;
  std::uint32_t events_dropped_ = 0;
  std::uint32_t links_ = 0;
  std::uint32_t links_dropped_ = 0;
  otlp::Buffer name_;
  std::string trace_state_;
  std::string status_message_;
  AttributeList attributes_;
  std::string events_and_links_;
  const opentelemetry::sdk::resource::Resource* resource_ = nullptr;  ///< the SDK's, alive as long as its provider
  const opentelemetry::sdk::trace::InstrumentationScope* scope_ = nullptr;
};

}  // namespace azmon::capture
