// SPDX-License-Identifier: MIT
// An Application Insights endpoint and an OTLP/HTTP endpoint that remember which spans of azmon-loadgen they were sent, and how often.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/server.h"

namespace azmon::kill {

enum Source : std::size_t { kAzure, kOtlp };
inline constexpr std::size_t kSources = 2;

/// A span of azmon-loadgen whose --run is a number.
struct SpanId {
  std::uint64_t run = 0;
  std::uint64_t producer = 0;
  std::uint64_t seq = 0;
};

/// @param body  of POST /v2.1/track, or an ExportTraceServiceRequest
std::vector<SpanId> SpansIn(Source source, std::string_view body);

class Sink {
 public:
  Sink();

  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  std::string ConnectionString() const { return "InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=" + Url() + "/"; }

  /// How many of the spans 1 to `last` of a producer have not come yet.
  std::uint64_t Missing(Source source, std::uint64_t run, std::uint64_t producer, std::uint64_t last);

  struct Duplicates {
    std::uint64_t spans = 0;    ///< that came more than once, counted each time
    std::uint64_t allowed = 0;  ///< spans that were in flight, or just answered, when a process was killed
  };
  Duplicates DuplicatesOf(Source source);
  std::uint64_t Received(Source source);
  std::uint64_t Requests(Source source);
  /// Of the newest request with a span.
  std::string LastBody(Source source);
  /// The process that was sending has been killed.
  void Killed();
  /// How often a producer's spans came again.
  std::uint64_t Repeated(Source source, std::uint64_t run, std::uint64_t producer);
  /// While it is true requests are remembered but not answered.
  void Hang(bool hangs) { hangs_ = hangs; }
  /// While it is true requests are answered by 503 and not remembered.
  void Refuse(bool refuses) { refuses_ = refuses; }
  std::uint64_t Refused(Source source) const { return refused_[source]; }

 private:
  net::Handler Handle(Source source);
  void Take(Source source, std::string_view body);

  /// More requests than these are never unsettled at a time.
  static constexpr std::array<std::size_t, kSources> kFlightsMax = {4, 3};

  struct PerSource {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::uint8_t>> times;  ///< by run and producer, by seq
    std::deque<std::uint64_t> last_requests;
    std::uint64_t received = 0;
    std::uint64_t requests = 0;
    std::string last_body;
    Duplicates duplicates;
  };
  std::mutex mutex_;
  std::array<PerSource, kSources> sources_;
  std::atomic<bool> hangs_{false};
  std::atomic<bool> refuses_{false};
  std::array<std::atomic<std::uint64_t>, kSources> refused_{};
  net::Runtime runtime_{{.threads = 1}};
  std::unique_ptr<net::Server> server_;
};

}  // namespace azmon::kill
