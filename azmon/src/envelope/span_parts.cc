// SPDX-License-Identifier: MIT
#include "envelope/span_parts.h"

#include <algorithm>
#include <protozero/pbf_reader.hpp>

#include "otlp/fields.h"

namespace azmon::envelope {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::string_view View(const protozero::data_view& data) { return {data.data(), data.size()}; }

}  // namespace

void ReadSpanEvent(std::string_view message, SpanEvent& event) {
  namespace field = otlp::event;
  event.time_nanos = 0;
  event.name = {};
  event.attributes.Clear();
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(field::kTime, pbf_wire_type::fixed64): event.time_nanos = reader.get_fixed64(); break;
      case tag_and_type(field::kName, pbf_wire_type::length_delimited): event.name = View(reader.get_view()); break;
      case tag_and_type(field::kAttributes, pbf_wire_type::length_delimited): event.attributes.Add(View(reader.get_view())); break;
      default: reader.skip();
    }
  }
}

Link ReadLink(std::string_view message) {
  namespace field = otlp::link;
  constexpr auto kBytes = pbf_wire_type::length_delimited;
  Link link;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(field::kTraceId, kBytes): link.trace_id = View(reader.get_view()); break;
      case tag_and_type(field::kSpanId, kBytes): link.span_id = View(reader.get_view()); break;
      case tag_and_type(field::kAttributes, kBytes): {
        const KeyedValue attribute = ReadKeyValue(View(reader.get_view()));
        if (attribute.key == "enqueuedTime") link.enqueued_ms = NumberOf(attribute.value);
        break;
      }
      default: reader.skip();
    }
  }
  if (link.trace_id.size() != 16) link.trace_id = {};
  if (link.span_id.size() != 8) link.span_id = {};
  return link;
}

std::optional<double> TimeSinceEnqueued(const Span& span) {
  const auto start_ms = static_cast<double>(span.start_nanos / 1'000'000);
  double sum_ms = 0;
  std::size_t count = 0;
  for (const std::string_view message : span.links) {
    if (const auto enqueued_ms = ReadLink(message).enqueued_ms) {
      sum_ms += start_ms - *enqueued_ms;
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  return std::max(0.0, sum_ms / static_cast<double>(count));
}

}  // namespace azmon::envelope
