// SPDX-License-Identifier: MIT
#include "services/shared/span.h"

#include <opentelemetry/trace/provider.h>
#include <opentelemetry/trace/tracer.h>

#include <array>

#include "services/shared/version.h"

namespace services {
namespace {

namespace trace = opentelemetry::trace;

opentelemetry::nostd::string_view Text(std::string_view text) { return {text.data(), text.size()}; }

/// Looked up once: the provider is set before the first span and stays for the life of the process.
trace::Tracer& Tracer() {
  static const auto* const tracer = new opentelemetry::nostd::shared_ptr<trace::Tracer>(
      trace::Provider::GetTracerProvider()->GetTracer("azmon.services", Text(kVersion)));
  return **tracer;
}

}  // namespace

Span::Span(std::string_view name) : span_(Tracer().StartSpan(Text(name))), scope_(span_) {}

Span::~Span() { span_->End(); }

void Span::Set(std::string_view key, std::string_view value) { span_->SetAttribute(Text(key), Text(value)); }
void Span::Set(std::string_view key, std::int64_t value) { span_->SetAttribute(Text(key), value); }

void Span::Fail(std::string_view type, std::string_view detail) {
  if (!span_->IsRecording()) return;
  span_->SetAttribute("error.type", Text(type));
  span_->AddEvent("exception", {{"exception.type", Text(type)}, {"exception.message", Text(detail)}});
  span_->SetStatus(trace::StatusCode::kError, Text(detail));
}

std::string Span::TraceId() const {
  std::array<char, 32> hex;
  span_->GetContext().trace_id().ToLowerBase16(hex);
  return {hex.data(), hex.size()};
}

}  // namespace services
