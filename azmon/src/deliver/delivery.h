// SPDX-License-Identifier: MIT
// Sends what the journal holds to its destinations, on a thread of its own.
//
// Used by `distro`. A Delivery owns one thread and one transport; each destination reads the journal at its own pace, with its own
// retries and its own counted losses (journal::Ledger). A batch leaves when it is full or when its oldest record has waited for
// export_interval; with nothing to do the thread sleeps without waking.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "azmon/azmon.h"
#include "azmon/credential.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/standard_error.h"
#include "deliver/connection_string.h"
#include "deliver/otlp_settings.h"
#include "deliver/sdk_stats.h"
#include "envelope/envelope.h"
#include "journal/journal.h"
#include "transport/transport.h"

namespace azmon::deliver {

struct AzureSettings {
  ConnectionString connection;
  /// How records become items. instrumentation_key and application_id are taken from `connection`.
  envelope::Settings envelope;
  bool gzip = true;  ///< off for debugging only
  /// Of the identity that may write to the resource; null: the key alone. A token goes only to https, and only to hosts of the service or
  /// the one that the connection string names.
  std::shared_ptr<TokenSource> tokens;
  bool allows_token_on_loopback_http = false;  ///< for tests
  SdkStatsSettings sdk_stats;
  transport::TlsFiles tls;
};

struct DeliveryOptions {
  std::chrono::milliseconds export_interval = limits::kExportInterval;
  /// Lines about a destination in trouble and about its recovery: what happened and what to do, at most one a second. Called on the
  /// delivery thread; must not block, throw or call this Delivery. May be empty.
  std::function<void(Severity, std::string_view)> log;
  /// Called when records were given up since the last call, at most once a second, and at the end of Shutdown. On the delivery thread, at
  /// the end on that of Shutdown; must not block, throw or call this Delivery. May be empty.
  std::function<void()> on_loss;
  /// Steps of another reader of the journal that lives on this thread and appends what it computes: the standard metrics. Called before
  /// the destinations; `must_finish`: append all that was computed so far, a flush waits for it.
  /// @return when to call again; base::SteadyTime::max() if there is nothing to do. Must not block or throw. May be empty.
  std::function<base::SteadyTime(base::SteadyTime now, bool must_finish)> meter;
  /// A request of somebody else that the delivery thread makes when it starts and that nothing waits for. `done` is called on that thread,
  /// at most once, never after the Delivery is gone; must not block, throw or call this Delivery.
  struct Errand {
    transport::HttpRequest request;
    std::function<void(const transport::HttpResponse&)> done;
  };
  std::optional<Errand> errand;
  /// Proxies: HTTPS_PROXY, HTTP_PROXY, NO_PROXY and their lower-case forms. Read once, at the start.
  const base::Environment* environment = &base::ProcessEnvironment();
  const base::Clock* clock = &base::SystemClock();
  /// Where the console destination writes; null: there is none. Outlives the Delivery.
  base::LineSink* console = nullptr;
  /// Instead of libcurl, for tests; used by the delivery thread alone but for Wake().
  std::shared_ptr<azmon::transport::Transport> transport;
};

class Delivery {
 public:
  /// Starts the thread, with all signals blocked. Sets the journal's listener, so nothing may have been appended before.
  ///
  /// @param journal  outlives the Delivery
  /// @param azure    absent: no such destination; records for it must not be appended
  /// @return kSystem if no thread, eventfd or libcurl handle could be had
  static Result<std::unique_ptr<Delivery>> Start(journal::Journal& journal, std::optional<AzureSettings> azure,
                                                 std::optional<OtlpSettings> otlp, DeliveryOptions options);

  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  /// Shutdown(0) if it was not called.
  ~Delivery();

  /// Sends what waits, without waiting for batches to fill. A destination that is backing off is not hurried.
  /// @return true: every destination settled all that was appended before the call, and none of it was recycled at the journal's cap;
  /// after Shutdown() what that returned
  /// Any thread but the delivery thread; blocks for at most `timeout`.
  bool Flush(std::chrono::milliseconds timeout);

  /// Flushes with one attempt even for a destination that is backing off (unless it named the time itself), sends the
  /// statistics of what was counted last where everything was settled, then stops the thread and closes the journal: what still waits is
  /// kept for the next start where that is possible, else given up and counted.
  ///
  /// The caller has stopped appending. Idempotent: a second call waits for the first and returns the same. In a forked child, which has
  /// no delivery thread, and on the delivery thread itself (in a callback that ends the program) it does nothing and returns false, as
  /// Flush does.
  /// @return as Flush; after at most timeout + 100 ms whatever the network does
  bool Shutdown(std::chrono::milliseconds timeout);

  /// False in a forked child: the thread is not here, and the child needs a Delivery of its own.
  bool IsOfThisProcess() const;

 private:
  class Impl;
  explicit Delivery(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace azmon::deliver
