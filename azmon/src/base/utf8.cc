// SPDX-License-Identifier: MIT
#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace azmon::base {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080U;

std::uint64_t WordAt(std::string_view text, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

/// What most texts are. The last word may overlap the one before it, so no byte is looked at alone.
bool IsAscii(std::string_view text) {
  const std::size_t size = text.size();
  if (size < sizeof(std::uint64_t)) {
    unsigned char all = 0;
    for (const char c : text) all |= static_cast<unsigned char>(c);
    return all < 0x80;
  }
  std::uint64_t all = WordAt(text, size - sizeof(std::uint64_t));
  for (std::size_t i = 0; i + sizeof(std::uint64_t) <= size; i += sizeof(std::uint64_t)) all |= WordAt(text, i);
  return (all & kHighBits) == 0;
}

}  // namespace

std::size_t Utf8SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto is_tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (text.empty()) return 0;
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return is_tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!is_tail(1) || !is_tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead > 0xF4 || !is_tail(1) || !is_tail(2) || !is_tail(3)) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return 4;
}

bool IsUtf8(std::string_view text) {
  if (IsAscii(text)) return true;
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= sizeof(std::uint64_t) && (WordAt(text, i) & kHighBits) == 0) {
      i += sizeof(std::uint64_t);
      continue;
    }
    const std::size_t length = Utf8SequenceLength(text.substr(i));
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string_view ValidUtf8(std::string_view text, std::string& storage) {
  if (IsUtf8(text)) return text;
  storage.clear();
  AppendValidUtf8(text, storage);
  return storage;
}

void AppendValidUtf8(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t length = Utf8SequenceLength(text);
    out.append(length == 0 ? kReplacementCharacter : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

std::string_view CutUtf8Bytes(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  // A sequence has at most four bytes, so the one across the border begins at most three before it.
  for (std::size_t back = 1; back <= 3 && back <= bytes_max; ++back) {
    const std::size_t begin = bytes_max - back;
    const std::size_t length = Utf8SequenceLength(text.substr(begin));
    if (length > back) return text.substr(0, begin);
    if (length == back) break;
  }
  return text.substr(0, bytes_max);
}

std::string_view CutUtf16Units(std::string_view text, std::size_t units_max) {
  if (text.size() <= units_max) return text;  // no code point has more units than bytes
  std::size_t units = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = Utf8SequenceLength(text.substr(i));
    const std::size_t step_units = length == 4 ? 2 : 1;
    if (units + step_units > units_max) break;
    units += step_units;
    i += length == 0 ? 1 : length;
  }
  return text.substr(0, i);
}

}  // namespace azmon::base
