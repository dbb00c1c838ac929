// SPDX-License-Identifier: MIT
// Reads the journal for the standard metrics and writes them back into it.
//
// A reader like a destination, but inside the process: it sees every span and log record, also those that are sampled for nobody. Lives
// on the delivery thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "base/clock.h"
#include "envelope/envelope.h"
#include "journal/journal.h"
#include "meter/standard_metrics.h"

namespace azmon::meter {

class StandardReader {
 public:
  /// @param settings  as for the items of the Azure destination, so that dimensions and items agree
  /// @param interval  of the metrics; the contract's 60 s
  StandardReader(journal::Journal& journal, envelope::Settings settings, const base::Clock& clock, std::chrono::milliseconds interval);
  ~StandardReader();

  /// Reads when much is waiting, when the interval is over or when `must_finish`; in the last two cases appends the metrics, for the
  /// Azure destination alone.
  /// @return when to call again
  base::SteadyTime Step(base::SteadyTime now, bool must_finish);

 private:
  struct PerResource {
    StandardMetrics metrics;
    std::uint32_t scope = 0;  ///< of the metrics, in the journal
  };

  void Drain();
  void Append(base::WallTime now);

  journal::Journal& journal_;
  const envelope::Settings settings_;
  const base::Clock& clock_;
  const std::chrono::milliseconds interval_;
  std::map<std::uint32_t, PerResource> resources_;  ///< by the journal's id
  base::SteadyTime interval_end_;
  base::WallTime interval_start_;
  bool has_counted_ = false;
};

}  // namespace azmon::meter
