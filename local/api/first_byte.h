// SPDX-License-Identifier: MIT
// One port for clear text and TLS, for a server that can do only one of them on a socket of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/runtime.h"

namespace azmon::local {

/// Accepts connections and tells by the first byte of each, which stays unread, whether it begins with TLS. Who sends nothing within
/// limits::kFirstByteTimeout is closed, and so is who comes while limits::kFirstBytesMax others are waited for.
class FirstByteListener {
 public:
  /// Takes the ownership of a connected, non-blocking socket. Called on an event loop; must not block.
  using Take = std::function<void(int descriptor, bool is_tls)>;

  /// The runtime must outlive the listener. @return as net::OpenAcceptor
  static Result<std::unique_ptr<FirstByteListener>> Listen(net::Runtime& runtime, const std::string& host, std::uint16_t port, Take take);
  /// Accepts nothing further; once it has returned, `take` is not called again.
  ~FirstByteListener();
  FirstByteListener(const FirstByteListener&) = delete;
  FirstByteListener& operator=(const FirstByteListener&) = delete;

  std::uint16_t port() const;

 private:
  struct State;
  explicit FirstByteListener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace azmon::local
