// SPDX-License-Identifier: MIT
#include "envelope/attributes.h"

#include <cmath>
#include <protozero/pbf_reader.hpp>

#include "base/text.h"
#include "envelope/value_text.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::envelope {
namespace {

std::string_view View(const protozero::data_view& data) { return {data.data(), data.size()}; }

}  // namespace

Value ReadValue(std::string_view message) {
  namespace field = otlp::any_value;
  Value value;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(field::kString, protozero::pbf_wire_type::length_delimited):
        value.type = ValueType::kString;
        value.bytes = View(reader.get_view());
        break;
      case protozero::tag_and_type(field::kBool, protozero::pbf_wire_type::varint):
        value.type = ValueType::kBool;
        value.boolean = reader.get_bool();
        break;
      case protozero::tag_and_type(field::kInt, protozero::pbf_wire_type::varint):
        value.type = ValueType::kInt;
        value.integer = reader.get_int64();
        break;
      case protozero::tag_and_type(field::kDouble, protozero::pbf_wire_type::fixed64):
        value.type = ValueType::kDouble;
        value.number = reader.get_double();
        break;
      case protozero::tag_and_type(field::kArray, protozero::pbf_wire_type::length_delimited):
        value.type = ValueType::kArray;
        value.bytes = View(reader.get_view());
        break;
      case protozero::tag_and_type(field::kKeyValueList, protozero::pbf_wire_type::length_delimited):
        value.type = ValueType::kMap;
        value.bytes = View(reader.get_view());
        break;
      case protozero::tag_and_type(field::kBytes, protozero::pbf_wire_type::length_delimited):
        value.type = ValueType::kBytes;
        value.bytes = View(reader.get_view());
        break;
      default: reader.skip();
    }
  }
  return value;
}

namespace {

/// Reads a KeyValue in the form that encoders write most: key, then a text, integer, number or truth value, lengths under 128.
/// @return false for every other form, well or not: then the general reader decides
bool ReadUsualKeyValue(std::string_view message, KeyedValue& pair) {
  constexpr char kKeyTag = otlp::Tag(otlp::key_value::kKey, otlp::kLengthDelimited);
  constexpr char kValueTag = otlp::Tag(otlp::key_value::kValue, otlp::kLengthDelimited);
  constexpr char kStringTag = otlp::Tag(otlp::any_value::kString, otlp::kLengthDelimited);
  constexpr char kIntTag = otlp::Tag(otlp::any_value::kInt, otlp::kVarint);
  const auto length_at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(message[i])); };
  if (message.size() < 6 || message[0] != kKeyTag) return false;
  const std::size_t key_bytes = length_at(1);
  const std::size_t value_at = 2 + key_bytes + 2;
  if (key_bytes >= 0x80 || value_at + 2 > message.size() || message[value_at - 2] != kValueTag) return false;
  const std::size_t value_bytes = message.size() - value_at;
  if (value_bytes >= 0x80 || length_at(value_at - 1) != value_bytes) return false;
  if (message[value_at] == kStringTag && length_at(value_at + 1) == value_bytes - 2) {
    pair.value.type = ValueType::kString;
    pair.value.bytes = message.substr(value_at + 2);
  } else if (message[value_at] == kIntTag && value_bytes <= 4) {
    // Up to 21 bits: statuses, ports, counts.
    std::int64_t integer = 0;
    for (std::size_t i = 1; i < value_bytes; ++i) {
      const bool is_last = i + 1 == value_bytes;
      if ((length_at(value_at + i) < 0x80) != is_last) return false;
      integer |= static_cast<std::int64_t>(length_at(value_at + i) & 0x7FU) << (7 * (i - 1));
    }
    pair.value.type = ValueType::kInt;
    pair.value.integer = integer;
  } else {
    return false;
  }
  pair.key = message.substr(2, key_bytes);
  return true;
}

}  // namespace

KeyedValue ReadKeyValue(std::string_view message) {
  namespace field = otlp::key_value;
  KeyedValue pair;
  if (ReadUsualKeyValue(message, pair)) return pair;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(field::kKey, protozero::pbf_wire_type::length_delimited): pair.key = View(reader.get_view()); break;
      case protozero::tag_and_type(field::kValue, protozero::pbf_wire_type::length_delimited):
        pair.value = ReadValue(View(reader.get_view()));
        break;
      default: reader.skip();
    }
  }
  return pair;
}

bool IsEmpty(const Value& value) {
  switch (value.type) {
    case ValueType::kNone: return true;
    case ValueType::kString:
    case ValueType::kBytes: return value.bytes.empty();
    case ValueType::kBool: return !value.boolean;
    case ValueType::kInt: return value.integer == 0;
    case ValueType::kDouble: return value.number == 0 || std::isnan(value.number);
    case ValueType::kArray:
    case ValueType::kMap: return false;
  }
  return true;
}

std::optional<double> NumberOf(const Value& value) {
  switch (value.type) {
    case ValueType::kInt: return static_cast<double>(value.integer);
    case ValueType::kDouble: return std::isfinite(value.number) ? std::optional(value.number) : std::nullopt;
    case ValueType::kString: {
      std::string_view text = base::Trim(value.bytes);
      if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
      return base::ParseDouble(text);
    }
    default: return std::nullopt;
  }
}

std::string_view TextOf(const Value& value, TextArena& arena) {
  switch (value.type) {
    case ValueType::kNone: return {};
    case ValueType::kString: return value.bytes;
    case ValueType::kBool: return value.boolean ? "true" : "false";
    case ValueType::kInt: {
      NumberText text;
      return arena.Join({text.Integer(value.integer)});
    }
    case ValueType::kDouble:
    case ValueType::kArray:
    case ValueType::kMap:
    case ValueType::kBytes: break;
  }
  std::string& text = arena.NewString();
  AppendText(value, text);
  return text;
}

void AttributeList::Clear() {
  items_.clear();
  places_.fill(0);
  chains_.fill(0);
}

void AttributeList::Add(std::string_view key_value_message) {
  const KeyedValue pair = ReadKeyValue(key_value_message);
  const std::uint64_t hash = HashKey(pair.key);
  const Key known = FindKey(pair.key, hash);
  const auto place = static_cast<std::uint32_t>(items_.size() + 1);
  std::uint32_t* head = nullptr;
  if (known != Key::kUnknown) {
    head = &places_[static_cast<std::size_t>(known)];
    if (*head != 0) {
      items_[*head - 1].value = pair.value;
      return;
    }
  } else {
    head = &chains_[hash >> 58U];
    for (std::uint32_t at = *head; at != 0; at = items_[at - 1].next) {
      if (items_[at - 1].key == pair.key) {
        items_[at - 1].value = pair.value;
        return;
      }
    }
  }
  items_.push_back({.key = pair.key, .value = pair.value, .known = known, .next = *head});
  *head = place;
}

}  // namespace azmon::envelope
