// SPDX-License-Identifier: MIT
// When a destination that failed is tried again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/random.h"

namespace azmon::deliver {

/// The wait after the n-th failure in a row (n >= 1) of Application Insights: max(10 s, min(3600 s, uniform(1, (2^n - 1) / 2 * 10) s)).
/// Source: exporter spec section 6.6.
/// @param unit  uniform in [0, 1)
std::chrono::milliseconds AzureDelay(std::uint32_t failures, double unit);

/// The same for OTLP: uniform in [2^(n-1), 2^n) s, at most 60 s. The lower half is left out so that no run of short waits becomes a storm.
std::chrono::milliseconds OtlpDelay(std::uint32_t failures, double unit);

/// The same where only a person can help: a role or an address is wrong. 1 minute, doubled up to 15.
/// Source: OTLP ingestion spec section 5.
std::chrono::milliseconds ConfigurationDelay(std::uint32_t failures, double unit);

/// Whether a destination may be asked now. Closed: yes. Open: not before a time; then one request at a time, until one succeeds.
class Breaker {
 public:
  using Delay = std::chrono::milliseconds (*)(std::uint32_t failures, double unit);

  /// @param failures_apart  failures within it of the last counted one are one failure: several requests were in flight
  Breaker(Delay delay, std::chrono::milliseconds failures_apart) : delay_(delay), failures_apart_(failures_apart) {}

  bool IsOpen() const { return failures_ > 0 || is_paused_; }
  /// No request before it while open.
  base::SteadyTime RetryAt() const { return retry_at_; }
  bool MayAsk(base::SteadyTime now) const { return !IsOpen() || now >= retry_at_; }
  std::uint32_t Failures() const { return failures_; }

  /// @param asked_wait  what the peer asked for; it replaces the computed delay
  /// @param delay       instead of the usual one; may be null
  void Fail(base::SteadyTime now, std::optional<std::chrono::milliseconds> asked_wait, base::Random& random, Delay delay = nullptr);
  /// Waits as asked without counting a failure.
  void Pause(base::SteadyTime now, std::chrono::milliseconds asked_wait);
  void Succeed();
  /// Forgets a wait of our own making, so that one request may go now; what the peer asked for stays.
  void Hurry(base::SteadyTime now);

 private:
  const Delay delay_;
  const std::chrono::milliseconds failures_apart_;
  std::uint32_t failures_ = 0;
  bool is_paused_ = false;
  bool is_asked_ = false;
  base::SteadyTime retry_at_{};
  base::SteadyTime counted_at_{};
};

}  // namespace azmon::deliver
