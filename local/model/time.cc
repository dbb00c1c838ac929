// SPDX-License-Identifier: MIT
#include "local/model/time.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/text.h"

namespace azmon::local {
namespace {

/// Takes exactly `digits` decimal digits off the head of `text`.
std::optional<int> TakeDigits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!base::IsDigit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes ".fffffff"; at least one digit, those beyond the seventh are cut.
std::optional<std::int64_t> TakeFraction(std::string_view& text) {
  std::int64_t ticks = 0;
  int digits = 0;
  while (!text.empty() && base::IsDigit(text.front())) {
    if (digits < 7) ticks = ticks * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 7; ++digits) ticks *= 10;
  return ticks;
}

/// Takes the zone at the end of a time: seconds east of UTC.
std::optional<int> TakeZone(std::string_view& text) {
  if (text.empty()) return 0;
  if (Take(text, 'Z') || Take(text, 'z')) return 0;
  const int sign = text.front() == '-' ? -1 : 1;
  if (!Take(text, '+') && !Take(text, '-')) return std::nullopt;
  const auto hours = TakeDigits(text, 2);
  Take(text, ':');
  const auto minutes = text.empty() ? std::optional<int>(0) : TakeDigits(text, 2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

}  // namespace

std::optional<std::int64_t> ParseTime(std::string_view text) {
  const auto year = TakeDigits(text, 4);
  if (!year || !Take(text, '-')) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *year < 1) return std::nullopt;
  std::int64_t seconds = std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86400;
  std::int64_t fraction = 0;
  if (!text.empty()) {
    if (!Take(text, 'T') && !Take(text, 't') && !Take(text, ' ')) return std::nullopt;
    const auto hour = TakeDigits(text, 2);
    if (!hour || *hour > 23 || !Take(text, ':')) return std::nullopt;
    const auto minute = TakeDigits(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    int second = 0;
    if (Take(text, ':')) {
      const auto parsed = TakeDigits(text, 2);
      if (!parsed || *parsed > 60) return std::nullopt;  // 60: a leap second, shown as the next second
      second = *parsed;
      if (Take(text, '.')) {
        const auto ticks = TakeFraction(text);
        if (!ticks) return std::nullopt;
        fraction = *ticks;
      }
    }
    const auto zone = TakeZone(text);
    if (!zone || !text.empty()) return std::nullopt;
    seconds += *hour * 3600 + *minute * 60 + second - *zone;
  }
  const std::int64_t ticks = seconds * kTicksPerSecond + fraction;
  if (ticks < kTimeMin || ticks > kTimeMax) return std::nullopt;
  return ticks;
}

std::string FormatTime(std::int64_t ticks) {
  ticks = std::clamp(ticks, kTimeMin, kTimeMax);
  std::int64_t seconds = ticks / kTicksPerSecond;
  std::int64_t fraction = ticks % kTicksPerSecond;
  if (fraction < 0) {
    fraction += kTicksPerSecond;
    --seconds;
  }
  const auto days = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  const std::chrono::year_month_day date(days);
  const auto in_day = static_cast<int>(seconds - std::int64_t{days.time_since_epoch().count()} * 86400);
  char buffer[64];
  const int length = std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%07dZ", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), in_day / 3600,
                                   in_day / 60 % 60, in_day % 60, static_cast<int>(fraction));
  return std::string(buffer, static_cast<std::size_t>(length));
}

std::optional<std::int64_t> ParseTimeSpan(std::string_view text) {
  const bool negative = Take(text, '-');
  std::int64_t days = 0;
  bool has_days = false;
  if (const auto dot = text.find('.'); dot != std::string_view::npos && dot < text.find(':')) {
    const auto parsed = base::ParseInteger<std::uint32_t>(text.substr(0, dot));
    if (!parsed || *parsed > 10'000'000) return std::nullopt;
    days = *parsed;
    has_days = true;
    text.remove_prefix(dot + 1);
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 8) return std::nullopt;
  const auto hours = base::ParseInteger<std::uint32_t>(text.substr(0, colon));
  if (!hours || (has_days && *hours > 23)) return std::nullopt;
  text.remove_prefix(colon + 1);
  const auto minutes = TakeDigits(text, 2);
  if (!minutes || *minutes > 59 || !Take(text, ':')) return std::nullopt;
  const auto seconds = TakeDigits(text, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  std::int64_t fraction = 0;
  if (Take(text, '.')) {
    const auto ticks = TakeFraction(text);
    if (!ticks) return std::nullopt;
    fraction = *ticks;
  }
  if (!text.empty()) return std::nullopt;
  const std::int64_t ticks = ((days * 24 + *hours) * 3600 + *minutes * 60 + *seconds) * kTicksPerSecond + fraction;
  return negative ? -ticks : ticks;
}

}  // namespace azmon::local
