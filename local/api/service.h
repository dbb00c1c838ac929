// SPDX-License-Identifier: MIT
// What answers: the API, the page, ingestion, OTLP over HTTP. Builds the routers of the two ports.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "base/clock.h"
#include "local/api/live.h"
#include "local/ingest/live_metrics.h"
#include "local/ingest/otlp.h"
#include "local/ingest/track.h"
#include "local/store/store.h"
#include "net/router.h"

namespace azmon::local {

inline constexpr std::string_view kVersion = "0.1.0";

/// The application that everything without an instrumentation key belongs to; documented, the same on every machine.
inline constexpr std::string_view kInstrumentationKey = "00000000-0000-4000-8000-0000a2004380";

/// Where the program is reached; known when all ports are open.
struct Addresses {
  std::string page, ingestion, live, otlp_grpc, otlp_http, connection_string;
};

/// How much came and what became of it, beside what the store counts. Every item that a client was told "accepted" is in the store.
struct IngestCounters {
  std::atomic<std::uint64_t> requests = 0;   ///< ingestion requests of all kinds
  std::atomic<std::uint64_t> rejected = 0;   ///< items that were malformed
  std::atomic<std::uint64_t> bad_bodies = 0; ///< requests whose body was no such message at all
};

struct ServiceOptions {
  Strictness strictness = Strictness::kStrict;
  std::string ui_directory;  ///< empty: the built-in page
  /// Refuse requests to the API and the page whose Host is neither loopback nor one of `allowed_hosts`.
  bool check_host = true;
  std::vector<std::string> allowed_hosts;
};

class Service : public std::enable_shared_from_this<Service> {
 public:
  /// The store must outlive the service and every request.
  Service(ServiceOptions options, Store& store, const base::Clock& clock);
  /// Waits for queries that run.
  ~Service();

  /// What `stats` tells; known only when all ports are open.
  void SetAddresses(Addresses addresses);

  /// For --port: page, API, ingestion, OTLP.
  net::Router MainRouter();
  /// For --otlp-http-port: OTLP alone.
  net::Router OtlpRouter();

  /// An OTLP request of any transport, until it is committed. `done` comes once, from any thread.
  struct OtlpOutcome {
    /// kMalformed, kTooLarge: the sender's fault. kUnavailable, kStorageFull: send it again later.
    Result<OtlpResult> result = OtlpResult{};
  };
  void ReceiveOtlp(std::string body, OtlpSignal signal, std::function<void(OtlpOutcome)> done);

  IngestCounters& counters() { return counters_; }

 private:
  using Answer = std::function<net::Response(net::RequestContext&)>;
  void AddApi(net::Router& router);
  void AddIngestion(net::Router& router);
  void AddOtlp(net::Router& router);
  /// A handler that runs on the pool: it reads the database.
  net::Handler OnPool(Answer answer);
  std::optional<net::Response> Refuse(const net::Request& request, bool is_change) const;

  boost::asio::awaitable<net::Response> Track(net::RequestContext& context);
  net::Response QuickPulse(const net::Request& request, bool is_post);
  boost::asio::awaitable<net::Response> Otlp(net::RequestContext& context, OtlpSignal signal);

  net::Response Stats() const;
  net::Response Transactions(const net::Request& request) const;
  net::Response Transaction(std::string_view operation_id) const;
  net::Response Items(const net::Request& request) const;
  net::Response Metrics(const net::Request& request) const;
  net::Response MetricSeries(const net::Request& request) const;
  net::Response Raw(std::string_view seq) const;
  net::Response Reset();

  const ServiceOptions options_;
  Store& store_;
  const base::Clock& clock_;
  const std::int64_t started_;
  mutable std::mutex addresses_mutex_;
  Addresses addresses_;  ///< guarded by addresses_mutex_
  IngestCounters counters_;
  LiveMetrics live_metrics_;
  std::shared_ptr<LiveHub> live_ = std::make_shared<LiveHub>();
  boost::asio::thread_pool pool_;
};

}  // namespace azmon::local
