// SPDX-License-Identifier: MIT
#include "net/server.h"

#include <cerrno>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/check.h"
#include "net/acceptor.h"
#include "net/connection.h"

namespace net {
namespace {

Result<std::shared_ptr<boost::asio::ssl::context>> MakeTls(const ServerTls& tls) {
  namespace ssl = boost::asio::ssl;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::no_compression,
                       error);
  if (!error) context->use_certificate_chain(boost::asio::buffer(tls.certificate_chain), error);
  if (error) return Error{ErrorCode::kBadSetting, "the TLS certificate cannot be used: " + error.message()};
  context->use_private_key(boost::asio::buffer(tls.private_key), ssl::context::pem, error);
  if (error) return Error{ErrorCode::kBadSetting, "the TLS key cannot be used: " + error.message()};
  if (::SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return Error{ErrorCode::kBadSetting, "the TLS key is not that of the certificate"};
  }
  if (!tls.client_ca.empty()) {
    context->add_certificate_authority(boost::asio::buffer(tls.client_ca), error);
    if (!error) context->set_verify_mode(ssl::verify_peer, error);
    if (error) return Error{ErrorCode::kBadSetting, "the authorities of TLS clients cannot be used: " + error.message()};
    // A resumed session would bring along a certificate that the authorities of today may no longer vouch for.
    ::SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
  }
  return context;
}

}  // namespace

struct Server::State {
  explicit State(Runtime& of_runtime, Loop& of_loop) : runtime(of_runtime), loop(of_loop), acceptor(of_loop.context()), retry(of_loop.context()) {}

  static boost::asio::awaitable<void> Accept(std::shared_ptr<State> self);
  bool WaitForNone(Deadline deadline) {
    std::unique_lock lock(shared->mutex);
    return shared->changed.wait_until(lock, deadline, [this] { return shared->open.load() == 0; });
  }
  template <typename Function>
  void OnEach(Function function) {
    for (std::size_t index = 0; index < shared->loops.size(); ++index) {
      boost::asio::post(shared->loops[index].loop->context(), [of_all = shared, index, function] {
        // The calls may end connections, which leave the set.
        const auto& set = of_all->loops[index].connections;
        const std::vector<Connection*> connections(set.begin(), set.end());
        for (Connection* connection : connections) function(*connection);
      });
    }
  }

  Runtime& runtime;
  Loop& loop;
  Acceptor acceptor;  // on `loop`
  boost::asio::steady_timer retry;
  std::uint16_t port = 0;
  std::shared_ptr<ServerShared> shared = std::make_shared<ServerShared>();
};

boost::asio::awaitable<void> Server::State::Accept(std::shared_ptr<State> self) {
  ServerShared& shared = *self->shared;
  std::size_t next = 0;
  while (!shared.draining) {
    const std::size_t index = next++ % shared.loops.size();
    Loop& target = *shared.loops[index].loop;
    auto [error, socket] = co_await self->acceptor.async_accept(target.context(), kAwait);
    if (shared.draining) break;
    if (error == boost::asio::error::operation_aborted) break;
    if (error) {
      // Out of descriptors or memory; others (a peer that left at once) cost one round.
      self->retry.expires_after(limits::kAcceptRetry);
      co_await self->retry.async_wait(kAwait);
      continue;
    }
    if (shared.open.load(std::memory_order_relaxed) >= shared.options.connections_max) {
      static constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
      // Into the empty send buffer of a fresh socket: never waits.
      static_cast<void>(::send(socket.native_handle(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
      if (shared.options.hooks.on_refused) shared.options.hooks.on_refused(503, "too_many_connections");
      continue;
    }
    shared.open.fetch_add(1);
    boost::asio::any_io_executor executor = target.context().get_executor();
    if (shared.options.hooks.bind_executor) executor = shared.options.hooks.bind_executor(executor);
    auto connection = std::make_shared<Connection>(self->shared, index, std::move(socket));
    boost::asio::co_spawn(executor, Connection::Serve(std::move(connection)), boost::asio::detached);
  }
}

Result<std::unique_ptr<Server>> Server::Listen(Runtime& runtime, ServerOptions options, Router router) {
  auto state = std::make_shared<State>(runtime, runtime.NextLoop());
  if (options.tls) {
    auto tls = MakeTls(*options.tls);
    if (!tls.ok()) return tls.error();
    state->shared->tls = std::move(tls).value();
  }
  for (std::size_t index = 0; index < runtime.size(); ++index) state->shared->loops.push_back({&runtime.loop(index), {}});

  auto acceptor = OpenAcceptor(state->loop.context(), options.host, options.port);
  if (!acceptor.ok()) return acceptor.error();
  state->acceptor = std::move(*acceptor);
  state->port = state->acceptor.local_endpoint().port();
  state->shared->options = std::move(options);
  state->shared->router = std::move(router);
  boost::asio::co_spawn(state->loop.context(), State::Accept(state), boost::asio::detached);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { Drain(Now()); }

Result<void> Server::SetTls(const ServerTls& tls) {
  auto made = MakeTls(tls);
  if (!made.ok()) return made.error();
  const std::lock_guard lock(state_->shared->mutex);
  state_->shared->tls = std::move(made).value();
  return {};
}

std::uint16_t Server::port() const { return state_->port; }
std::size_t Server::connections() const { return state_->shared->open.load(); }

bool Server::Drain(Deadline deadline) {
  AZMON_CHECK(Loop::Current() == nullptr);
  state_->shared->draining = true;
  if (state_->runtime.IsStopped()) return connections() == 0;
  boost::asio::post(state_->loop.context(), [state = state_] {
    boost::system::error_code ignored;
    state->acceptor.close(ignored);
    state->retry.cancel();
  });
  state_->OnEach([](Connection& connection) { connection.Drain(); });
  if (state_->WaitForNone(deadline)) return true;
  state_->OnEach([](Connection& connection) { connection.CutOff(); });
  // What is cut off unwinds within moments, but for a handler that waits for something else.
  state_->WaitForNone(Now() + limits::kCutOffWait);
  return false;
}

}  // namespace net
