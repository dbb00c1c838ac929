// SPDX-License-Identifier: MIT
// When to try again. Pure functions; the callers own the timers.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http.h"

namespace services {

struct BackOff {
  std::chrono::milliseconds base;
  std::chrono::milliseconds cap;
};

/// Full jitter: somewhere in [0, min(cap, base * 2^retry)).
///
/// @param retry   0 for the first repetition
/// @param chance  uniform in [0, 1)
std::chrono::milliseconds Delay(const BackOff& back_off, int retry, double chance);

/// Uniform in [0, 1), from a generator of this thread: the `chance` of Delay().
double Chance();

/// What an answer asks to wait: `retry-after-ms`, `x-ms-retry-after-ms` (milliseconds), or `Retry-After` (seconds or an HTTP date).
/// Untrusted; nullopt if there is none that can be read. At most an hour, never negative.
std::optional<std::chrono::milliseconds> RetryAfter(const net::Headers& headers, azmon::base::WallTime now);

/// "Mon, 23 Nov 2026 00:00:00 GMT", whatever the locale (RFC 9110 section 5.6.7).
std::string HttpDate(azmon::base::WallTime time);

/// Reads that form alone; nullopt otherwise.
std::optional<azmon::base::WallTime> ParseHttpDate(std::string_view text);

}  // namespace services
