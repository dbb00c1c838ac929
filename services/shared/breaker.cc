// SPDX-License-Identifier: MIT
#include "services/shared/breaker.h"

#include <algorithm>

#include "services/shared/limits.h"

namespace services {

bool CircuitBreaker::Allow(Time now) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kClosed) return true;
  if (state_ == State::kOpen) {
    if (now < open_until_) return false;
    state_ = State::kHalfOpen;
    is_probing_ = false;
  }
  if (is_probing_) return false;
  is_probing_ = true;
  return true;
}

CircuitBreaker::Change CircuitBreaker::Succeeded() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  // A call from before it opened: its success is as good as the probe's.
  const bool was_closed = state_ == State::kClosed;
  state_ = State::kClosed;
  is_probing_ = false;
  open_for_ = {};
  return was_closed ? Change::kNone : Change::kClosed;
}

CircuitBreaker::Change CircuitBreaker::Failed(Time now) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kOpen) return Change::kNone;  // a call from before
  if (state_ == State::kClosed && ++failures_ < limits::kBreakerFailures) return Change::kNone;
  const bool was_closed = state_ == State::kClosed;
  open_for_ = std::min(open_for_.count() == 0 ? limits::kBreakerOpen : open_for_ * 2, limits::kBreakerOpenCap);
  open_until_ = now + open_for_;
  state_ = State::kOpen;
  is_probing_ = false;
  return was_closed ? Change::kOpened : Change::kNone;
}

void CircuitBreaker::Abandoned() {
  const std::lock_guard lock(mutex_);
  is_probing_ = false;
}

CircuitBreaker::State CircuitBreaker::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void RetryBudget::Deposit() {
  const std::lock_guard lock(mutex_);
  if (balance_ >= 0) balance_ = std::min(balance_ + limits::kRetryBudgetShare, limits::kRetryBudgetMax);
}

bool RetryBudget::Withdraw(Time now) {
  const std::lock_guard lock(mutex_);
  if (balance_ < 0) {
    balance_ = limits::kRetryBudgetMax;
    refilled_ = now;
  }
  const std::chrono::duration<double> passed = now - refilled_;
  refilled_ = now;
  balance_ = std::min(balance_ + std::max(passed.count(), 0.0) * limits::kRetryBudgetPerSecond, limits::kRetryBudgetMax);
  if (balance_ < 1) return false;
  balance_ -= 1;
  return true;
}

}  // namespace services
