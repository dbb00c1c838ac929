// SPDX-License-Identifier: MIT
#include "sampling/rate_limit.h"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace azmon::sampling {
namespace {

/// Adaptation time of 0.1 s, per nanosecond.
constexpr double kDecayPerNs = 1e-8;
/// Relative error of a few sums of doubles; contract 2.4, "this only cures jitter".
constexpr double kEpsilon = 1e-9;

}  // namespace

RateLimit::RateLimit(double traces_per_second, std::int64_t now_ns) : target_per_ns_(traces_per_second * 1e-9), last_ns_(now_ns) {}

double RateLimit::NextPercentage(std::int64_t now_ns) {
  State state;
  {
    const std::lock_guard lock(mutex_);
    if (now_ns <= last_ns_) {
      state_.traces += 1;
    } else {
      const auto passed = static_cast<double>(now_ns - last_ns_);
      const double factor = std::exp(-passed * kDecayPerNs);
      state_.traces = state_.traces * factor + 1;
      state_.window_ns = state_.window_ns * factor + passed;
      last_ns_ = now_ns;
    }
    state = state_;
  }
  if (target_per_ns_ <= 0) return 0;
  // A trace in the tick of construction has no window yet: nothing says that there are too many.
  if (state.window_ns == 0) return 100;
  return RoundedDown(100 * std::min(state.window_ns * target_per_ns_ / state.traces, 1.0));
}

RateLimit::State RateLimit::Now() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

double RoundedDown(double percentage) {
  if (percentage <= 0) return 0;
  if (percentage >= 100 * (1 - kEpsilon)) return 100;
  return 100 / std::ceil(100 / percentage - kEpsilon);
}

}  // namespace azmon::sampling
