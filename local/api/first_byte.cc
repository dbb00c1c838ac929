// SPDX-License-Identifier: MIT
#include "local/api/first_byte.h"

#include <sys/socket.h>

#include <mutex>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "local/model/limits.h"
#include "net/acceptor.h"
#include "net/limits.h"
#include "net/loop.h"
#include "net/stream.h"

namespace azmon::local {
namespace {

using boost::asio::awaitable;
using Socket = net::Acceptor::protocol_type::socket;

/// RFC 8446 section 5.1: a handshake record. No HTTP/2 preface begins with it.
constexpr unsigned char kTlsHandshakeRecord = 22;

}  // namespace

struct FirstByteListener::State {
  State(net::Runtime& of_runtime, net::Loop& of_loop, net::Acceptor of_acceptor, Take of_take)
      : runtime(of_runtime), loop(of_loop), acceptor(std::move(of_acceptor)), retry(of_loop.context()), take(std::move(of_take)) {}

  static awaitable<void> Accept(std::shared_ptr<State> self);
  static awaitable<void> Look(std::shared_ptr<State> self, Socket socket);
  void HandOn(Socket socket, bool is_tls);

  net::Runtime& runtime;
  net::Loop& loop;
  net::Acceptor acceptor;  // this and the next two on `loop`
  boost::asio::steady_timer retry;
  std::size_t waiting = 0;
  std::mutex mutex;
  Take take;  // guarded by mutex; empty: closed
};

awaitable<void> FirstByteListener::State::Accept(std::shared_ptr<State> self) {
  while (self->acceptor.is_open()) {
    auto [error, socket] = co_await self->acceptor.async_accept(self->loop.context(), net::kAwait);
    if (error == boost::asio::error::operation_aborted) break;
    if (error) {
      // Out of descriptors or memory; others (a peer that left at once) cost one round.
      self->retry.expires_after(net::limits::kAcceptRetry);
      co_await self->retry.async_wait(net::kAwait);
      continue;
    }
    if (self->waiting == limits::kFirstBytesMax) continue;
    boost::asio::co_spawn(self->loop.context(), Look(self, Socket(std::move(socket))), boost::asio::detached);
  }
}

awaitable<void> FirstByteListener::State::Look(std::shared_ptr<State> self, Socket socket) {
  ++self->waiting;
  net::DeadlineEntry deadline(self->loop.deadlines());
  deadline.OnExpired([&socket] {
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  deadline.SetAfter(limits::kFirstByteTimeout);
  const auto [error] = co_await socket.async_wait(Socket::wait_read, net::kAwait);
  deadline.Clear();
  --self->waiting;
  unsigned char first = 0;
  if (error || deadline.HasExpired() || ::recv(socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) co_return;
  self->HandOn(std::move(socket), first == kTlsHandshakeRecord);
}

void FirstByteListener::State::HandOn(Socket socket, bool is_tls) {
  boost::system::error_code error;
  socket.native_non_blocking(true, error);
  if (error) return;
  const std::lock_guard lock(mutex);
  if (!take) return;
  const int descriptor = socket.release(error);
  if (!error) take(descriptor, is_tls);
}

Result<std::unique_ptr<FirstByteListener>> FirstByteListener::Listen(net::Runtime& runtime, const std::string& host, std::uint16_t port, Take take) {
  net::Loop& loop = runtime.NextLoop();
  auto acceptor = net::OpenAcceptor(loop.context(), host, port);
  if (!acceptor.ok()) return acceptor.error();
  auto state = std::make_shared<State>(runtime, loop, std::move(*acceptor), std::move(take));
  boost::asio::co_spawn(loop.context(), State::Accept(state), boost::asio::detached);
  return std::unique_ptr<FirstByteListener>(new FirstByteListener(std::move(state)));
}

FirstByteListener::FirstByteListener(std::shared_ptr<State> state) : state_(std::move(state)) {}

FirstByteListener::~FirstByteListener() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->take = nullptr;
  }
  if (state_->runtime.IsStopped()) return;
  boost::asio::post(state_->loop.context(), [state = state_] {
    boost::system::error_code ignored;
    state->acceptor.close(ignored);
    state->retry.cancel();
  });
}

std::uint16_t FirstByteListener::port() const { return state_->acceptor.local_endpoint().port(); }

}  // namespace azmon::local
