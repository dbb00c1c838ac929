// SPDX-License-Identifier: MIT
#include "net/client.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_future.hpp>

#include "base/check.h"
#include "net/codec/response_parser.h"
#include "net/codec/serializer.h"
#include "net/loop.h"
#include "net/stream.h"

namespace net {
namespace {

using boost::system::error_code;
using Tcp = boost::asio::ip::tcp;
using Resolver = Tcp::resolver::rebind_executor<boost::asio::io_context::executor_type>::other;

constexpr std::size_t kReadBytes = 16 * 1024;

bool IsReplayable(const ClientRequest& request) {
  if (request.is_replayable) return *request.is_replayable;
  // Idempotent by definition (RFC 9110 section 9.2.2).
  static constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), request.method) != kMethods.end();
}

}  // namespace

/// Everything of one client; kept by each call.
struct Client::State {
  struct Connection;
  struct Pool;
  struct Waiter;
  struct OfLoop;
  class Lease;
  struct Try;

  State(Runtime& of_runtime, ClientOptions of_options);

  static boost::asio::awaitable<Result<Response>> Send(std::shared_ptr<State> self, ClientRequest request, Deadline deadline, OfLoop& of_loop);
  /// Send for co_spawn, whose results must be default-constructible.
  static boost::asio::awaitable<void> SendInto(std::shared_ptr<State> self, ClientRequest request, Deadline deadline, OfLoop& of_loop,
                                               std::shared_ptr<std::optional<Result<Response>>> result) {
    auto sent = co_await Send(std::move(self), std::move(request), deadline, of_loop);
    result->emplace(std::move(sent));
  }
  boost::asio::awaitable<Try> SendOnce(OfLoop& of_loop, const ClientRequest& request, int resend_count, Deadline deadline, bool fresh_only);
  boost::asio::awaitable<Try> SendOn(Lease& lease, const ClientRequest& request, const std::string& head, DeadlineEntry& timer);
  boost::asio::awaitable<Result<void>> Acquire(OfLoop& of_loop, Lease& lease, const ClientRequest& request, DeadlineEntry& timer, Deadline deadline,
                                               bool fresh_only);
  boost::asio::awaitable<Result<std::unique_ptr<Connection>>> Connect(Loop& loop, const Url& url, DeadlineEntry& timer);
  boost::asio::awaitable<Result<void>> ShakeHands(Connection& connection, const std::string& host);
  static Result<std::shared_ptr<boost::asio::ssl::context>> MakeTls(const ClientTls& settings);
  Result<std::shared_ptr<boost::asio::ssl::context>> Tls();
  /// This client's part on a loop of the runtime; null for other loops and for none.
  OfLoop* Find(const Loop* loop) const;
  boost::asio::any_io_executor Executor(OfLoop& of_loop) const;

  Runtime& runtime;
  ClientOptions options;
  std::vector<std::unique_ptr<OfLoop>> loops;
  std::atomic<std::size_t> open{0};
  std::atomic<bool> is_closed{false};
  std::mutex tls_mutex;
  std::shared_ptr<boost::asio::ssl::context> tls;  // guarded by tls_mutex; made at the first https call
};

/// An open connection, in a pool or lent to a call.
struct Client::State::Connection {
  Connection(Loop& loop, std::atomic<std::size_t>& count) : stream(Socket(loop.context())), idle(loop.deadlines()), open(count) { ++open; }
  ~Connection() { --open; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::shared_ptr<boost::asio::ssl::context> tls;
  Stream stream;
  DeadlineEntry idle;
  Endpoint peer;
  bool is_reused = false;
  std::string buffer;  ///< what an answer is read into; kept, as making one costs more than what is read
  std::atomic<std::size_t>& open;
};

struct Client::State::Waiter {
  explicit Waiter(Loop& loop) : timer(loop.context()) {}
  boost::asio::steady_timer timer;  // cancelled when it is the waiter's turn
  bool is_called = false;
};

/// Connections of one loop to one endpoint. Loop thread only.
struct Client::State::Pool {
  std::vector<std::unique_ptr<Connection>> idle;  // the warmest last
  std::size_t taken = 0;                          // lent out or being made
  std::deque<Waiter*> waiters;

