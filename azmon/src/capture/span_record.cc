// SPDX-License-Identifier: MIT
#include "capture/span_record.h"

#include <cstring>

#include <opentelemetry/trace/trace_state.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "capture/buffer_pool.h"
#include "capture/sampler.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;

std::string_view View(nostd::string_view text) { return {text.data(), text.size()}; }

template <std::size_t N>
std::string_view Bytes(const std::uint8_t (&id)[N]) {
  return {reinterpret_cast<const char*>(id), N};
}

std::uint64_t Nanoseconds(opentelemetry::common::SystemTimestamp time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

std::uint32_t OtlpKind(trace::SpanKind kind) {
  switch (kind) {
    case trace::SpanKind::kInternal: return otlp::span::kInternal;
    case trace::SpanKind::kServer: return otlp::span::kServer;
    case trace::SpanKind::kClient: return otlp::span::kClient;
    case trace::SpanKind::kProducer: return otlp::span::kProducer;
    case trace::SpanKind::kConsumer: return otlp::span::kConsumer;
  }
  return otlp::span::kUnspecified;
}

}  // namespace

SpanRecord::SpanRecord(LocalSpans* spans) : spans_(spans), name_(TakeBuffer()), attributes_(otlp::span::kAttributes, TakeBuffer()) {}

SpanRecord::~SpanRecord() {
  if (is_entered_) spans_->Remove(SpanId());
  ReturnBuffer(attributes_.TakeBuffer());
  ReturnBuffer(std::move(name_));
}

void* SpanRecord::operator new(std::size_t bytes) { return TakeBlock(BlockKind::kSpanRecord, bytes); }

void SpanRecord::operator delete(void* block) { ReturnBlock(BlockKind::kSpanRecord, block); }

void SpanRecord::SetIdentity(const trace::SpanContext& context, trace::SpanId parent_span_id) noexcept {
  context.trace_id().CopyBytesTo(trace_id_);
  context.span_id().CopyBytesTo(span_id_);
  parent_span_id.CopyBytesTo(parent_span_id_);
  has_parent_ = parent_span_id.IsValid();
  if (!context.trace_state()->Empty()) trace_state_ = context.trace_state()->ToHeader();
}

void SpanRecord::SetAttribute(nostd::string_view key, const opentelemetry::common::AttributeValue& value) noexcept {
  // The rate concerns Application Insights alone, so it travels beside the message.
  if (View(key) == kSampleRateAttribute) {
    if (const double* const rate = nostd::get_if<double>(&value)) {
      // The SDK sets the sampler's attributes once the span has its identity and has been started.
      sample_rate_ = *rate;
      PassOn();
      return;
    }
  }
  attributes_.Set(View(key), value, limits::kSpanAttributesMax);
  if (own_operation_) own_operation_->SetAttribute(View(key), value);
}

void SpanRecord::Start(const trace::SpanContext& parent) {
  parent_is_remote_ = parent.IsValid() && parent.IsRemote();
  if (spans_ == nullptr) return;
  if (parent.IsValid() && !parent.IsRemote()) {
    const auto& id = parent.span_id().Id();
    operation_ = spans_->Find({reinterpret_cast<const char*>(id.data()), id.size()}).operation;
  }
  if (operation_ == nullptr && IsRequest()) {
    own_operation_ = std::make_shared<RootOperation>(kind_, name_.View(), attributes_.Bytes());
    operation_ = own_operation_;
  }
  if (operation_ != nullptr) PassOn();
}

/// A span that was not sampled has no rate for others: they were not sampled either, or stand for themselves.
void SpanRecord::PassOn() {
  if (spans_ == nullptr || (operation_ == nullptr && !IsSampled())) return;
  spans_->Put(SpanId(), {.sample_rate = IsSampled() ? sample_rate_ : std::nullopt, .operation = operation_});
  is_entered_ = true;
}

void SpanRecord::AddEvent(nostd::string_view name, opentelemetry::common::SystemTimestamp timestamp,
                          const opentelemetry::common::KeyValueIterable& attributes) noexcept {
  if (events_ == limits::kSpanEventsMax) {
    ++events_dropped_;
    return;
  }
  ++events_;
  const std::size_t mark = otlp::OpenMessage(otlp::span::kEvents, events_and_links_);
  otlp::AppendFixed64Field(otlp::event::kTime, Nanoseconds(timestamp), events_and_links_);
  std::string repaired;
  otlp::AppendBytesField(otlp::event::kName, base::ValidUtf8(View(name), repaired), events_and_links_);
  const std::uint32_t dropped = AppendAttributes(otlp::event::kAttributes, attributes, limits::kSpanAttributesMax, events_and_links_);
  if (dropped != 0) otlp::AppendVarintField(otlp::event::kDroppedAttributesCount, dropped, events_and_links_);
  otlp::CloseMessage(mark, events_and_links_);
}

