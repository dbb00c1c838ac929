// SPDX-License-Identifier: MIT
// The destination Application Insights: records become items, items POSTs to `/v2.1/track`.
//
// Reads the journal ahead of what is answered: up to kAzureFlightsMax POSTs are in flight, and batches are settled in the order in which
// they were read. While the service is failing nothing is read; one POST at a time asks again.
// Source: exporter spec section 6.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "deliver/backoff.h"
#include "deliver/bearer.h"
#include "deliver/delivery.h"
#include "deliver/destination.h"
#include "deliver/gzip.h"
#include "deliver/log_limiter.h"
#include "deliver/sdk_stats.h"
#include "deliver/track_verdict.h"
#include "transport/transport.h"

namespace azmon::deliver {

class AzureDestination final : public Destination {
 public:
  AzureDestination(const Workshop& workshop, AzureSettings settings);
  AzureDestination(const AzureDestination&) = delete;
  AzureDestination& operator=(const AzureDestination&) = delete;
  ~AzureDestination() override;

  base::SteadyTime Step(base::SteadyTime now) override;
  void Flush(journal::Position end) override { flush_.Set(end); }
  bool IsFlushed() const override { return flush_.IsReached(); }
  void Hurry(base::SteadyTime now) override { breaker_.Hurry(now); }
  bool Finish(base::SteadyTime now) override;
  void Stop() override;

 private:
  struct Flight;
  struct CachedResource {
    std::string message;
    envelope::ResourceContext context;
  };

  std::unique_ptr<Flight> ReadFlight();
  void AppendStats(Flight& flight, bool is_last);
  /// Sends the statistics alone, if they are due or this is the end. Only when nothing is in flight.
  void SendStats(base::SteadyTime now, bool is_last);
  const envelope::ResourceContext& ContextOf(const otlp::RecordView& resource);
  /// Sends the flight's next range, unless there is no token yet.
  void Send(Flight& flight, base::SteadyTime now);
  /// The token that goes with a request to this URL, if one does. @return false: not now
  bool Authorize(Flight& flight, transport::HttpRequest& request, base::SteadyTime now);
  void OnAnswer(Flight& flight, const transport::HttpResponse& response);
  void Apply(Flight& flight, const TrackVerdict& verdict, StatsCode code);
  /// @return whether the flight is sent to another place at once
  bool Follow(Flight& flight, const transport::HttpResponse& response, TrackVerdict& verdict);
  void ApplyPartial(Flight& flight, const TrackVerdict& verdict);
  void Fail(const TrackVerdict& verdict, base::SteadyTime now);
  void SettleAnswered();
  void Settle(Flight& flight);
  std::string TrackUrl(base::SteadyTime now) const;

  journal::Journal& journal_;
  transport::Transport& transport_;
  const base::Clock& clock_;
  const AzureSettings settings_;
  const std::string base_url_;
  const bool is_trusted_with_token_;  ///< the endpoint itself; redirects are checked against it
  base::Random random_;
  Gzip gzip_;
  TroubleLog trouble_;
  Breaker breaker_;
  Departure departure_;
  FlushTarget flush_;
  std::unique_ptr<Bearer> bearer_;  ///< null: the key alone
  bool waits_for_token_ = false;
  SdkStats stats_;
  std::uint32_t stats_resource_ = 0;  ///< whose they are when they leave alone: that of the last batch
  bool is_finishing_ = false;
  std::deque<std::unique_ptr<Flight>> flights_;  ///< in the order of reading
  std::unordered_map<std::uint32_t, CachedResource> resources_;
  /// Where a redirect led; empty: nowhere.
  std::string redirected_url_;
  base::SteadyTime redirected_until_{};
};

}  // namespace azmon::deliver
