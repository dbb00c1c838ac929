// SPDX-License-Identifier: MIT
// A growing run of bytes whose end the caller writes by pointer.
//
// For the hot path: growing does not clear, and one check of the capacity serves a whole field. Everything else uses std::string with
// otlp/wire.h.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "otlp/wire.h"

namespace azmon::otlp {

class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t capacity) { Grow(capacity); }
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  std::string_view View() const { return {data_, size_}; }
  std::size_t Size() const { return size_; }
  std::size_t Capacity() const { return capacity_; }
  void Clear() { size_ = 0; }

  /// Room for `bytes` more behind the end; write there, then Commit.
  char* Reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(size_ + bytes);
    return data_ + size_;
  }
  /// @param end  behind the last byte that was written; within what Reserve gave
  void Commit(const char* end) { size_ = static_cast<std::size_t>(end - data_); }

  void Append(std::string_view bytes) {
    char* const to = Reserve(bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  /// Cuts `bytes` out at `offset`; what is behind moves up.
  void Erase(std::size_t offset, std::size_t bytes) {
    std::memmove(data_ + offset, data_ + offset + bytes, size_ - offset - bytes);
    size_ -= bytes;
  }

 private:
  void Swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  void Grow(std::size_t bytes_min) {
    std::size_t capacity = capacity_ == 0 ? 256 : capacity_ * 2;
    while (capacity < bytes_min) capacity *= 2;
    void* const grown = std::realloc(data_, capacity);
    if (grown == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(grown);
    capacity_ = capacity;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// The most bytes that a varint has.
inline constexpr std::size_t kVarintBytesMax = 10;

// Each Put function writes at `to`, which has room, and returns the end of what it wrote.

inline char* PutVarint(std::uint64_t value, char* to) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  *to++ = static_cast<char>(value);
  return to;
}

inline char* PutTag(std::uint32_t field, WireType type, char* to) { return PutVarint(Tag(field, type), to); }

inline char* PutBytes(std::string_view bytes, char* to) {
  std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

inline char* PutBytesField(std::uint32_t field, std::string_view bytes, char* to) {
  to = PutTag(field, kLengthDelimited, to);
  to = PutVarint(bytes.size(), to);
  return PutBytes(bytes, to);
}

inline char* PutVarintField(std::uint32_t field, std::uint64_t value, char* to) {
  to = PutTag(field, kVarint, to);
  return PutVarint(value, to);
}

inline char* PutFixed64Field(std::uint32_t field, std::uint64_t value, char* to) {
  to = PutTag(field, kFixed64, to);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

inline char* PutFixed32Field(std::uint32_t field, std::uint32_t value, char* to) {
  to = PutTag(field, kFixed32, to);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

}  // namespace azmon::otlp
