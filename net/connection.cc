// SPDX-License-Identifier: MIT
#include "net/connection.h"

#include <cxxabi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <typeinfo>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/text.h"
#include "net/codec/gzip.h"
#include "net/codec/serializer.h"

namespace net {
namespace {

constexpr std::size_t kBufferBytes = 4 * 1024;          // fits nearly every header; grows for the rest
constexpr std::size_t kBodyBufferBytes = 64 * 1024;     // fewer system calls for a large body
constexpr unsigned char kTlsHandshakeRecord = 22;

constexpr Refusal kHeaderTimeout{408, "header_timeout", "the header did not arrive in time"};
constexpr Refusal kBodyTimeout{408, "body_timeout", "the body arrives too slowly"};
constexpr Refusal kBodyCutShort{0, "client_closed", ""};

std::string TypeName(const std::type_info& type) {
  int status = 0;
  char* name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string text = status == 0 && name != nullptr ? name : type.name();
  std::free(name);
  return text;
}

/// The DNS names and URIs of the certificate that the client has shown and OpenSSL has verified; null without one.
std::shared_ptr<const std::vector<std::string>> CertificateNames(const SSL* ssl) {
  const std::unique_ptr<X509, decltype(&::X509_free)> certificate(::SSL_get1_peer_certificate(ssl), &::X509_free);
  if (!certificate || ::SSL_get_verify_result(ssl) != X509_V_OK) return nullptr;
  auto names = std::make_shared<std::vector<std::string>>();
  auto* const all = static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int index = 0; all != nullptr && index < sk_GENERAL_NAME_num(all); ++index) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all, index);
    if (name->type != GEN_DNS && name->type != GEN_URI) continue;
    const ASN1_IA5STRING* const text = name->type == GEN_DNS ? name->d.dNSName : name->d.uniformResourceIdentifier;
    names->emplace_back(reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)), static_cast<std::size_t>(::ASN1_STRING_length(text)));
  }
  ::GENERAL_NAMES_free(all);
  return names;
}

}  // namespace

/// The connection as a stream function sees it.
class Connection::Writer final : public BodyWriter {
 public:
  Writer(Connection& connection, bool is_chunked)
      : connection_(connection), is_chunked_(is_chunked), wake_(std::make_shared<Wake>(connection.loop_)) {}

  boost::asio::awaitable<Result<void>> Write(std::string_view bytes) override {
    if (!IsOpen()) co_return Closed();
    if (bytes.empty()) co_return Result<void>();
    std::string head;
    if (is_chunked_) {
      // The CR LF that ends a chunk is sent before the next one, so that a chunk needs no third buffer.
      if (has_chunk_) head += "\r\n";
      AppendChunkHead(bytes.size(), head);
      has_chunk_ = true;
    }
    if (is_chunked_) {
      std::string framed = head;
      if (bytes.size() <= limits::kInlineBodyBytes) {
        framed.append(bytes);
        auto written = co_await connection_.WriteAll(framed, {});
        co_return Note(std::move(written));
      }
    }
    auto written = co_await connection_.WriteAll(head, bytes);
    co_return Note(std::move(written));
  }

  boost::asio::awaitable<void> Wait(std::chrono::milliseconds duration) override {
    if (!wake_->is_pending && IsOpen()) {
      wake_->timer.expires_after(duration);
      co_await wake_->timer.async_wait(kAwait);
    }
    wake_->is_pending = false;
    if (has_unread_) CheckPeer();
  }

  std::function<void()> Waker() override {
    return [wake = wake_] { Wake::Call(wake); };
  }

  bool IsOpen() const override { return !is_closed_ && !connection_.shared_->draining.load(std::memory_order_relaxed); }

  /// What is left to send after the stream function returned.
  std::string_view Trailer() const {
    if (!is_chunked_) return {};
    return has_chunk_ ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
  }
  bool is_closed() const { return is_closed_; }

  /// Ends Wait(). On the loop.
  void WakeHere() {
    wake_->is_pending = true;
    wake_->timer.cancel();
  }

