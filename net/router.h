// SPDX-License-Identifier: MIT
// Which handler answers a request.
//
// Filled once before the server starts, then only read, by all loops at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "net/http.h"

namespace net {

/// One place among a bounded number, given back on every way out; see ServerOptions::admit.
class Permit {
 public:
  Permit() = default;
  /// @param taken  was increased by the caller; must outlive the permit
  explicit Permit(std::atomic<std::size_t>& taken) : taken_(&taken) {}
  Permit(Permit&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~Permit() {
    if (taken_ != nullptr) taken_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::size_t>* taken_ = nullptr;
};

/// What a handler is told. Lives in the connection until the whole answer is written, also while a stream function runs.
struct RequestContext {
  Request request;
  std::chrono::steady_clock::time_point received;  ///< when the first byte of the request arrived
  Deadline deadline;                               ///< by when to answer; the handler keeps to it, the server does not interrupt it
  std::string_view route;                          ///< the matching template, "/orders/{id}"; empty if none matched
  std::vector<std::pair<std::string, std::string>> params;
  const std::atomic<bool>* draining = nullptr;
  Permit permit;  ///< held until the answer is written

  /// The decoded value of a route parameter; empty if the template has no such parameter.
  std::string_view Param(std::string_view name) const;
  /// The server has begun to drain: finish, begin nothing long.
  bool IsStopping() const { return draining != nullptr && draining->load(std::memory_order_relaxed); }
};

/// Answers a request. Runs on the connection's event loop: it must not block (off-load to a thread pool instead). An exception that leaves
/// it becomes a 500 without details.
using Handler = std::function<boost::asio::awaitable<Response>(RequestContext&)>;

struct RouteOptions {
  std::size_t body_bytes_max = 0;      ///< 0: ServerOptions::body_bytes_max. More: 413
  bool inflate = false;                ///< decode `Content-Encoding: gzip` before the handler; other encodings: 415
  std::size_t inflated_bytes_max = 0;  ///< with `inflate`; 0: kInflateFactorMax times body_bytes_max. More: 413
};

class Router {
 public:
  /// @param method   "GET", …; a GET route also answers HEAD, unless HEAD has one
  /// @param pattern  begins with '/'; a segment is literal, "{name}" (one segment, not empty), or, as the last one, "{name*}" (all that
  ///   remains, perhaps nothing). Literal segments win over parameters, parameters over the rest. Literal text is compared with
  ///   the raw path; parameters are percent-decoded, "%2F" included.
  /// Adding a pattern a second time for the same method, or a malformed one, is a programmer error.
  void Add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options = {});

  struct Match {
    const Handler* handler = nullptr;  ///< null: `status` says why
    RouteOptions options;
    std::string_view route;
    std::vector<std::pair<std::string, std::string>> params;
    int status = 200;   ///< 404, 405, or 400 if a parameter is badly encoded
    std::string allow;  ///< with 405, the value of Allow
  };
  /// Thread-safe as long as nothing is added.
  Match Find(std::string_view method, std::string_view path) const;

  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace net
