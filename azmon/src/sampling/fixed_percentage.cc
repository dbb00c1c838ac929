// SPDX-License-Identifier: MIT
#include "sampling/fixed_percentage.h"

#include <cstdlib>
#include <limits>
#include <string>

namespace azmon::sampling {

double TextScore(std::string_view text) {
  constexpr std::size_t kCharactersMin = 8;
  constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
  if (text.empty()) return 0;
  std::string padded(text);
  while (padded.size() < kCharactersMin) padded += padded;
  std::uint32_t hash = 5381;
  for (const char c : padded) hash = hash * 33U + static_cast<unsigned char>(c);
  const auto signed_hash = static_cast<std::int32_t>(hash);
  const std::int32_t magnitude = signed_hash == std::numeric_limits<std::int32_t>::min() ? kMax : std::abs(signed_hash);
  return static_cast<double>(magnitude) / static_cast<double>(kMax) * 100.0;
}

double TraceIdScore(std::string_view trace_id, HashCase hash_case) {
  const std::string_view digits = hash_case == HashCase::kLower ? "0123456789abcdef" : "0123456789ABCDEF";
  char text[64];
  std::size_t size = 0;
  for (const char c : trace_id.substr(0, sizeof text / 2)) {
    text[size++] = digits[static_cast<unsigned char>(c) >> 4U];
    text[size++] = digits[static_cast<unsigned char>(c) & 15U];
  }
  return TextScore({text, size});
}

FixedPercentage::FixedPercentage(double ratio, HashCase hash_case)
    : percentage_(ratio >= 0 && ratio <= 1 ? ratio * 100.0 : 100.0), hash_case_(hash_case) {}

Decision FixedPercentage::Decide(std::string_view trace_id) const {
  if (percentage_ >= 100) return {};
  return {.is_sampled = TraceIdScore(trace_id, hash_case_) < percentage_, .sample_rate = percentage_};
}

}  // namespace azmon::sampling
