// SPDX-License-Identifier: MIT
#include "otlp/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace azmon::otlp {
namespace {

/// The polynomial, bits reversed, as everything here: bit 31 is x^0.
constexpr std::uint32_t kPolynomial = 0x82F63B78U;

constexpr std::uint32_t TimesX(std::uint32_t value) { return value >> 1U ^ (value & 1U ? kPolynomial : 0U); }

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = TimesX(crc);
    table[i] = crc;
  }
  return table;
}
constexpr auto kTable = MakeTable();

std::uint32_t Portable(std::string_view bytes, std::uint32_t crc) {
  for (const char c : bytes) crc = crc >> 8U ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 255U];
  return crc;
}

#if defined(__x86_64__)
// The instruction takes one word a cycle, but its result takes three: three lanes keep it busy. A lane's checksum is then moved to the end of
// the bytes, multiplied by x to the number of bits behind it; method: V. Gopal and others, "Fast CRC Computation for iSCSI Polynomial Using
// CRC32 Instruction" (Intel, 2011).
constexpr std::size_t kLanes = 3;
constexpr std::size_t kLaneWordsMax = 64;
/// Below it, moving costs more than the lanes save.
constexpr std::size_t kLaneWordsMin = 4;

/// x^(64 i - 33) at i: what a checksum is multiplied by to move it i words. The product's own width gives the other 33.
constexpr std::array<std::uint32_t, 2 * kLaneWordsMax + 1> MakeMoves() {
  std::array<std::uint32_t, 2 * kLaneWordsMax + 1> moves{};
  std::uint32_t power = 0x80000000U;
  for (std::size_t bits = 0; bits <= 128 * kLaneWordsMax - 33; ++bits, power = TimesX(power)) {
    if ((bits + 33) % 64 == 0) moves[(bits + 33) / 64] = power;
  }
  return moves;
}
constexpr auto kMoves = MakeMoves();

std::uint64_t WordAt(const char* data) {
  std::uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

__attribute__((target("sse4.2,pclmul"))) std::uint64_t Moved(std::uint64_t crc, std::size_t words) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(crc)), _mm_cvtsi32_si128(static_cast<int>(kMoves[words])), 0);
  return _mm_crc32_u64(0, static_cast<std::uint64_t>(_mm_cvtsi128_si64(product)));
}

__attribute__((target("sse4.2,pclmul"))) std::uint32_t Hardware(std::string_view bytes, std::uint32_t crc) {
  std::uint64_t first = crc;
  const char* data = bytes.data();
  std::size_t left = bytes.size();
  while (left >= kLanes * kLaneWordsMin * sizeof(std::uint64_t)) {
    const std::size_t words = std::min(left / (kLanes * sizeof(std::uint64_t)), kLaneWordsMax);
    const std::size_t lane = words * sizeof(std::uint64_t);
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const char* const end = data + lane; data < end; data += sizeof(std::uint64_t)) {
      first = _mm_crc32_u64(first, WordAt(data));
      second = _mm_crc32_u64(second, WordAt(data + lane));
      third = _mm_crc32_u64(third, WordAt(data + 2 * lane));
    }
    first = Moved(first, 2 * words) ^ Moved(second, words) ^ third;
    data += 2 * lane;
    left -= kLanes * lane;
  }
  for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t), data += sizeof(std::uint64_t)) first = _mm_crc32_u64(first, WordAt(data));
  crc = static_cast<std::uint32_t>(first);
  for (; left > 0; --left, ++data) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*data));
  return crc;
}
bool HasHardware() { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"); }
#elif defined(__aarch64__)
__attribute__((target("+crc"))) std::uint32_t Hardware(std::string_view bytes, std::uint32_t crc) {
  const char* data = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, data += 8) {
    std::uint64_t word;
    std::memcpy(&word, data, sizeof word);
    crc = __crc32cd(crc, word);
  }
  for (; left > 0; --left, ++data) crc = __crc32cb(crc, static_cast<unsigned char>(*data));
  return crc;
}
bool HasHardware() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
std::uint32_t Hardware(std::string_view bytes, std::uint32_t crc) { return Portable(bytes, crc); }
bool HasHardware() { return false; }
#endif

}  // namespace

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t seed) {
  static const bool has_hardware = HasHardware();
  return ~(has_hardware ? Hardware(bytes, ~seed) : Portable(bytes, ~seed));
}

}  // namespace azmon::otlp
