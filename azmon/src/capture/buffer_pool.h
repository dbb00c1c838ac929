// SPDX-License-Identifier: MIT
#pragma once

#include "otlp/buffer.h"

namespace azmon::capture {

/// Buffers that keep their capacity between spans, one small pool a thread: in the steady state a span allocates nothing for its bytes.
/// A buffer may be returned on another thread than it was taken on. Usable while thread-locals and statics are being destroyed.
otlp::Buffer TakeBuffer();

/// Buffers that grew over 16 KiB are freed, so one huge span does not stay in memory.
void ReturnBuffer(otlp::Buffer buffer);

/// Memory for one object, likewise pooled by thread. All callers ask for the same size.
void* TakeBlock(std::size_t bytes);
void ReturnBlock(void* block, std::size_t bytes);

}  // namespace azmon::capture