  void CallNext() {
    if (waiters.empty()) return;
    Waiter* waiter = waiters.front();
    waiters.pop_front();
    waiter->is_called = true;
    waiter->timer.cancel();
  }
};

struct Client::State::OfLoop {
  explicit OfLoop(Loop& of_loop) : loop(of_loop) {}
  Loop& loop;
  // By "scheme://host:port"; entries are never removed, a program has few endpoints.
  std::unordered_map<std::string, std::unique_ptr<Pool>> pools;
};

/// A call's right to one connection; gives back on every way out.
class Client::State::Lease {
 public:
  explicit Lease(State& state) : state_(state) {}
  ~Lease() {
    connection.reset();
    if (pool_ == nullptr) return;
    --pool_->taken;
    pool_->CallNext();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  void Take(Pool& pool) {
    pool_ = &pool;
    ++pool.taken;
  }
  /// The connection may serve others.
  void Keep() {
    if (state_.is_closed) return;
    connection->is_reused = true;
    Pool* pool = pool_;
    Connection* key = connection.get();
    connection->idle.OnExpired([pool, key] {
      std::erase_if(pool->idle, [key](const auto& other) { return other.get() == key; });
    });
    connection->idle.SetAfter(state_.options.idle);
    pool_->idle.push_back(std::move(connection));
  }

  std::unique_ptr<Connection> connection;

 private:
  State& state_;
  Pool* pool_ = nullptr;
};

/// How one try ended.
struct Client::State::Try {
  Result<Response> result;
  bool died_unanswered = false;  ///< on a reused connection, before the answer's first byte
};

Client::State::State(Runtime& of_runtime, ClientOptions of_options) : runtime(of_runtime), options(std::move(of_options)) {
  for (std::size_t index = 0; index < runtime.size(); ++index) loops.push_back(std::make_unique<OfLoop>(runtime.loop(index)));
}

Client::State::OfLoop* Client::State::Find(const Loop* loop) const {
  const auto found = std::find_if(loops.begin(), loops.end(), [loop](const auto& of_loop) { return &of_loop->loop == loop; });
  return found == loops.end() ? nullptr : found->get();
}

boost::asio::any_io_executor Client::State::Executor(OfLoop& of_loop) const {
  const boost::asio::any_io_executor executor = of_loop.loop.context().get_executor();
  return options.hooks.bind_executor ? options.hooks.bind_executor(executor) : executor;
}

Result<std::shared_ptr<boost::asio::ssl::context>> Client::State::MakeTls(const ClientTls& settings) {
  namespace ssl = boost::asio::ssl;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  error_code error;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, error);
  if (!error) context->set_default_verify_paths(error);
  if (!error && !settings.ca.empty()) context->add_certificate_authority(boost::asio::buffer(settings.ca), error);
  if (!error) context->set_verify_mode(ssl::verify_peer, error);
  if (error) return Error{ErrorCode::kBadSetting, "the TLS authorities cannot be used: " + error.message()};
  if (!settings.certificate_chain.empty()) {
    context->use_certificate_chain(boost::asio::buffer(settings.certificate_chain), error);
    if (!error) context->use_private_key(boost::asio::buffer(settings.private_key), ssl::context::pem, error);
    if (error) return Error{ErrorCode::kBadSetting, "the TLS client certificate or its key cannot be used: " + error.message()};
  }
  return context;
}

Result<std::shared_ptr<boost::asio::ssl::context>> Client::State::Tls() {
  const std::lock_guard lock(tls_mutex);
  if (tls) return tls;
  auto made = MakeTls(options.tls);
  if (made.ok()) tls = *made;
  return made;
}

boost::asio::awaitable<Result<void>> Client::State::ShakeHands(Connection& connection, const std::string& host) {
  auto context = Tls();
  if (!context.ok()) co_return context.error();
  connection.tls = std::move(context).value();
  connection.stream.BeginTls(*connection.tls);
  auto& stream = connection.stream.tls();
  error_code error;
  boost::asio::ip::make_address(host, error);
  if (error) SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());  // names only (RFC 6066 section 3)
  stream.set_verify_callback(boost::asio::ssl::host_name_verification(host), error);
  if (error) co_return Error{ErrorCode::kInternal, "TLS cannot be set up: " + error.message()};
  const auto [shaken] = co_await stream.async_handshake(boost::asio::ssl::stream_base::client, kAwait);
  if (shaken) co_return Error{ErrorCode::kUnavailable, "the TLS handshake failed: " + shaken.message()};
  co_return Result<void>();
}

