// SPDX-License-Identifier: MIT
// So many traces a second, with a percentage that follows the load: the default sampler of every Azure Monitor distro.
//
// Pure but for its own state. Source: azure-monitor-distro contract 2.3 and 2.4.
#pragma once

#include <cstdint>

#include "base/fork.h"

namespace azmon::sampling {

class RateLimit {
 public:
  /// @param traces_per_second  0 or more; 0 keeps nothing
  /// @param now_ns             of a steady clock
  RateLimit(double traces_per_second, std::int64_t now_ns);

  /// Counts one trace and gives the percentage to sample it with: 0, or 100 / n for a whole n.
  /// Any thread.
  double NextPercentage(std::int64_t now_ns);

  struct State {
    double traces = 0;     ///< exponentially weighted number of traces
    double window_ns = 0;  ///< exponentially weighted length of the window
  };
  State Now() const;

 private:
  const double target_per_ns_;
  mutable base::ForkMutex mutex_;
  State state_;
  std::int64_t last_ns_;
};

/// The next percentage down that gives a whole item count, 100 / n; 0 stays 0. Jitter of the last digits is forgiven.
double RoundedDown(double percentage);

}  // namespace azmon::sampling
