// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "otlp/buffer.h"

namespace azmon::capture {

/// Buffers that keep their capacity between spans, one small pool a thread: in the steady state a span allocates nothing for its bytes.
/// A buffer may be returned on another thread than it was taken on. Usable while thread-locals and statics are being destroyed.
otlp::Buffer TakeBuffer();

/// Buffers that grew over 16 KiB are freed, so one huge span does not stay in memory.
void ReturnBuffer(otlp::Buffer buffer);

/// What a block holds; all blocks of a kind have one size.
enum class BlockKind : std::uint8_t { kSpanRecord, kLogRecord };
inline constexpr std::size_t kBlockKinds = 2;

/// Memory for one object, likewise pooled by thread.
void* TakeBlock(BlockKind kind, std::size_t bytes);
void ReturnBlock(BlockKind kind, void* block);

}  // namespace azmon::capture
