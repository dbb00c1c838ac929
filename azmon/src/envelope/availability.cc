// SPDX-License-Identifier: MIT
// Availability results. Contract 4.2, Δ12.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/text.h"
#include "envelope/field_limits.h"
#include "envelope/log.h"
#include "envelope/value_text.h"

namespace azmon::envelope {
namespace {

/// Consumes fixed-width pieces of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }
  bool Take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Exactly `digits` of them, a value of at most `value_max`.
  bool Number(std::size_t digits, unsigned value_max, unsigned& value) {
    if (text_.size() < digits || !std::all_of(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(digits), base::IsDigit)) return false;
    value = base::ParseInteger<unsigned>(text_.substr(0, digits)).value_or(value_max + 1);
    text_.remove_prefix(digits);
    return value <= value_max;
  }
  /// As many digits as there are.
  std::string_view Digits() {
    const auto end = std::find_if_not(text_.begin(), text_.end(), base::IsDigit);
    const std::string_view digits = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(digits.size());
    return digits;
  }

 private:
  std::string_view text_;
};

bool ReadClock(Scanner& scanner, unsigned& hours, unsigned& minutes, unsigned& seconds) {
  return scanner.Number(2, 23, hours) && scanner.Take(':') && scanner.Number(2, 59, minutes) && scanner.Take(':') &&
         scanner.Number(2, 59, seconds);
}

/// `.` and one to `digits_max` digits, as nanoseconds; nothing at all is 0.
bool ReadFraction(Scanner& scanner, std::size_t digits_max, std::uint64_t& nanos) {
  nanos = 0;
  if (!scanner.Take('.')) return true;
  const std::string_view digits = scanner.Digits();
  if (digits.empty() || digits.size() > digits_max) return false;
  for (std::size_t i = 0; i < 9; ++i) nanos = nanos * 10 + (i < digits.size() ? static_cast<std::uint64_t>(digits[i] - '0') : 0);
  return true;
}

/// `Z`, `+hh:mm`, `+hhmm` or `+hh`, in seconds east.
bool ReadOffset(Scanner& scanner, std::int64_t& seconds_east) {
  seconds_east = 0;
  if (scanner.Take('Z')) return scanner.AtEnd();
  const bool is_west = scanner.Take('-');
  if (!is_west && !scanner.Take('+')) return false;
  unsigned hours = 0;
  unsigned minutes = 0;
  if (!scanner.Number(2, 23, hours)) return false;
  if (!scanner.AtEnd()) {
    scanner.Take(':');
    if (!scanner.Number(2, 59, minutes)) return false;
  }
  seconds_east = (is_west ? -1 : 1) * static_cast<std::int64_t>(hours * 3600 + minutes * 60);
  return scanner.AtEnd();
}

/// A duration that is not in the service's form already is a number of milliseconds; what is neither is 0.
std::uint64_t TicksOfMilliseconds(const Value& value) {
  const double ticks = std::floor(NumberOf(value).value_or(0) * 10'000 + 0.5);
  if (!(ticks > 0)) return 0;
  return ticks >= static_cast<double>(kDurationTicksMax) ? kDurationTicksMax : static_cast<std::uint64_t>(ticks);
}

bool IsSuccess(const Value& value) {
  if (value.type == ValueType::kBool) return value.boolean;
  return value.type == ValueType::kString && base::EqualsIgnoreCase(value.bytes, "true");
}

}  // namespace

bool IsDurationText(std::string_view text) {
  Scanner scanner(text);
  if (const std::size_t dot = text.find('.'), colon = text.find(':'); dot < colon) {
    if (scanner.Digits().empty() || !scanner.Take('.')) return false;
  }
  unsigned hours = 0;
  unsigned minutes = 0;
  unsigned seconds = 0;
  std::uint64_t nanos = 0;
  return ReadClock(scanner, hours, minutes, seconds) && ReadFraction(scanner, 7, nanos) && scanner.AtEnd();
}

std::optional<std::uint64_t> ParseIsoTime(std::string_view text) {
  Scanner scanner(text);
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hours = 0;
  unsigned minutes = 0;
  unsigned seconds = 0;
  std::uint64_t nanos = 0;
  std::int64_t seconds_east = 0;
  // 2554 is the last whole year that 64-bit nanoseconds reach.
  if (!scanner.Number(4, 2553, year) || !scanner.Take('-') || !scanner.Number(2, 12, month) || !scanner.Take('-') || !scanner.Number(2, 31, day) ||
      !scanner.Take('T') || !ReadClock(scanner, hours, minutes, seconds) || !ReadFraction(scanner, 9, nanos) ||
      !ReadOffset(scanner, seconds_east)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t unix_seconds = days * 86'400 + hours * 3600 + minutes * 60 + seconds - seconds_east;
  if (unix_seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(unix_seconds) * 1'000'000'000 + nanos;
}

std::optional<std::uint64_t> AvailabilityTime(const AttributeList& attributes) {
  const Value* value = attributes.Find(Key::kAvailabilityTimestamp);
  return value != nullptr && value->type == ValueType::kString ? ParseIsoTime(value->bytes) : std::nullopt;
}

void WriteAvailability(const LogRecord& log, TextArena& arena, ItemWriter& out) {
  const AttributeList& attributes = log.attributes;
  // The id and the name may be 0 or false, which counts as empty elsewhere.
  out.Literal(",\"id\":");
  out.String(TextOf(*attributes.Find(Key::kAvailabilityId), arena), field_limits::kId);
  out.Literal(",\"name\":");
  out.String(TextOf(*attributes.Find(Key::kAvailabilityName), arena), field_limits::kName);
  const Value& duration = *attributes.Find(Key::kAvailabilityDuration);
  DurationText text;
  out.Literal(",\"duration\":");
  out.String(duration.type == ValueType::kString && IsDurationText(duration.bytes) ? duration.bytes : text.FormatTicks(TicksOfMilliseconds(duration)));
  if (IsSuccess(*attributes.Find(Key::kAvailabilitySuccess))) {
    out.Literal(",\"success\":true");
  } else {
    out.Literal(",\"success\":false");
  }
  if (const auto location = attributes.Text(Key::kAvailabilityLocation, arena); !location.empty()) {
    out.Literal(",\"runLocation\":");
    out.String(location, field_limits::kRunLocation);
  }
  auto message = attributes.Text(Key::kAvailabilityMessage, arena);
  if (message.empty()) message = BodyText(log, arena);
  if (!message.empty()) {
    out.Literal(",\"message\":");
    out.String(message, field_limits::kAvailabilityMessage);
  }
}

}  // namespace azmon::envelope
