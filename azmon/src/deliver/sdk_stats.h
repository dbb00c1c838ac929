// SPDX-License-Identifier: MIT
// The customer's own statistics about this SDK: how many items Application Insights took, refused, and was asked to take again.
//
// They go to the customer's own resource, as ordinary metrics at the head of a batch, and to nobody else. Counted per item; delivery thread
// only. Source: exporter spec section 9.2.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "base/clock.h"
#include "envelope/envelope.h"
#include "transport/transport.h"

namespace azmon::deliver {

struct SdkStatsSettings {
  std::chrono::seconds interval{900};  ///< 0: off
  std::string compute_type = "unknown";
  /// Whether an unknown one has turned out to be a virtual machine. On the delivery thread. May be empty.
  std::function<bool()> is_virtual_machine;
};

/// An HTTP status, or why there is none.
struct StatsCode {
  static constexpr int kClientException = -1;
  static constexpr int kClientTimeout = -2;
  static constexpr int kCapacity = -3;

  static StatsCode Of(const transport::HttpResponse& response);

  int value = 0;
};
/// The dimensions `drop.code` and `drop.reason` or `retry.code` and `retry.reason`.
std::string CodeText(StatsCode code);
std::string ReasonText(StatsCode code);

class SdkStats {
 public:
  explicit SdkStats(SdkStatsSettings settings) : settings_(std::move(settings)) {}

  bool IsOn() const { return settings_.interval.count() > 0; }

  /// @param line  one item as it is sent: its type and success are read from it
  void Succeeded(std::string_view line);
  void Dropped(std::string_view line, StatsCode code);
  void Retried(std::string_view line, StatsCode code);
  /// Records that were recycled at the journal's cap, before anybody knew what items they would give.
  void Recycled(std::uint64_t records_in_all);

  /// When Append has something to say; SteadyTime::max() if nothing was counted.
  base::SteadyTime DueAt() const { return counts_.empty() ? base::SteadyTime::max() : due_at_; }

  /// Appends what was counted since the last time as metric items, if the interval is over or this `is_last`, and begins anew. The interval
  /// begins with the first call that has nothing to say, so that rare batches are not followed by statistics of one item each.
  /// @return how many lines were appended
  std::uint32_t Append(base::SteadyTime now, base::WallTime wall_now, const envelope::ResourceContext& resource, const envelope::Settings& settings,
                       bool is_last, std::string& out);

 private:
  enum class Kind : std::uint8_t { kSuccess, kDropped, kRetry };
  /// kind, type, success (-1: not a dimension), code
  using Key = std::tuple<Kind, std::uint8_t, int, int>;

  void Add(Kind kind, std::string_view line, StatsCode code);
  void AppendPoint(const Key& key, std::uint64_t count, std::uint64_t nanos, std::string& metric) const;

  const SdkStatsSettings settings_;
  std::map<Key, std::uint64_t> counts_;
  base::SteadyTime due_at_ = base::SteadyTime::min();
  std::uint64_t recycled_ = 0;
};

}  // namespace azmon::deliver
