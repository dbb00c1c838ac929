// SPDX-License-Identifier: MIT
#include "capture/buffer_pool.h"

#include <array>

namespace azmon::capture {
namespace {

constexpr std::size_t kBuffersMax = 32;
constexpr std::size_t kBufferBytesMin = 1024;
constexpr std::size_t kBufferBytesMax = 16 * 1024;

struct Pool {
  std::array<otlp::Buffer, kBuffersMax> buffers;
  std::size_t count = 0;
  std::array<void*, kBuffersMax> blocks;
  std::size_t block_count = 0;
  std::size_t block_bytes = 0;

  ~Pool() {
    while (block_count > 0) ::operator delete(blocks[--block_count]);
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

void* TakeBlock(std::size_t bytes) {
  Pool* const mine = ThisThreadsPool();
  if (mine != nullptr && mine->block_count > 0 && mine->block_bytes == bytes) return mine->blocks[--mine->block_count];
  return ::operator new(bytes);
}

void ReturnBlock(void* block, std::size_t bytes) {
  Pool* const mine = ThisThreadsPool();
  if (mine == nullptr || mine->block_count == kBuffersMax || (mine->block_bytes != bytes && mine->block_count > 0)) {
    ::operator delete(block);
    return;
  }
  mine->block_bytes = bytes;
  mine->blocks[mine->block_count++] = block;
}

}  // namespace azmon::capture
