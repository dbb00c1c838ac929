// SPDX-License-Identifier: MIT
#include "distro/own_log.h"

#include <array>
#include <mutex>

#include "base/standard_error.h"
#include "distro/setting_reader.h"

namespace azmon::distro {
namespace {

/// The longest line; a longer one is cut. What stands around it fits as well.
constexpr std::size_t kLineBytesMax = base::kLineSinkBytesMax - 100;
constexpr std::chrono::seconds kInterval{1};

}  // namespace

LogLevel ReadLogLevel(const base::Environment& environment, std::vector<Problem>& problems) {
  constexpr std::array kLevels{LogLevel::kOff, LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo, LogLevel::kDebug};
  const auto choice = SettingReader(environment, problems).Choice("AZMON_LOG");
  return choice ? kLevels[*choice] : LogLevel::kWarn;
}

OwnLog::OwnLog(LogLevel level, std::function<void(Severity, std::string_view)> sink, const base::Clock& clock)
    : level_(level), sink_(std::move(sink)), clock_(clock) {}

void OwnLog::Write(LogLevel level, std::string_view line) noexcept {
  if (level > level_ || level == LogLevel::kOff) return;
  try {
    std::string text = "azmon: ";
    {
      const std::lock_guard lock(mutex_);
      const base::SteadyTime now = clock_.Now();
      if (now < next_) {
        ++held_back_;
        return;
      }
      next_ = now + kInterval;
      text.append(line.substr(0, kLineBytesMax));
      if (held_back_ != 0) text.append(" (").append(std::to_string(held_back_)).append(" lines held back before)");
      held_back_ = 0;
    }
    if (sink_) {
      sink_(level == LogLevel::kError ? Severity::kError : Severity::kWarning, std::string_view(text).substr(7));
      return;
    }
    text.push_back('\n');
    // A line that nobody reads is lost; the host neither waits for it nor gets a SIGPIPE.
    (void)base::StandardError().TryWrite(text);
  } catch (...) {  // NOLINT: a guest never throws; a line that cannot be written is not worth more
  }
}

}  // namespace azmon::distro