void SpanRecord::AddLink(const trace::SpanContext& context, const opentelemetry::common::KeyValueIterable& attributes) noexcept {
  if (links_ == limits::kSpanLinksMax) {
    ++links_dropped_;
    return;
  }
  ++links_;
  const std::size_t mark = otlp::OpenMessage(otlp::span::kLinks, events_and_links_);
  std::uint8_t trace_id[16];
  std::uint8_t span_id[8];
  context.trace_id().CopyBytesTo(trace_id);
  context.span_id().CopyBytesTo(span_id);
  otlp::AppendBytesField(otlp::link::kTraceId, Bytes(trace_id), events_and_links_);
  otlp::AppendBytesField(otlp::link::kSpanId, Bytes(span_id), events_and_links_);
  if (!context.trace_state()->Empty()) otlp::AppendBytesField(otlp::link::kTraceState, context.trace_state()->ToHeader(), events_and_links_);
  const std::uint32_t dropped = AppendAttributes(otlp::link::kAttributes, attributes, limits::kSpanAttributesMax, events_and_links_);
  if (dropped != 0) otlp::AppendVarintField(otlp::link::kDroppedAttributesCount, dropped, events_and_links_);
  otlp::AppendFixed32Field(otlp::link::kFlags,
                           context.trace_flags().flags() | otlp::kFlagsHasIsRemote | (context.IsRemote() ? otlp::kFlagsIsRemote : 0U),
                           events_and_links_);
  otlp::CloseMessage(mark, events_and_links_);
}

void SpanRecord::SetStatus(trace::StatusCode code, nostd::string_view description) noexcept {
  status_ = static_cast<std::uint8_t>(code);
  // The specification keeps a description for errors only.
  std::string repaired;
  status_message_.assign(code == trace::StatusCode::kError ? base::ValidUtf8(View(description), repaired) : std::string_view{});
}

void SpanRecord::SetName(nostd::string_view name) noexcept {
  name_.Clear();
  std::string repaired;
  const std::string_view valid = base::ValidUtf8(View(name), repaired);
  name_.Append(valid);
  if (own_operation_) own_operation_->SetName(valid);
}

void SpanRecord::SetTraceFlags(trace::TraceFlags flags) noexcept { trace_flags_ = flags.flags(); }

void SpanRecord::SetSpanKind(trace::SpanKind kind) noexcept { kind_ = static_cast<std::uint8_t>(OtlpKind(kind)); }

void SpanRecord::SetResource(const opentelemetry::sdk::resource::Resource& resource) noexcept { resource_ = &resource; }

void SpanRecord::SetStartTime(opentelemetry::common::SystemTimestamp start_time) noexcept { start_ns_ = Nanoseconds(start_time); }

void SpanRecord::SetDuration(std::chrono::nanoseconds duration) noexcept {
  duration_ns_ = duration.count() < 0 ? 0 : static_cast<std::uint64_t>(duration.count());
}

void SpanRecord::SetInstrumentationScope(const opentelemetry::sdk::trace::InstrumentationScope& scope) noexcept { scope_ = &scope; }

void SpanRecord::AppendMessage(otlp::Buffer& out) const {
  using namespace otlp::span;  // NOLINT: field numbers
  // Tags, lengths and the fixed fields take less than this beside the texts.
  constexpr std::size_t kFixedBytes = 192;
  char* to = out.Reserve(kFixedBytes + trace_state_.size() + name_.Size() + attributes_.Bytes().size() + events_and_links_.size() +
                         status_message_.size());
  to = otlp::PutBytesField(kTraceId, Bytes(trace_id_), to);
  to = otlp::PutBytesField(kSpanId, Bytes(span_id_), to);
  if (!trace_state_.empty()) to = otlp::PutBytesField(kTraceState, trace_state_, to);
  if (has_parent_) to = otlp::PutBytesField(kParentSpanId, Bytes(parent_span_id_), to);
  to = otlp::PutBytesField(kName, name_.View(), to);
  to = otlp::PutVarintField(kKind, kind_, to);
  to = otlp::PutFixed64Field(kStartTime, start_ns_, to);
  to = otlp::PutFixed64Field(kEndTime, start_ns_ + duration_ns_, to);
  to = otlp::PutBytes(attributes_.Bytes(), to);
  if (attributes_.Dropped() != 0) to = otlp::PutVarintField(kDroppedAttributesCount, attributes_.Dropped(), to);
  to = otlp::PutBytes(events_and_links_, to);
  if (events_dropped_ != 0) to = otlp::PutVarintField(kDroppedEventsCount, events_dropped_, to);
  if (links_dropped_ != 0) to = otlp::PutVarintField(kDroppedLinksCount, links_dropped_, to);
  if (status_ != otlp::status::kUnset) {
    const std::size_t text_bytes = status_message_.empty() ? 0 : otlp::FieldBytes(otlp::status::kMessage, status_message_.size());
    to = otlp::PutTag(kStatus, otlp::kLengthDelimited, to);
    to = otlp::PutVarint(text_bytes + 2, to);
    if (text_bytes != 0) to = otlp::PutBytesField(otlp::status::kMessage, status_message_, to);
    to = otlp::PutVarintField(otlp::status::kCode, status_, to);
  }
  to = otlp::PutFixed32Field(kFlags, trace_flags_ | otlp::kFlagsHasIsRemote | (parent_is_remote_ ? otlp::kFlagsIsRemote : 0U), to);
  out.Commit(to);
}

}  // namespace azmon::capture
