// SPDX-License-Identifier: MIT
// Bodies of requests as they lie in the store: raw deflate, level 1 (about 7 times smaller at 600 MB/s).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace azmon::local {

/// Thread-safe; each thread keeps a compressor.
std::string Compress(std::string_view bytes);

/// @param bytes_plain  the exact size before compression, as stored beside it
/// @return kMalformed the bytes are damaged or have another size
Result<std::string> Decompress(std::string_view bytes, std::size_t bytes_plain);

}  // namespace azmon::local
