// SPDX-License-Identifier: MIT
// HTTP requests of the library, behind an interface that tests and a simulator replace. Used by `deliver` and `identity`.
//
// One thread starts requests and polls; completions run on it, inside Poll(). Nothing here knows what a request carries.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"

namespace azmon::transport {

/// Files of a TLS connection, PEM; empty: the system's CAs, no client certificate.
struct TlsFiles {
  std::string ca_file;
  std::string client_certificate_file;
  std::string client_key_file;

  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

struct HttpRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const std::string> body;  ///< POSTed; shared, so that a caller that may repeat it keeps no copy. Null: a GET
  /// HTTP/2, without negotiation on http; else HTTP/1.1.
  bool http2 = false;
  std::chrono::milliseconds timeout = limits::kRequestTimeout;  ///< of the whole exchange
  std::size_t answer_bytes_max = limits::kAnswerBytesMax;       ///< a longer answer is cut: HttpResponse::is_cut
  TlsFiles tls;
  std::chrono::milliseconds connect_timeout = limits::kConnectTimeout;
  bool may_use_proxy = true;  ///< false: never, whatever the environment says
};

/// Why there is no whole answer.
enum class TransportError : std::uint8_t {
  kNone,
  kResolve,      ///< the host's name
  kConnect,      ///< refused, unreachable, or no connection in time
  kTls,          ///< handshake or certificate: repeating will not help soon
  kTimeout,      ///< of the whole exchange
  kBroken,       ///< reset, closed or against the protocol in the middle
  kNotHttp2,     ///< the peer does not speak HTTP/2
  kLocal,        ///< a file, memory or a setting here
};
std::string_view Name(TransportError error);

struct HttpResponse {
  TransportError error = TransportError::kNone;
  std::string error_text;  ///< for a person; no secrets
  int status = 0;          ///< 0: none was received. May be set together with an error: the answer broke off behind it
  /// Of the last header block and the trailers, names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool is_cut = false;

  /// The first header of that name.
  std::optional<std::string_view> Header(std::string_view name) const;
};

class Transport {
 public:
  using Id = std::uint64_t;
  using Completion = std::function<void(HttpResponse)>;

  virtual ~Transport() = default;

  /// Starts a request. Never calls `done` before the next Poll(); calls it exactly once unless the request is cancelled.
  virtual Id Start(HttpRequest request, Completion done) = 0;
  /// Gives a request up at once; its completion is not called. Ids that have ended are ignored. Not from a completion.
  virtual void Cancel(Id id) = 0;
  /// Lets requests go on and runs completions, until one has run, `until` has come or Wake() was called.
  virtual void Poll(base::SteadyTime until) = 0;
  /// Ends the running or the next Poll(). Any thread; never blocks.
  virtual void Wake() = 0;
};

}  // namespace azmon::transport
