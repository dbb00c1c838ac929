// SPDX-License-Identifier: MIT
// Time, behind an interface that a test or a simulator replaces.
//
// Waiting and ages use the steady clock; the wall clock is only written into telemetry and compared with dates that a peer sent.
#pragma once

#include <chrono>
#include <cstdint>

namespace azmon::base {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Now() const = 0;
  virtual WallTime WallNow() const = 0;
};

/// The machine's clocks. Never destroyed.
const Clock& SystemClock();

}  // namespace azmon::base
