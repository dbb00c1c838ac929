// SPDX-License-Identifier: MIT
#include "envelope/measure.h"

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>

#include "base/utf8.h"
#include "envelope/field_limits.h"
#include "envelope/log.h"
#include "envelope/span_parts.h"
#include "envelope/tags.h"

namespace azmon::envelope {
namespace {

double DurationMs(const Span& span) {
  return span.end_nanos > span.start_nanos ? static_cast<double>(span.end_nanos - span.start_nanos) / 1e6 : 0;
}

std::string_view Cut(std::string_view text, std::size_t units_max) { return base::CutUtf16Units(text, units_max); }

/// Distro contract 3.4: an HTTP error is a failure here, whatever the span's status says.
bool RequestSucceeded(const Span& span) {
  if (span.status == otlp::status::kError || IsHttpError(span.attributes)) return false;
  return span.status == otlp::status::kOk || !NeverAnswered(span);
}

void MeasureEvents(const Span& span, Measures& measures) {
  SpanEvent event;
  for (const std::string_view message : span.events) {
    ReadSpanEvent(message, event);
    ++(event.IsException() ? measures.exceptions : measures.traces);
  }
}

/// False for an INTERNAL span without events, of which nothing is counted; true also where only reading all of it can tell.
bool MayCount(std::string_view message) {
  namespace field = otlp::span;
  std::uint32_t kind = field::kUnspecified;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(field::kKind, protozero::pbf_wire_type::varint): kind = static_cast<std::uint32_t>(reader.get_uint64()); break;
      case protozero::tag_and_type(field::kEvents, protozero::pbf_wire_type::length_delimited): return true;
      default: reader.skip();
    }
  }
  return kind == field::kServer || kind == field::kConsumer || kind == field::kClient || kind == field::kProducer;
}

Measures MeasureSpan(std::string_view message, const Settings& settings, TextArena& arena) {
  if (!MayCount(message)) return {};
  Span span;
  ReadSpan(message, span);
  Measures measures;
  measures.duration_ms = DurationMs(span);
  measures.is_synthetic = !SyntheticSource(span.attributes, arena).empty();
  if (span.IsRequest()) {
    measures.duration = Measures::Duration::kRequest;
    measures.result_code = Cut(RequestCode(span, arena), field_limits::kCode);
    measures.success = RequestSucceeded(span);
  } else if (!span.IsInternal()) {
    const Dependency dependency = MapDependency(span, settings, arena, DependencyFields::kAllButNameAndData);
    measures.duration = Measures::Duration::kDependency;
    measures.result_code = Cut(dependency.code, field_limits::kCode);
    measures.type = Cut(dependency.type, field_limits::kTypeTargetSource);
    measures.target = Cut(dependency.target, field_limits::kTypeTargetSource);
    measures.success = dependency.success;
  }
  MeasureEvents(span, measures);
  return measures;
}

Measures MeasureLog(std::string_view message, TextArena& arena) {
  LogRecord log;
  ReadLogRecord(message, log);
  Measures measures;
  const LogItem item = LogItemOf(log, arena);
  measures.is_synthetic = !SyntheticSource(log.attributes, arena).empty();
  if (item.type == ItemType::kException) measures.exceptions = 1;
  if (item.type == ItemType::kMessage) {
    measures.traces = 1;
    measures.severity_level = SeverityOfItem(log, item, arena);
  }
  return measures;
}

}  // namespace

Measures MeasureRecord(const otlp::RecordView& record, const Settings& settings, TextArena& arena) {
  try {
    if (record.signal == otlp::Signal::kSpan) return MeasureSpan(record.message, settings, arena);
    if (record.signal == otlp::Signal::kLog) return MeasureLog(record.message, arena);
  } catch (const protozero::exception&) {
    return {};
  }
  return {};
}

}  // namespace azmon::envelope
