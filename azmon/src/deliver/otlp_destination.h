// SPDX-License-Identifier: MIT
// The destination OTLP: records go as they are, by OTLP/gRPC (one HTTP/2 POST) or OTLP/HTTP with protobuf.
//
// Each signal has a lane of its own: its address, its back-off, its requests in flight. One batch at a time is read while all lanes work.
// When one does not, batches are read ahead for the others, and what blocks the cursor is appended to the journal again
// (docs/decisions/0011). Source: OTLP specification 1.5; OTLP ingestion spec for Azure Monitor's own endpoints.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "deliver/backoff.h"
#include "deliver/bearer.h"
#include "deliver/destination.h"
#include "deliver/gzip.h"
#include "deliver/log_limiter.h"
#include "deliver/otlp_settings.h"
#include "deliver/otlp_verdict.h"
#include "transport/transport.h"

namespace azmon::deliver {

class OtlpDestination final : public Destination {
 public:
  OtlpDestination(const Workshop& workshop, OtlpSettings settings);
  OtlpDestination(const OtlpDestination&) = delete;
  OtlpDestination& operator=(const OtlpDestination&) = delete;
  ~OtlpDestination() override;

  base::SteadyTime Step(base::SteadyTime now) override;
  void Flush(journal::Position end) override { flush_.Set(end); }
  bool IsFlushed() const override { return flush_.IsReached(); }
  void Hurry(base::SteadyTime now) override;
  void Stop() override;

 private:
  struct Part;
  struct Flight;
  struct Lane;

  std::uint64_t Unread(std::uint64_t* bytes) const;
  bool MustRead(base::SteadyTime now);
  bool IsFree(const Lane& lane, base::SteadyTime now) const;
  bool HasOpenLane() const;
  base::SteadyTime PassAt(base::SteadyTime now) const;
  bool HasAnsweredParts() const;
  bool PassBlocked(base::SteadyTime now);
  std::unique_ptr<Flight> ReadFlight();
  void SendDue(base::SteadyTime now);
  void SendDue(Lane& lane, base::SteadyTime now);
  bool MaySend(Lane& lane, base::SteadyTime now);
  void Send(Lane& lane, Flight& flight, std::size_t part, base::SteadyTime now);
  bool Authorize(Lane& lane, Part& part, transport::HttpRequest& request, base::SteadyTime now);
  void OnAnswer(Flight& flight, Part& part, const transport::HttpResponse& response);
  void Fail(Lane& lane, const OtlpVerdict& verdict, base::SteadyTime now);
  void Split(Lane& lane, Flight& flight, Part& part, base::SteadyTime now, const OtlpVerdict& verdict);
  void SettleAnswered();
  void Settle(Flight& flight);
  base::SteadyTime NextWake(base::SteadyTime now) const;
  Lane& LaneOf(OtlpSignal signal) { return *lanes_[static_cast<std::size_t>(signal)]; }

  journal::Journal& journal_;
  transport::Transport& transport_;
  const base::Clock& clock_;
  const OtlpSettings settings_;
  base::Random random_;
  Gzip gzip_;
  Departure departure_;
  FlushTarget flush_;
  std::unique_ptr<Bearer> bearer_;  ///< null: nobody gets a token
  std::array<std::unique_ptr<Lane>, kOtlpSignals> lanes_;
  std::deque<std::unique_ptr<Flight>> flights_;  ///< in the order of reading
  const std::chrono::milliseconds export_interval_;
  base::SteadyTime passed_at_{};  ///< when records of a lane that does not work were last appended again, or the lane began to fail
  base::SteadyTime ahead_at_{};   ///< when something was last read to find out whether other lanes work
};

}  // namespace azmon::deliver
