// SPDX-License-Identifier: MIT
// The destination OTLP: records go as they are, by OTLP/gRPC (one HTTP/2 POST) or OTLP/HTTP with protobuf.
//
// One batch at a time; its signals are separate requests, since their addresses differ. While the receiver is failing nothing is read.
// Source: OTLP specification 1.5.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "deliver/backoff.h"
#include "deliver/destination.h"
#include "deliver/gzip.h"
#include "deliver/log_limiter.h"
#include "deliver/otlp_settings.h"
#include "deliver/otlp_verdict.h"
#include "transport/transport.h"

namespace azmon::deliver {

class OtlpDestination final : public Destination {
 public:
  /// Everything given by reference outlives the destination.
  OtlpDestination(journal::Journal& journal, transport::Transport& transport, const base::Clock& clock, OtlpSettings settings,
                  std::chrono::milliseconds export_interval, LogLimiter& log, base::Random random);
  OtlpDestination(const OtlpDestination&) = delete;
  OtlpDestination& operator=(const OtlpDestination&) = delete;
  ~OtlpDestination() override;

  base::SteadyTime Step(base::SteadyTime now) override;
  void Flush(journal::Position end) override { flush_.Set(end); }
  bool IsFlushed() const override { return flush_.IsReached(); }
  void Hurry(base::SteadyTime now) override { breaker_.Hurry(now); }
  void Stop() override;

 private:
  struct Part;
  struct Flight;

  std::unique_ptr<Flight> ReadFlight();
  void Send(Part& part, base::SteadyTime now);
  void OnAnswer(Part& part, const transport::HttpResponse& response);
  void Split(Part& part, base::SteadyTime now, const OtlpVerdict& verdict);
  void SettleAnswered();

  journal::Journal& journal_;
  transport::Transport& transport_;
  const base::Clock& clock_;
  const OtlpSettings settings_;
  base::Random random_;
  Gzip gzip_;
  TroubleLog trouble_;
  Breaker breaker_;
  Departure departure_;
  FlushTarget flush_;
  std::unique_ptr<Flight> flight_;
};

}  // namespace azmon::deliver
