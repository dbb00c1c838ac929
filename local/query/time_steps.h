// SPDX-License-Identifier: MIT
// Cuts a range of time into steps that people read well. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azmon::local {

struct TimeSteps {
  std::int64_t from = 0, step = 1;  ///< ticks; `from` is a whole multiple of `step`, so steps do not move while a live window does
  std::size_t count = 0;

  /// The step in which `time` lies; `count` if it lies in none.
  std::size_t At(std::int64_t time) const {
    if (time < from) return count;
    const auto at = static_cast<std::uint64_t>(time - from) / static_cast<std::uint64_t>(step);
    return at < count ? static_cast<std::size_t>(at) : count;
  }
};

/// Steps over [from, to], at most `most` + 2 of them. Needs from <= to and most > 1.
TimeSteps MakeTimeSteps(std::int64_t from, std::int64_t to, std::size_t most);

}  // namespace azmon::local
