// SPDX-License-Identifier: MIT
// Raw sockets and small servers for the tests of net/: what a hostile or broken peer does cannot be said with our own client.
#pragma once

#include <arpa/inet.h>
#include <libdeflate.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace net::testing {

/// Longer than anything in a test takes on a loaded machine; only a hang reaches it.
inline constexpr std::chrono::milliseconds kWatchdog{10'000};

inline std::string Gzip(std::string_view text) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, text.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

class RawSocket {
 public:
  explicit RawSocket(int fd) : fd_(fd) {}
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket& operator=(RawSocket&&) = delete;
  ~RawSocket() { Close(); }

  static RawSocket Connect(std::uint16_t port, int receive_buffer = 0) {
    RawSocket result(::socket(AF_INET, SOCK_STREAM, 0));
    if (receive_buffer != 0) ::setsockopt(result.fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(result.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) result.Close();
    return result;
  }

  bool IsOpen() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void ShutdownSend() { ::shutdown(fd_, SHUT_WR); }

  /// False if the peer is gone.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads what comes next, at most 64 KiB; empty at the end, after an error, and when nothing came in `wait`.
  std::string Read(std::chrono::milliseconds wait = kWatchdog) {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (::poll(&poll_fd, 1, static_cast<int>(wait.count())) != 1) return {};
    std::string bytes(64 * 1024, '\0');
    const auto read = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
    return bytes;
  }

  /// Reads until `text` has come, or the end.
  std::string ReadUntil(std::string_view text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
      const std::string more = Read();
      if (more.empty()) break;
      all += more;
    }
    return all;
  }

  /// Reads to the end of the stream.
  std::string ReadAll() {
    std::string all;
    for (std::string more = Read(); !more.empty(); more = Read()) all += more;
    return all;
  }

  /// Whether the peer closes (or resets) within the watchdog; what it still sends is dropped.
  bool IsClosedByPeer() {
    const auto until = std::chrono::steady_clock::now() + kWatchdog;
    while (std::chrono::steady_clock::now() < until) {
      pollfd poll_fd{fd_, POLLIN, 0};
      if (::poll(&poll_fd, 1, static_cast<int>(kWatchdog.count())) != 1) return false;
      char bytes[4096];
      if (::recv(fd_, bytes, sizeof bytes, 0) <= 0) return true;
    }
    return false;
  }

 private:
  int fd_;
};

/// A listening socket whose other side the test plays itself.
class RawListener {
 public:
  RawListener() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 16) != 0) ::abort();
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~RawListener() { ::close(fd_); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  std::uint16_t port() const { return port_; }
  RawSocket Accept() {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (::poll(&poll_fd, 1, static_cast<int>(kWatchdog.count())) != 1) return RawSocket(-1);
    return RawSocket(::accept(fd_, nullptr, nullptr));
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace net::testing
