// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace azmon::base {

/// SHA-256 (FIPS 180-4) of `bytes`, 32 bytes. For names that must not show what they stand for; not fast.
std::string Sha256(std::string_view bytes);

}  // namespace azmon::base
