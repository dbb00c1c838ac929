// SPDX-License-Identifier: MIT
// The last orders and how many there were: what the status page shows.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "services/checkout/place_order.h"

namespace checkout {

/// Thread-safe. Keeps the last kRecentOrders.
class RecentOrders {
 public:
  static constexpr std::size_t kRecentOrders = 50;

  struct Snapshot {
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::vector<Placed> orders;  ///< the newest first
  };

  void Add(const Placed& placed) {
    const std::lock_guard lock(mutex_);
    ++(placed.failure.empty() ? ok_ : failed_);
    orders_.push_front(placed);
    if (orders_.size() > kRecentOrders) orders_.pop_back();
  }
  Snapshot Now() const {
    const std::lock_guard lock(mutex_);
    return {.ok = ok_, .failed = failed_, .orders = {orders_.begin(), orders_.end()}};
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t ok_ = 0;      // guarded by mutex_
  std::uint64_t failed_ = 0;  // guarded by mutex_
  std::deque<Placed> orders_; // guarded by mutex_
};

}  // namespace checkout
