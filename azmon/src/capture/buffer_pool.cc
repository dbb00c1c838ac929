// SPDX-License-Identifier: MIT
#include "capture/buffer_pool.h"

#include <array>

namespace azmon::capture {
namespace {

constexpr std::size_t kBuffersMax = 32;
constexpr std::size_t kBufferBytesMin = 1024;
constexpr std::size_t kBufferBytesMax = 16 * 1024;

struct Blocks {
  std::array<void*, kBuffersMax> free;
  std::size_t count = 0;
};

struct Pool {
  std::array<otlp::Buffer, kBuffersMax> buffers;
  std::size_t count = 0;
  std::array<Blocks, kBlockKinds> blocks;

  ~Pool() {
    for (Blocks& kind : blocks) {
      while (kind.count > 0) ::operator delete(kind.free[--kind.count]);
    }
  }
};

// Plain data, so it can be read at any time; the guard beside it frees the pool when the thread ends.
thread_local Pool* pool = nullptr;
thread_local bool is_thread_ending = false;

struct Guard {
  ~Guard() {
    is_thread_ending = true;
    delete pool;
    pool = nullptr;
  }
};
thread_local Guard guard;

Pool* ThisThreadsPool() {
  if (pool == nullptr && !is_thread_ending) {
    (void)&guard;  // constructs it, so that its destructor runs
    pool = new Pool;
  }
  return pool;
}

}  // namespace

otlp::Buffer TakeBuffer() {
  Pool* const mine = ThisThreadsPool();
  if (mine != nullptr && mine->count > 0) return std::move(mine->buffers[--mine->count]);
  return otlp::Buffer(kBufferBytesMin);
}

void ReturnBuffer(otlp::Buffer buffer) {
  if (buffer.Capacity() < kBufferBytesMin || buffer.Capacity() > kBufferBytesMax) return;
  Pool* const mine = ThisThreadsPool();
  if (mine == nullptr || mine->count == kBuffersMax) return;
  buffer.Clear();
  mine->buffers[mine->count++] = std::move(buffer);
}

void* TakeBlock(BlockKind kind, std::size_t bytes) {
  if (Pool* const mine = ThisThreadsPool()) {
    Blocks& blocks = mine->blocks[static_cast<std::size_t>(kind)];
    if (blocks.count > 0) return blocks.free[--blocks.count];
  }
  return ::operator new(bytes);
}

void ReturnBlock(BlockKind kind, void* block) {
  if (Pool* const mine = ThisThreadsPool()) {
    Blocks& blocks = mine->blocks[static_cast<std::size_t>(kind)];
    if (blocks.count < kBuffersMax) {
      blocks.free[blocks.count++] = block;
      return;
    }
  }
  ::operator delete(block);
}

}  // namespace azmon::capture
