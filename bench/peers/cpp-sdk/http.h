// SPDX-License-Identifier: MIT
// HTTP server and pooled keep-alive client on stock Boost.Beast with C++20 coroutines: one io_context, one thread.
#pragma once
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "telemetry.h"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
template <class T = void>
using Task = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> aw{};
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

inline std::string env(const char* name, const char* def) {
  const char* v = std::getenv(name);
  return v && *v ? v : def;
}

class Client {
 public:
  Client(asio::io_context& io, const std::string& host_port) : io_(io), authority(host_port) {
    auto colon = host_port.find(':');
    host = host_port.substr(0, colon);
    port = colon == std::string::npos ? 80 : std::atoi(host_port.c_str() + colon + 1);
    asio::ip::tcp::resolver r(io);
    endpoint_ = *r.resolve(host, std::to_string(port)).begin();
  }
  // One CLIENT span per call, current only in the headers that are sent.
  Task<Response> send(Request& req, const std::string& name, const otrace::SpanContext& parent, otrace::Tracer& tracer) {
    otrace::StartSpanOptions o;
    o.kind = otrace::SpanKind::kClient;
    o.parent = parent;
    std::string target(req.target()), method(req.method_string());
    SpanPtr span = tracer.StartSpan(name,
                                    {{"http.request.method", method},
                                     {"url.full", "http://" + authority + target},
                                     {"server.address", host},
                                     {"server.port", port},
                                     {"network.protocol.version", "1.1"}},
                                    o);
    inject(req, span);
    req.set(http::field::host, authority);
    req.prepare_payload();
    auto c = take();
    if (!c->socket.is_open()) {
      co_await c->socket.async_connect(endpoint_, aw);
      c->socket.set_option(asio::ip::tcp::no_delay(true));
    }
    Response res;
    co_await http::async_write(c->socket, req, aw);
    co_await http::async_read(c->socket, c->buffer, res, aw);
    if (res.keep_alive()) idle_.push_back(std::move(c));
    span->SetAttribute("http.response.status_code", static_cast<int>(res.result_int()));
    if (res.result_int() >= 400) span->SetStatus(otrace::StatusCode::kError);
    span->End();
    co_return res;
  }
  std::string host, authority;
  int port = 80;

 private:
  struct Connection {
    explicit Connection(asio::io_context& io) : socket(io) {}
    Socket socket;
    beast::flat_buffer buffer;
  };
  std::unique_ptr<Connection> take() {
    if (idle_.empty()) return std::make_unique<Connection>(io_);
    auto c = std::move(idle_.back());
    idle_.pop_back();
    return c;
  }
  asio::io_context& io_;
  asio::ip::tcp::endpoint endpoint_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

// Service: Task<Response> orders(const Request&, const SpanContext& parent)
template <class Service>
Task<> session(Socket socket, Service& service, otrace::Tracer& tracer, int port) {
  beast::flat_buffer buffer;
  boost::system::error_code ec;
  socket.set_option(asio::ip::tcp::no_delay(true), ec);
  std::string peer = socket.remote_endpoint(ec).address().to_string();
  try {
    for (;;) {
      Request req;
      co_await http::async_read(socket, buffer, req, aw);
      otrace::StartSpanOptions o;
      o.kind = otrace::SpanKind::kServer;
      o.parent = extract_parent(req);
      std::string method(req.method_string()), target(req.target()), agent(req[http::field::user_agent]);
      SpanPtr span = tracer.StartSpan(method + " " + target,
                                      {{"http.request.method", method},
                                       {"url.scheme", "http"},
                                       {"url.path", target},
                                       {"http.route", target},
                                       {"server.address", "127.0.0.1"},
                                       {"server.port", port},
                                       {"network.protocol.version", "1.1"},
                                       {"client.address", peer},
                                       {"user_agent.original", agent}},
                                      o);
      Response res;
      if (req.method() == http::verb::post && target == "/orders") {
        try {
          res = co_await service.orders(req, span->GetContext());
        } catch (const std::exception& e) {
          res.result(http::status::internal_server_error);
          res.body() = "{\"success\":false}";
          span->SetStatus(otrace::StatusCode::kError, e.what());
        }
      } else {
        res.result(target == "/" ? http::status::ok : http::status::not_found);
      }
      res.set(http::field::content_type, "application/json");
      res.keep_alive(req.keep_alive());
      res.prepare_payload();
      span->SetAttribute("http.response.status_code", static_cast<int>(res.result_int()));
      co_await http::async_write(socket, res, aw);
      span->End();
      if (!req.keep_alive()) break;
    }
  } catch (const std::exception&) {
  }
}

template <class Service>
Task<> accept_loop(Acceptor& acceptor, Service& service, otrace::Tracer& tracer, int port) {
  for (;;) {
    Socket s = co_await acceptor.async_accept(aw);
    asio::co_spawn(acceptor.get_executor(), session(std::move(s), service, tracer, port), asio::detached);
  }
}

template <class Service, class... Args>
int run_service(Args&&... args) {
  setup_telemetry();
  asio::io_context io(1);
  auto tracer = otrace::Provider::GetTracerProvider()->GetTracer("peer");
  Service service(io, *tracer, std::forward<Args>(args)...);
  int port = std::atoi(env("PORT", "8080").c_str());
  Acceptor acceptor(io, {asio::ip::make_address(env("HOST", "127.0.0.1")), static_cast<unsigned short>(port)});
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](auto, int) { io.stop(); });
  asio::co_spawn(io, accept_loop(acceptor, service, *tracer, port), asio::detached);
  io.run();
  shutdown_telemetry();
  return 0;
}