  /// Notices that the client leaves, without reading what it may have sent.
  static boost::asio::awaitable<void> Watch(std::shared_ptr<Connection> connection, std::shared_ptr<bool> is_over) {
    const auto [error] = co_await connection->stream_.socket().async_wait(Socket::wait_read, kAwait);
    if (*is_over || connection->writer_ == nullptr) co_return;
    Writer& writer = *connection->writer_;
    if (error || connection->stream_.Peek() == 0) {
      writer.is_closed_ = true;
      writer.WakeHere();
    } else {
      // A next request, or TLS's good-bye: its end is looked for after each wait from now on.
      writer.has_unread_ = true;
    }
  }

 private:
  struct Wake {
    explicit Wake(Loop& loop) : executor(loop.context().get_executor()), timer(loop.context()) {}
    static void Call(const std::shared_ptr<Wake>& wake) {
      boost::asio::post(wake->executor, [wake] {
        wake->is_pending = true;
        wake->timer.cancel();
      });
    }
    boost::asio::io_context::executor_type executor;
    boost::asio::steady_timer timer;  // loop thread only, like is_pending
    bool is_pending = false;
  };

  Error Closed() const {
    if (is_closed_) return {ErrorCode::kUnavailable, "the client is gone"};
    return {ErrorCode::kCancelled, "the server drains"};
  }
  Result<void> Note(Result<void> written) {
    if (!written.ok()) is_closed_ = true;
    return written;
  }
  void CheckPeer() {
    tcp_info info{};
    socklen_t size = sizeof info;
    const int result = ::getsockopt(connection_.stream_.socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size);
    if (result != 0 || info.tcpi_state != TCP_ESTABLISHED) is_closed_ = true;
  }

  Connection& connection_;
  bool is_chunked_;
  bool has_chunk_ = false;
  bool is_closed_ = false;
  bool has_unread_ = false;
  std::shared_ptr<Wake> wake_;
};

Connection::Connection(std::shared_ptr<ServerShared> shared, std::size_t loop, Socket socket)
    : shared_(std::move(shared)),
      loop_index_(loop),
      loop_(*shared_->loops[loop].loop),
      stream_(std::move(socket)),
      deadline_(loop_.deadlines()) {
  deadline_.OnExpired([this] { stream_.Cancel(); });
}

Connection::~Connection() {
  stream_.Close();
  const std::lock_guard lock(shared_->mutex);
  if (shared_->open.fetch_sub(1) == 1) shared_->changed.notify_all();
}

void Connection::Drain() {
  if (phase_ == Phase::kIdle) {
    CutOff();
  } else if (writer_ != nullptr) {
    writer_->WakeHere();
  }
}

void Connection::CutOff() {
  is_cut_off_ = true;
  stream_.Close();
  if (writer_ != nullptr) writer_->WakeHere();
}

boost::asio::awaitable<void> Connection::Serve(std::shared_ptr<Connection> self) {
  auto& connections = self->shared_->loops[self->loop_index_].connections;
  connections.insert(self.get());
  struct Leave {
    std::unordered_set<Connection*>& connections;
    Connection* connection;
    ~Leave() { connections.erase(connection); }
  } leave{connections, self.get()};
  try {
    boost::system::error_code error;
    self->stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), error);
    const auto remote = self->stream_.socket().remote_endpoint(error);
    if (error) co_return;
    const auto local = self->stream_.socket().local_endpoint(error);
    if (error) co_return;
    self->remote_ = ToEndpoint(remote);
    self->local_ = ToEndpoint(local);
    bool goes_on = co_await self->BeginStream();
    while (goes_on) goes_on = co_await self->Exchange();
  } catch (const std::exception&) {
    // Out of memory, or a cancelled coroutine: this connection ends, the server goes on.
  }
  self->stream_.Close();
}

