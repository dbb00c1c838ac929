// SPDX-License-Identifier: MIT
// One event loop: an io_context, its thread, and the things that all connections of the loop share. Inner header of net/.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.h"
#include "net/http.h"

namespace net {

class DeadlineEntry;

inline Deadline Now() { return azmon::base::SystemClock().Now(); }

/// The deadlines of a loop behind one timer.
///
/// A timer that becomes the earliest costs a system call (measured: 17 µs a time for one timer an operation). Here the timer is set only when a new
/// deadline is earlier than the next wake-up, which in steady traffic never happens, as deadlines mostly move forwards.
/// Loop thread only.
class DeadlineQueue {
 public:
  DeadlineQueue() = default;
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;

  void SetTimer(boost::asio::steady_timer* timer) { timer_ = timer; }

 private:
  friend class DeadlineEntry;
  void Link(DeadlineEntry& entry);
  static void Unlink(DeadlineEntry& entry);
  void Arm(Deadline when);
  void OnTimer();

  boost::asio::steady_timer* timer_ = nullptr;
  DeadlineEntry* head_ = nullptr;
  Deadline next_wake_ = Deadline::max();
};

/// One deadline. When it passes, `on_expired` runs once on the loop and HasExpired() stays true until it is set again.
class DeadlineEntry {
 public:
  explicit DeadlineEntry(DeadlineQueue& queue) : queue_(queue) {}
  ~DeadlineEntry() { Clear(); }
  DeadlineEntry(const DeadlineEntry&) = delete;
  DeadlineEntry& operator=(const DeadlineEntry&) = delete;

  void OnExpired(std::function<void()> on_expired) { on_expired_ = std::move(on_expired); }
  void Set(Deadline when);
  void SetAfter(std::chrono::milliseconds duration) { Set(Now() + duration); }
  void Clear();
  bool HasExpired() const { return has_expired_; }

 private:
  friend class DeadlineQueue;
  DeadlineQueue& queue_;
  std::function<void()> on_expired_;
  Deadline when_ = Deadline::max();
  DeadlineEntry* next_ = nullptr;
  DeadlineEntry** link_ = nullptr;  ///< what points at this entry; null when not in the queue
  bool has_expired_ = false;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Whether the calling thread is this loop's.
  bool IsCurrent() const;
  /// The loop of the calling thread; null if it is none.
  static Loop* Current();

  /// The Date field of now; made once a second.
  std::string_view Date();

  void Start();
  void Join();
  /// Destroys what still waits in the context, while the other loops still exist. After Join.
  void Abandon();

 private:
  class Context : public boost::asio::io_context {
   public:
    Context() : boost::asio::io_context(1) {}
    void Abandon() { shutdown(); }
  };

  // In this order: coroutines that the context destroys take their entries out of the queue.
  DeadlineQueue queue_;
  Context context_;
  boost::asio::steady_timer timer_;
  std::thread thread_;
  std::string date_;
  std::int64_t date_second_ = -1;

 public:
  boost::asio::io_context& context() { return context_; }
  DeadlineQueue& deadlines() { return queue_; }
};

}  // namespace net
