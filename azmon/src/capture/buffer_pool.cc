// SPDX-License-Identifier: MIT
#include "capture/buffer_pool.h"

#include <array>

namespace azmon::capture {
namespace {

constexpr std::size_t kBuffersMax = 32;
constexpr std::size_t kBufferBytesMin = 1024;
constexpr std::size_t kBufferBytesMax = 16 * 1024;

struct Pool {
  std::array<std::string, kBuffersMax> buffers;
  std::size_t count = 0;
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

std::string TakeBuffer() {
  Pool* const mine = ThisThreadsPool();
  if (mine != nullptr && mine->count > 0) return std::move(mine->buffers[--mine->count]);
  std::string buffer;
  buffer.reserve(kBufferBytesMin);
  return buffer;
}

void ReturnBuffer(std::string buffer) {
  if (buffer.capacity() < kBufferBytesMin || buffer.capacity() > kBufferBytesMax) return;
  Pool* const mine = ThisThreadsPool();
  if (mine == nullptr || mine->count == kBuffersMax) return;
  buffer.clear();
  mine->buffers[mine->count++] = std::move(buffer);
}

}  // namespace azmon::capture
