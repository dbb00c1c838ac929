// SPDX-License-Identifier: MIT
// A clock that stands still until a test or the simulator moves it.
#pragma once

#include "base/clock.h"

namespace azmon::base {

class FakeClock final : public Clock {
 public:
  SteadyTime Now() const override { return now_; }
  WallTime WallNow() const override { return wall_; }
  void Advance(std::chrono::milliseconds by) {
    now_ += by;
    wall_ += by;
  }

 private:
  SteadyTime now_{std::chrono::hours(1000)};
  WallTime wall_{std::chrono::seconds(1'800'000'000)};
};

}  // namespace azmon::base
