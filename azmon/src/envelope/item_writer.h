// SPDX-License-Identifier: MIT
// Writes items: JSON text through a buffer on the stack, one copy into the output.
//
// Faster than appending to a string piece by piece: a literal is one fixed-size copy, a short text is copied and looked through eight
// bytes at a time. The caller writes all punctuation. Valid UTF-8 whatever goes in: each invalid byte becomes U+FFFD.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

  /// A JSON string with its quotes.
  void String(std::string_view text) {
    if (text.size() <= kShortBytes) {
      Room(text.size() + 2 + kSlackBytes);
      buffer_[used_] = '"';
      const std::size_t plain = CopyPlain(text, buffer_ + used_ + 1);
      used_ += plain + 1;
      if (plain == text.size()) {
        buffer_[used_++] = '"';
        return;
      }
      text.remove_prefix(plain);
    } else {
      Char('"');
    }
    Flush();
    base::AppendJsonEscaped(text, out_);
    Char('"');
  }

  /// A JSON string of at most `units_max` UTF-16 units.
  void String(std::string_view text, std::size_t units_max) {
    String(text.size() <= units_max ? text : base::CutUtf16Units(text, units_max));
  }

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

  /// CopyPlain may write so many bytes behind the text's end.
  static constexpr std::size_t kSlackBytes = 8;
  static constexpr std::uint64_t kOnes = 0x0101010101010101ULL;

  /// Not zero if one of eight bytes needs an escape or a look at UTF-8; bytes behind the first such one may be taken for one too.
  static std::uint64_t Special(std::uint64_t word) {
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t slash = word ^ (kOnes * '\\');
    return (word | (word - kOnes * 0x20) | ((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash)) & (kOnes * 0x80);
  }

  /// One to seven bytes, blanks behind them.
  static std::uint64_t LoadTail(const char* from, std::size_t size) {
    std::uint64_t word = 0;
    if (size >= 4) {
      std::uint32_t head = 0;
      std::uint32_t tail = 0;
      std::memcpy(&head, from, 4);
      std::memcpy(&tail, from + size - 4, 4);
      word = head | static_cast<std::uint64_t>(tail) << (8 * (size - 4));
    } else {
      const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i); };
      word = byte(0) | byte(size / 2) | byte(size - 1);
    }
    return word | (kOnes * 0x20) << (8 * size);
  }

  /// Copies the head of `text` that needs no escapes and no look at UTF-8; `to` has room for kSlackBytes more than the text.
  static std::size_t CopyPlain(std::string_view text, char* to) {
    static_assert(std::endian::native == std::endian::little);
    const char* from = text.data();
    const std::size_t size = text.size();
    std::size_t at = 0;
#if defined(__SSE2__)
    for (; at + 16 <= size; at += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), bytes);
      // Signed: bytes from 0x80 on are below the blank too.
      const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
      const __m128i named = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
      if (_mm_movemask_epi8(_mm_or_si128(low, named)) != 0) return at + CopyPlainBytes(text.substr(at), to + at);
    }
#endif
    for (; at + 8 <= size; at += 8) {
      std::uint64_t word;
      std::memcpy(&word, from + at, 8);
      std::memcpy(to + at, &word, 8);
      if (Special(word) != 0) return at + CopyPlainBytes(text.substr(at), to + at);
    }
    if (at == size) return size;
    const std::uint64_t word = LoadTail(from + at, size - at);
    if (Special(word) != 0) return at + CopyPlainBytes(text.substr(at), to + at);
    std::memcpy(to + at, &word, 8);
    return size;
  }

  static std::size_t CopyPlainBytes(std::string_view text, char* to) {
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
      const auto c = static_cast<unsigned char>(text[at]);
      if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
      to[at] = text[at];
    }
    return at;
  }

  std::string& out_;
  std::size_t used_ = 0;
  char buffer_[kBufferBytes];
};

}  // namespace azmon::envelope
