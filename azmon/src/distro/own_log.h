// SPDX-License-Identifier: MIT
// The library's own log: to stderr or to the host's callback, at most one line a second.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "azmon/azmon.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/fork.h"

namespace azmon::distro {

/// AZMON_LOG: what is written. Each level includes the ones before it.
enum class LogLevel : std::uint8_t { kOff, kError, kWarn, kInfo, kDebug };

/// @param problems  receives a problem if the variable has an unknown value; kWarn is used then
LogLevel ReadLogLevel(const base::Environment& environment, std::vector<Problem>& problems);

/// Any thread. A line that comes within a second of the one before is held back; the next one says how many were.
class OwnLog {
 public:
  OwnLog(LogLevel level, std::function<void(Severity, std::string_view)> sink, const base::Clock& clock);

  void Write(LogLevel level, std::string_view line) noexcept;

 private:
  const LogLevel level_;
  const std::function<void(Severity, std::string_view)> sink_;
  const base::Clock& clock_;
  base::ForkMutex mutex_;
  base::SteadyTime next_{};
  std::uint64_t held_back_ = 0;
};

}  // namespace azmon::distro
