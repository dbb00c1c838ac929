// SPDX-License-Identifier: MIT
// A mutex of which clang knows what it guards: -Wthread-safety checks the marks below at compile time. g++ sees a plain std::mutex.
//
// std::mutex of libstdc++ has no such marks, hence the wrapper. Names of the marks follow clang's documentation, "Thread Safety Analysis".
#pragma once

#include <mutex>

#ifdef __clang__
#define AZMON_THREAD_MARK(mark) __attribute__((mark))
#else
#define AZMON_THREAD_MARK(mark)
#endif

/// Of a member: it may be touched only with the mutex held.
#define AZMON_GUARDED_BY(mutex) AZMON_THREAD_MARK(guarded_by(mutex))
/// Of a function: its caller holds the mutexes.
#define AZMON_REQUIRES(...) AZMON_THREAD_MARK(requires_capability(__VA_ARGS__))
/// Of a function: its caller does not hold them, for it takes them itself.
#define AZMON_EXCLUDES(...) AZMON_THREAD_MARK(locks_excluded(__VA_ARGS__))

namespace azmon::base {

class AZMON_THREAD_MARK(capability("mutex")) Mutex {
 public:
  void lock() AZMON_THREAD_MARK(acquire_capability()) { mutex_.lock(); }
  void unlock() AZMON_THREAD_MARK(release_capability()) { mutex_.unlock(); }
  bool try_lock() AZMON_THREAD_MARK(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope; std::lock_guard as clang understands it.
class AZMON_THREAD_MARK(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) AZMON_THREAD_MARK(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() AZMON_THREAD_MARK(release_capability()) { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace azmon::base
