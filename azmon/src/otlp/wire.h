// SPDX-License-Identifier: MIT
// Writes protobuf wire format into a growing buffer.
//
// For the hot path: header-only, no virtual call, no tree. A sub-message whose length is not known beforehand gets a one-byte length
// that is widened when it was too small. Reading is protozero's part.
// Source: protobuf's "Encoding" page.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace azmon::otlp {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

constexpr std::uint32_t Tag(std::uint32_t field, WireType type) { return field << 3U | type; }

constexpr std::size_t VarintBytes(std::uint64_t value) {
  if (value < 0x80) return 1;
  return (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

/// Bytes of a length-delimited field with `payload_bytes` inside, tag and length included.
constexpr std::size_t FieldBytes(std::uint32_t field, std::size_t payload_bytes) {
  return VarintBytes(Tag(field, kLengthDelimited)) + VarintBytes(payload_bytes) + payload_bytes;
}

inline void AppendVarint(std::uint64_t value, std::string& out) {
  char buffer[10];
  std::size_t count = 0;
  while (value >= 0x80) {
    buffer[count++] = static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  buffer[count++] = static_cast<char>(value);
  out.append(buffer, count);
}

inline void AppendVarintField(std::uint32_t field, std::uint64_t value, std::string& out) {
  AppendVarint(Tag(field, kVarint), out);
  AppendVarint(value, out);
}

inline void AppendFixed64Field(std::uint32_t field, std::uint64_t value, std::string& out) {
  static_assert(std::endian::native == std::endian::little);
  AppendVarint(Tag(field, kFixed64), out);
  char bytes[8];
  std::memcpy(bytes, &value, sizeof bytes);
  out.append(bytes, sizeof bytes);
}

inline void AppendFixed32Field(std::uint32_t field, std::uint32_t value, std::string& out) {
  AppendVarint(Tag(field, kFixed32), out);
  char bytes[4];
  std::memcpy(bytes, &value, sizeof bytes);
  out.append(bytes, sizeof bytes);
}

inline void AppendDoubleField(std::uint32_t field, double value, std::string& out) {
  AppendFixed64Field(field, std::bit_cast<std::uint64_t>(value), out);
}

inline void AppendBytesField(std::uint32_t field, std::string_view bytes, std::string& out) {
  AppendVarint(Tag(field, kLengthDelimited), out);
  AppendVarint(bytes.size(), out);
  out.append(bytes);
}

/// The head of a length-delimited field whose payload the caller appends next.
inline void AppendFieldHead(std::uint32_t field, std::size_t payload_bytes, std::string& out) {
  AppendVarint(Tag(field, kLengthDelimited), out);
  AppendVarint(payload_bytes, out);
}

/// Opens a sub-message of unknown length; returns the mark for CloseMessage.
inline std::size_t OpenMessage(std::uint32_t field, std::string& out) {
  AppendVarint(Tag(field, kLengthDelimited), out);
  out.push_back('\0');
  return out.size();
}

/// Writes the length of the sub-message that was opened at `mark`. Moves its bytes when it is 128 bytes or longer.
inline void CloseMessage(std::size_t mark, std::string& out) {
  const std::size_t length = out.size() - mark;
  if (length < 0x80) {
    out[mark - 1] = static_cast<char>(length);
    return;
  }
  const std::size_t extra = VarintBytes(length) - 1;
  out.insert(mark, extra, '\0');
  std::size_t value = length;
  std::size_t at = mark - 1;
  while (value >= 0x80) {
    out[at++] = static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  out[at] = static_cast<char>(value);
}

}  // namespace azmon::otlp
