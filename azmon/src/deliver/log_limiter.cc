// SPDX-License-Identifier: MIT
#include "deliver/log_limiter.h"

#include <utility>

namespace azmon::deliver {

namespace {

constexpr std::chrono::seconds kLineInterval{1};
constexpr std::chrono::minutes kRepeatInterval{5};
constexpr std::size_t kWaitingMax = 8;
/// Kinds of trouble that are remembered; servers that make up new texts must not fill the memory.
constexpr std::size_t kCausesMax = 16;

std::string Seconds(base::SteadyTime::duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration + std::chrono::milliseconds(500)).count()) + " s";
}

}  // namespace

void LogLimiter::Line(base::SteadyTime now, Severity severity, std::string text) {
  if (!sink_ || waiting_.size() >= kWaitingMax) return;
  waiting_.push_back({.severity = severity, .text = std::move(text)});
  Step(now);
}

base::SteadyTime LogLimiter::Step(base::SteadyTime now) {
  if (waiting_.empty()) return base::SteadyTime::max();
  if (now < next_) return next_;
  sink_(waiting_.front().severity, waiting_.front().text);
  waiting_.pop_front();
  next_ = now + kLineInterval;
  return waiting_.empty() ? base::SteadyTime::max() : next_;
}

bool TroubleLog::IsNews(base::SteadyTime now, std::string_view cause) {
  const auto found = told_.find(cause);
  if (found != told_.end() && now - found->second < kRepeatInterval) return false;
  if (found == told_.end() && told_.size() >= kCausesMax) told_.clear();
  told_.insert_or_assign(std::string(cause), now);
  return true;
}

void TroubleLog::Fails(base::SteadyTime now, std::string_view cause, std::string_view advice, std::chrono::milliseconds retry_in) {
  if (!is_failing_) failing_since_ = now;
  is_failing_ = true;
  if (!IsNews(now, cause)) return;
  is_told_ = true;
  limiter_.Line(now, Severity::kWarning,
                name_ + " does not take telemetry: " + std::string(cause) + "; " + (advice.empty() ? "" : std::string(advice) + "; ") + "next try in " +
                    Seconds(retry_in) + ", until then it waits");
}

void TroubleLog::Loses(base::SteadyTime now, std::string_view cause, std::string_view advice, std::uint64_t records) {
  if (!IsNews(now, cause)) return;
  limiter_.Line(now, Severity::kError,
                name_ + " refused " + std::to_string(records) + " records, they are lost: " + std::string(cause) +
                    (advice.empty() ? "" : "; " + std::string(advice)));
}

void TroubleLog::Works(base::SteadyTime now) {
  if (!is_failing_) return;
  is_failing_ = false;
  if (!std::exchange(is_told_, false)) return;
  limiter_.Line(now, Severity::kWarning, name_ + " takes telemetry again after " + Seconds(now - failing_since_));
}

}  // namespace azmon::deliver
