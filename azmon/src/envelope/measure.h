// SPDX-License-Identifier: MIT
// What the standard metrics count of a record, by the same rules as its items. Distro contract 3.2 to 3.4.
// Used by `meter`.
#pragma once

#include <cstdint>
#include <string_view>

#include "envelope/envelope.h"
#include "envelope/text_arena.h"
#include "otlp/record.h"

namespace azmon::envelope {

struct Measures {
  enum class Duration : std::uint8_t { kNone, kRequest, kDependency };
  /// SERVER and CONSUMER spans are requests, CLIENT and PRODUCER spans dependencies; INTERNAL ones are not measured. ΔD2.
  Duration duration = Duration::kNone;
  double duration_ms = 0;
  std::string_view result_code;  ///< as in the item; ΔD3
  std::string_view type;         ///< of a dependency, as in the item; ΔD4
  std::string_view target;       ///< alike; "" if it has none. ΔD5
  bool success = true;

  /// Items of type ExceptionData and MessageData: the record itself, or a span's events. ΔD8.
  std::uint32_t exceptions = 0;
  std::uint32_t traces = 0;
  std::string_view severity_level;  ///< of a trace; "" if it has none

  /// The item has the tag `ai.operation.syntheticSource`. ΔD9.
  bool is_synthetic = false;
};

/// @param record    not trusted: of malformed bytes nothing is counted
/// @param settings  as for the items
/// @return its texts are views into the record and the arena
Measures MeasureRecord(const otlp::RecordView& record, const Settings& settings, TextArena& arena);

}  // namespace azmon::envelope
