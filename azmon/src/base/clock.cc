// SPDX-License-Identifier: MIT
#include "base/clock.h"

namespace azmon::base {
namespace {

class RealClock final : public Clock {
 public:
  SteadyTime Now() const override { return std::chrono::steady_clock::now(); }
  WallTime WallNow() const override {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace

const Clock& SystemClock() {
  static const auto* const clock = new RealClock;  // leaked: telemetry may still be made while statics are destroyed
  return *clock;
}

}  // namespace azmon::base
