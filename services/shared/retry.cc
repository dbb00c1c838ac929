// SPDX-License-Identifier: MIT
#include "services/shared/retry.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.h"
#include "base/text.h"

namespace services {
namespace {

using azmon::base::ParseInteger;
using azmon::base::WallTime;
using std::chrono::milliseconds;

constexpr milliseconds kRetryAfterMax = std::chrono::hours(1);
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void AppendPadded(unsigned value, std::size_t digits, std::string& out) {
  const std::string text = std::to_string(value);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}

}  // namespace

milliseconds Delay(const BackOff& back_off, int retry, double chance) {
  const double ceiling = std::min(static_cast<double>(back_off.cap.count()),
                                  static_cast<double>(back_off.base.count()) * std::exp2(std::min(retry, 30)));
  return milliseconds(static_cast<std::int64_t>(ceiling * chance));
}

double Chance() {
  thread_local azmon::base::Random random;
  return random.Unit();
}

std::optional<milliseconds> RetryAfter(const net::Headers& headers, WallTime now) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    const auto text = headers.Get(name);
    const auto value = text ? ParseInteger<std::uint64_t>(*text) : std::nullopt;
    if (value) return std::min(milliseconds(std::min<std::uint64_t>(*value, kRetryAfterMax.count())), kRetryAfterMax);
  }
  const auto text = headers.Get("Retry-After");
  if (!text) return std::nullopt;
  if (const auto seconds = ParseInteger<std::uint64_t>(*text)) {
    return milliseconds(std::min<std::uint64_t>(*seconds, 3600) * 1000);
  }
  if (const auto date = ParseHttpDate(*text)) {
    return std::clamp(std::chrono::duration_cast<milliseconds>(*date - now), milliseconds(0), kRetryAfterMax);
  }
  return std::nullopt;
}

std::string HttpDate(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::string out(kDays[std::chrono::weekday(day).c_encoding()]);
  out += ", ";
  AppendPadded(static_cast<unsigned>(date.day()), 2, out);
  out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  AppendPadded(static_cast<unsigned>(static_cast<int>(date.year())), 4, out);
  char separator = ' ';
  for (const auto part : {clock.hours().count(), clock.minutes().count(), static_cast<std::int64_t>(clock.seconds().count())}) {
    out += separator;
    AppendPadded(static_cast<unsigned>(part), 2, out);
    separator = ':';
  }
  out += " GMT";
  return out;
}

std::optional<WallTime> ParseHttpDate(std::string_view text) {
  constexpr std::string_view kForm = "Mon, 23 Nov 2026 00:00:00 GMT";
  if (text.size() != kForm.size()) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t digits) { return ParseInteger<unsigned>(text.substr(at, digits)); };
  const auto day = number(5, 2), year = number(12, 4), hour = number(17, 2), minute = number(20, 2), second = number(23, 2);
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  if (!day || !year || !hour || !minute || !second || month == kMonths.end()) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1), std::chrono::day(*day));
  if (!date.ok()) return std::nullopt;
  const WallTime time = std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  // The weekday and every separator are checked by writing the date again; a leap second is the one date that is written otherwise.
  if (*second != 60 && HttpDate(time) != text) return std::nullopt;
  return time;
}

}  // namespace services
