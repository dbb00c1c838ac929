// SPDX-License-Identifier: MIT
// What a fork must not tear: mutexes, and descriptors that only one process may hold.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace azmon::base {

/// A mutex that a forked child finds free, with what it guards whole: a fork waits until no other thread holds it. For critical sections
/// that never wait; the thread that holds one may itself fork. Made and destroyed on any thread.
///
/// A fork waits for a second at most. Behind that the child may find the mutex held for ever, as it would find any other.
class ForkMutex {
 public:
  ForkMutex();
  ForkMutex(const ForkMutex&) = delete;
  ForkMutex& operator=(const ForkMutex&) = delete;
  ~ForkMutex();

  void lock() {
    mutex_.lock();
    owner_.store(::pthread_self(), std::memory_order_relaxed);
  }
  bool try_lock() {
    if (IsMine() || !mutex_.try_lock()) return false;
    owner_.store(::pthread_self(), std::memory_order_relaxed);
    return true;
  }
  void unlock() {
    owner_.store(kNobody, std::memory_order_relaxed);
    mutex_.unlock();
  }
  /// This thread holds it.
  bool IsMine() const { return owner_.load(std::memory_order_relaxed) == ::pthread_self(); }

 private:
  friend class ForkMutexes;
  static constexpr pthread_t kNobody = 0;

  std::mutex mutex_;
  std::atomic<pthread_t> owner_{kNobody};
  ForkMutex* previous_ = nullptr;  ///< in the list of all
  ForkMutex* next_ = nullptr;
  bool is_held_by_fork_ = false;
};

/// From now on a forked child closes its copy of the descriptor: a lock that it would hold on, a connection that it would keep open.
/// Lock-free. At most 128 at a time; further ones stay open in children.
void CloseInChild(int fd);
/// The descriptor is about to be closed.
void ForgetInChild(int fd);

/// From now on kHasForked is added to the eventfd whenever this process has forked. Likewise lock-free and at most 128.
void TellParentOfFork(int event_fd);
void ForgetParentOfFork(int event_fd);
inline constexpr std::uint64_t kHasForked = std::uint64_t{1} << 32;

}  // namespace azmon::base
