// SPDX-License-Identifier: MIT
// Writes items: JSON text through a buffer on the stack, one copy into the output.
//
// Faster than appending to a string piece by piece: a literal is one fixed-size copy, a short text is copied and looked through eight
// bytes at a time. The caller writes all punctuation. Valid UTF-8 whatever goes in: each invalid byte becomes U+FFFD.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "base/utf8.h"

namespace azmon::envelope {

class ItemWriter {
 public:
  /// @param out  receives the text, at the latest in Flush(); must outlive the writer
  explicit ItemWriter(std::string& out) : out_(out) {}
  ItemWriter(const ItemWriter&) = delete;
  ItemWriter& operator=(const ItemWriter&) = delete;

  template <std::size_t kSize>
  void Literal(const char (&text)[kSize]) {
    Room(kSize - 1);
    std::memcpy(buffer_ + used_, text, kSize - 1);
    used_ += kSize - 1;
  }

  void Char(char c) {
    Room(1);
    buffer_[used_++] = c;
  }

  /// Text that needs no escapes.
  void Raw(std::string_view text) {
    if (text.size() > kBufferBytes / 2) {
      Flush();
      out_.append(text);
      return;
    }
    Room(text.size());
    if (!text.empty()) std::memcpy(buffer_ + used_, text.data(), text.size());
    used_ += text.size();
  }

  /// The inside of a JSON string.
  void Escaped(std::string_view text) {
    if (text.size() <= kShortBytes) {
      Room(text.size() + 8);
      const std::size_t plain = CopyPlain(text, buffer_ + used_);
      used_ += plain;
      if (plain == text.size()) return;
      text.remove_prefix(plain);
    }
    Flush();
    base::AppendJsonEscaped(text, out_);
  }

  /// A JSON string with its quotes.
  void String(std::string_view text) {
    Char('"');
    Escaped(text);
    Char('"');
  }

  /// A JSON string of at most `units_max` UTF-16 units.
  void String(std::string_view text, std::size_t units_max) { String(base::CutUtf16Units(text, units_max)); }

  /// A finite number.
  void Number(double value) {
    Flush();
    base::AppendEcmaNumber(value, out_);
  }

  /// Lower-case hexadecimal digits.
  void Hex(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    Room(2 * bytes.size());
    for (const char c : bytes) {
      buffer_[used_++] = kDigits[static_cast<unsigned char>(c) >> 4U];
      buffer_[used_++] = kDigits[static_cast<unsigned char>(c) & 15U];
    }
  }

  void Flush() {
    out_.append(buffer_, used_);
    used_ = 0;
  }

  /// Forgets what was written and not flushed.
  void Discard() { used_ = 0; }

 private:
  static constexpr std::size_t kBufferBytes = 4096;
  static constexpr std::size_t kShortBytes = 1024;

  /// @param size  at most kBufferBytes
  void Room(std::size_t size) {
    if (size > kBufferBytes - used_) Flush();
  }

  /// Copies the head of `text` that needs no escapes and no look at UTF-8; `to` has room for 8 bytes more than the text.
  static std::size_t CopyPlain(std::string_view text, char* to) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
    const char* from = text.data();
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
      std::uint64_t word;
      std::memcpy(&word, from + at, 8);
      std::memcpy(to + at, &word, 8);
      const std::uint64_t quote = word ^ (kOnes * '"');
      const std::uint64_t slash = word ^ (kOnes * '\\');
      const std::uint64_t special =
          (word | (word - kOnes * 0x20) | ((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash)) & kHigh;
      if (special != 0) break;
    }
    for (; at < text.size(); ++at) {
      const auto c = static_cast<unsigned char>(from[at]);
      if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
      to[at] = from[at];
    }
    return at;
  }

  std::string& out_;
  std::size_t used_ = 0;
  char buffer_[kBufferBytes];
};

}  // namespace azmon::envelope
