// SPDX-License-Identifier: MIT
// Random numbers for jitter and ids; not for keys.
#pragma once

#include <cstdint>
#include <limits>

namespace azmon::base {

/// A small, fast generator (xoshiro256**, Blackman and Vigna 2018) that a test seeds. Not thread-safe; usable with <random>.
class Random {
 public:
  using result_type = std::uint64_t;

  /// Seeded from the operating system.
  Random();
  explicit Random(std::uint64_t seed);

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

  /// Uniform in [0, 1).
  double Unit();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t Below(std::uint64_t bound);

 private:
  void Seed(std::uint64_t seed);
  std::uint64_t state_[4];
};

}  // namespace azmon::base
