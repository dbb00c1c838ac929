// SPDX-License-Identifier: MIT
// Points in time and durations as Application Insights writes them, in ticks of 100 ns (the resolution of its store).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace azmon::local {

inline constexpr std::int64_t kTicksPerSecond = 10'000'000;
inline constexpr std::int64_t kTicksPerMs = 10'000;

/// Ticks since 1970 of 0001-01-01 and of the end of 9999-12-31: what the text forms can express.
inline constexpr std::int64_t kTimeMin = -621'355'968'000'000'000;
inline constexpr std::int64_t kTimeMax = 2'534'023'007'999'999'999;

/// Ticks since 1970 of an ISO 8601 date and time with `Z`, an offset, or neither (then UTC); any number of fraction digits, those beyond
/// the seventh are cut. A date alone is its midnight. nullopt for anything else, and outside years 1 to 9999.
std::optional<std::int64_t> ParseTime(std::string_view text);

/// "2026-11-24T10:00:00.1234567Z". Times outside kTimeMin..kTimeMax are clamped.
std::string FormatTime(std::int64_t ticks);

/// Ticks of a TimeSpan text `[-][d.]hh:mm:ss[.fffffff]`; nullopt for anything else. Minutes and seconds are below 60, hours below 24
/// unless there are no days.
std::optional<std::int64_t> ParseTimeSpan(std::string_view text);

constexpr double TicksToMs(std::int64_t ticks) { return static_cast<double>(ticks) / static_cast<double>(kTicksPerMs); }

/// Ticks of an unsigned count of nanoseconds, clamped.
constexpr std::int64_t NanosecondsToTicks(std::uint64_t ns) { return static_cast<std::int64_t>(ns / 100U); }

}  // namespace azmon::local
