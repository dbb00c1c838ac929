// SPDX-License-Identifier: MIT
// For tests of the services: a server on a free port, and coroutines awaited from an ordinary thread.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/client.h"
#include "net/router.h"
#include "net/runtime.h"
#include "net/server.h"

namespace services::test {

inline net::Deadline In(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

/// Runs a coroutine on a loop of the runtime and gives what it returns.
template <typename T>
T Await(net::Runtime& runtime, std::function<boost::asio::awaitable<T>()> coroutine) {
  std::optional<T> result;
  runtime.Run([&]() -> boost::asio::awaitable<void> { result.emplace(co_await coroutine()); });
  return std::move(*result);
}

/// A server with its own event loop.
class TestServer {
 public:
  explicit TestServer(net::Router router, net::RuntimeOptions options = {.threads = 1, .handle_signals = false, .bind_executor = {}})
      : runtime_(std::move(options)) {
    auto server = net::Server::Listen(runtime_, {}, std::move(router));
    EXPECT_TRUE(server.ok()) << server.error().ToString();
    server_ = std::move(*server);
  }

  net::Runtime& runtime() { return runtime_; }
  net::Url Url(std::string_view target = "/") const {
    return net::Url::Parse("http://127.0.0.1:" + std::to_string(server_->port()) + std::string(target)).value();
  }

  net::Response Get(std::string_view target) const {
    net::ClientRequest request;
    request.url = Url(target);
    return Fetch(std::move(request));
  }
  net::Response Post(std::string_view target, std::string body,
                     const std::vector<std::pair<std::string, std::string>>& headers = {{"Content-Type", "application/json"}}) const {
    net::ClientRequest request;
    request.method = "POST";
    request.url = Url(target);
    request.body = std::move(body);
    for (const auto& [name, value] : headers) request.headers.Set(name, value);
    return Fetch(std::move(request));
  }

 private:
  static net::Response Fetch(net::ClientRequest request) {
    auto response = net::Fetch(std::move(request));
    EXPECT_TRUE(response.ok()) << response.error().ToString();
    return response.ok() ? std::move(*response) : net::Response{};
  }

  net::Runtime runtime_;
  std::unique_ptr<net::Server> server_;
};

/// Answers every request by the next of its answers (the last one again and again), and keeps what it was asked.
class Script {
 public:
  using Reply = std::function<boost::asio::awaitable<net::Response>(net::RequestContext&)>;

  explicit Script(std::vector<Reply> replies) : state_(std::make_shared<State>()) { state_->replies = std::move(replies); }

  net::Router Router() const {
    net::Router router;
    for (const std::string_view method : {"GET", "POST", "PUT"}) {
      router.Add(method, "/{path*}", [state = state_](net::RequestContext& context) { return state->Next(context); });
    }
    return router;
  }

  std::vector<net::Request> Requests() const {
    const std::lock_guard lock(state_->mutex);
    return state_->requests;
  }

 private:
  struct State {
    boost::asio::awaitable<net::Response> Next(net::RequestContext& context) {
      const std::lock_guard lock(mutex);
      const std::size_t index = std::min(requests.size(), replies.size() - 1);
      requests.push_back(context.request);
      return replies[index](context);
    }
    std::mutex mutex;
    std::vector<Reply> replies;
    std::vector<net::Request> requests;
  };
  std::shared_ptr<State> state_;
};

/// A reply of a fixed status, body and header fields.
inline Script::Reply Fixed(int status, std::string body = {}, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return [=](net::RequestContext&) -> boost::asio::awaitable<net::Response> {
    net::Response response;
    response.status = status;
    response.body = body;
    for (const auto& [name, value] : headers) response.headers.Set(name, value);
    co_return response;
  };
}

}  // namespace services::test
