// SPDX-License-Identifier: MIT
#include "capture/attribute_encoder.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/utf8.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
using opentelemetry::common::AttributeValue;
using opentelemetry::sdk::common::OwnedAttributeValue;
namespace any_value = otlp::any_value;

// One AnyValue's field: the tag and what follows it, without the AnyValue's own head.
void AppendAny(bool value, std::string& out) { otlp::AppendVarintField(any_value::kBool, value ? 1 : 0, out); }
void AppendAny(std::int64_t value, std::string& out) { otlp::AppendVarintField(any_value::kInt, static_cast<std::uint64_t>(value), out); }
void AppendAny(std::int32_t value, std::string& out) { AppendAny(std::int64_t{value}, out); }
void AppendAny(std::uint32_t value, std::string& out) { AppendAny(std::int64_t{value}, out); }
void AppendAny(double value, std::string& out) { otlp::AppendDoubleField(any_value::kDouble, value, out); }
void AppendAny(std::string_view value, std::string& out) {
  std::string repaired;
  otlp::AppendBytesField(any_value::kString, base::ValidUtf8(value, repaired), out);
}
void AppendAny(nostd::string_view value, std::string& out) { AppendAny(std::string_view(value.data(), value.size()), out); }
void AppendAny(const std::string& value, std::string& out) { AppendAny(std::string_view(value), out); }
void AppendAny(const char* value, std::string& out) { AppendAny(std::string_view(value == nullptr ? "" : value), out); }
void AppendAny(std::uint64_t value, std::string& out) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    AppendAny(static_cast<std::int64_t>(value), out);
    return;
  }
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  AppendAny(std::string_view(digits, static_cast<std::size_t>(end - digits)), out);
}

template <typename Elements>
void AppendArray(const Elements& elements, std::string& out) {
  const std::size_t array = otlp::OpenMessage(any_value::kArray, out);
  for (const auto& element : elements) {
    const std::size_t mark = otlp::OpenMessage(otlp::array_value::kValues, out);
    AppendAny(element, out);
    otlp::CloseMessage(mark, out);
  }
  otlp::CloseMessage(array, out);
}

void AppendBytes(const void* data, std::size_t bytes, std::string& out) {
  otlp::AppendBytesField(any_value::kBytes, std::string_view(static_cast<const char*>(data), bytes), out);
}

struct AnyVisitor {
  std::string& out;

  void operator()(nostd::span<const std::uint8_t> value) const { AppendBytes(value.data(), value.size(), out); }
  void operator()(const std::vector<std::uint8_t>& value) const { AppendBytes(value.data(), value.size(), out); }
  void operator()(const std::vector<bool>& value) const {
    const std::size_t array = otlp::OpenMessage(any_value::kArray, out);
    for (const bool element : value) {
      const std::size_t mark = otlp::OpenMessage(otlp::array_value::kValues, out);
      AppendAny(element, out);
      otlp::CloseMessage(mark, out);
    }
    otlp::CloseMessage(array, out);
  }
  template <typename Value>
  void operator()(const Value& value) const {
    if constexpr (std::is_arithmetic_v<Value> || std::is_convertible_v<Value, std::string_view> || std::is_same_v<Value, nostd::string_view>) {
      AppendAny(value, out);
    } else {
      AppendArray(value, out);
    }
  }
};

template <typename Variant>
void AppendKeyValue(std::uint32_t field, std::string_view key, const Variant& value, std::string& out) {
  const std::size_t pair = otlp::OpenMessage(field, out);
  std::string repaired;
  otlp::AppendBytesField(otlp::key_value::kKey, base::ValidUtf8(key, repaired), out);
  const std::size_t any = otlp::OpenMessage(otlp::key_value::kValue, out);
  nostd::visit(AnyVisitor{out}, value);
  otlp::CloseMessage(any, out);
  otlp::CloseMessage(pair, out);
}

/// Tells most keys of a span apart by their length and their ends; equal hashes are followed by a comparison.
std::uint32_t HashOf(std::string_view key) {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  if (key.size() >= 8) {
    std::memcpy(&head, key.data(), 8);
    std::memcpy(&tail, key.data() + key.size() - 8, 8);
  } else {
    for (const char c : key) head = head << 8U | static_cast<unsigned char>(c);
  }
  const std::uint64_t mixed = (head ^ (tail * 0x9E3779B97F4A7C15ULL) ^ key.size()) * 0xD6E8FEB86659FD93ULL;
  return static_cast<std::uint32_t>(mixed >> 32U);
}

/// Appends a pair whose AnyValue has `any_bytes` bytes, which `put_any` writes.
template <typename PutAny>
void AppendPair(std::uint32_t field, std::string_view key, std::size_t any_bytes, const PutAny& put_any, otlp::Buffer& out) {
  const std::size_t pair_bytes = otlp::FieldBytes(otlp::key_value::kKey, key.size()) + otlp::FieldBytes(otlp::key_value::kValue, any_bytes);
  char* to = out.Reserve(2 * otlp::kVarintBytesMax + pair_bytes);
  to = otlp::PutTag(field, otlp::kLengthDelimited, to);
  to = otlp::PutVarint(pair_bytes, to);
  to = otlp::PutBytesField(otlp::key_value::kKey, key, to);
  to = otlp::PutTag(otlp::key_value::kValue, otlp::kLengthDelimited, to);
  to = otlp::PutVarint(any_bytes, to);
  out.Commit(put_any(to));
}

