// SPDX-License-Identifier: MIT
// The destination for eyes: one line an item on standard error, for trying things out.
//
// A reader like the others, of bounded cost: at most limits::kConsoleLinesPerSecond lines (kConsoleLinesAtOnce after quiet seconds), none
// longer than kConsoleLineBytesMax, and never a wait for a slow terminal. What is left out is counted as DropReason::kThrottled and a
// line says how much it was.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/standard_error.h"
#include "deliver/destination.h"
#include "journal/journal.h"

namespace azmon::deliver {

class ConsoleDestination final : public Destination {
 public:
  /// Everything given by reference outlives the destination.
  ConsoleDestination(journal::Journal& journal, base::LineSink& sink);

  base::SteadyTime Step(base::SteadyTime now) override;
  void Flush(journal::Position end) override { flush_.Set(end); }
  bool IsFlushed() const override { return flush_.IsReached(); }
  void Hurry(base::SteadyTime /*now*/) override {}
  void Stop() override {}

 private:
  void Print(const journal::Batch& batch);
  bool Write(std::string& lines);
  void TellLeftOut(base::SteadyTime now);

  journal::Journal& journal_;
  base::LineSink& sink_;
  Departure departure_{limits::kConsoleInterval};
  FlushTarget flush_;
  double lines_allowed_ = limits::kConsoleLinesAtOnce;
  base::SteadyTime allowed_at_{};
  std::uint64_t left_out_ = 0;  ///< and not told yet
  base::SteadyTime tell_at_{};
  bool can_tell_ = true;
};

}  // namespace azmon::deliver