boost::asio::awaitable<bool> Connection::BeginStream() {
  if (!shared_->options.tls) co_return true;
  deadline_.SetAfter(shared_->options.keep_alive_idle);
  const auto [wait_error] = co_await stream_.socket().async_wait(Socket::wait_read, kAwait);
  if (wait_error) co_return false;
  unsigned char first = 0;
  if (::recv(stream_.socket().native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) co_return false;
  if (first != kTlsHandshakeRecord) co_return shared_->options.tls->also_plain;
  phase_ = Phase::kBusy;
  deadline_.SetAfter(shared_->options.tls_handshake_timeout);
  tls_ = shared_->Tls();
  stream_.BeginTls(*tls_);
  const auto [error] = co_await stream_.tls().async_handshake(boost::asio::ssl::stream_base::server, kAwait);
  deadline_.Clear();
  if (!error) client_names_ = CertificateNames(stream_.tls().native_handle());
  phase_ = Phase::kIdle;
  co_return !error && !shared_->draining;
}

boost::asio::awaitable<Connection::ReadEnd> Connection::ReadMore(std::size_t size_max) {
  if (deadline_.HasExpired()) co_return ReadEnd::kTimeout;
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.size()) {
    if (begin_ > 0) {
      buffer_.erase(0, begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const std::size_t wanted = std::min(std::max(buffer_.size() * 2, kBufferBytes), size_max);
    if (wanted > buffer_.size()) buffer_.resize(wanted);
    if (end_ == buffer_.size()) co_return ReadEnd::kError;  // the parser refuses before: a full buffer always suffices
  }
  const auto [error, size] = co_await stream_.ReadSome(boost::asio::buffer(buffer_.data() + end_, buffer_.size() - end_));
  if (!error) {
    end_ += size;
    co_return ReadEnd::kData;
  }
  if (deadline_.HasExpired()) co_return ReadEnd::kTimeout;
  co_return error == boost::asio::error::eof ? ReadEnd::kEof : ReadEnd::kError;
}

boost::asio::awaitable<Result<void>> Connection::WriteAll(std::string_view first, std::string_view second) {
  std::array<boost::asio::const_buffer, 2> buffers{boost::asio::buffer(first.data(), first.size()),
                                                   boost::asio::buffer(second.data(), second.size())};
  std::size_t left = first.size() + second.size();
  while (left > 0) {
    deadline_.SetAfter(shared_->options.write_stall);
    const auto [error, size] = co_await stream_.WriteSome(buffers);
    if (error) {
      const bool is_late = deadline_.HasExpired();
      deadline_.Clear();
      if (is_late) co_return Error{ErrorCode::kTimeout, "the client does not read"};
      co_return Error{ErrorCode::kUnavailable, "the client is gone", error.value()};
    }
    left -= size;
    std::size_t skip = size;
    for (boost::asio::const_buffer& buffer : buffers) {
      const std::size_t part = std::min(skip, buffer.size());
      buffer += part;
      skip -= part;
    }
  }
  deadline_.Clear();
  co_return Result<void>();
}

boost::asio::awaitable<void> Connection::Linger() {
  if (stream_.is_tls()) {
    deadline_.SetAfter(shared_->options.linger_timeout);
    co_await stream_.tls().async_shutdown(kAwait);
    deadline_.Clear();
    co_return;
  }
  // Bytes that arrive at a closed socket would reset the connection, and the answer that is still on its way with it.
  if (is_cut_off_) co_return;
  stream_.ShutdownSend();
  deadline_.SetAfter(shared_->options.linger_timeout);
  std::array<char, 8192> scratch;
  std::size_t read = 0;
  while (read < limits::kLingerBytesMax && !deadline_.HasExpired()) {
    const auto [error, size] = co_await stream_.socket().async_read_some(boost::asio::buffer(scratch), kAwait);
    if (error) break;
    read += size;
  }
  deadline_.Clear();
}

boost::asio::awaitable<void> Connection::Refuse(Refusal refusal) {
  if (shared_->options.hooks.on_refused) shared_->options.hooks.on_refused(refusal.status, refusal.reason);
  const Response response = Response::Problem(refusal.status, refusal.detail);
  ResponseFraming framing;
  framing.length = response.body.size();
  framing.keep_alive = false;
  std::string text;
  AppendResponseHead(response, framing, loop_.Date(), text);
  text += response.body.view();
  const auto written = co_await WriteAll(text, {});
  if (written.ok()) co_await Linger();
}

boost::asio::awaitable<std::optional<Refusal>> Connection::ReadBody(RequestParser& parser) {
  const ServerOptions& options = shared_->options;
  const Deadline begun = Now();
  std::size_t received = end_ - begin_;
  if (parser.expects_continue() && received == 0 && parser.state() == RequestParser::State::kBody) {
    const auto written = co_await WriteAll("HTTP/1.1 100 Continue\r\n\r\n", {});
    if (!written.ok()) co_return kBodyCutShort;
  }
  while (true) {
    begin_ += parser.Feed(buffered());
    if (parser.state() == RequestParser::State::kRefused) co_return parser.refusal();
    if (parser.state() == RequestParser::State::kDone) break;
    // By now at least (elapsed - grace) * rate bytes must be here.
    const std::size_t rate = std::max<std::size_t>(options.body_bytes_per_second_min, 1);
    deadline_.Set(begun + options.body_grace + std::chrono::milliseconds(received * 1000 / rate));
    const std::size_t before = end_ - begin_;
    const ReadEnd read = co_await ReadMore(std::max(kBodyBufferBytes, options.header_bytes_max));
    if (read == ReadEnd::kTimeout) co_return kBodyTimeout;
    if (read != ReadEnd::kData) co_return kBodyCutShort;
    received += end_ - begin_ - before;
  }
  deadline_.Clear();
  co_return std::nullopt;
}

/// One request and its answer while they are under way.
struct Connection::Turn {
  explicit Turn(const ServerOptions& options) : parser({options.header_bytes_max, options.header_fields_max, options.target_bytes_max}) {}

  RequestParser parser;
  RequestContext context;
  Router::Match match;
  std::unique_ptr<ServerObserver> observer;
  Response response;
  bool keep_alive = true;
  // `end` has views of these two.
  std::string error_type, error_detail;
  ExchangeEnd end;
};

boost::asio::awaitable<bool> Connection::ReadHeader(Turn& turn) {
  const ServerOptions& options = shared_->options;
  RequestParser& parser = turn.parser;
  if (begin_ == end_ && buffer_.size() > kBufferBytes) {
    buffer_ = std::string();
    begin_ = end_ = 0;
  }
  phase_ = begin_ == end_ ? Phase::kIdle : Phase::kBusy;
  if (phase_ == Phase::kIdle && shared_->draining) co_return false;
  deadline_.SetAfter(phase_ == Phase::kIdle ? options.keep_alive_idle : options.header_timeout);
  turn.context.received = Now();
  if (phase_ == Phase::kBusy) begin_ += parser.Feed(buffered());
  while (parser.state() == RequestParser::State::kHeader) {
    const ReadEnd read = co_await ReadMore(options.header_bytes_max + 2);
    if (read == ReadEnd::kTimeout && phase_ == Phase::kBusy) {
      co_await Refuse(kHeaderTimeout);
      co_return false;
    }
    if (read != ReadEnd::kData) co_return false;
    if (phase_ == Phase::kIdle) {
      phase_ = Phase::kBusy;
      turn.context.received = Now();
      deadline_.Set(turn.context.received + options.header_timeout);
    }
    begin_ += parser.Feed(buffered());
  }
  deadline_.Clear();
  if (parser.state() == RequestParser::State::kRefused) {
    co_await Refuse(parser.refusal());
    co_return false;
  }
  co_return true;
}

void Connection::Route(Turn& turn) {
  const ServerOptions& options = shared_->options;
  RequestContext& context = turn.context;
  Request& request = turn.parser.request();
  context.deadline = context.received + options.request_timeout;
  context.draining = &shared_->draining;
  request.remote = remote_;
  request.local = local_;
  request.is_tls = stream_.is_tls();
  request.client_names = client_names_;
  if (options.merge_leading_slashes) {
    std::string& target = request.target;
    const std::size_t first = target.find_first_not_of('/');
    if (target.front() == '/' && first != 1) target.erase(1, (first == std::string::npos ? target.size() : first) - 1);
  }
  turn.match = shared_->router.Find(request.method, request.path());
  context.route = turn.match.route;
  context.params = std::move(turn.match.params);
  turn.keep_alive = turn.parser.keep_alive();
  // The observer sees the request from here on; its body follows.
  std::swap(context.request, request);
  if (options.hooks.on_request) turn.observer = options.hooks.on_request(context);
}

boost::asio::awaitable<bool> Connection::Receive(Turn& turn) {
  using State = RequestParser::State;
  RequestParser& parser = turn.parser;
  parser.LimitBody(turn.match.handler != nullptr ? BodyBytesMax(turn.match) : shared_->options.body_bytes_max);
  if (shared_->options.admit) {
    if (auto refused = shared_->options.admit(turn.context)) {
      // What of the body is here already is skipped, so that a small request does not cost its connection.
      if (parser.state() == State::kBody) begin_ += parser.Feed(buffered());
      if (parser.state() != State::kDone) turn.keep_alive = false;
      turn.response = std::move(*refused);
      co_return true;
    }
  }
  std::optional<Refusal> refusal;
  if (parser.state() == State::kRefused) {
    refusal = parser.refusal();
  } else if (parser.state() == State::kBody && (turn.match.handler != nullptr || !parser.expects_continue())) {
    refusal = co_await ReadBody(parser);
  } else if (parser.state() == State::kBody) {
    turn.keep_alive = false;  // an error answer instead of "100 Continue": the body may or may not come
  }
  turn.context.request.body = std::move(parser.request().body);
  if (refusal) {
    turn.keep_alive = false;
    turn.error_type = refusal->reason;
    if (refusal->status == 0) co_return false;
    turn.response = Response::Problem(refusal->status, refusal->detail);
  } else if (turn.match.handler == nullptr) {
    turn.response = Response::Problem(turn.match.status);
    if (!turn.match.allow.empty()) turn.response.headers.Add("Allow", turn.match.allow);
  } else if (auto undecoded = Inflate(turn)) {
    turn.response = std::move(*undecoded);
  } else {
    co_await Handle(turn);
  }
  co_return true;
}

std::size_t Connection::BodyBytesMax(const Router::Match& match) const {
  return match.options.body_bytes_max != 0 ? match.options.body_bytes_max : shared_->options.body_bytes_max;
}

std::optional<Response> Connection::Inflate(Turn& turn) const {
  Request& request = turn.context.request;
  if (!turn.match.options.inflate) return std::nullopt;
  const auto coding = request.headers.Get("Content-Encoding");
  if (!coding || azmon::base::EqualsIgnoreCase(*coding, "identity")) return std::nullopt;
  if (!azmon::base::EqualsIgnoreCase(*coding, "gzip") && !azmon::base::EqualsIgnoreCase(*coding, "x-gzip")) {
    Response refused = Response::Problem(415, "the only content coding is gzip");
    refused.headers.Add("Accept-Encoding", "gzip");
    return refused;
  }
  const RouteOptions& options = turn.match.options;
  auto inflated =
      Gunzip(request.body, options.inflated_bytes_max != 0 ? options.inflated_bytes_max : BodyBytesMax(turn.match) * limits::kInflateFactorMax);
  if (!inflated.ok()) return Response::Problem(inflated.error().code == ErrorCode::kTooLarge ? 413 : 400, inflated.error().detail);
  request.body = std::move(inflated).value();
  return std::nullopt;
}

boost::asio::awaitable<void> Connection::Handle(Turn& turn) {
  try {
    turn.response = co_await (*turn.match.handler)(turn.context);
    co_return;
  } catch (const std::exception& error) {
    turn.error_type = TypeName(typeid(error));
    turn.error_detail = error.what();
  } catch (...) {
    turn.error_type = "exception";
  }
  turn.end.is_exception = true;
  turn.response = Response::Problem(500);
}

boost::asio::awaitable<bool> Connection::Exchange() {
  Turn turn(shared_->options);
  const bool has_header = co_await ReadHeader(turn);
  if (!has_header) co_return false;
  Route(turn);
  const bool is_answered = co_await Receive(turn);
  turn.end.error_type = turn.error_type;
  turn.end.error_detail = turn.error_detail;
  bool goes_on = false;
  if (is_answered) {
    if (turn.observer) turn.observer->OnResponse(turn.context, turn.response);
    if (shared_->draining) turn.keep_alive = false;
    goes_on = co_await Answer(turn.context, turn.response, turn.keep_alive, turn.end);
  }
  if (turn.observer) turn.observer->OnEnd(turn.end);
  if (goes_on && !turn.keep_alive) co_await Linger();
  co_return goes_on && turn.keep_alive;
}

boost::asio::awaitable<bool> Connection::Answer(const RequestContext& context, Response& response, bool keep_alive, ExchangeEnd& end) {
  using Framing = ResponseFraming::Body;
  const bool is_head = context.request.method == "HEAD";
  const bool has_no_body = response.status / 100 == 1 || response.status == 204 || response.status == 304;
  ResponseFraming framing;
  framing.version_minor = context.request.version_minor;
  framing.keep_alive = keep_alive;
  if (has_no_body) {
    framing.body = Framing::kNone;
  } else if (response.stream) {
    // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
    framing.body = framing.version_minor == 0 ? Framing::kUntilClose : Framing::kChunked;
    if (framing.version_minor == 0) framing.keep_alive = false;
  } else {
    framing.length = response.body.size();
  }
  end.status = response.status;

  std::string head;
  const bool sends_body = !is_head && !has_no_body && !response.stream && !response.body.empty();
  const bool is_inline = sends_body && response.body.size() <= limits::kInlineBodyBytes;
  head.reserve(512 + (is_inline ? response.body.size() : 0));
  AppendResponseHead(response, framing, loop_.Date(), head);
  if (is_inline) head += response.body.view();
  const auto written = co_await WriteAll(head, sends_body && !is_inline ? response.body.view() : std::string_view());
  if (!written.ok()) {
    end.error_type = written.error().code == ErrorCode::kTimeout ? "write_timeout" : "client_closed";
    co_return false;
  }
  if (is_head || has_no_body || !response.stream) co_return true;
  const bool is_whole = co_await AnswerStream(response, end, framing.body == Framing::kChunked);
  co_return is_whole && framing.keep_alive;
}

boost::asio::awaitable<bool> Connection::AnswerStream(Response& response, ExchangeEnd& end, bool is_chunked) {
  Writer writer(*this, is_chunked);
  writer_ = &writer;
  const auto is_over = std::make_shared<bool>(false);
  struct Leave {
    Connection& connection;
    std::shared_ptr<bool> is_over;
    ~Leave() {
      *is_over = true;
      connection.writer_ = nullptr;
    }
  } leave{*this, is_over};
  boost::asio::co_spawn(loop_.context(), Writer::Watch(shared_from_this(), is_over), boost::asio::detached);

  bool is_whole = true;
  try {
    co_await response.stream(writer);
  } catch (const std::exception&) {
    end.error_type = "exception";
    is_whole = false;
  }
  // Ends the watch, the only operation under way: it must not outlive this connection's next read.
  stream_.Cancel();
  if (writer.is_closed()) {
    end.error_type = "client_closed";
    is_whole = false;
  }
  if (!is_whole) co_return false;
  const auto written = co_await WriteAll(writer.Trailer(), {});
  if (!written.ok()) end.error_type = "client_closed";
  co_return written.ok();
}

}  // namespace net
