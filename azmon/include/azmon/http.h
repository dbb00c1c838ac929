// SPDX-License-Identifier: MIT
// Spans and durations of HTTP servers and clients by the stable semantic conventions, for any HTTP library.
//
// One place that knows the attributes, the names, when a status is an error, how headers carry a trace, and what must not be recorded. The
// caller hands over what its library knows and a carrier for the headers:
//
//   azmon::http::ServerSpan span(request, carrier);      // continues the caller's trace; current until End()
//   …
//   span.SetResponseStatus(200);
//   span.End();
//
// Each span is also one measurement of `http.server.request.duration` or `http.client.request.duration` (seconds), sampled or not.
// Configure() gives these the bounds of the conventions; with another SDK they need a view.
//
// Uses OpenTelemetry's API alone: the global providers and the global propagator, whoever has set them.
// Source: OpenTelemetry semantic conventions 1.27 and newer, "HTTP spans" and "HTTP metrics".
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <opentelemetry/context/propagation/text_map_propagator.h>
#include <opentelemetry/context/runtime_context.h>
#include <opentelemetry/metrics/sync_instruments.h>
#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/nostd/unique_ptr.h>
#include <opentelemetry/trace/span.h>
#include <opentelemetry/trace/tracer.h>

namespace azmon {
namespace http {

/// The tracer "azmon.http" of the global provider, as it is now.
opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer> DefaultTracer();

/// The two histograms of durations. Looking them up takes locks and allocates; a server keeps one for all its requests.
struct Durations {
  opentelemetry::nostd::shared_ptr<opentelemetry::metrics::Histogram<double>> server;
  opentelemetry::nostd::shared_ptr<opentelemetry::metrics::Histogram<double>> client;
};

/// Those of the meter "azmon.http" of the global provider, as it is now. Never null. Thread-safe.
std::shared_ptr<const Durations> DefaultDurations();

/// What a server knows of a request when its header is complete. Empty or 0: unknown, not recorded. Read during construction only.
struct ServerRequest {
  std::string_view method;            ///< as sent
  std::string_view scheme = "http";
  std::string_view path;              ///< without query
  std::string_view query;             ///< without '?'
  std::string_view route;             ///< the template, "/orders/{id}", never the path itself; empty if no route matched (yet)
  std::string_view host;              ///< the Host header
  std::string_view user_agent;
  std::string_view peer_address;      ///< of the connection, numeric
  std::uint16_t peer_port = 0;
  std::string_view protocol_version;  ///< "1.1"
};

/// A SERVER span from a request's header to its last byte.
///
/// Its name is "METHOD route" or "METHOD"; its parent is what the carrier's traceparent says. A header that is malformed, repeated or
/// hostile starts a new trace and never disturbs the request. 5xx is an error, 4xx is not. Not thread-safe.
class ServerSpan {
 public:
  /// @param headers  the request's; a field that came several times must read as its values joined by ", "
  /// @param tracer     DefaultTracer() if null
  /// @param durations  DefaultDurations() if null
  /// Makes the span and the incoming baggage current, until End(). In coroutines that is right only with azmon/asio.h.
  ServerSpan(const ServerRequest& request, const opentelemetry::context::propagation::TextMapCarrier& headers,
             const opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer>& tracer = {}, std::shared_ptr<const Durations> durations = {});
  /// End().
  ~ServerSpan();
  ServerSpan(const ServerSpan&) = delete;
  ServerSpan& operator=(const ServerSpan&) = delete;

  /// For libraries that route late.
  void SetRoute(std::string_view route);
  void SetResponseStatus(int status);
  /// The request failed otherwise than its status says. @param type  few values: an exception's type, "timeout"
  void SetError(std::string_view type, std::string_view description = {});
  /// SetError, and an `exception` event: an exception left the handler. @param message  what(); holds no secrets
  void RecordException(std::string_view type, std::string_view message);
  /// Ends the span, measures its duration, and restores what was current before; further calls do nothing.
  void End();

  opentelemetry::trace::Span& span() { return *span_; }

 private:
  opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span> span_;
  opentelemetry::nostd::unique_ptr<opentelemetry::context::Token> token_;
  std::shared_ptr<const Durations> durations_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  const std::string method_;
  const std::string scheme_;
  const std::string protocol_version_;
  std::string route_;
  std::string error_type_;
  int status_ = 0;
  bool is_ended_ = false;
};

/// What a client knows of a try before it sends it. Read during construction only.
struct ClientRequest {
  std::string_view method;
  std::string_view url;             ///< absolute; user information and signatures are replaced before it is recorded
  std::string_view server_address;  ///< host of the URL
  std::uint16_t server_port = 0;    ///< with the scheme's usual one filled in
  std::string_view url_template;    ///< "/orders/{id}", if known
  int resend_count = 0;             ///< 0 for the first try
};

/// A CLIENT span for one try; a repetition is a span of its own. 4xx and 5xx are errors. Does not become current. Not thread-safe.
class ClientSpan {
 public:
  /// @param headers    receives traceparent, tracestate and baggage by the global propagator
  /// @param tracer     DefaultTracer() if null
  /// @param durations  DefaultDurations() if null
  ClientSpan(const ClientRequest& request, opentelemetry::context::propagation::TextMapCarrier& headers,
             const opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer>& tracer = {}, std::shared_ptr<const Durations> durations = {});
  /// End().
  ~ClientSpan();
  ClientSpan(const ClientSpan&) = delete;
  ClientSpan& operator=(const ClientSpan&) = delete;

  void SetPeer(std::string_view address, std::uint16_t port);
  void SetProtocolVersion(std::string_view version);
  void SetResponseStatus(int status);
  /// No (whole) answer came. @param type  few values: "timeout", "unavailable"
  void SetError(std::string_view type, std::string_view description = {});
  void End();

  opentelemetry::trace::Span& span() { return *span_; }

 private:
  opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span> span_;
  std::shared_ptr<const Durations> durations_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  const std::string method_;
  const std::string server_address_;
  const std::uint16_t server_port_;
  std::string protocol_version_;
  std::string error_type_;
  int status_ = 0;
  bool is_ended_ = false;
};

/// A query whose values of signature parameters (sig, Signature, AWSAccessKeyId, X-Goog-Signature, without regard to case) are
/// replaced by "REDACTED".
std::string RedactQuery(std::string_view query);
/// A URL with user information and such values replaced.
std::string RedactUrl(std::string_view url);

}  // namespace http
}  // namespace azmon
