// SPDX-License-Identifier: MIT
// Events and links of a span.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "envelope/attributes.h"
#include "envelope/span.h"

namespace azmon::envelope {

struct SpanEvent {
  std::uint64_t time_nanos = 0;
  std::string_view name;
  AttributeList attributes;

  bool IsException() const { return name == "exception"; }
};

/// Reads a Span.Event message; what `event` held before is gone. Throws protozero::exception on malformed bytes.
void ReadSpanEvent(std::string_view message, SpanEvent& event);

struct Link {
  std::string_view trace_id;  ///< 16 bytes, or none
  std::string_view span_id;   ///< 8 bytes, or none
  /// The attribute `enqueuedTime`, milliseconds since 1970, if it is a number or decimal text.
  std::optional<double> enqueued_ms;
};

/// Reads a Span.Link message; throws alike.
Link ReadLink(std::string_view message);

/// Milliseconds that the linked messages waited before the span began, the mean over those that tell; never negative. Contract 3.7, Δ22.
std::optional<double> TimeSinceEnqueued(const Span& span);

}  // namespace azmon::envelope
