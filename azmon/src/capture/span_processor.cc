// SPDX-License-Identifier: MIT
#include "capture/span_processor.h"

#include <opentelemetry/sdk/instrumentationscope/instrumentation_scope.h>
#include <opentelemetry/sdk/resource/resource.h>

#include "capture/buffer_pool.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::capture {
namespace {

std::atomic<std::uint64_t> next_processor_id{1};

std::string EncodeResource(const opentelemetry::sdk::resource::Resource& resource) {
  // Sorted, so that equal resources have equal bytes.
  const std::map<std::string, opentelemetry::sdk::common::OwnedAttributeValue> sorted(resource.GetAttributes().begin(),
                                                                                    resource.GetAttributes().end());
  std::string message;
  for (const auto& [key, value] : sorted) AppendAttribute(otlp::resource::kAttributes, key, value, message);
  return message;
}

std::string EncodeScope(const opentelemetry::sdk::trace::InstrumentationScope& scope) {
  std::string message;
  if (!scope.GetName().empty()) otlp::AppendBytesField(otlp::scope::kName, scope.GetName(), message);
  if (!scope.GetVersion().empty()) otlp::AppendBytesField(otlp::scope::kVersion, scope.GetVersion(), message);
  const std::map<std::string, opentelemetry::sdk::common::OwnedAttributeValue> sorted(scope.GetAttributes().begin(),
                                                                                    scope.GetAttributes().end());
  for (const auto& [key, value] : sorted) AppendAttribute(otlp::scope::kAttributes, key, value, message);
  return message;
}

}  // namespace

SpanProcessor::SpanProcessor(std::shared_ptr<journal::Journal> journal, ProcessorOptions options)
    : journal_(std::move(journal)), options_(std::move(options)), id_(next_processor_id.fetch_add(1, std::memory_order_relaxed)) {}

std::unique_ptr<opentelemetry::sdk::trace::Recordable> SpanProcessor::MakeRecordable() noexcept { return std::unique_ptr<SpanRecord>(new SpanRecord); }

void SpanProcessor::OnStart(opentelemetry::sdk::trace::Recordable& span, const opentelemetry::trace::SpanContext& parent_context) noexcept {
  static_cast<SpanRecord&>(span).SetParentIsRemote(parent_context.IsValid() && parent_context.IsRemote());
}

void SpanProcessor::OnEnd(std::unique_ptr<opentelemetry::sdk::trace::Recordable>&& span) noexcept {
  const std::unique_ptr<opentelemetry::sdk::trace::Recordable> owned = std::move(span);
  const auto& record = static_cast<const SpanRecord&>(*owned);
  if (options_.destinations == 0) return;
  if (is_shut_down_.load(std::memory_order_relaxed) || record.Scope() == nullptr || record.Resource() == nullptr) return;
  // Nothing reads a span that was not sampled.
  if (!record.IsSampled()) return;
  otlp::Buffer message = TakeBuffer();
  record.AppendMessage(message);
  // A record over its limit is in the journal's ledger; there is nobody else to tell here.
  (void)journal_->Append({.signal = otlp::Signal::kSpan,
                          .flags = static_cast<std::uint8_t>(otlp::kSampled | options_.destinations),
                          .owner = ScopeId(record),
                          .message = message.View()});
  ReturnBuffer(std::move(message));
}

bool SpanProcessor::ForceFlush(std::chrono::microseconds timeout) noexcept { return !options_.force_flush || options_.force_flush(timeout); }

bool SpanProcessor::Shutdown(std::chrono::microseconds /*timeout*/) noexcept {
  is_shut_down_.store(true, std::memory_order_relaxed);
  return true;
}

std::uint32_t SpanProcessor::ScopeId(const SpanRecord& span) {
  struct Last {
    std::uint64_t processor = 0;
    const void* scope = nullptr;
    std::uint32_t id = 0;
  };
  thread_local Last last;
  if (last.processor == id_ && last.scope == span.Scope()) return last.id;
  const std::lock_guard lock(mutex_);
  auto scope = scopes_.find(span.Scope());
  if (scope == scopes_.end()) {
    auto resource = resources_.find(span.Resource());
    if (resource == resources_.end()) {
      const std::uint32_t id = journal_->AddResource(EncodeResource(*span.Resource()), span.Resource()->GetSchemaURL());
      resource = resources_.emplace(span.Resource(), id).first;
    }
    const std::uint32_t id = journal_->AddScope(resource->second, EncodeScope(*span.Scope()), span.Scope()->GetSchemaURL());
    scope = scopes_.emplace(span.Scope(), id).first;
  }
  last = {.processor = id_, .scope = span.Scope(), .id = scope->second};
  return scope->second;
}

}  // namespace azmon::capture
