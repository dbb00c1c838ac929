// SPDX-License-Identifier: MIT
// A record as a person reads it on a terminal: one line an item. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "otlp/record.h"

namespace azmon::deliver {

/// Appends one line for a span or log record, one for each data point of a metric (the first kConsolePointsMax, and how many more there
/// are). Reads the OTLP message alone, never the annotations: they are Application Insights' business.
///
/// A line ends with '\n' and has at most limits::kConsoleLineBytesMax bytes, valid UTF-8 without control characters: telemetry cannot
/// move a terminal's cursor. What does not fit is cut off and shown as "…".
/// @param record  not trusted
/// @return how many lines; 0 if the message does not parse or is no telemetry, and `out` is as before
std::uint32_t AppendConsoleLines(const otlp::RecordView& record, std::string& out);

/// Points of one metric record that get a line each.
inline constexpr std::uint32_t kConsolePointsMax = 50;

}  // namespace azmon::deliver
