// SPDX-License-Identifier: MIT
#include "capture/attribute_encoder.h"

#include <charconv>
#include <cstring>
#include <limits>
#include <type_traits>

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
void AppendAny(std::string_view value, std::string& out) { otlp::AppendBytesField(any_value::kString, value, out); }
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
  otlp::AppendBytesField(otlp::key_value::kKey, key, out);
  const std::size_t any = otlp::OpenMessage(otlp::key_value::kValue, out);
  nostd::visit(AnyVisitor{out}, value);
  otlp::CloseMessage(any, out);
  otlp::CloseMessage(pair, out);
}

/// FNV-1a over length and at most the last 16 bytes: keys of one span share prefixes, seldom their ends.
std::uint32_t HashOf(std::string_view key) {
  std::uint32_t hash = 2166136261U ^ static_cast<std::uint32_t>(key.size());
  for (const char c : key.size() > 16 ? key.substr(key.size() - 16) : key) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
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

void AppendAttribute(std::uint32_t field, std::string_view key, const AttributeValue& value, std::string& out) {
  AppendKeyValue(field, key, value, out);
}

void AppendAttribute(std::uint32_t field, std::string_view key, const OwnedAttributeValue& value, std::string& out) {
  AppendKeyValue(field, key, value, out);
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

AttributeList::Place AttributeList::PlaceAt(std::uint32_t index) const {
  if (index < kPlacesInline) return inline_[index];
  Place place;
  std::memcpy(&place, more_.data() + (index - kPlacesInline) * sizeof place, sizeof place);
  return place;
}

void AttributeList::SetPlace(std::uint32_t index, Place place) {
  if (index < kPlacesInline) {
    inline_[index] = place;
    return;
  }
  const std::size_t at = (index - kPlacesInline) * sizeof place;
  if (more_.size() < at + sizeof place) more_.resize(at + sizeof place);
  std::memcpy(more_.data() + at, &place, sizeof place);
}

std::string_view AttributeList::KeyAt(std::uint32_t begin) const {
  // tag, length of the pair, tag of the key, length of the key, key
  std::uint64_t value = 0;
  std::size_t at = SkipVarint(bytes_, begin, value);
  at = SkipVarint(bytes_, at, value);
  at = SkipVarint(bytes_, at, value);
  at = SkipVarint(bytes_, at, value);
  return std::string_view(bytes_).substr(at, value);
}

void AttributeList::Set(std::string_view key, const AttributeValue& value, std::uint32_t count_max) {
  const std::uint32_t hash = HashOf(key);
  for (std::uint32_t i = 0; i < count_; ++i) {
    const Place place = PlaceAt(i);
    if (place.hash != hash || KeyAt(place.begin) != key) continue;
    // Rare: the old pair is cut out and everything behind it moves up; the key keeps its rank by taking the last place.
    const std::uint32_t end = i + 1 < count_ ? PlaceAt(i + 1).begin : static_cast<std::uint32_t>(bytes_.size());
    const std::uint32_t gone = end - place.begin;
    bytes_.erase(place.begin, gone);
    for (std::uint32_t k = i; k + 1 < count_; ++k) {
      const Place next = PlaceAt(k + 1);
      SetPlace(k, {.begin = next.begin - gone, .hash = next.hash});
    }
    SetPlace(count_ - 1, {.begin = static_cast<std::uint32_t>(bytes_.size()), .hash = hash});
    AppendKeyValue(field_, key, value, bytes_);
    return;
  }
  if (count_ >= count_max) {
    ++dropped_;
    return;
  }
  SetPlace(count_++, {.begin = static_cast<std::uint32_t>(bytes_.size()), .hash = hash});
  AppendKeyValue(field_, key, value, bytes_);
}

}  // namespace azmon::capture
