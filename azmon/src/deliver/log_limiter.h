// SPDX-License-Identifier: MIT
// Lines about destinations in trouble: few, and none lost that matters.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "azmon/azmon.h"
#include "base/clock.h"

namespace azmon::deliver {

/// Lets one line a second through and keeps a few more for the seconds after. Delivery thread only.
class LogLimiter {
 public:
  using Sink = std::function<void(Severity, std::string_view)>;

  explicit LogLimiter(Sink sink) : sink_(std::move(sink)) {}

  void Line(base::SteadyTime now, Severity severity, std::string text);
  /// Writes what waits. @return when to call again; SteadyTime::max() if nothing waits
  base::SteadyTime Step(base::SteadyTime now);

 private:
  struct Waiting {
    Severity severity;
    std::string text;
  };
  const Sink sink_;
  std::deque<Waiting> waiting_;
  base::SteadyTime next_ = base::SteadyTime::min();
};

/// What is told of one destination: each kind of trouble when it begins and again after five minutes, and the recovery.
class TroubleLog {
 public:
  /// @param name  of the destination as a person knows it
  TroubleLog(std::string name, LogLimiter& limiter) : name_(std::move(name)), limiter_(limiter) {}

  /// Requests fail: delivery stands still.
  void Fails(base::SteadyTime now, std::string_view cause, std::string_view advice, std::chrono::milliseconds retry_in);
  /// Records were given up.
  void Loses(base::SteadyTime now, std::string_view cause, std::string_view advice, std::uint64_t records);
  /// A request succeeded. Told if the failure before was.
  void Works(base::SteadyTime now);

 private:
  bool IsNews(base::SteadyTime now, std::string_view cause);

  const std::string name_;
  LogLimiter& limiter_;
  bool is_failing_ = false;
  bool is_told_ = false;  ///< of the present failure
  base::SteadyTime failing_since_{};
  std::map<std::string, base::SteadyTime, std::less<>> told_;  ///< cause → when
};

}  // namespace azmon::deliver
