// SPDX-License-Identifier: MIT
// Attributes as they stand in an OTLP message: views, a table of the known keys, duplicates resolved.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "envelope/attribute_keys.h"
#include "envelope/inline_vector.h"
#include "envelope/text_arena.h"

namespace azmon::envelope {

enum class ValueType : std::uint8_t { kNone, kString, kBool, kInt, kDouble, kArray, kMap, kBytes };

/// An OTLP AnyValue whose bytes belong to the record.
struct Value {
  ValueType type = ValueType::kNone;
  union {
    std::int64_t integer = 0;
    double number;
    bool boolean;
  };
  std::string_view bytes{};  ///< the text, the bytes, or the inner message of an array or map
};

/// Reads an AnyValue message. Throws protozero::exception on malformed bytes, as all readers of this header.
Value ReadValue(std::string_view message);

/// Reads a KeyValue message; a missing value is kNone.
struct KeyedValue {
  std::string_view key;
  Value value;
};
KeyedValue ReadKeyValue(std::string_view message);

/// "Empty" of the contract: missing, null, "", false, 0, NaN.
bool IsEmpty(const Value& value);

/// The number that a value is or, as decimal text, stands for; nullopt otherwise, for infinities and NaN too.
std::optional<double> NumberOf(const Value& value);

/// The text of a value (contract 3.9); of null and of nothing "". A view into the record or the arena.
std::string_view TextOf(const Value& value, TextArena& arena);

struct Attribute {
  std::string_view key;
  Value value;
  Key known = Key::kUnknown;
  std::uint32_t next = 0;  ///< of the chain of its hash; an index + 1
};

/// The attributes of one span, event, log record, data point or resource.
class AttributeList {
 public:
  AttributeList() { Clear(); }

  void Clear();
  /// Adds a KeyValue message. Of equal keys the last value wins, at the place of the first.
  void Add(std::string_view key_value_message);

  /// The attribute's value, or nullptr.
  const Value* Find(Key key) const {
    const std::uint32_t place = places_[static_cast<std::size_t>(key)];
    return place == 0 ? nullptr : &items_[place - 1].value;
  }
  /// The value if it is not empty, else nullptr.
  const Value* NonEmpty(Key key) const {
    const Value* value = Find(key);
    if (value == nullptr) return nullptr;
    if (value->type == ValueType::kString) return value->bytes.empty() ? nullptr : value;
    return IsEmpty(*value) ? nullptr : value;
  }
  /// The first of the two that is not empty, or nullptr: the contract's `a ?? b`.
  const Value* NonEmpty(Key first, Key second) const {
    const Value* value = NonEmpty(first);
    return value != nullptr ? value : NonEmpty(second);
  }
  /// The text of the first that is not empty; "" if none is.
  std::string_view Text(Key key, TextArena& arena) const {
    const Value* value = Find(key);
    if (value == nullptr) return {};
    if (value->type == ValueType::kString) return value->bytes;
    return IsEmpty(*value) ? std::string_view{} : TextOf(*value, arena);
  }
  std::string_view Text(Key first, Key second, TextArena& arena) const {
    const std::string_view text = Text(first, arena);
    return text.empty() ? Text(second, arena) : text;
  }

  const Attribute* begin() const { return items_.begin(); }
  const Attribute* end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }

 private:
  static constexpr std::size_t kChains = 64;

  InlineVector<Attribute, 32> items_;
  std::array<std::uint32_t, kKeyCount> places_;   ///< index + 1
  std::array<std::uint32_t, kChains> chains_;     ///< of unknown keys; index + 1
};

}  // namespace azmon::envelope
