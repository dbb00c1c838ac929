// SPDX-License-Identifier: MIT
// The Azure Monitor OpenTelemetry Distro for C++: one call, and a program's telemetry goes to Application Insights and to any OTLP endpoint.
//
//   auto telemetry = azmon::Configure();
//
// Settings are what the program sets in Options, else the environment, else a default; all problems are reported together and what is
// usable runs all the same. The library is a guest: it never throws, prints (but for its own log, at most a line a second), aborts or
// makes a request wait. C++17.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <opentelemetry/logs/logger_provider.h>
#include <opentelemetry/metrics/meter_provider.h>
#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/trace/tracer_provider.h>
#include <opentelemetry/version.h>

#include "azmon/credential.h"
#include "azmon/export.h"

namespace azmon {

/// Wire protocol of an OTLP endpoint. `http/json` does not exist here: asking for it is a problem and gives kHttpProtobuf.
enum class OtlpProtocol { kGrpc, kHttpProtobuf };

/// Which spans an OTLP endpoint gets beside Application Insights.
enum class OtlpSampling {
  kSame,  ///< those that the sampler keeps
  kAll,   ///< every span; Application Insights gets its share
};

/// Whether an OTLP endpoint is Azure Monitor's own ingestion, which wants an access token, protobuf over HTTP and small requests.
enum class OtlpAzure {
  kAuto,  ///< by its host and path
  kOn,
  kOff,
};

/// Where else telemetry goes, beside Application Insights.
struct OtlpOptions {
  /// For every signal. With kHttpProtobuf `/v1/traces` and its like are appended, as the OpenTelemetry specification asks for the base
  /// endpoint; those of one signal are taken as they are.
  std::optional<std::string> endpoint;
  std::optional<std::string> traces_endpoint;
  std::optional<std::string> logs_endpoint;
  std::optional<std::string> metrics_endpoint;
  std::optional<OtlpProtocol> protocol;
  /// AZMON_OTLP_AZURE, `auto` by default.
  std::optional<OtlpAzure> azure;
  /// The identity for Azure Monitor's own ingestion; else Options::credential, else what the environment configures.
  std::shared_ptr<Credential> credential;
  std::map<std::string, std::string> headers;
  /// AZMON_OTLP_SAMPLING, `same` by default.
  std::optional<OtlpSampling> sampling;
  /// false: no OTLP destination, whatever the environment says.
  std::optional<bool> enabled;
  /// One request, 10 s by default (OTEL_EXPORTER_OTLP_TIMEOUT).
  std::optional<std::chrono::milliseconds> timeout;
};

/// What to do with the process's global providers and propagator.
enum class Globals {
  kSetIfUnset,  ///< a provider that the program set before stays, and a problem says so
  kReplace,
  kLeave,
};

/// One readable line an item on standard error, at a bounded rate.
enum class Console {
  kOff,
  kOn,
  kAuto,  ///< on when there is no other destination and standard error is a terminal
};

/// How spans are captured.
enum class Pipeline {
  kSdk,  ///< a span processor in opentelemetry-cpp's SDK
};

enum class Severity { kError, kWarning };

/// Something wrong with the settings or with the host.
struct Problem {
  Severity severity = Severity::kError;
  std::string setting;  ///< the option or variable that it is about, may be empty
  std::string text;     ///< what is wrong and what to do; holds no secrets
};

/// Counts of one destination, in records. accepted = delivered + sum of dropped + in_journal.
struct DestinationHealth {
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::map<std::string, std::uint64_t> dropped;  ///< by reason, only those that happened
  std::uint64_t in_journal = 0;
  /// By reason, items that the destination refused or that a record could not give; beside the sum, because a record may give several: a
  /// span its own and one for each event, a metric one for each data point. A record of which an item was refused is in `dropped`.
  std::map<std::string, std::uint64_t> dropped_items;
};

struct Health {
  std::optional<DestinationHealth> azure;  ///< absent: not configured
  std::optional<DestinationHealth> otlp;
  std::optional<DestinationHealth> console;
};

struct Options {
  /// Of Application Insights; else APPLICATIONINSIGHTS_CONNECTION_STRING.
  std::optional<std::string> connection_string;
  /// The identity that may write to Application Insights, for resources that do not accept their key alone; else that of
  /// APPLICATIONINSIGHTS_AUTHENTICATION_STRING (`Authorization=AAD[;ClientId=…]`), else none.
  std::shared_ptr<Credential> credential;
  OtlpOptions otlp;
  /// AZMON_CONSOLE, `off` by default; OTEL_TRACES_EXPORTER and its like with `console` switch it on for one signal.
  std::optional<Console> console;
  /// Attributes of the resource; they win over OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
  std::map<std::string, std::string> resource;
  /// Share of traces to keep, 0 to 1, the same traces in every service (OTEL_TRACES_SAMPLER=microsoft.fixed_percentage).
  std::optional<double> sampling_ratio;
  /// Traces a second to keep (OTEL_TRACES_SAMPLER=microsoft.rate_limited); goes before sampling_ratio when it is above 0. With a connection
  /// string 5 by default, as the other distros; without one every trace is kept.
  std::optional<double> traces_per_second;
  /// Durations of requests and dependencies and numbers of exceptions and traces, computed before sampling. Only with a connection string.
  bool enable_standard_metrics = true;
  /// Log records below this severity are ignored before any work is done for them; OpenTelemetry's numbers, 0: keep all.
  std::uint8_t log_severity_min = 0;
  /// Log records of spans that were not sampled are not kept; records without a span always are.
  bool enable_trace_based_log_sampling = false;
  /// A batch leaves when it is full or after this time; 1 s by default.
  std::optional<std::chrono::milliseconds> export_interval;
  /// How often metrics are collected; 60 s by default (OTEL_METRIC_EXPORT_INTERVAL).
  std::optional<std::chrono::milliseconds> metric_interval;
  /// How long the destructor of Telemetry, and exit() while one lives, may try to send what is left.
  std::chrono::milliseconds shutdown_timeout{5000};
  /// Telemetry that waits for its destinations; above it the oldest is dropped and counted.
  std::uint64_t storage_bytes_max = 50u << 20;
  /// Where telemetry is kept that a destination does not take, and what is left at the end; AZMON_STORAGE_DIRECTORY. By default the first
  /// that can be written of XDG_STATE_HOME, TMPDIR, /var/tmp and /tmp. Files are readable by this user alone.
  std::optional<std::string> storage_directory;
  /// Nothing is written to a disk; what waits is kept in memory, a tmpfs if there is one.
  bool disable_offline_storage = false;
  Globals globals = Globals::kSetIfUnset;
  Pipeline pipeline = Pipeline::kSdk;
  /// Called when records were given up, at most once a second, with the counts of that moment.
  /// On a thread of the library; must not block or throw, and must not call this Telemetry but for health().
  std::function<void(const Health&)> on_health;
  /// Gets each line of the library's own log instead of stderr. Called on the library's threads; must not block.
  std::function<void(Severity, std::string_view)> on_log;
};

class Telemetry;
class TelemetryImpl;

namespace internal {
struct Access;
AZMON_EXPORT Telemetry Start(Options options) noexcept;
}

/// The running distro. Move-only. Its destructor calls Shutdown(Options::shutdown_timeout). Every function is safe from any thread.
class AZMON_EXPORT Telemetry {
 public:
  Telemetry(Telemetry&&) noexcept;
  Telemetry& operator=(Telemetry&&) noexcept;
  ~Telemetry();

