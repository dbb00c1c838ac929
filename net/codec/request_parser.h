// SPDX-License-Identifier: MIT
// Turns bytes from a stranger into a Request, or into the status that refuses them.
//
// Beast's parser does the grammar; around it stand the checks that it lacks, because a shape that two servers read differently is how requests are
// smuggled past a proxy: obs-fold, bare CR or LF, NUL, a Transfer-Encoding other than exactly "chunked", any on HTTP/1.0 or beside
// Content-Length, a repeated or listed Content-Length, none or several Hosts, a foreign absolute-form. No sockets, no clock: the
// connection feeds it, and so does the fuzzer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/limits.h"

namespace net {

struct RequestLimits {
  std::size_t header_bytes_max = limits::kHeaderBytesMax;
  std::size_t header_fields_max = limits::kHeaderFieldsMax;
  std::size_t target_bytes_max = limits::kTargetBytesMax;
};

/// Why a message is not taken.
struct Refusal {
  int status = 400;
  std::string_view reason;  ///< static text, few values: for counters
  std::string_view detail;  ///< static text, for the peer
};

class RequestParser {
 public:
  enum class State {
    kHeader,   ///< the header is not complete
    kBody,     ///< the header is; the body is not
    kDone,
    kRefused,  ///< for good
  };

  explicit RequestParser(RequestLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Reads from the head of `bytes`, which must begin where the last call stopped. A header is taken whole or not at all, a body as it comes.
  /// Stops when the header becomes complete, so that the caller can set the body's limit.
  /// @return bytes consumed; less than given means: more is needed, or the state changed
  std::size_t Feed(std::string_view bytes);

  State state() const;
  const Refusal& refusal() const;

  /// Largest body; call it in the state kBody. A larger announced or chunked body turns the state to kRefused with 413.
  void LimitBody(std::size_t bytes_max);

  /// Valid from kBody or kDone on; the body from kDone on.
  Request& request();
  bool keep_alive() const;
  bool expects_continue() const;

 private:
  class Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace net
