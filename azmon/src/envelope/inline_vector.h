// SPDX-License-Identifier: MIT
// A growing array whose first elements live inside it, for short lists on the hot path.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

namespace azmon::envelope {

/// @tparam T  trivially copyable and destructible
template <typename T, std::size_t kInline>
class InlineVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  InlineVector() {}  // NOLINT: the storage is left uninitialised on purpose
  InlineVector(const InlineVector&) = delete;
  InlineVector& operator=(const InlineVector&) = delete;

  void clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  T& push_back(const T& item) {
    if (size_ == capacity_) Grow();
    return *::new (static_cast<void*>(data_ + size_++)) T(item);
  }

  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  void Grow() {
    const std::size_t capacity = capacity_ * 2;
    std::unique_ptr<std::byte[]> more(new std::byte[capacity * sizeof(T)]);
    std::memcpy(more.get(), static_cast<const void*>(data_), size_ * sizeof(T));
    heap_ = std::move(more);
    data_ = reinterpret_cast<T*>(heap_.get());
    capacity_ = capacity;
  }

  alignas(T) std::byte inline_[kInline * sizeof(T)];
  std::unique_ptr<std::byte[]> heap_;
  T* data_ = reinterpret_cast<T*>(inline_);
  std::size_t size_ = 0;
  std::size_t capacity_ = kInline;
};

}  // namespace azmon::envelope
