// SPDX-License-Identifier: MIT
#include "envelope/json_numbers.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/text.h"

namespace azmon::envelope {
namespace {

constexpr int kDepthMax = 100;

void AppendUtf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0U | code >> 6U));
    out.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | code >> 12U));
    out.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  } else {
    out.push_back(static_cast<char>(0xF0U | code >> 18U));
    out.push_back(static_cast<char>(0x80U | (code >> 12U & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  }
}

/// A recursive-descent reader; each function consumes what it names and returns false if that does not stand there.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool ReadDocument(std::vector<JsonNumber>& numbers) {
    SkipBlanks();
    if (!ReadObject(&numbers, 0)) return false;
    SkipBlanks();
    return text_.empty();
  }

 private:
  void SkipBlanks() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t' || text_[0] == '\n' || text_[0] == '\r')) text_.remove_prefix(1);
  }

  bool Take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool TakeWord(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  /// @param numbers  receives the finite numbers of this object, nullptr for an inner one
  bool ReadObject(std::vector<JsonNumber>* numbers, int depth) {
    if (depth > kDepthMax || !Take('{')) return false;
    SkipBlanks();
    if (Take('}')) return true;
    while (true) {
      SkipBlanks();
      std::string name;
      if (!ReadString(name)) return false;
      SkipBlanks();
      if (!Take(':')) return false;
      SkipBlanks();
      std::optional<double> number;
      if (!ReadValue(number, depth + 1)) return false;
      if (numbers != nullptr && number) numbers->push_back({std::move(name), *number});
      SkipBlanks();
      if (Take('}')) return true;
      if (!Take(',')) return false;
    }
  }

  bool ReadArray(int depth) {
    if (depth > kDepthMax || !Take('[')) return false;
    SkipBlanks();
    if (Take(']')) return true;
    while (true) {
      SkipBlanks();
      std::optional<double> number;
      if (!ReadValue(number, depth + 1)) return false;
      SkipBlanks();
      if (Take(']')) return true;
      if (!Take(',')) return false;
    }
  }

  bool ReadValue(std::optional<double>& number, int depth) {
    if (text_.empty()) return false;
    switch (text_[0]) {
      case '{': return ReadObject(nullptr, depth);
      case '[': return ReadArray(depth);
      case '"': {
        std::string ignored;
        return ReadString(ignored);
      }
      case 't': return TakeWord("true");
      case 'f': return TakeWord("false");
      case 'n': return TakeWord("null");
      default: return ReadNumber(number);
    }
  }

  std::size_t CountDigits(std::size_t at) const {
    std::size_t count = 0;
    while (at + count < text_.size() && base::IsDigit(text_[at + count])) ++count;
    return count;
  }

  bool ReadNumber(std::optional<double>& number) {
    std::size_t at = text_[0] == '-' ? 1 : 0;
    const std::size_t whole = CountDigits(at);
    if (whole == 0 || (whole > 1 && text_[at] == '0')) return false;
    at += whole;
    if (at < text_.size() && text_[at] == '.') {
      const std::size_t fraction = CountDigits(at + 1);
      if (fraction == 0) return false;
      at += 1 + fraction;
    }
    if (at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
      std::size_t digits_at = at + 1;
      if (digits_at < text_.size() && (text_[digits_at] == '+' || text_[digits_at] == '-')) ++digits_at;
      const std::size_t exponent = CountDigits(digits_at);
      if (exponent == 0) return false;
      at = digits_at + exponent;
    }
    double value = 0;
    const auto result = std::from_chars(text_.data(), text_.data() + at, value);
    // Out of range is an infinity or a zero: the one is no measurement, the other is not told apart from it here.
    if (result.ec == std::errc{} && std::isfinite(value)) number = value;
    text_.remove_prefix(at);
    return true;
  }

  bool ReadHex(std::uint32_t& code) {
    if (text_.size() < 4) return false;
    const auto result = std::from_chars(text_.data(), text_.data() + 4, code, 16);
    if (result.ec != std::errc{} || result.ptr != text_.data() + 4) return false;
    text_.remove_prefix(4);
    return true;
  }

  bool ReadEscape(std::string& out) {
    if (text_.empty()) return false;
    const char c = text_[0];
    text_.remove_prefix(1);
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kChars = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kNames.find(c); i != std::string_view::npos) {
      out.push_back(kChars[i]);
      return true;
    }
    std::uint32_t code = 0;
    if (c != 'u' || !ReadHex(code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && text_.starts_with("\\u")) {
      const std::string_view before = text_;
      text_.remove_prefix(2);
      std::uint32_t low = 0;
      if (!ReadHex(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        AppendUtf8(0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00), out);
        return true;
      }
      text_ = before;
    }
    AppendUtf8(code >= 0xD800 && code < 0xE000 ? 0xFFFD : code, out);
    return true;
  }

  bool ReadString(std::string& out) {
    if (!Take('"')) return false;
    while (!text_.empty()) {
      const char c = text_[0];
      text_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out.push_back(c);
      } else if (!ReadEscape(out)) {
        return false;
      }
    }
    return false;
  }

  std::string_view text_;
};

}  // namespace

std::vector<JsonNumber> ReadJsonNumbers(std::string_view text) {
  std::vector<JsonNumber> numbers;
  if (!Reader(text).ReadDocument(numbers)) numbers.clear();
  return numbers;
}

}  // namespace azmon::envelope
