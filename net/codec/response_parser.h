// SPDX-License-Identifier: MIT
// Turns a server's bytes into a Response. Interim answers (1xx) are skipped here; 101 is refused, as nothing here upgrades.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http.h"
#include "net/limits.h"

namespace net {

struct ResponseLimits {
  std::size_t header_bytes_max = limits::kResponseHeaderBytesMax;
  std::size_t body_bytes_max = limits::kResponseBodyBytesMax;
};

class ResponseParser {
 public:
  /// @param is_head  the request was HEAD: no body follows, whatever the header says
  ResponseParser(ResponseLimits limits, bool is_head);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  /// Reads from the head of `bytes`, which must begin where the last call stopped.
  /// @return bytes consumed, or kMalformed or kTooLarge; after an error the parser is of no more use
  Result<std::size_t> Feed(std::string_view bytes);
  /// The connection ended. An error (kMalformed) if the answer is not whole.
  Result<void> FeedEnd();

  bool IsDone() const;
  /// The connection may serve another request; valid when done.
  bool keep_alive() const;
  Response& response();

 private:
  class Sink;
  std::unique_ptr<Sink> sink_;
  ResponseLimits limits_;
  bool is_head_;
  int interim_ = 0;
};

}  // namespace net
