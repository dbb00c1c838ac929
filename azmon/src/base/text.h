// SPDX-License-Identifier: MIT
// Small functions on ASCII text and bytes. All of them ignore the locale, none allocates unless it returns a string.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azmon::base {

constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }

std::string ToLower(std::string_view text);
namespace internal {
bool EqualsIgnoreCaseAtEqualSize(const char* a, const char* b, std::size_t size);
}
/// Inline as far as most comparisons go: names of fields differ in length.
inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && internal::EqualsIgnoreCaseAtEqualSize(a.data(), b.data(), a.size());
}
std::string_view Trim(std::string_view text);

/// The pieces between separators; empty pieces are kept. "" gives one empty piece.
std::vector<std::string_view> Split(std::string_view text, char separator);

/// Decimal integer of the whole text, no sign but '-' for signed types, no blanks; nullopt otherwise or if it does not fit.
template <typename Integer>
std::optional<Integer> ParseInteger(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Finite decimal number of the whole text ("1", "-0.5", "1e3"); nullopt otherwise.
std::optional<double> ParseDouble(std::string_view text);

/// Lower-case hexadecimal digits of bytes, two each.
void AppendHex(std::string_view bytes, std::string& out);
std::string Hex(std::string_view bytes);

/// Bytes of hexadecimal text of even length, either case; nullopt otherwise.
std::optional<std::string> ParseHex(std::string_view text);

void AppendBase64(std::string_view bytes, std::string& out);
std::string Base64(std::string_view bytes);

/// Standard alphabet, padding required, no blanks; nullopt otherwise (RFC 4648 section 4).
std::optional<std::string> ParseBase64(std::string_view text);

/// %XX decoded; nullopt if a % is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecode(std::string_view text);

}  // namespace azmon::base
