// SPDX-License-Identifier: MIT
#include "base/random.h"

#include <sys/random.h>

#include <bit>
#include <chrono>

namespace azmon::base {

Random::Random() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof seed)) {
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  Seed(seed);
}

Random::Random(std::uint64_t seed) { Seed(seed); }

void Random::Seed(std::uint64_t seed) {
  // splitmix64, as the generator's authors advise for filling the state.
  for (auto& word : state_) {
    seed += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = seed;
    z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27U) * 0x94D049BB133111EBULL;
    word = z ^ z >> 31U;
  }
}

Random::result_type Random::operator()() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Random::Unit() { return static_cast<double>((*this)() >> 11U) * 0x1.0p-53; }

std::uint64_t Random::Below(std::uint64_t bound) {
  return static_cast<std::uint64_t>(Unit() * static_cast<double>(bound));
}

}  // namespace azmon::base
