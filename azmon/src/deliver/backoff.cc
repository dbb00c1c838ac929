// SPDX-License-Identifier: MIT
#include "deliver/backoff.h"

#include <algorithm>
#include <cmath>

namespace azmon::deliver {

using std::chrono::milliseconds;

namespace {

constexpr std::uint32_t kFailuresMax = 30;  ///< beyond every cap; keeps the powers small

milliseconds Seconds(double seconds) { return milliseconds(std::llround(seconds * 1000)); }

}  // namespace

milliseconds AzureDelay(std::uint32_t failures, double unit) {
  const double top = (std::exp2(std::min(failures, kFailuresMax)) - 1) / 2 * 10;
  return Seconds(std::clamp(1 + unit * (top - 1), 10.0, 3600.0));
}

milliseconds OtlpDelay(std::uint32_t failures, double unit) {
  const double top = std::exp2(std::min(failures, kFailuresMax));
  return Seconds(std::clamp(top / 2 + unit * top / 2, 1.0, 60.0));
}

milliseconds ConfigurationDelay(std::uint32_t failures, double) {
  return Seconds(std::min(60 * std::exp2(std::min(failures, kFailuresMax) - 1), 900.0));
}

void Breaker::Fail(base::SteadyTime now, std::optional<milliseconds> asked_wait, base::Random& random, Delay delay) {
  if (failures_ == 0 || now - counted_at_ >= failures_apart_) {
    failures_ = std::min(failures_ + 1, kFailuresMax);
    counted_at_ = now;
  }
  const base::SteadyTime retry_at = now + (asked_wait ? *asked_wait : (delay != nullptr ? delay : delay_)(failures_, random.Unit()));
  // Of several answers in flight the one that asks for the longest wait counts.
  if (retry_at > retry_at_) {
    retry_at_ = retry_at;
    is_asked_ = asked_wait.has_value();
  }
}

void Breaker::Pause(base::SteadyTime now, milliseconds asked_wait) {
  is_paused_ = true;
  if (now + asked_wait > retry_at_) {
    retry_at_ = now + asked_wait;
    is_asked_ = true;
  }
}

void Breaker::Succeed() {
  failures_ = 0;
  is_paused_ = false;
  is_asked_ = false;
  retry_at_ = {};
}

void Breaker::Hurry(base::SteadyTime now) {
  if (IsOpen() && !is_asked_) retry_at_ = std::min(retry_at_, now);
}

}  // namespace azmon::deliver
