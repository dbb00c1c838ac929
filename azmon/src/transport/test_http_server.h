// SPDX-License-Identifier: MIT
// A real HTTP/1.1 server on a free loopback port for tests: a thread for each connection, behaviour by a function.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/text.h"

namespace azmon::transport {

class TestHttpServer {
 public:
  struct Request {
    std::string head;
    std::string body;
    int connection = 0;  ///< its number, from 1
  };
  /// Called on the connections' threads. @return the bytes to send; empty: nothing is sent. Ends with "RESET": the connection is reset behind the bytes before it
  using Handler = std::function<std::string(const Request&)>;

  static std::string Answer(int status, std::string_view body = "", std::string_view headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + std::string(headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }

  explicit TestHttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    AZMON_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(listener_, 64) == 0);
    socklen_t size = sizeof address;
    AZMON_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  TestHttpServer(const TestHttpServer&) = delete;
  TestHttpServer& operator=(const TestHttpServer&) = delete;
  ~TestHttpServer() {
    is_stopping_ = true;
    thread_.join();
    ::close(listener_);
  }

  int Port() const { return port_; }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Request> Requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  /// Waits in small steps, so that the test's end is seen.
  bool Readable(int fd) const {
    while (!is_stopping_) {
      pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
      if (::poll(&one, 1, 20) > 0) return true;
    }
    return false;
  }
  void Run() {
    int connections = 0;
    std::vector<std::thread> serving;
    while (Readable(listener_)) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      serving.emplace_back([this, fd, number = ++connections] {
        Serve(fd, number);
        ::close(fd);
      });
    }
    for (auto& thread : serving) thread.join();
  }
  void Serve(int fd, int connection) {
    std::string input;
    for (;;) {
      std::size_t head_end = 0;
      std::size_t length = 0;
      for (;;) {
        head_end = input.find("\r\n\r\n");
        if (head_end != std::string::npos) {
          const std::string lower = base::ToLower(input.substr(0, head_end));
          const std::size_t at = lower.find("content-length:");
          length = at == std::string::npos ? 0 : static_cast<std::size_t>(std::atoll(lower.c_str() + at + 15));
          if (input.size() >= head_end + 4 + length) break;
        }
        char buffer[65536];
        if (!Readable(fd)) return;
        const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
        if (count <= 0) return;
        input.append(buffer, static_cast<std::size_t>(count));
      }
      const Request request{.head = input.substr(0, head_end), .body = input.substr(head_end + 4, length), .connection = connection};
      input.erase(0, head_end + 4 + length);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      std::string answer = handler_(request);
      const bool must_reset = answer.ends_with("RESET");
      if (must_reset) answer.resize(answer.size() - 5);
      if (!answer.empty()) static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
      if (must_reset) {
        const linger abort{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        return;
      }
    }
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> is_stopping_{false};
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

/// A loopback port on which nobody listens.
inline std::string RefusingUrl() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  AZMON_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  AZMON_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

}  // namespace azmon::transport