void AppendTextPair(std::uint32_t field, std::string_view key, std::string_view raw, otlp::Buffer& out) {
  std::string repaired;
  const std::string_view text = base::ValidUtf8(raw, repaired);
  AppendPair(field, key, otlp::FieldBytes(any_value::kString, text.size()),
             [text](char* to) { return otlp::PutBytesField(any_value::kString, text, to); }, out);
}

void AppendIntegerPair(std::uint32_t field, std::string_view key, std::int64_t value, otlp::Buffer& out) {
  const auto bits = static_cast<std::uint64_t>(value);
  AppendPair(field, key, 1 + otlp::VarintBytes(bits), [bits](char* to) { return otlp::PutVarintField(any_value::kInt, bits, to); }, out);
}

/// The scalar types are written at once; arrays and the rest go through a string.
void AppendValue(std::uint32_t field, std::string_view key, const AttributeValue& value, otlp::Buffer& out) {
  using namespace opentelemetry::common;  // NOLINT: the names of the alternatives
  switch (value.index()) {
    case kTypeString: {
      const auto text = nostd::get<nostd::string_view>(value);
      return AppendTextPair(field, key, {text.data(), text.size()}, out);
    }
    case kTypeCString: {
      const char* const text = nostd::get<const char*>(value);
      return AppendTextPair(field, key, text == nullptr ? std::string_view{} : std::string_view(text), out);
    }
    case kTypeInt: return AppendIntegerPair(field, key, nostd::get<std::int32_t>(value), out);
    case kTypeInt64: return AppendIntegerPair(field, key, nostd::get<std::int64_t>(value), out);
    case kTypeUInt: return AppendIntegerPair(field, key, nostd::get<std::uint32_t>(value), out);
    case kTypeBool: {
      const std::uint64_t bit = nostd::get<bool>(value) ? 1 : 0;
      return AppendPair(field, key, 2, [bit](char* to) { return otlp::PutVarintField(any_value::kBool, bit, to); }, out);
    }
    case kTypeDouble: {
      const auto bits = std::bit_cast<std::uint64_t>(nostd::get<double>(value));
      return AppendPair(field, key, 9, [bits](char* to) { return otlp::PutFixed64Field(any_value::kDouble, bits, to); }, out);
    }
    default: {
      std::string pair;
      AppendKeyValue(field, key, value, pair);
      return out.Append(pair);
    }
  }
}

std::size_t SkipVarint(std::string_view bytes, std::size_t at, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return at;
  }
}

}  // namespace

void AppendAttribute(std::uint32_t field, std::string_view key, const OwnedAttributeValue& value, std::string& out) {
  AppendKeyValue(field, key, value, out);
}

void AppendAnyValue(std::uint32_t field, const AttributeValue& value, otlp::Buffer& out) {
  std::string any;
  const std::size_t mark = otlp::OpenMessage(field, any);
  nostd::visit(AnyVisitor{any}, value);
  otlp::CloseMessage(mark, any);
  out.Append(any);
}

std::uint32_t AppendAttributes(std::uint32_t field, const opentelemetry::common::KeyValueIterable& attributes, std::uint32_t count_max,
                               std::string& out) {
  AttributeList list(field);
  attributes.ForEachKeyValue([&](nostd::string_view key, AttributeValue value) noexcept {
    list.Set({key.data(), key.size()}, value, count_max);
    return true;
  });
  out.append(list.Bytes());
  return list.Dropped();
}

std::string_view AttributeList::KeyAt(std::uint32_t begin) const {
  // tag, length of the pair, tag of the key, length of the key, key
  std::uint64_t value = 0;
  const std::string_view bytes = bytes_.View();
  std::size_t at = SkipVarint(bytes, begin, value);
  at = SkipVarint(bytes, at, value);
  at = SkipVarint(bytes, at, value);
  at = SkipVarint(bytes, at, value);
  return bytes.substr(at, value);
}

void AttributeList::AddPlace(Place place) {
  if (count_ < kPlacesInline) {
    inline_[count_++] = place;
    return;
  }
  if (more_.empty()) more_.assign(inline_, inline_ + kPlacesInline);
  more_.push_back(place);
  ++count_;
}

void AttributeList::MoveToEnd(std::uint32_t index) {
  Place* const places = Places();
  const std::uint32_t begin = places[index].begin;
  const std::uint32_t end = index + 1 < count_ ? places[index + 1].begin : static_cast<std::uint32_t>(bytes_.Size());
  bytes_.Erase(begin, end - begin);
  const std::uint32_t hash = places[index].hash;
  for (std::uint32_t i = index; i + 1 < count_; ++i) places[i] = {.begin = places[i + 1].begin - (end - begin), .hash = places[i + 1].hash};
  places[count_ - 1] = {.begin = static_cast<std::uint32_t>(bytes_.Size()), .hash = hash};
}

void AttributeList::Set(std::string_view raw_key, const AttributeValue& value, std::uint32_t count_max) {
  std::string repaired;
  const std::string_view key = base::ValidUtf8(raw_key, repaired);
  const std::uint32_t hash = HashOf(key);
  const std::uint64_t bit = std::uint64_t{1} << (hash >> 26U);
  if ((seen_ & bit) != 0) {
    const Place* const places = Places();
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (places[i].hash != hash || KeyAt(places[i].begin) != key) continue;
      MoveToEnd(i);
      AppendValue(field_, key, value, bytes_);
      return;
    }
  }
  if (count_ >= count_max) {
    ++dropped_;
    return;
  }
  seen_ |= bit;
  AddPlace({.begin = static_cast<std::uint32_t>(bytes_.Size()), .hash = hash});
  AppendValue(field_, key, value, bytes_);
}

}  // namespace azmon::capture
