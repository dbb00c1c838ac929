// SPDX-License-Identifier: MIT
#include "envelope/value_text.h"

#include <cmath>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <unordered_map>

#include "base/json_writer.h"
#include "base/text.h"
#include "otlp/fields.h"

namespace azmon::envelope {
namespace {

/// Calls `visit` with each sub-message of the one repeated field that ArrayValue and KeyValueList have.
template <typename Visit>
void ForEachMessage(std::string_view message, std::uint32_t field, Visit&& visit) {
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    if (reader.tag() == field && reader.wire_type() == protozero::pbf_wire_type::length_delimited) {
      const protozero::data_view data = reader.get_view();
      visit(std::string_view(data.data(), data.size()));
    } else {
      reader.skip();
    }
  }
}

void AppendJsonArray(const Value& array, std::string& out, int depth) {
  out.push_back('[');
  bool first = true;
  ForEachMessage(array.bytes, otlp::array_value::kValues, [&](std::string_view message) {
    if (!first) out.push_back(',');
    first = false;
    AppendJson(ReadValue(message), out, depth + 1);
  });
  out.push_back(']');
}

void AppendJsonMap(const Value& map, std::string& out, int depth) {
  out.push_back('{');
  bool first = true;
  for (const KeyedValue& entry : ReadEntries(map)) {
    if (!first) out.push_back(',');
    first = false;
    base::AppendJsonString(entry.key, out);
    out.push_back(':');
    AppendJson(entry.value, out, depth + 1);
  }
  out.push_back('}');
}

constexpr std::array<char, 200> MakePairs() {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}
constexpr auto kPairs = MakePairs();

/// @param value  under 100
char* PutPair(char* at, std::uint32_t value) {
  std::memcpy(at, kPairs.data() + 2 * value, 2);
  return at + 2;
}

/// The decimals of a second in ticks of 100 ns, seven of them.
char* PutFraction(char* at, std::uint32_t ticks) {
  *at++ = static_cast<char>('0' + ticks / 1'000'000);
  at = PutPair(at, ticks / 10'000 % 100);
  at = PutPair(at, ticks / 100 % 100);
  return PutPair(at, ticks % 100);
}

constexpr std::uint64_t kTicksPerSecond = 10'000'000;
constexpr std::uint64_t kSecondsPerDay = 86'400;

}  // namespace

std::vector<KeyedValue> ReadEntries(const Value& map) {
  // Few keys are compared one by one, many by a table.
  constexpr std::size_t kFew = 16;
  std::vector<KeyedValue> entries;
  std::unordered_map<std::string_view, std::size_t> places;
  ForEachMessage(map.bytes, otlp::key_value_list::kValues, [&](std::string_view message) {
    const KeyedValue pair = ReadKeyValue(message);
    if (entries.size() < kFew) {
      for (KeyedValue& entry : entries) {
        if (entry.key == pair.key) {
          entry.value = pair.value;
          return;
        }
      }
    } else {
      if (places.empty()) {
        for (std::size_t i = 0; i < entries.size(); ++i) places.emplace(entries[i].key, i);
      }
      const auto [place, is_new] = places.emplace(pair.key, entries.size());
      if (!is_new) {
        entries[place->second].value = pair.value;
        return;
      }
    }
    entries.push_back(pair);
  });
  return entries;
}

void AppendText(const Value& value, std::string& out) {
  NumberText text;
  switch (value.type) {
    case ValueType::kNone: return;
    case ValueType::kString: out.append(value.bytes); return;
    case ValueType::kBool: out.append(value.boolean ? "true" : "false"); return;
    case ValueType::kInt: out.append(text.Integer(value.integer)); return;
    case ValueType::kDouble: base::AppendEcmaNumber(value.number, out); return;
    case ValueType::kBytes: base::AppendBase64(value.bytes, out); return;
    case ValueType::kArray:
    case ValueType::kMap: AppendJson(value, out); return;
  }
}

void AppendJson(const Value& value, std::string& out, int depth) {
  if (depth > kNestingMax) {
    out.append("null");
    return;
  }
  switch (value.type) {
    case ValueType::kNone: out.append("null"); return;
    case ValueType::kString: base::AppendJsonString(value.bytes, out); return;
    case ValueType::kDouble:
      if (!std::isfinite(value.number)) {
        out.append("null");
        return;
      }
      [[fallthrough]];
    case ValueType::kBool:
    case ValueType::kInt: AppendText(value, out); return;
    case ValueType::kBytes:
      out.push_back('"');
      base::AppendBase64(value.bytes, out);
      out.push_back('"');
      return;
    case ValueType::kArray: AppendJsonArray(value, out, depth); return;
    case ValueType::kMap: AppendJsonMap(value, out, depth); return;
  }
}

std::string_view TimeText::Format(std::uint64_t unix_nanos) {
  const std::uint64_t ticks = unix_nanos / 100;
  const std::uint64_t seconds = ticks / kTicksPerSecond;
  const auto days = static_cast<std::uint32_t>(seconds / kSecondsPerDay);
  const auto second_of_day = static_cast<std::uint32_t>(seconds % kSecondsPerDay);
  // Civil date of a day count from 1970-03-01 of era 0, for years 1970 to 2554: Howard Hinnant, "chrono-Compatible Low-Level Date
  // Algorithms", days_to_civil.
  const std::uint32_t shifted = days + 719468;
  const std::uint32_t era = shifted / 146097;
  const std::uint32_t day_of_era = shifted % 146097;
  const std::uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint32_t month_index = (5 * day_of_year + 2) / 153;
  const std::uint32_t day = day_of_year - (153 * month_index + 2) / 5 + 1;
  const std::uint32_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  const std::uint32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

  char* at = buffer.data();
  at = PutPair(at, year / 100);
  at = PutPair(at, year % 100);
  *at++ = '-';
  at = PutPair(at, month);
  *at++ = '-';
  at = PutPair(at, day);
  *at++ = 'T';
  at = PutPair(at, second_of_day / 3600);
  *at++ = ':';
  at = PutPair(at, second_of_day / 60 % 60);
  *at++ = ':';
  at = PutPair(at, second_of_day % 60);
  *at++ = '.';
  const auto fraction = static_cast<std::uint32_t>(ticks % kTicksPerSecond);
  at = PutFraction(at, fraction);
  if (fraction % 10'000 == 0) {
    at -= 4;
  } else if (fraction % 10 == 0) {
    at -= 1;
  }
  *at++ = 'Z';
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

std::string_view DurationText::FormatTicks(std::uint64_t ticks) {
  ticks = std::min(ticks, kDurationTicksMax);
  const auto seconds = static_cast<std::uint32_t>(ticks / kTicksPerSecond);
  char* at = buffer.data();
  const std::uint32_t days = seconds / kSecondsPerDay;
  if (days > 0) {
    at = std::to_chars(at, buffer.data() + buffer.size(), days).ptr;
    *at++ = '.';
  }
  at = PutPair(at, seconds / 3600 % 24);
  *at++ = ':';
  at = PutPair(at, seconds / 60 % 60);
  *at++ = ':';
  at = PutPair(at, seconds % 60);
  *at++ = '.';
  at = PutFraction(at, static_cast<std::uint32_t>(ticks % kTicksPerSecond));
  for (int i = 0; i < 4 && at[-1] == '0'; ++i) --at;
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

std::string_view DurationText::FormatSpan(std::uint64_t start_nanos, std::uint64_t end_nanos) {
  if (end_nanos <= start_nanos) return FormatTicks(0);
  const std::uint64_t nanos = end_nanos - start_nanos;
  return FormatTicks(nanos / 100 + (nanos % 100 >= 50 ? 1 : 0));
}

}  // namespace azmon::envelope
