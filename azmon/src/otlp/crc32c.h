// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace azmon::otlp {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continued from `seed` (0 at the start). Uses the processor's
/// instructions where it has them (SSE 4.2 with PCLMULQDQ, ARMv8 CRC32).
std::uint32_t Crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace azmon::otlp
