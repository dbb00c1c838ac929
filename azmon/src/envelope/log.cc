// SPDX-License-Identifier: MIT
#include "envelope/log.h"

#include <array>
#include <protozero/pbf_reader.hpp>

#include "envelope/field_limits.h"
#include "envelope/value_text.h"
#include "otlp/fields.h"

namespace azmon::envelope {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::string_view View(const protozero::data_view& data) { return {data.data(), data.size()}; }

std::string_view KeyText(Key key) { return kKeyRows[static_cast<std::size_t>(key)].key; }

struct LegacyType {
  std::string_view name;
  ItemType type;
};
/// Contract 4.1, row 4.
constexpr std::array<LegacyType, 5> kLegacyTypes{{
    {"AvailabilityData", ItemType::kAvailability},
    {"ExceptionData", ItemType::kException},
    {"MessageData", ItemType::kMessage},
    {"PageViewData", ItemType::kPageView},
    {"EventData", ItemType::kEvent},
}};

/// Present and not the empty text: a duration of 0 and a success of false are values.
bool IsGiven(const AttributeList& attributes, Key key) {
  const Value* value = attributes.Find(key);
  if (value == nullptr || value->type == ValueType::kNone) return false;
  return value->type != ValueType::kString || !value->bytes.empty();
}

bool IsAvailability(const AttributeList& attributes) {
  return IsGiven(attributes, Key::kAvailabilityId) && IsGiven(attributes, Key::kAvailabilityName) &&
         IsGiven(attributes, Key::kAvailabilityDuration) && IsGiven(attributes, Key::kAvailabilitySuccess);
}

std::uint64_t TimeOf(const LogRecord& log, const LogItem& item, std::uint64_t now_nanos) {
  if (item.type == ItemType::kAvailability && !item.is_legacy) {
    if (const auto time = AvailabilityTime(log.attributes)) return *time;
  }
  if (log.time_nanos != 0) return log.time_nanos;
  return log.observed_nanos != 0 ? log.observed_nanos : now_nanos;
}

void WriteSeverity(std::uint64_t severity_number, ItemWriter& out) {
  const auto level = SeverityLevel(severity_number);
  if (level.empty()) return;
  out.Literal(",\"severityLevel\":");
  out.String(level);
}

/// A body's text that the exception's message does not repeat. Δ28.
std::string_view WriteExceptionLog(const LogRecord& log, TextArena& arena, ItemWriter& out) {
  ExceptionText exception;
  exception.type = log.attributes.Text(Key::kExceptionType, arena);
  exception.message = log.attributes.Text(Key::kExceptionMessage, arena);
  exception.stack = log.attributes.Text(Key::kExceptionStack, arena);
  if (exception.message.empty()) exception.message = BodyText(log, arena);
  WriteException(exception, out);
  WriteSeverity(log.severity_number, out);
  const bool is_text = log.body.type == ValueType::kString;
  return is_text && log.body.bytes != exception.message ? log.body.bytes : std::string_view{};
}

void WriteMessage(const LogRecord& log, TextArena& arena, ItemWriter& out) {
  auto message = BodyText(log, arena);
  if (message.empty()) message = log.event_name;
  out.Literal(",\"message\":");
  out.String(message.empty() ? "n/a" : message, field_limits::kMessage);
  WriteSeverity(log.severity_number, out);
}

void WriteEvent(const LogRecord& log, Measurements& measurements, TextArena& arena, ItemWriter& out) {
  out.Literal(",\"name\":");
  out.String(log.attributes.Text(Key::kCustomEventName, arena), field_limits::kEventName);
  if (log.body.type != ValueType::kMap) return;
  for (const KeyedValue& entry : ReadEntries(log.body)) {
    if (entry.key == "measurements" && entry.value.type == ValueType::kMap) measurements.SetFromMap(entry.value);
  }
}

std::string_view MarkOf(ItemType type) {
  if (type == ItemType::kException) return kExceptionsMark;
  return type == ItemType::kMessage ? kTracesMark : std::string_view{};
}

struct LogProperties {
  std::string_view body;  ///< `log.body`, if not empty
  std::string_view mark;
};

/// Contract 4.2, "extra properties": each unless an attribute has its key. Δ42, Δ45, Δ28.
void WriteProperties(const LogRecord& log, const LogProperties& extra, const ScopeContext& scope, ItemWriter& out) {
  PropertyWriter properties(out);
  for (const Attribute& attribute : log.attributes) {
    if (IsRecordProperty(attribute) && (extra.mark.empty() || attribute.known != Key::kProcessed)) properties.Add(attribute);
  }
  const auto add = [&](Key key, std::string_view text) {
    const Value* given = log.attributes.Find(key);
    if (!text.empty() && (given == nullptr || given->type == ValueType::kNone)) properties.Text(KeyText(key), text);
  };
  add(Key::kLoggerName, scope.name);
  if (SeverityLevel(log.severity_number).empty()) add(Key::kSeverityText, log.severity_text);
  add(Key::kLogBody, extra.body);
  if (!extra.mark.empty()) AddMark(extra.mark, log.attributes, properties);
  properties.Close();
}

}  // namespace

