// SPDX-License-Identifier: MIT
#include "base/fork.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

namespace azmon::base {
namespace {

constexpr std::chrono::seconds kWaitMax{1};
constexpr std::chrono::microseconds kPause{50};

/// A few descriptors, taken in and let go without a lock: they are looked at in the middle of a fork.
class Descriptors {
 public:
  Descriptors() {
    for (auto& slot : slots_) slot = kNone;
  }
  void Add(int fd) { Replace(kNone, fd); }
  void Remove(int fd) { Replace(fd, kNone); }
  void CloseAll() {
    for (auto& slot : slots_) {
      if (const int fd = slot.exchange(kNone); fd >= 0) ::close(fd);
    }
  }
  void ForgetAll() {
    for (auto& slot : slots_) slot = kNone;
  }
  void TellAll() {
    for (auto& slot : slots_) {
      if (const int fd = slot.load(); fd >= 0) (void)!::write(fd, &kHasForked, sizeof kHasForked);
    }
  }

 private:
  static constexpr int kNone = -1;
  void Replace(int from, int to) {
    for (auto& slot : slots_) {
      int found = from;
      if (slot.compare_exchange_strong(found, to)) return;
    }
  }
  std::array<std::atomic<int>, 128> slots_{};
};

Descriptors& ClosedInChild() {
  static auto* const closed = [] {
    auto* const made = new Descriptors;
    ::pthread_atfork(nullptr, nullptr, [] { ClosedInChild().CloseAll(); });
    return made;
  }();
  return *closed;
}

Descriptors& ToldInParent() {
  static auto* const told = [] {
    auto* const made = new Descriptors;
    // A child's copies are those of its parent.
    ::pthread_atfork(nullptr, [] { ToldInParent().TellAll(); }, [] { ToldInParent().ForgetAll(); });
    return made;
  }();
  return *told;
}

}  // namespace

/// Leaked: telemetry is made while statics are destroyed.
class ForkMutexes {
 public:
  static ForkMutexes& Instance() {
    static auto* const all = [] {
      auto* const made = new ForkMutexes;
      ::pthread_atfork([] { Instance().Prepare(); }, [] { Instance().Release(); }, [] { Instance().Release(); });
      return made;
    }();
    return *all;
  }

  void Add(ForkMutex& mutex) {
    const std::lock_guard lock(list_mutex_);
    mutex.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &mutex;
    first_ = &mutex;
  }
  void Remove(ForkMutex& mutex) {
    const std::lock_guard lock(list_mutex_);
    (mutex.previous_ != nullptr ? mutex.previous_->next_ : first_) = mutex.next_;
    if (mutex.next_ != nullptr) mutex.next_->previous_ = mutex.previous_;
  }

 private:
  /// Holds all at once, without ever waiting for one while it holds another: their holders may nest them in any order.
  void Prepare() {
    const auto give_up = std::chrono::steady_clock::now() + kWaitMax;
    for (;;) {
      list_mutex_.lock();
      if (TryAll() || std::chrono::steady_clock::now() >= give_up) return;
      Release();
      std::this_thread::sleep_for(kPause);
    }
  }

  /// @return false: somebody holds one of them. Those that could be had are held all the same.
  bool TryAll() {
    bool has_all = true;
    for (ForkMutex* mutex = first_; mutex != nullptr; mutex = mutex->next_) {
      if (mutex->IsMine()) continue;  // this thread goes on with it in both processes
      mutex->is_held_by_fork_ = mutex->mutex_.try_lock();
      has_all &= mutex->is_held_by_fork_;
    }
    return has_all;
  }

  void Release() {
    for (ForkMutex* mutex = first_; mutex != nullptr; mutex = mutex->next_) {
      if (mutex->is_held_by_fork_) {
        mutex->is_held_by_fork_ = false;
        mutex->mutex_.unlock();
      }
    }
    list_mutex_.unlock();
  }

  std::mutex list_mutex_;
  ForkMutex* first_ = nullptr;
};

ForkMutex::ForkMutex() { ForkMutexes::Instance().Add(*this); }
ForkMutex::~ForkMutex() { ForkMutexes::Instance().Remove(*this); }

void CloseInChild(int fd) { ClosedInChild().Add(fd); }
void ForgetInChild(int fd) { ClosedInChild().Remove(fd); }
void TellParentOfFork(int event_fd) { ToldInParent().Add(event_fd); }
void ForgetParentOfFork(int event_fd) { ToldInParent().Remove(event_fd); }

}  // namespace azmon::base
