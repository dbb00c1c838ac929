// SPDX-License-Identifier: MIT
// When a peer is left alone: a circuit breaker, and a budget for repetitions. One of each a peer and process. Pure but for their state;
// time is a parameter. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>

namespace services {

/// Fails calls at once after a row of failures, instead of letting each wait for its deadline.
///
/// Closed until kBreakerFailures calls in a row have failed; open for kBreakerOpen, then half open: one call is let through as a probe,
/// and its end closes the breaker or opens it for twice as long, at most kBreakerOpenCap.
class CircuitBreaker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class State { kClosed = 0, kHalfOpen = 1, kOpen = 2 };
  /// What a call's end changed.
  enum class Change { kNone, kOpened, kClosed };

  /// Whether a call may be made now. After true, exactly one of Succeeded(), Failed() or Abandoned() must follow.
  bool Allow(Time now);
  Change Succeeded();
  Change Failed(Time now);
  /// The call ended without saying anything of the peer (its own deadline had passed before it was sent).
  void Abandoned();

  State state() const;

 private:
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  State state_ = State::kClosed;
  int failures_ = 0;
  bool is_probing_ = false;
  std::chrono::milliseconds open_for_{0};
  Time open_until_{};
};

/// Lets repetitions be at most a share of the calls, so that they never become the load that keeps a peer down.
class RetryBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// A first try was made: pays kRetryBudgetShare in.
  void Deposit();
  /// Whether one may be repeated now; takes one out if so.
  bool Withdraw(Time now);

 private:
  std::mutex mutex_;
  double balance_ = -1;  // guarded by mutex_; full at the first use
  Time refilled_{};      // guarded by mutex_
};

}  // namespace services
