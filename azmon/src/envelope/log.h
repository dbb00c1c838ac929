// SPDX-License-Identifier: MIT
// Log records: the record as read, and which item it becomes. Contract 4.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "envelope/attributes.h"
#include "envelope/item.h"
#include "envelope/properties.h"
#include "envelope/text_arena.h"

namespace azmon::envelope {

/// An OTLP LogRecord; views into the record.
struct LogRecord {
  std::uint64_t time_nanos = 0;
  std::uint64_t observed_nanos = 0;
  std::uint64_t severity_number = 0;
  std::string_view severity_text;
  Value body;
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view event_name;
  AttributeList attributes;
};

/// Reads a LogRecord message into `log`, which is new. Throws protozero::exception on malformed bytes.
void ReadLogRecord(std::string_view message, LogRecord& log);

/// Which item a log record becomes.
struct LogItem {
  ItemType type = ItemType::kMessage;
  bool is_legacy = false;  ///< the body is the item's data
};
LogItem LogItemOf(const LogRecord& log, TextArena& arena);

/// Contract 4.4: "Verbose" to "Critical"; "" if the number names no level.
std::string_view SeverityLevel(std::uint64_t severity_number);
/// The level that the item shows: of legacy data the body's.
std::string_view SeverityOfItem(const LogRecord& log, const LogItem& item, TextArena& arena);

/// Contract 4.3; "" if there is no body, or an empty one.
std::string_view BodyText(const LogRecord& log, TextArena& arena);

/// Writes the data of a legacy item from the map that the body is. Contract 4.2.
void WriteLegacy(ItemType type, const Value& body, Measurements& measurements, TextArena& arena, ItemWriter& out);

/// Writes the data of an availability result. Contract 4.2, Δ12.
void WriteAvailability(const LogRecord& log, TextArena& arena, ItemWriter& out);
/// Its time, if the attribute `microsoft.availability.testTimestamp` tells one: nanoseconds since 1970.
std::optional<std::uint64_t> AvailabilityTime(const AttributeList& attributes);
/// ISO 8601 with seconds, up to nine decimals and `Z` or an offset, from 1970 on.
std::optional<std::uint64_t> ParseIsoTime(std::string_view text);
/// `[d.]hh:mm:ss[.f…]`, up to seven decimals.
bool IsDurationText(std::string_view text);

}  // namespace azmon::envelope