  /// No problem of severity kError.
  bool ok() const noexcept;
  std::vector<Problem> problems() const;

  /// Collects metrics and sends what waits. @return true: every destination has answered for everything that was accepted before the call
  bool ForceFlush(std::chrono::milliseconds timeout) noexcept;

  /// Refuses new records, sends what waits, stops. Idempotent. @return as ForceFlush; returns within the timeout plus 100 ms whatever the
  /// network does
  bool Shutdown(std::chrono::milliseconds timeout) noexcept;

  Health health() const;

  /// The providers that this distro made, never null; the ones to use with Globals::kLeave.
  opentelemetry::nostd::shared_ptr<opentelemetry::trace::TracerProvider> tracer_provider() const;
  opentelemetry::nostd::shared_ptr<opentelemetry::logs::LoggerProvider> logger_provider() const;
  opentelemetry::nostd::shared_ptr<opentelemetry::metrics::MeterProvider> meter_provider() const;

 private:
  friend struct internal::Access;
  friend AZMON_EXPORT Telemetry internal::Start(Options options) noexcept;
  explicit Telemetry(std::shared_ptr<TelemetryImpl> impl) noexcept;
  std::shared_ptr<TelemetryImpl> impl_;
};

namespace internal {

// opentelemetry-cpp's types change with how it was built. The choices are part of this function's name, so that a program and a libazmon
// that disagree get a link error that says so, and not a crash.
#define AZMON_ABI_JOIN_(version, variant, stl) BuiltFor_opentelemetry_abi##version##_##variant##_##stl
#define AZMON_ABI_JOIN(version, variant, stl) AZMON_ABI_JOIN_(version, variant, stl)
#if defined(HAVE_ABSEIL)
#define AZMON_ABI_VARIANT abseil
#else
#define AZMON_ABI_VARIANT bundled_variant
#endif
#if defined(OPENTELEMETRY_STL_VERSION)
#define AZMON_ABI_STL OPENTELEMETRY_STL_VERSION
#else
#define AZMON_ABI_STL nostd
#endif
#define AZMON_ABI_SYMBOL AZMON_ABI_JOIN(OPENTELEMETRY_ABI_VERSION_NO, AZMON_ABI_VARIANT, AZMON_ABI_STL)
AZMON_EXPORT void AZMON_ABI_SYMBOL() noexcept;

}  // namespace internal

/// Starts the distro. A second call while one runs returns the running one and a problem.
inline Telemetry Configure(Options options = {}) noexcept {
  internal::AZMON_ABI_SYMBOL();
  return internal::Start(std::move(options));
}

}  // namespace azmon
