// SPDX-License-Identifier: MIT
#include "base/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"

namespace azmon::base {
namespace {

/// What a byte needs inside a JSON string: 0 nothing, 1 an escape, 2 a look at the UTF-8 sequence that it begins.
constexpr std::array<std::uint8_t, 256> MakeByteClasses() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t i = 0; i < 256; ++i) classes[i] = i < 0x20 || i == '"' || i == '\\' ? 1 : (i >= 0x80 ? 2 : 0);
  return classes;
}
constexpr auto kByteClasses = MakeByteClasses();

void AppendEscape(char c, std::string& out) {
  switch (c) {
    case '"': out.append("\\\""); return;
    case '\\': out.append("\\\\"); return;
    case '\n': out.append("\\n"); return;
    case '\r': out.append("\\r"); return;
    case '\t': out.append("\\t"); return;
    case '\b': out.append("\\b"); return;
    case '\f': out.append("\\f"); return;
    default: break;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  out.append("\\u00");
  out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
  out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
}

}  // namespace

void AppendJsonEscaped(std::string_view text, std::string& out) {
  std::size_t plain_begin = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::uint8_t byte_class = kByteClasses[static_cast<unsigned char>(text[i])];
    if (byte_class == 0) {
      ++i;
      continue;
    }
    if (byte_class == 2) {
      const std::size_t length = Utf8SequenceLength(text.substr(i));
      if (length != 0) {
        i += length;
        continue;
      }
    }
    out.append(text.substr(plain_begin, i - plain_begin));
    if (byte_class == 1) {
      AppendEscape(text[i], out);
    } else {
      out.append(kReplacementCharacter);
    }
    plain_begin = ++i;
  }
  out.append(text.substr(plain_begin));
}

void AppendJsonString(std::string_view text, std::string& out) {
  out.push_back('"');
  AppendJsonEscaped(text, out);
  out.push_back('"');
}

void AppendEcmaNumber(double value, std::string& out) {
  if (std::isnan(value)) {
    out.append("NaN");
    return;
  }
  if (std::isinf(value)) {
    out.append(value < 0 ? "-Infinity" : "Infinity");
    return;
  }
  if (value == 0) {
    out.push_back('0');  // also for -0, as ECMAScript prints it
    return;
  }
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  AZMON_CHECK(error == std::errc{});
  // d[.ddd]e±xx → digits and exponent, then ECMA-262 Number::toString.
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  if (text.front() == '-') {
    out.push_back('-');
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  int exponent = 0;
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.front() == '+') exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::array<char, 24> digits{};
  int count = 0;
  for (const char c : text.substr(0, e)) {
    if (c != '.') digits[static_cast<std::size_t>(count++)] = c;
  }
  const std::string_view all(digits.data(), static_cast<std::size_t>(count));
  const int point = exponent + 1;
  if (count <= point && point <= 21) {
    out.append(all).append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out.append(all.substr(0, static_cast<std::size_t>(point))).append(".").append(all.substr(static_cast<std::size_t>(point)));
  } else if (-6 < point && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(all);
  } else {
    out.push_back(all.front());
    if (count > 1) out.append(".").append(all.substr(1));
    out.push_back('e');
    out.push_back(exponent < 0 ? '-' : '+');
    out.append(std::to_string(exponent < 0 ? -exponent : exponent));
  }
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  AppendJsonString(name, out_);
  out_.push_back(':');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Separate();
  AppendJsonString(text, out_);
  return *this;
}

JsonWriter& JsonWriter::Integer(std::int64_t value) {
  Separate();
  std::array<char, 24> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  AZMON_CHECK(error == std::errc{});
  out_.append(buffer.data(), end);
  return *this;
}

JsonWriter& JsonWriter::Unsigned(std::uint64_t value) {
  Separate();
  std::array<char, 24> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  AZMON_CHECK(error == std::errc{});
  out_.append(buffer.data(), end);
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  if (!std::isfinite(value)) return Null();
  Separate();
  AppendEcmaNumber(value, out_);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  out_.append(value ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::Null() {
  Separate();
  out_.append("null");
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_.push_back(bracket);
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_.push_back(bracket);
  needs_comma_ = true;
  return *this;
}

void JsonWriter::Separate() {
  if (needs_comma_) out_.push_back(',');
  needs_comma_ = true;
}

}  // namespace azmon::base