boost::asio::awaitable<Result<std::unique_ptr<Client::State::Connection>>> Client::State::Connect(Loop& loop, const Url& url,
                                                                                                 DeadlineEntry& timer) {
  std::vector<Tcp::endpoint> endpoints;
  error_code error;
  const auto address = boost::asio::ip::make_address(url.host, error);
  if (!error) {
    endpoints.emplace_back(address, url.port);
  } else if (url.host == "localhost") {
    // RFC 6761 section 6.3; no resolver thread for it.
    endpoints.emplace_back(boost::asio::ip::address_v4::loopback(), url.port);
    endpoints.emplace_back(boost::asio::ip::address_v6::loopback(), url.port);
  } else {
    Resolver resolver(loop.context());
    timer.OnExpired([&resolver] { resolver.cancel(); });
    const auto [failed, found] =
        co_await resolver.async_resolve(url.host, std::to_string(url.port), Tcp::resolver::numeric_service, kAwait);
    timer.OnExpired(nullptr);
    if (failed) co_return Error{ErrorCode::kUnavailable, "the host " + url.host + " cannot be resolved: " + failed.message(), 0};
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  }

  auto connection = std::make_unique<Connection>(loop, open);
  Stream& stream = connection->stream;
  timer.OnExpired([&stream] { stream.Close(); });
  struct Forget {
    DeadlineEntry& timer;
    ~Forget() { timer.OnExpired(nullptr); }
  } forget{timer};
  const auto [failed, endpoint] = co_await boost::asio::async_connect(stream.socket(), endpoints, kAwait);
  if (failed) {
    co_return Error{ErrorCode::kUnavailable, "no connection to " + url.HostHeader() + ": " + failed.message(), failed.value()};
  }
  stream.socket().set_option(Tcp::no_delay(true), error);
  connection->peer = ToEndpoint(endpoint);
  if (url.scheme == "https") {
    auto shaken = co_await ShakeHands(*connection, url.host);
    if (!shaken.ok()) co_return shaken.error();
  }
  co_return connection;
}

boost::asio::awaitable<Result<void>> Client::State::Acquire(OfLoop& of_loop, Lease& lease, const ClientRequest& request, DeadlineEntry& timer,
                                                            Deadline deadline, bool fresh_only) {
  auto& slot = of_loop.pools[request.url.scheme + "://" + request.url.host + ":" + std::to_string(request.url.port)];
  if (!slot) slot = std::make_unique<Pool>();
  Pool& pool = *slot;
  if (pool.taken >= options.connections_max) {
    if (pool.waiters.size() >= options.waiters_max) co_return Error{ErrorCode::kUnavailable, "too many calls wait for " + request.url.HostHeader()};
    Waiter waiter(of_loop.loop);
    struct Leave {
      Pool& pool;
      Waiter& waiter;
      bool is_done = false;
      ~Leave() {
        std::erase(pool.waiters, &waiter);
        // Called, but gone before it could take its turn: the next one must not wait for ever.
        if (waiter.is_called && !is_done) pool.CallNext();
      }
    } leave{pool, waiter};
    pool.waiters.push_back(&waiter);
    waiter.timer.expires_at(deadline);
    co_await waiter.timer.async_wait(kAwait);
    if (!waiter.is_called) co_return Error{ErrorCode::kTimeout, "no connection to " + request.url.HostHeader() + " became free"};
    leave.is_done = true;
  }
  lease.Take(pool);
  while (!fresh_only && !pool.idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(pool.idle.back());
    pool.idle.pop_back();
    connection->idle.Clear();
    // Closed by the server, or it speaks without being asked: of no use.
    if (connection->stream.Peek() != -1) continue;
    lease.connection = std::move(connection);
    co_return Result<void>();
  }
  auto made = co_await Connect(of_loop.loop, request.url, timer);
  if (!made.ok()) co_return made.error();
  lease.connection = std::move(made).value();
  co_return Result<void>();
}

