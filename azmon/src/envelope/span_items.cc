// SPDX-License-Identifier: MIT
// Writes the items of a span: its own and one for each event. Contract 3.
#include <protozero/pbf_reader.hpp>

#include "envelope/field_limits.h"
#include "envelope/item.h"
#include "envelope/properties.h"
#include "envelope/span_parts.h"
#include "envelope/value_text.h"

namespace azmon::envelope {
namespace {

constexpr std::string_view kLinksKey = kKeyRows[static_cast<std::size_t>(Key::kLinks)].key;

void OptionalMember(std::string_view name_with_colon, std::string_view text, std::size_t units_max, ItemWriter& out) {
  if (text.empty()) return;
  out.Raw(name_with_colon);
  out.String(text, units_max);
}

/// `_MS.links`: JSON text of the first links. Contract 3.8, Δ23.
void AddLinks(const Span& span, PropertyWriter& properties) {
  if (span.links.empty()) return;
  std::string text = "[";
  ItemWriter links(text);
  for (std::size_t i = 0; i < span.links.size() && i < field_limits::kLinks; ++i) {
    const Link link = ReadLink(span.links[i]);
    if (i > 0) links.Char(',');
    links.Literal("{\"operation_Id\":\"");
    links.Hex(link.trace_id);
    links.Literal("\",\"id\":\"");
    links.Hex(link.span_id);
    links.Literal("\"}");
  }
  links.Char(']');
  links.Flush();
  properties.Text(kLinksKey, text);
}

void WriteProperties(const Span& span, const SpanProperties& rule, std::string_view mark, ItemWriter& out) {
  PropertyWriter properties(out);
  for (const Attribute& attribute : span.attributes) {
    if (rule.Has(attribute) && (mark.empty() || attribute.known != Key::kProcessed)) properties.Add(attribute);
  }
  AddLinks(span, properties);
  if (!mark.empty()) AddMark(mark, span.attributes, properties);
  properties.Close();
}

void WriteMeasurements(const Span& span, ItemWriter& out) {
  Measurements measurements;
  TextArena arena;
  if (span.IsConsumer() && !span.links.empty() && IsBrokerSpan(span.attributes, arena)) {
    if (const auto waited = TimeSinceEnqueued(span)) measurements.Set("timeSinceEnqueued", *waited);
  }
  measurements.SetFromAttribute(span.attributes);
  measurements.Write(out);
}

void WriteRequest(const Span& span, const Request& request, std::string_view mark, ItemWriter& out) {
  DurationText duration;
  out.Literal(",\"id\":\"");
  out.Hex(span.span_id);
  out.Literal("\",\"name\":");
  out.String(request.name, field_limits::kName);
  out.Literal(",\"duration\":\"");
  out.Raw(duration.FormatSpan(span.start_nanos, span.end_nanos));
  if (request.success) {
    out.Literal("\",\"success\":true,\"responseCode\":");
  } else {
    out.Literal("\",\"success\":false,\"responseCode\":");
  }
  out.String(request.code, field_limits::kCode);
  OptionalMember(",\"source\":", request.source, field_limits::kTypeTargetSource, out);
  OptionalMember(",\"url\":", request.url, field_limits::kUrl, out);
  WriteProperties(span, SpanProperties::OfRequest(span), mark, out);
  WriteMeasurements(span, out);
}

void WriteDependency(const Span& span, const Dependency& dependency, std::string_view mark, ItemWriter& out) {
  DurationText duration;
  out.Literal(",\"id\":\"");
  out.Hex(span.span_id);
  out.Literal("\",\"name\":");
  out.String(dependency.name, field_limits::kName);
  out.Literal(",\"resultCode\":");
  out.String(dependency.code, field_limits::kCode);
  OptionalMember(",\"data\":", dependency.data, field_limits::kData, out);
  OptionalMember(",\"type\":", dependency.type, field_limits::kTypeTargetSource, out);
  OptionalMember(",\"target\":", dependency.target, field_limits::kTypeTargetSource, out);
  out.Literal(",\"duration\":\"");
  out.Raw(duration.FormatSpan(span.start_nanos, span.end_nanos));
  if (dependency.success) {
    out.Literal("\",\"success\":true");
  } else {
    out.Literal("\",\"success\":false");
  }
  WriteProperties(span, SpanProperties::OfDependency(dependency), mark, out);
  WriteMeasurements(span, out);
}

void WriteEvent(const SpanEvent& event, bool is_measured, TextArena& arena, ItemWriter& out) {
  if (event.IsException()) {
    WriteException({.type = event.attributes.Text(Key::kExceptionType, arena),
                    .message = event.attributes.Text(Key::kExceptionMessage, arena),
                    .stack = event.attributes.Text(Key::kExceptionStack, arena)},
                   out);
  } else {
    out.Literal(",\"message\":");
    out.String(event.name.empty() ? "n/a" : event.name, field_limits::kMessage);
  }
  PropertyWriter properties(out);
  for (const Attribute& attribute : event.attributes) {
    if (IsRecordProperty(attribute) && !(is_measured && attribute.known == Key::kProcessed)) properties.Add(attribute);
  }
  if (is_measured) AddMark(event.IsException() ? kExceptionsMark : kTracesMark, event.attributes, properties);
  properties.Close();
  Measurements measurements;
  measurements.SetFromAttribute(event.attributes);
  measurements.Write(out);
}

}  // namespace

void AppendSpan(std::string_view message, const RecordContext& record, const ItemContext& context, ItemCounter& counter, ItemWriter& out) {
  Span span;
  ReadSpan(message, span);
  TextArena arena;
  const double rate = SampleRateOf(span.attributes, record.sample_rate);
  Tags tags;
  if (span.IsRequest()) {
    const Request request = MapRequest(span, arena);
    tags = TagsOfSpan(span, request.operation_name, arena);
    if (counter.Next()) {
      BeginItem(ItemType::kRequest, span.start_nanos, rate, &tags, context, out);
      WriteRequest(span, request, record.is_measured ? kRequestsMark : std::string_view{}, out);
      EndItem(out);
    }
  } else {
    tags = TagsOfSpan(span, record.operation_name, arena);
    if (counter.Next()) {
      const Dependency dependency = MapDependency(span, context.settings, arena);
      BeginItem(ItemType::kDependency, span.start_nanos, rate, &tags, context, out);
      WriteDependency(span, dependency, record.is_measured && !span.IsInternal() ? kDependenciesMark : std::string_view{}, out);
      EndItem(out);
    }
  }
  if (span.events.empty()) return;
  SpanEvent event;
  for (const std::string_view event_message : span.events) {
    ReadSpanEvent(event_message, event);
    if (!counter.Next()) continue;
    TextArena event_arena;
    const Tags event_tags = TagsOfEvent(tags, span, event.attributes, event_arena);
    BeginItem(event.IsException() ? ItemType::kException : ItemType::kMessage, event.time_nanos, rate, &event_tags, context, out);
    WriteEvent(event, record.is_measured, event_arena, out);
    EndItem(out);
  }
}

}  // namespace azmon::envelope
