// SPDX-License-Identifier: MIT
// The log of a service: one line on stderr, and the same as an OpenTelemetry log record that belongs to the current span.
//
// For what says something new: a start, a failure, a breaker that opens. What happens with every order is a span and a count
// (counts.h), not a line. Bounded: above kLogLinesPerSecondMax the rest of the second is left out and told by `suppressed`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace services {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

/// How lines look on stderr.
enum class LogFormat {
  kAuto,  ///< kText on a terminal, else kJson
  kText,  ///< PROGRAM: message key=value
  kJson,  ///< {"time":…,"level":…,"service":…,"message":…,"trace_id":…,"span_id":…,…}
};

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t> value;
};

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
};

/// Sets the program's name and how much is told where. Once, at the start of main, before any Log(); before that nothing is written.
void SetUpLog(std::string_view program, const LogSettings& settings);

/// Where a line goes.
enum class LogTo {
  kBoth,
  kTelemetryAlone,  ///< the person at the terminal is told otherwise
};

/// @param message  a sentence without values: those are fields. Neither holds secrets or request bodies
/// Thread-safe. Costs next to nothing below the level.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}, LogTo to = LogTo::kBoth);

/// One line without its newline. Pure.
/// @param time  "2026-11-24T17:00:00.000Z"
std::string LogLine(LogFormat format, std::string_view program, std::string_view time, LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields, std::string_view trace_id, std::string_view span_id);

/// At most so many a second. Thread-safe.
class LineGate {
 public:
  explicit LineGate(std::uint32_t per_second) : per_second_(per_second) {}
  /// @return nullopt: leave it out. Else how many were left out since the last one that was not.
  std::optional<std::uint64_t> Pass(std::chrono::steady_clock::time_point now);

 private:
  const std::uint32_t per_second_;
  std::atomic<std::int64_t> second_{0};
  std::atomic<std::uint32_t> passed_{0};
  std::atomic<std::uint64_t> suppressed_{0};
};

}  // namespace services
