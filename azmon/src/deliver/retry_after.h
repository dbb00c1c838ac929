// SPDX-License-Identifier: MIT
// How long a peer asks to wait.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace azmon::deliver {

inline constexpr std::chrono::milliseconds kRetryAfterMin{1000};
inline constexpr std::chrono::milliseconds kRetryAfterMax{3600 * 1000};

/// A date of HTTP in its three forms, in whole seconds. Source: RFC 9110 section 5.6.7.
std::optional<base::WallTime> ParseHttpDate(std::string_view text, base::WallTime now);

/// The header Retry-After: whole seconds or an HTTP date; blanks around it are ignored.
/// @param value  untrusted, any length
/// @return the wait, between kRetryAfterMin and kRetryAfterMax; nullopt for what does not parse and for times that are not in the future
std::optional<std::chrono::milliseconds> ParseRetryAfter(std::string_view value, base::WallTime now);

/// A wait within kRetryAfterMin and kRetryAfterMax; nullopt if it is not positive.
std::optional<std::chrono::milliseconds> ClampRetryAfter(std::chrono::nanoseconds wait);

}  // namespace azmon::deliver
