// SPDX-License-Identifier: MIT
// Tracing set-up and the hand-made spans of the C++ peer.
#pragma once
#include <boost/beast/http.hpp>
#include <opentelemetry/context/propagation/text_map_propagator.h>
#include <opentelemetry/trace/context.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <opentelemetry/trace/provider.h>
#include <opentelemetry/trace/span_startoptions.h>
#include <opentelemetry/trace/tracer.h>

#include <string>

namespace otel = opentelemetry;
namespace otrace = opentelemetry::trace;
using SpanPtr = otel::nostd::shared_ptr<otrace::Span>;

// Reads TELEMETRY, OTLP_EXPORT_ENDPOINT, OTEL_SERVICE_NAME, BSP_QUEUE, BSP_BATCH, BSP_DELAY_MS.
void setup_telemetry();
void shutdown_telemetry();

template <class Fields>
struct ReadCarrier : otel::context::propagation::TextMapCarrier {
  explicit ReadCarrier(const Fields& f) : fields(f) {}
  otel::nostd::string_view Get(otel::nostd::string_view k) const noexcept override {
    auto it = fields.find({k.data(), k.size()});
    if (it == fields.end()) return {};
    return {it->value().data(), it->value().size()};
  }
  void Set(otel::nostd::string_view, otel::nostd::string_view) noexcept override {}
  const Fields& fields;
};

template <class Fields>
struct WriteCarrier : otel::context::propagation::TextMapCarrier {
  explicit WriteCarrier(Fields& f) : fields(f) {}
  otel::nostd::string_view Get(otel::nostd::string_view) const noexcept override { return {}; }
  void Set(otel::nostd::string_view k, otel::nostd::string_view v) noexcept override {
    fields.set({k.data(), k.size()}, {v.data(), v.size()});
  }
  Fields& fields;
};

template <class Fields>
otrace::SpanContext extract_parent(const Fields& f) {
  otel::context::Context root;
  auto ctx = otrace::propagation::HttpTraceContext().Extract(ReadCarrier<Fields>(f), root);
  return otrace::GetSpan(ctx)->GetContext();
}

template <class Fields>
void inject(Fields& f, const SpanPtr& span) {
  otel::context::Context root;
  WriteCarrier<Fields> c(f);
  auto ctx = otrace::SetSpan(root, span);
  otrace::propagation::HttpTraceContext().Inject(c, ctx);
}