boost::asio::awaitable<Client::State::Try> Client::State::SendOn(Lease& lease, const ClientRequest& request, const std::string& head,
                                                                 DeadlineEntry& timer) {
  Connection& connection = *lease.connection;
  Stream& stream = connection.stream;
  timer.OnExpired([&stream] { stream.Close(); });
  struct Forget {
    DeadlineEntry& timer;
    ~Forget() { timer.OnExpired(nullptr); }
  } forget{timer};

  error_code write_error;
  std::array<boost::asio::const_buffer, 2> buffers{boost::asio::buffer(head), boost::asio::buffer(request.body.view().data(), request.body.size())};
  std::size_t left = head.size() + request.body.size();
  while (left > 0) {
    const auto [error, size] = co_await stream.WriteSome(buffers);
    if (error) {
      // The server may have answered (413) and closed: its answer is looked for all the same.
      write_error = error;
      break;
    }
    left -= size;
    std::size_t skip = size;
    for (boost::asio::const_buffer& buffer : buffers) {
      const std::size_t part = std::min(skip, buffer.size());
      buffer += part;
      skip -= part;
    }
  }

  ResponseParser parser({options.response_header_bytes_max, request.response_bytes_max.value_or(options.response_bytes_max)},
                        request.method == "HEAD");
  std::string& buffer = connection.buffer;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool has_answer = false;
  while (!parser.IsDone()) {
    if (begin == end) begin = end = 0;
    if (end == buffer.size()) {
      buffer.erase(0, begin);
      end -= begin;
      begin = 0;
      // An unfinished header may need more room than one read; the parser ends it at its limit.
      buffer.resize(end + kReadBytes);
    }
    const auto [error, size] = co_await stream.ReadSome(boost::asio::buffer(buffer.data() + end, buffer.size() - end));
    if (error) {
      if (timer.HasExpired()) co_return Try{Error{ErrorCode::kTimeout, "the deadline passed before " + request.url.HostHeader() + " answered"}};
      if (error == boost::asio::error::eof && has_answer) {
        auto ended = parser.FeedEnd();
        if (!ended.ok()) co_return Try{ended.error()};
        break;
      }
      const error_code& cause = write_error ? write_error : error;
      co_return Try{Error{ErrorCode::kUnavailable, "the connection to " + request.url.HostHeader() + " broke: " + cause.message(), cause.value()},
                    connection.is_reused && !has_answer};
    }
    has_answer = true;
    end += size;
    auto fed = parser.Feed(std::string_view(buffer).substr(begin, end - begin));
    if (!fed.ok()) co_return Try{fed.error()};
    begin += *fed;
  }
  Try done{std::move(parser.response())};
  // Bytes after the answer are nobody's.
  if (parser.keep_alive() && !write_error && begin == end) {
    if (buffer.size() > kReadBytes) buffer = std::string();
    lease.Keep();
  }
  co_return done;
}

