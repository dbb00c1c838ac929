// SPDX-License-Identifier: MIT
// Log records whose body is the item's data, as the Classic SDK's shim writes them. Contract 4.1 row 4 and 4.2.
#include <array>
#include <cmath>
#include <protozero/pbf_reader.hpp>
#include <span>

#include "envelope/field_limits.h"
#include "envelope/log.h"
#include "envelope/value_text.h"
#include "otlp/fields.h"

namespace azmon::envelope {
namespace {

enum class FieldForm : std::uint8_t {
  kText,        ///< any value as text, booleans as they are
  kNumber,      ///< a number as it is
  kExceptions,  ///< an array of exceptions
  kFrames,      ///< an array of stack frames
};

struct Field {
  std::string_view name;
  FieldForm form;
  std::size_t units_max;
};

namespace limit = field_limits;

// The fields of contract 2.1; limits of 3.10.
constexpr std::array<Field, 6> kAvailabilityFields{{{"id", FieldForm::kText, limit::kId},
                                                    {"name", FieldForm::kText, limit::kName},
                                                    {"duration", FieldForm::kText, limit::kName},
                                                    {"success", FieldForm::kText, limit::kName},
                                                    {"runLocation", FieldForm::kText, limit::kRunLocation},
                                                    {"message", FieldForm::kText, limit::kAvailabilityMessage}}};
constexpr std::array<Field, 3> kExceptionDataFields{{{"exceptions", FieldForm::kExceptions, 0},
                                                     {"severityLevel", FieldForm::kText, limit::kName},
                                                     {"problemId", FieldForm::kText, limit::kProblemId}}};
constexpr std::array<Field, 2> kMessageFields{
    {{"message", FieldForm::kText, limit::kMessage}, {"severityLevel", FieldForm::kText, limit::kName}}};
constexpr std::array<Field, 5> kPageViewFields{{{"id", FieldForm::kText, limit::kId},
                                                {"name", FieldForm::kText, limit::kName},
                                                {"url", FieldForm::kText, limit::kUrl},
                                                {"duration", FieldForm::kText, limit::kName},
                                                {"referredUri", FieldForm::kText, limit::kUrl}}};
constexpr std::array<Field, 1> kEventFields{{{"name", FieldForm::kText, limit::kEventName}}};
constexpr std::array<Field, 7> kExceptionFields{{{"id", FieldForm::kNumber, 0},
                                                 {"outerId", FieldForm::kNumber, 0},
                                                 {"typeName", FieldForm::kText, limit::kExceptionType},
                                                 {"message", FieldForm::kText, limit::kExceptionText},
                                                 {"hasFullStack", FieldForm::kText, limit::kName},
                                                 {"stack", FieldForm::kText, limit::kExceptionText},
                                                 {"parsedStack", FieldForm::kFrames, limit::kFrames}}};
constexpr std::array<Field, 5> kFrameFields{{{"level", FieldForm::kNumber, 0},
                                             {"method", FieldForm::kText, limit::kFrameText},
                                             {"assembly", FieldForm::kText, limit::kFrameText},
                                             {"fileName", FieldForm::kText, limit::kFrameText},
                                             {"line", FieldForm::kNumber, 0}}};

std::span<const Field> FieldsOf(ItemType type) {
  switch (type) {
    case ItemType::kAvailability: return kAvailabilityFields;
    case ItemType::kException: return kExceptionDataFields;
    case ItemType::kPageView: return kPageViewFields;
    case ItemType::kEvent: return kEventFields;
    default: return kMessageFields;
  }
}

void WriteMembers(const std::vector<KeyedValue>& entries, std::span<const Field> fields, bool first, ItemWriter& out);

/// The maps of an array value as objects of the given fields.
void WriteObjects(const Value& array, std::span<const Field> fields, std::size_t count_max, ItemWriter& out) {
  out.Char('[');
  std::size_t count = 0;
  protozero::pbf_reader reader(array.bytes.data(), array.bytes.size());
  while (count < count_max && reader.next(otlp::array_value::kValues, protozero::pbf_wire_type::length_delimited)) {
    const protozero::data_view data = reader.get_view();
    const Value value = ReadValue({data.data(), data.size()});
    if (value.type != ValueType::kMap) continue;
    if (count++ > 0) out.Char(',');
    out.Char('{');
    WriteMembers(ReadEntries(value), fields, true, out);
    out.Char('}');
  }
  out.Char(']');
}

bool HasForm(const Value& value, FieldForm form) {
  switch (form) {
    case FieldForm::kText: return value.type != ValueType::kNone;
    case FieldForm::kNumber: return value.type == ValueType::kInt || (value.type == ValueType::kDouble && std::isfinite(value.number));
    case FieldForm::kExceptions:
    case FieldForm::kFrames: return value.type == ValueType::kArray;
  }
  return false;
}

void WriteField(const Field& field, const Value& value, ItemWriter& out) {
  // Of entries in exceptions[], as many as the bytes hold; the reading of nested maps is bounded by the three levels of the format.
  if (field.form == FieldForm::kExceptions) return WriteObjects(value, kExceptionFields, SIZE_MAX, out);
  if (field.form == FieldForm::kFrames) return WriteObjects(value, kFrameFields, field.units_max, out);
  TextArena arena;
  const auto text = TextOf(value, arena);
  if (field.form == FieldForm::kNumber || value.type == ValueType::kBool) {
    out.Raw(text);
  } else {
    out.String(text, field.units_max);
  }
}

void WriteMembers(const std::vector<KeyedValue>& entries, std::span<const Field> fields, bool first, ItemWriter& out) {
  for (const Field& field : fields) {
    for (const KeyedValue& entry : entries) {
      if (entry.key != field.name || !HasForm(entry.value, field.form)) continue;
      if (!first) out.Char(',');
      first = false;
      out.String(field.name);
      out.Char(':');
      WriteField(field, entry.value, out);
    }
  }
}

}  // namespace

void WriteLegacy(ItemType type, const Value& body, Measurements& measurements, TextArena& arena, ItemWriter& out) {
  const std::vector<KeyedValue> entries = ReadEntries(body);
  bool has_message = false;
  for (const KeyedValue& entry : entries) {
    if (entry.key == "measurements" && entry.value.type == ValueType::kMap) measurements.SetFromMap(entry.value);
    if (entry.key == "message") has_message = !TextOf(entry.value, arena).empty();
  }
  if (type == ItemType::kMessage && !has_message) {
    out.Literal(",\"message\":\"n/a\"");
    std::vector<KeyedValue> others;
    for (const KeyedValue& entry : entries) {
      if (entry.key != "message") others.push_back(entry);
    }
    return WriteMembers(others, FieldsOf(type), false, out);
  }
  WriteMembers(entries, FieldsOf(type), false, out);
}

}  // namespace azmon::envelope
