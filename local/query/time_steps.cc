// SPDX-License-Identifier: MIT
#include "local/query/time_steps.h"

#include <algorithm>
#include <array>

#include "local/model/time.h"

namespace azmon::local {
namespace {

constexpr std::array<std::int64_t, 28> kStepsMs = {1,      2,      5,      10,      20,      50,      100,     200,       500,       1'000,
                                                   2'000,  5'000,  10'000, 15'000,  30'000,  60'000,  120'000, 300'000,   600'000,   900'000,
                                                   1'800'000, 3'600'000, 7'200'000, 10'800'000, 21'600'000, 43'200'000, 86'400'000, 604'800'000};

}  // namespace

TimeSteps MakeTimeSteps(std::int64_t from, std::int64_t to, std::size_t most) {
  const auto steps = static_cast<std::int64_t>(most);
  // Halves, because the whole range of times may be longer than a number of ticks can say.
  const std::int64_t half = to / 2 - from / 2 + 1;
  TimeSteps result;
  result.step = half / steps * 2 + 2;
  for (const std::int64_t ms : kStepsMs) {
    if (ms * kTicksPerMs * (steps - 1) / 2 >= half - 1) {
      result.step = ms * kTicksPerMs;
      break;
    }
  }
  result.from = from / result.step * result.step;
  if (result.from > from) result.from -= result.step;
  const std::uint64_t span = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(result.from);
  result.count = static_cast<std::size_t>(std::min<std::uint64_t>(span / static_cast<std::uint64_t>(result.step) + 1, most + 2));
  return result;
}

}  // namespace azmon::local