boost::asio::awaitable<Client::State::Try> Client::State::SendOnce(OfLoop& of_loop, const ClientRequest& request, int resend_count,
                                                                   Deadline deadline, bool fresh_only) {
  Headers extra;
  const std::unique_ptr<ClientObserver> observer =
      options.hooks.on_attempt ? options.hooks.on_attempt({request, resend_count}, extra) : std::unique_ptr<ClientObserver>();
  // The observer learns of the end also when the coroutine is cancelled.
  struct Finish {
    ClientObserver* observer;
    bool is_done = false;
    void Done(const ExchangeEnd& end) {
      is_done = true;
      if (observer != nullptr) observer->OnEnd(end);
    }
    ~Finish() {
      if (!is_done) Done({0, Name(ErrorCode::kCancelled), {}});
    }
  } finish{observer.get()};

  Try outcome{Error{}};
  {
    std::string head;
    head.reserve(1024);
    auto written = AppendRequestHead(request, extra, head);
    Lease lease(*this);
    DeadlineEntry timer(of_loop.loop.deadlines());
    if (!written.ok()) {
      outcome.result = written.error();
    } else if (deadline <= Now()) {
      outcome.result = Error{ErrorCode::kTimeout, "the deadline had passed before the request was sent"};
    } else {
      timer.Set(deadline);
      auto acquired = co_await Acquire(of_loop, lease, request, timer, deadline, fresh_only);
      if (acquired.ok()) {
        if (observer) observer->OnConnected(lease.connection->peer);
        outcome = co_await SendOn(lease, request, head, timer);
      } else if (timer.HasExpired()) {
        outcome.result = Error{ErrorCode::kTimeout, "the deadline passed: " + acquired.error().detail};
      } else {
        outcome.result = acquired.error();
      }
    }
  }
  if (outcome.result.ok()) {
    finish.Done({outcome.result->status, {}, {}});
  } else {
    const Error& error = outcome.result.error();
    finish.Done({0, Name(error.code), error.detail});
  }
  co_return outcome;
}

boost::asio::awaitable<Result<Response>> Client::State::Send(std::shared_ptr<State> self, ClientRequest request, Deadline deadline,
                                                             OfLoop& of_loop) {
  Try first = co_await self->SendOnce(of_loop, request, request.resend_count, deadline, false);
  if (!first.died_unanswered || !IsReplayable(request)) co_return std::move(first.result);
  Try second = co_await self->SendOnce(of_loop, request, request.resend_count + 1, deadline, true);
  co_return std::move(second.result);
}

Client::Client(Runtime& runtime, ClientOptions options) : state_(std::make_shared<State>(runtime, std::move(options))) {}

Client::~Client() {
  state_->is_closed = true;
  for (const auto& of_loop : state_->loops) {
    // The pools belong to the loops' threads. If those are gone, the connections end with the last reference.
    boost::asio::post(of_loop->loop.context(), [state = state_, loop = of_loop.get()] {
      for (const auto& [endpoint, pool] : loop->pools) pool->idle.clear();
    });
  }
}

boost::asio::awaitable<Result<Response>> Client::Send(ClientRequest request, Deadline deadline) {
  const std::shared_ptr<State> state = state_;
  if (State::OfLoop* here = state->Find(Loop::Current())) {
    auto result = co_await State::Send(state, std::move(request), deadline, *here);
    co_return result;
  }
  // Somewhere else: the work moves to a loop of ours, its end comes back.
  State::OfLoop& there = *state->Find(&state->runtime.NextLoop());
  const auto result = std::make_shared<std::optional<Result<Response>>>();
  co_await boost::asio::co_spawn(state->Executor(there), State::SendInto(state, std::move(request), deadline, there, result),
                                 boost::asio::use_awaitable);
  co_return std::move(**result);
}

Result<Response> Client::SendBlocking(ClientRequest request, Deadline deadline) {
  AZMON_CHECK(Loop::Current() == nullptr);
  State::OfLoop& there = *state_->Find(&state_->runtime.NextLoop());
  const auto result = std::make_shared<std::optional<Result<Response>>>();
  boost::asio::co_spawn(state_->Executor(there), State::SendInto(state_, std::move(request), deadline, there, result), boost::asio::use_future)
      .get();
  return std::move(**result);
}

Result<void> Client::SetTls(ClientTls tls) {
  auto made = State::MakeTls(tls);
  if (!made.ok()) return made.error();
  const std::lock_guard lock(state_->tls_mutex);
  state_->tls = std::move(made).value();
  return {};
}

std::size_t Client::connections() const { return state_->open.load(); }

Result<Response> Fetch(ClientRequest request, std::chrono::milliseconds timeout) {
  Runtime runtime({.threads = 1});
  Client client(runtime);
  return client.SendBlocking(std::move(request), Now() + timeout);
}

}  // namespace net
