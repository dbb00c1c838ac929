// SPDX-License-Identifier: MIT
// An HTTP/1.1 server.
//
// Checks strictly (codec/request_parser.h), bounds every size and every wait, answers refusals itself as application/problem+json with
// `Connection: close`, keeps connections alive, answers pipelined requests in their order, one at a time. HEAD, Expect: 100-continue and
// chunked bodies both ways are done here; handlers see whole requests. No compression of answers, no HTTP/2.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/hooks.h"
#include "net/http.h"
#include "net/limits.h"
#include "net/router.h"
#include "net/runtime.h"

namespace net {

/// TLS 1.2 and newer. Both as PEM text.
struct ServerTls {
  std::string certificate_chain;
  std::string private_key;
  /// Clear text stays possible on the same port: the first byte tells (a TLS record begins with 22, no method does).
  bool also_plain = true;
  /// PEM authorities of clients. If set, a client may show a certificate, one of other authorities ends the handshake, and
  /// Request::client_names tells who it is; whether a request needs one is for ServerOptions::admit to say.
  std::string client_ca;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< an address, or a name that resolves to one
  std::uint16_t port = 0;          ///< 0: a free one

  std::size_t header_bytes_max = limits::kHeaderBytesMax;
  std::size_t header_fields_max = limits::kHeaderFieldsMax;
  std::size_t target_bytes_max = limits::kTargetBytesMax;
  std::size_t body_bytes_max = limits::kBodyBytesMax;
  std::size_t connections_max = limits::kConnectionsMax;

  std::chrono::milliseconds header_timeout = limits::kHeaderTimeout;
  std::chrono::milliseconds body_grace = limits::kBodyGrace;
  std::size_t body_bytes_per_second_min = limits::kBodyBytesPerSecondMin;
  std::chrono::milliseconds write_stall = limits::kWriteStall;
  std::chrono::milliseconds keep_alive_idle = limits::kKeepAliveIdle;
  std::chrono::milliseconds tls_handshake_timeout = limits::kTlsHandshakeTimeout;
  std::chrono::milliseconds request_timeout = limits::kRequestTimeout;  ///< gives RequestContext::deadline
  std::chrono::milliseconds linger_timeout = limits::kLingerTimeout;

  /// "//v2.1/track" is routed and seen as "/v2.1/track".
  bool merge_leading_slashes = false;

  std::optional<ServerTls> tls;

  /// Decides on each request when its header is complete, before its body is read: an answer refuses it, nullopt lets it pass.
  /// May set RequestContext::permit. On the connection's loop; must not block or throw. The answer's span and duration are observed.
  std::function<std::optional<Response>(RequestContext&)> admit;

  ServerHooks hooks;
};

class Server {
 public:
  /// Binds, listens and begins to accept. Connections are dealt out to the runtime's loops in turn. A port that another socket holds is an error
  /// (kUnavailable, EADDRINUSE), never shared.
  /// @return kBadSetting an address or a certificate that cannot be read; kUnavailable the address cannot be bound
  /// Blocks while a host name is resolved. The runtime must outlive the server.
  static Result<std::unique_ptr<Server>> Listen(Runtime& runtime, ServerOptions options, Router router);

  /// Drain(now).
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  /// Open connections, now.
  std::size_t connections() const;

  /// New connections use this certificate and these authorities from now on; those that are open keep theirs. Thread-safe. Only for a
  /// server that listened with TLS. @return kBadSetting, and the old ones stay
  Result<void> SetTls(const ServerTls& tls);

  /// Stops accepting, closes idle connections, puts `Connection: close` on the answers in flight, ends streams, and waits until all are
  /// out; what is not out by the deadline is cut off. May be called again with another deadline.
  /// @return whether everything ended by itself
  /// Blocks; not from a loop's own thread.
  bool Drain(Deadline deadline);

 private:
  struct State;
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace net
