// SPDX-License-Identifier: MIT
// The text forms of attribute values (contract 3.9), of times (2) and durations (3.2.1).
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/attributes.h"

namespace azmon::envelope {

/// Arrays and maps nested deeper than this become null: no SDK produces them, and the reading recurses.
inline constexpr int kNestingMax = 100;

/// A short text on the stack.
struct NumberText {
  std::array<char, 24> buffer;

  std::string_view Integer(std::int64_t value) {
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
  }
  std::string_view Unsigned(std::uint64_t value) {
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
  }
};

/// Appends the text of a value; nothing for null.
void AppendText(const Value& value, std::string& out);

/// Appends a value as compact JSON: inside arrays and maps bytes are base64, and what JSON lacks is null. Equal keys of a map: the last
/// value, at the place of the first.
void AppendJson(const Value& value, std::string& out, int depth = 0);

/// The entries of a map value, equal keys resolved as above; views into the record.
std::vector<KeyedValue> ReadEntries(const Value& map);

/// A time as UTC text with as few of 3, 6 or 7 decimals as are exact to 100 ns, which it is rounded down to. Contract 2, Δ3.
struct TimeText {
  std::array<char, 32> buffer;
  std::string_view Format(std::uint64_t unix_nanos);
};

/// Ticks of 100 ns of the largest duration that the service takes, 999.23:59:59.9999999. Contract 3.2.1.
inline constexpr std::uint64_t kDurationTicksMax = 1000ULL * 24 * 3600 * 10'000'000 - 1;

/// `[d.]hh:mm:ss.fff[ffff]`, capped. Contract 3.2.1.
struct DurationText {
  std::array<char, 32> buffer;
  std::string_view FormatTicks(std::uint64_t ticks);
  /// Rounded to the nearest tick; an end before the start is no time at all.
  std::string_view FormatSpan(std::uint64_t start_nanos, std::uint64_t end_nanos);
};

}  // namespace azmon::envelope
