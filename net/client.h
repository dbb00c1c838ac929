// SPDX-License-Identifier: MIT
// An HTTP/1.1 client with a pool of kept connections for each endpoint and event loop.
//
// Never follows a redirect, keeps no cookies, decodes no content encoding, knows no proxy. http and https (TLS 1.2 and newer, SNI, verified against the
// system's authorities).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "net/hooks.h"
#include "net/http.h"
#include "net/limits.h"
#include "net/runtime.h"

namespace net {

/// How https is spoken: all PEM texts, each may be empty.
struct ClientTls {
  std::string ca;                 ///< authorities beside the system's
  std::string certificate_chain;  ///< to show to servers that ask for one; with its key
  std::string private_key;
};

struct ClientOptions {
  std::size_t response_bytes_max = limits::kResponseBodyBytesMax;
  std::size_t response_header_bytes_max = limits::kResponseHeaderBytesMax;
  std::size_t connections_max = limits::kClientConnectionsMax;  ///< a loop and endpoint
  std::size_t waiters_max = limits::kClientWaitersMax;          ///< a loop and endpoint
  std::chrono::milliseconds idle = limits::kClientIdle;
  ClientTls tls;
  ClientHooks hooks;
};

class Client {
 public:
  /// The runtime must outlive the client.
  explicit Client(Runtime& runtime, ClientOptions options = {});
  /// Closes idle connections; calls in flight end by themselves.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends a request and reads the whole answer, of whatever status.
  ///
  /// A request on a kept connection that died before the first byte of an answer is sent once more on a fresh one, if it is replayable.
  /// @param deadline  covers waiting for a connection, resolving, connecting, writing and reading
  /// @return the answer, or
  ///   kMalformed    the request cannot be sent as it is, or the answer breaks HTTP
  ///   kTooLarge     the answer is over a limit
  ///   kTimeout      the deadline passed; the request may have been carried out
  ///   kUnavailable  no connection, or it broke; Error::os_error tells how where the system said it
  /// Cancelled by its coroutine's cancellation (throws operation_aborted like any Asio operation).
  /// May be awaited on any executor; the work is done on a loop of the runtime: the caller's, if it is one.
  boost::asio::awaitable<Result<Response>> Send(ClientRequest request, Deadline deadline);

  /// Send from an ordinary thread, not a loop's own. Blocks.
  Result<Response> SendBlocking(ClientRequest request, Deadline deadline);

  /// New connections use these from now on; those that are open keep theirs. Thread-safe. @return kBadSetting, and the old ones stay
  Result<void> SetTls(ClientTls tls);

  /// Connections in the pools, idle and busy, of all loops. For tests and gauges.
  std::size_t connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// One request from an ordinary thread, without anything kept. For command line tools and tests.
Result<Response> Fetch(ClientRequest request, std::chrono::milliseconds timeout = limits::kCallTimeout);

}  // namespace net
