// SPDX-License-Identifier: MIT
// A reader of the journal that sends what it reads: a step function, driven by the delivery thread or by a simulator.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "deliver/log_limiter.h"
#include "journal/journal.h"
#include "transport/transport.h"

namespace azmon::deliver {

/// What every destination works with. Everything given by reference outlives it.
struct Workshop {
  journal::Journal& journal;
  transport::Transport& transport;
  const base::Clock& clock;
  LogLimiter& log;
  std::chrono::milliseconds export_interval;
  base::Random random;
};

class Destination {
 public:
  virtual ~Destination() = default;

  /// Settles what was answered and starts what is due. Never blocks.
  /// @return when to call again, if no completion comes earlier; SteadyTime::max() if there is nothing to do
  virtual base::SteadyTime Step(base::SteadyTime now) = 0;

  /// From now on batches leave without waiting for others until everything up to `end` is settled.
  virtual void Flush(journal::Position end) = 0;
  /// What was read but not sent at the time of Flush(end), or is sent again, is settled as well.
  virtual bool IsFlushed() const = 0;
  /// Allows one request now although the destination is backing off, unless it named the time itself.
  virtual void Hurry(base::SteadyTime now) = 0;

  /// Sends what the destination itself has to say at the end, once, if it can now. Called behind a Flush that is reached, with a Step between
  /// the calls. @return whether it is done
  virtual bool Finish(base::SteadyTime /*now*/) { return true; }

  /// Cancels what is in flight and settles what is known of it; the rest stays in the journal. Step() must not be called afterwards.
  virtual void Stop() = 0;
};

/// When a batch leaves: when it is full, when its oldest record has waited long enough, or for a flush.
class Departure {
 public:
  explicit Departure(std::chrono::milliseconds interval) : interval_(interval) {}

  /// @param unread  what waits and is not in flight
  /// @param is_full  it makes a whole batch
  bool IsDue(base::SteadyTime now, std::uint64_t unread, bool is_full) {
    if (unread == 0) {
      due_at_ = base::SteadyTime::max();
      return false;
    }
    if (due_at_ == base::SteadyTime::max()) due_at_ = now + interval_;
    return is_full || now >= due_at_;
  }
  /// Something left; what remains waits from now on.
  void Left() { due_at_ = base::SteadyTime::max(); }
  base::SteadyTime DueAt() const { return due_at_; }

 private:
  const std::chrono::milliseconds interval_;
  base::SteadyTime due_at_ = base::SteadyTime::max();
};

/// How far a flush has come, with records that a destination wanted again.
class FlushTarget {
 public:
  FlushTarget(const journal::Journal& journal, journal::Destination destination) : journal_(journal), destination_(destination) {}

  void Set(journal::Position end) { end_ = std::max(end_, end); }
  /// A batch was settled in which records are appended again.
  void Again(const journal::Batch& batch) {
    if (!batch.entries.empty() && batch.entries.front().position <= end_) end_ = journal_.End();
  }
  bool IsReached() const { return end_ == 0 || journal_.Settled(destination_) >= end_; }

 private:
  const journal::Journal& journal_;
  const journal::Destination destination_;
  journal::Position end_ = 0;
};

}  // namespace azmon::deliver
