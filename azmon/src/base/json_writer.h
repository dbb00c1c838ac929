// SPDX-License-Identifier: MIT
// Appends JSON text to a string.
//
// For output that we shape ourselves: no tree, no allocation but the string's own growth. The caller writes the punctuation of objects
// and arrays by OpenObject and its like; commas are put by the writer. Used by `envelope` and azmon-local.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace azmon::base {

/// Appends `text` as the inside of a JSON string, without quotes. Escaped are `"`, `\` and U+0000 to U+001F (RFC 8259 section 7);
/// each invalid UTF-8 sequence becomes one U+FFFD, so the output is always valid UTF-8.
void AppendJsonEscaped(std::string_view text, std::string& out);

/// Appends a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string& out);

/// Appends the shortest decimal text that reads back as the same double, in the form of ECMAScript's Number::toString
/// ("1", "1.5", "1e+21", "1e-7"). NaN and infinities have no JSON form: they become "NaN", "Infinity", "-Infinity" as bare words, so the
/// caller decides whether to quote or to leave out.
void AppendEcmaNumber(double value, std::string& out);

class JsonWriter {
 public:
  /// @param out  receives the text; must outlive the writer
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& OpenObject() { return Open('{'); }
  JsonWriter& CloseObject() { return Close('}'); }
  JsonWriter& OpenArray() { return Open('['); }
  JsonWriter& CloseArray() { return Close(']'); }

  /// The name of the next member; a value must follow.
  JsonWriter& Key(std::string_view name);

  JsonWriter& String(std::string_view text);
  JsonWriter& Integer(std::int64_t value);
  JsonWriter& Unsigned(std::uint64_t value);
  /// A finite number; others become null.
  JsonWriter& Double(double value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  /// Text that is JSON already.
  JsonWriter& Raw(std::string_view json);

  template <typename Value>
  JsonWriter& Member(std::string_view name, const Value& value) {
    Key(name);
    if constexpr (std::is_same_v<Value, bool>) {
      return Bool(value);
    } else if constexpr (std::is_floating_point_v<Value>) {
      return Double(value);
    } else if constexpr (std::is_unsigned_v<Value>) {
      return Unsigned(value);
    } else if constexpr (std::is_integral_v<Value>) {
      return Integer(value);
    } else {
      return String(value);
    }
  }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();

  std::string& out_;
  bool needs_comma_ = false;
};

}  // namespace azmon::base
