// SPDX-License-Identifier: MIT
// Inflates a whole gzip body, within a limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/http.h"

namespace net {

/// Inflates all members of a gzip file (RFC 1952).
/// @return the bytes, or kMalformed (not gzip, broken, text after the last member), or kTooLarge (more than `bytes_max` come out)
Result<std::string> Gunzip(std::string_view bytes, std::size_t bytes_max);

}  // namespace net
