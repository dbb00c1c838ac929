// SPDX-License-Identifier: MIT
// Keeps the few texts that are composed while one record is mapped, so that the mapping itself can deal in views.
#pragma once

#include <cstddef>
#include <cstring>
#include <forward_list>
#include <initializer_list>
#include <string>
#include <string_view>

namespace azmon::envelope {

/// Texts live until the arena ends. Short ones cost no allocation.
class TextArena {
 public:
  TextArena() {}  // NOLINT: the buffer is left uninitialised on purpose
  TextArena(const TextArena&) = delete;
  TextArena& operator=(const TextArena&) = delete;

  /// The pieces, one behind the other.
  std::string_view Join(std::initializer_list<std::string_view> pieces) {
    std::size_t size = 0;
    for (const std::string_view piece : pieces) size += piece.size();
    char* at = Take(size);
    char* next = at;
    for (const std::string_view piece : pieces) {
      if (!piece.empty()) std::memcpy(next, piece.data(), piece.size());
      next += piece.size();
    }
    return {at, size};
  }

  /// An empty string of which views may be kept once it is complete.
  std::string& NewString() { return strings_.emplace_front(); }

 private:
  char* Take(std::size_t size) {
    if (size <= sizeof buffer_ - used_) {
      char* at = buffer_ + used_;
      used_ += size;
      return at;
    }
    std::string& text = NewString();
    text.resize(size);
    return text.data();
  }

  std::forward_list<std::string> strings_;
  std::size_t used_ = 0;
  char buffer_[1024];
};

}  // namespace azmon::envelope
