// SPDX-License-Identifier: MIT
#include "deliver/retry_after.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"

namespace azmon::deliver {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Takes pieces from the head of a text; after the first that does not fit everything fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  int Number(std::size_t digits) {
    if (text_.size() < digits) return Fail();
    const auto value = base::ParseInteger<std::uint32_t>(text_.substr(0, digits));
    if (!value) return Fail();
    text_.remove_prefix(digits);
    return static_cast<int>(*value);
  }
  /// A day of asctime: two places, the first may be blank.
  int BlankPaddedNumber() {
    if (!text_.starts_with(' ')) return Number(2);
    text_.remove_prefix(1);
    return Number(1);
  }
  unsigned Month() {
    const auto found = std::ranges::find(kMonths, text_.substr(0, 3));
    if (found == kMonths.end()) return static_cast<unsigned>(Fail());
    text_.remove_prefix(3);
    return static_cast<unsigned>(found - kMonths.begin()) + 1;
  }
  void Literal(std::string_view expected) {
    if (!text_.starts_with(expected)) {
      Fail();
      return;
    }
    text_.remove_prefix(expected.size());
  }
  void Letters() {
    while (!text_.empty() && base::IsAlpha(text_.front())) text_.remove_prefix(1);
  }
  bool IsDone() const { return is_good_ && text_.empty(); }

 private:
  int Fail() {
    is_good_ = false;
    text_ = {};
    return 0;
  }
  std::string_view text_;
  bool is_good_ = true;
};

struct Fields {
  int year = 0;
  unsigned month = 0;
  int day = 0, hour = 0, minute = 0, second = 0;

  std::optional<base::WallTime> Time() const {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(static_cast<unsigned>(day))};
    // 60 is a leap second. Nanoseconds reach from 1677 to 2262.
    if (!date.ok() || hour > 23 || minute > 59 || second > 60 || year < 1900 || year > 2200) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second);
  }
};

void Clock(Scanner& scan, Fields& fields) {
  fields.hour = scan.Number(2);
  scan.Literal(":");
  fields.minute = scan.Number(2);
  scan.Literal(":");
  fields.second = scan.Number(2);
}

/// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<Fields> ReadFixDate(std::string_view text) {
  Scanner scan(text);
  Fields fields;
  scan.Letters();
  scan.Literal(", ");
  fields.day = scan.Number(2);
  scan.Literal(" ");
  fields.month = scan.Month();
  scan.Literal(" ");
  fields.year = scan.Number(4);
  scan.Literal(" ");
  Clock(scan, fields);
  scan.Literal(" GMT");
  return scan.IsDone() ? std::optional(fields) : std::nullopt;
}

/// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<Fields> ReadRfc850(std::string_view text, base::WallTime now) {
  Scanner scan(text);
  Fields fields;
  scan.Letters();
  scan.Literal(", ");
  fields.day = scan.Number(2);
  scan.Literal("-");
  fields.month = scan.Month();
  scan.Literal("-");
  const int short_year = scan.Number(2);
  scan.Literal(" ");
  Clock(scan, fields);
  scan.Literal(" GMT");
  if (!scan.IsDone()) return std::nullopt;
  // A year that seems over 50 years ahead is the last one with these digits.
  const int this_year = static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(now)).year());
  fields.year = this_year - this_year % 100 + short_year;
  if (fields.year > this_year + 50) fields.year -= 100;
  return fields;
}

/// Sun Nov  6 08:49:37 1994
std::optional<Fields> ReadAsctime(std::string_view text) {
  Scanner scan(text);
  Fields fields;
  scan.Letters();
  scan.Literal(" ");
  fields.month = scan.Month();
  scan.Literal(" ");
  fields.day = scan.BlankPaddedNumber();
  scan.Literal(" ");
  Clock(scan, fields);
  scan.Literal(" ");
  fields.year = scan.Number(4);
  return scan.IsDone() ? std::optional(fields) : std::nullopt;
}

}  // namespace

std::optional<base::WallTime> ParseHttpDate(std::string_view text, base::WallTime now) {
  auto fields = ReadFixDate(text);
  if (!fields) fields = ReadRfc850(text, now);
  if (!fields) fields = ReadAsctime(text);
  return fields ? fields->Time() : std::nullopt;
}

std::optional<milliseconds> ClampRetryAfter(std::chrono::nanoseconds wait) {
  if (wait <= wait.zero()) return std::nullopt;
  return std::clamp(std::chrono::ceil<milliseconds>(wait), kRetryAfterMin, kRetryAfterMax);
}

std::optional<milliseconds> ParseRetryAfter(std::string_view value, base::WallTime now) {
  value = base::Trim(value);
  if (value.empty()) return std::nullopt;
  if (std::ranges::all_of(value, base::IsDigit)) {
    // Digits that fit no integer are a very long time all the same.
    const auto count = base::ParseInteger<std::int64_t>(value);
    return ClampRetryAfter(seconds(count ? std::min<std::int64_t>(*count, 1'000'000'000) : 1'000'000'000));
  }
  const auto date = ParseHttpDate(value, now);
  return date ? ClampRetryAfter(*date - now) : std::nullopt;
}

}  // namespace azmon::deliver
