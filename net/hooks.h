// SPDX-License-Identifier: MIT
// Where observers (tracing, metrics) come in, so that net/ itself knows nothing of them.
//
// All functions are called on the event loop of the connection or call they belong to; they must not block or throw.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "net/http.h"
#include "net/router.h"

namespace net {

/// Wraps the executor of a new chain of coroutines (a connection, a call that changes its loop, Runtime::Spawn), so that something follows
/// it from thread to thread. azmon/asio.h's ForkExecutor is one; empty: no wrapping.
using BindExecutor = std::function<boost::asio::any_io_executor(boost::asio::any_io_executor)>;

/// How an exchange ended.
struct ExchangeEnd {
  int status = 0;                ///< 0: no status was sent or received
  std::string_view error_type;   ///< short and of few values ("timeout", "unavailable", an exception's type); empty if none
  std::string_view error_detail; ///< for a person
  bool is_exception = false;     ///< a handler threw: its type and what() are the two above
};

/// One request at a server, from its complete header to the last byte of its answer.
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  /// The answer is about to be written; fields may be added.
  virtual void OnResponse(const RequestContext& context, Response& response) = 0;
  /// The last byte was handed to the kernel, or the exchange broke. Called once, then the observer is destroyed.
  virtual void OnEnd(const ExchangeEnd& end) = 0;
};

struct ServerHooks {
  BindExecutor bind_executor;
  /// Called when the header is complete and checked; the body is not yet there, `context.route` is known. May return null.
  /// What it makes current (a scope) stays current for the handler if bind_executor makes it follow the coroutine.
  std::function<std::unique_ptr<ServerObserver>(const RequestContext&)> on_request;
  /// A message was refused before it became a request (400, 408, 414, 431, 505): `reason` is short and of few values.
  std::function<void(int status, std::string_view reason)> on_refused;
};

/// What one try of Client::Send is about.
struct Attempt {
  const ClientRequest& request;
  int resend_count;  ///< 0 for the first try; counts ClientRequest::resend_count and the client's own repetition
};

/// One try of the client, from before the connection is chosen to the last byte of the answer.
class ClientObserver {
 public:
  virtual ~ClientObserver() = default;
  /// The connection is known; called again if the client had to take another.
  virtual void OnConnected(const Endpoint& peer) = 0;
  /// Called once with the end of the try, then the observer is destroyed.
  virtual void OnEnd(const ExchangeEnd& end) = 0;
};

struct ClientHooks {
  BindExecutor bind_executor;
  /// Called before each try, in the caller's coroutine. Adds fields (traceparent) to `fields`; they replace those of the request. May return null.
  std::function<std::unique_ptr<ClientObserver>(const Attempt&, Headers& fields)> on_attempt;
};

}  // namespace net