void ReadLogRecord(std::string_view message, LogRecord& log) {
  namespace field = otlp::log_record;
  constexpr auto kBytes = pbf_wire_type::length_delimited;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(field::kTime, pbf_wire_type::fixed64): log.time_nanos = reader.get_fixed64(); break;
      case tag_and_type(field::kObservedTime, pbf_wire_type::fixed64): log.observed_nanos = reader.get_fixed64(); break;
      case tag_and_type(field::kSeverityNumber, pbf_wire_type::varint): log.severity_number = reader.get_uint64(); break;
      case tag_and_type(field::kSeverityText, kBytes): log.severity_text = View(reader.get_view()); break;
      case tag_and_type(field::kBody, kBytes): log.body = ReadValue(View(reader.get_view())); break;
      case tag_and_type(field::kAttributes, kBytes): log.attributes.Add(View(reader.get_view())); break;
      case tag_and_type(field::kTraceId, kBytes): log.trace_id = View(reader.get_view()); break;
      case tag_and_type(field::kSpanId, kBytes): log.span_id = View(reader.get_view()); break;
      case tag_and_type(field::kEventName, kBytes): log.event_name = View(reader.get_view()); break;
      default: reader.skip();
    }
  }
}

LogItem LogItemOf(const LogRecord& log, TextArena& arena) {
  const AttributeList& attributes = log.attributes;
  if (attributes.NonEmpty(Key::kExceptionType, Key::kExceptionMessage) != nullptr) return {ItemType::kException};
  if (attributes.NonEmpty(Key::kCustomEventName) != nullptr) return {ItemType::kEvent};
  if (IsAvailability(attributes)) return {ItemType::kAvailability};
  if (log.body.type == ValueType::kMap) {
    const auto name = attributes.Text(Key::kBaseType, arena);
    for (const LegacyType& legacy : kLegacyTypes) {
      if (legacy.name == name) return {legacy.type, true};
    }
  }
  return {ItemType::kMessage};
}

std::string_view SeverityLevel(std::uint64_t severity_number) {
  if (severity_number < 1 || severity_number > 24) return {};
  constexpr std::array<std::string_view, 6> kLevels{"Verbose", "Verbose", "Information", "Warning", "Error", "Critical"};
  return kLevels[(severity_number - 1) / 4];
}

std::string_view SeverityOfItem(const LogRecord& log, const LogItem& item, TextArena& arena) {
  if (!item.is_legacy) return SeverityLevel(log.severity_number);
  for (const KeyedValue& entry : ReadEntries(log.body)) {
    if (entry.key == "severityLevel") return TextOf(entry.value, arena);
  }
  return {};
}

std::string_view BodyText(const LogRecord& log, TextArena& arena) { return TextOf(log.body, arena); }

void AppendLog(std::string_view message, const RecordContext& record, const ItemContext& context, ItemCounter& counter, ItemWriter& out) {
  LogRecord log;
  ReadLogRecord(message, log);
  if (!counter.Next()) return;
  TextArena arena;
  const LogItem item = LogItemOf(log, arena);
  const Tags tags = TagsOfLog(log.attributes, log.trace_id, log.span_id, record.operation_name, arena);
  BeginItem(item.type, TimeOf(log, item, context.now_nanos), SampleRateOf(log.attributes, record.sample_rate), &tags, context, out);
  Measurements measurements;
  LogProperties extra;
  if (record.is_measured) extra.mark = MarkOf(item.type);
  if (item.is_legacy) {
    WriteLegacy(item.type, log.body, measurements, arena, out);
  } else if (item.type == ItemType::kException) {
    extra.body = WriteExceptionLog(log, arena, out);
  } else if (item.type == ItemType::kEvent) {
    WriteEvent(log, measurements, arena, out);
  } else if (item.type == ItemType::kAvailability) {
    WriteAvailability(log, arena, out);
  } else {
    WriteMessage(log, arena, out);
  }
  WriteProperties(log, extra, context.scope, out);
  measurements.SetFromAttribute(log.attributes);
  measurements.Write(out);
  EndItem(out);
}

}  // namespace azmon::envelope
