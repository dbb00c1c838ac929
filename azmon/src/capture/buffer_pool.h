// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace azmon::capture {

/// Strings that keep their capacity between spans, one small pool a thread: in the steady state a span allocates nothing for its bytes.
/// A string may be returned on another thread than it was taken on. Usable while thread-locals and statics are being destroyed.
std::string TakeBuffer();

/// Buffers that grew over 16 KiB are freed, so one huge span does not stay in memory.
void ReturnBuffer(std::string buffer);

}  // namespace azmon::capture
