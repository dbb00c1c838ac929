// SPDX-License-Identifier: MIT
// Spans of a test, by the SDK's in-memory exporter, and their attributes as text.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <opentelemetry/baggage/propagation/baggage_propagator.h>
#include <opentelemetry/context/propagation/composite_propagator.h>
#include <opentelemetry/context/propagation/global_propagator.h>
#include <opentelemetry/exporters/memory/in_memory_span_data.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter_factory.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/sdk/trace/span_data.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <opentelemetry/trace/provider.h>

namespace azmon::http::testing {

namespace otel = opentelemetry;
using Spans = std::vector<std::unique_ptr<otel::sdk::trace::SpanData>>;

/// Sets the global provider and propagator while it lives.
class Telemetry {
 public:
  explicit Telemetry(std::size_t spans_max = 1000) {
    std::shared_ptr<otel::trace::TracerProvider> provider = otel::sdk::trace::TracerProviderFactory::Create(
        otel::sdk::trace::SimpleSpanProcessorFactory::Create(otel::exporter::memory::InMemorySpanExporterFactory::Create(data_, spans_max)));
    otel::trace::Provider::SetTracerProvider(otel::nostd::shared_ptr<otel::trace::TracerProvider>(std::move(provider)));
    std::vector<std::unique_ptr<otel::context::propagation::TextMapPropagator>> propagators;
    propagators.push_back(std::make_unique<otel::trace::propagation::HttpTraceContext>());
    propagators.push_back(std::make_unique<otel::baggage::propagation::BaggagePropagator>());
    otel::context::propagation::GlobalTextMapPropagator::SetGlobalPropagator(
        otel::nostd::shared_ptr<otel::context::propagation::TextMapPropagator>(
            new otel::context::propagation::CompositePropagator(std::move(propagators))));
  }
  /// What ended since the last call.
  Spans Take() { return data_->GetSpans(); }

 private:
  std::shared_ptr<otel::exporter::memory::InMemorySpanData> data_;
};

/// An attribute as text; "-" if there is none.
inline std::string Attribute(const otel::sdk::trace::SpanData& span, const std::string& key) {
  const auto found = span.GetAttributes().find(key);
  if (found == span.GetAttributes().end()) return "-";
  if (const auto* text = otel::nostd::get_if<std::string>(&found->second)) return *text;
  if (const auto* number = otel::nostd::get_if<std::int64_t>(&found->second)) return std::to_string(*number);
  if (const auto* number = otel::nostd::get_if<std::int32_t>(&found->second)) return std::to_string(*number);
  return "?";
}

inline std::string Hex(const otel::trace::TraceId& id) {
  char text[32];
  id.ToLowerBase16(text);
  return std::string(text, sizeof text);
}
inline std::string Hex(const otel::trace::SpanId& id) {
  char text[16];
  id.ToLowerBase16(text);
  return std::string(text, sizeof text);
}

}  // namespace azmon::http::testing
