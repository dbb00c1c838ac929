// SPDX-License-Identifier: MIT
#include "envelope/properties.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "envelope/field_limits.h"
#include "envelope/json_numbers.h"
#include "envelope/value_text.h"

namespace azmon::envelope {
namespace {

/// Keys of contract 3.9's first three rows, which no item has as a property. Known keys have a rule of their own.
bool IsInternalKey(std::string_view key) { return key.starts_with("_MS.") || key.starts_with("microsoft."); }

std::size_t BytesMax(Key key) {
  return RuleOf(key) == PropertyRule::kLong ? field_limits::kLongPropertyBytes : field_limits::kPropertyBytes;
}

}  // namespace

std::string_view CutProperty(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max / 3) return text;
  std::size_t written = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = base::Utf8SequenceLength(text.substr(at));
    const std::size_t step_bytes = length == 0 ? 3 : length;
    if (written + step_bytes > bytes_max) break;
    written += step_bytes;
    at += length == 0 ? 1 : length;
  }
  return text.substr(0, at);
}

bool PropertyWriter::Open(std::string_view key) {
  // Δ27. No text has more UTF-16 units than bytes.
  if (key.size() > field_limits::kPropertyKey && base::CutUtf16Units(key, field_limits::kPropertyKey).size() != key.size()) return false;
  if (is_open_) {
    out_.Char(',');
  } else {
    out_.Literal(",\"properties\":{");
    is_open_ = true;
  }
  out_.String(key);
  out_.Char(':');
  return true;
}

void PropertyWriter::Text(std::string_view key, std::string_view text, std::size_t bytes_max) {
  if (Open(key)) out_.String(CutProperty(text, bytes_max));
}

void PropertyWriter::Text(std::string_view key, std::string_view text) { Text(key, text, field_limits::kPropertyBytes); }

void PropertyWriter::Add(const Attribute& attribute) {
  const std::size_t bytes_max = attribute.known == Key::kUnknown ? field_limits::kPropertyBytes : BytesMax(attribute.known);
  NumberText number;
  switch (attribute.value.type) {
    case ValueType::kNone: return;
    case ValueType::kString: return Text(attribute.key, attribute.value.bytes, bytes_max);
    case ValueType::kInt: return Text(attribute.key, number.Integer(attribute.value.integer), bytes_max);
    case ValueType::kBool: return Text(attribute.key, attribute.value.boolean ? "true" : "false", bytes_max);
    case ValueType::kDouble:
    case ValueType::kArray:
    case ValueType::kMap:
    case ValueType::kBytes: break;
  }
  scratch_.clear();
  AppendText(attribute.value, scratch_);
  Text(attribute.key, scratch_, bytes_max);
}

SpanProperties SpanProperties::OfRequest(const Span& span) {
  SpanProperties properties;
  const AttributeList& attributes = span.attributes;
  properties.drops_rpc_ = attributes.NonEmpty(Key::kHttpRequestMethod, Key::kHttpMethod) == nullptr &&
                          attributes.NonEmpty(Key::kRpcSystemName, Key::kRpcSystem) != nullptr;
  return properties;
}

SpanProperties SpanProperties::OfDependency(const Dependency& dependency) {
  SpanProperties properties;
  properties.drops_database_ = dependency.family == Family::kDatabase;
  properties.keeps_operation_ = dependency.data_is_query;
  properties.drops_rpc_ = dependency.family == Family::kRpc;
  return properties;
}

bool SpanProperties::Has(const Attribute& attribute) const {
  if (attribute.known == Key::kUnknown) return !IsInternalKey(attribute.key);
  switch (RuleOf(attribute.known)) {
    case PropertyRule::kKeep:
    case PropertyRule::kLong:
    case PropertyRule::kNotOfResource: return true;
    case PropertyRule::kNotOfSpans:
    case PropertyRule::kNever: return false;
    case PropertyRule::kUnlessDatabase: return !drops_database_;
    case PropertyRule::kDatabaseOperation: return !drops_database_ || keeps_operation_;
    case PropertyRule::kOldOperation: return drops_database_ && keeps_operation_;
    case PropertyRule::kUnlessRpc: return !drops_rpc_;
  }
  return true;
}

bool IsRecordProperty(const Attribute& attribute) {
  if (attribute.known == Key::kUnknown) return !IsInternalKey(attribute.key);
  return RuleOf(attribute.known) != PropertyRule::kNever;
}

bool IsResourceProperty(const Attribute& attribute) {
  if (attribute.known != Key::kUnknown && RuleOf(attribute.known) == PropertyRule::kNotOfResource) return false;
  return !attribute.key.starts_with("_MS.");
}

void AddMark(std::string_view mark, const AttributeList& attributes, PropertyWriter& properties) {
  constexpr std::string_view kKey = kKeyRows[static_cast<std::size_t>(Key::kProcessed)].key;
  if (attributes.NonEmpty(Key::kProcessed) == nullptr) return properties.Text(kKey, mark);
  TextArena arena;
  const auto given = attributes.Text(Key::kProcessed, arena);
  properties.Text(kKey, given == mark ? mark : arena.Join({given, ";", mark}));
}

void Measurements::Set(std::string_view name, double value) {
  name = base::CutUtf16Units(name, field_limits::kMeasurementKey);
  if (name.empty() || !std::isfinite(value)) return;
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == name; });
  if (found != entries_.end()) {
    found->value = value;
  } else {
    entries_.push_back({std::string(name), value});
  }
}

void Measurements::SetFromMap(const Value& map) {
  for (const KeyedValue& entry : ReadEntries(map)) {
    if (entry.value.type == ValueType::kString) continue;
    if (const auto number = NumberOf(entry.value)) Set(entry.key, *number);
  }
}

void Measurements::SetFromAttribute(const AttributeList& attributes) {
  const Value* value = attributes.Find(Key::kCustomMeasurements);
  if (value == nullptr || value->type != ValueType::kString) return;
  for (const JsonNumber& number : ReadJsonNumbers(value->bytes)) Set(number.name, number.value);
}

void Measurements::Write(ItemWriter& out) const {
  if (entries_.empty()) return;
  out.Literal(",\"measurements\":{");
  bool first = true;
  for (const Entry& entry : entries_) {
    if (!first) out.Char(',');
    first = false;
    out.String(entry.name);
    out.Char(':');
    out.Number(entry.value);
  }
  out.Char('}');
}

}  // namespace azmon::envelope
