// SPDX-License-Identifier: MIT
// Writes the heads of messages. Pure functions; fields that may not go onto the wire are left out (IsSendable).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http.h"

namespace net {

struct ResponseFraming {
  enum class Body { kLength, kChunked, kUntilClose, kNone };
  Body body = Body::kLength;
  std::uint64_t length = 0;
  bool keep_alive = true;
  int version_minor = 1;  ///< of the request
};

/// Appends status line, Date, framing and the response's own fields, with the empty line.
/// @param date  as HttpDate() gives it
void AppendResponseHead(const Response& response, const ResponseFraming& framing, std::string_view date, std::string& out);

/// Appends request line, Host, Content-Length and the fields; `extra` replaces fields of the same name.
/// @return kMalformed if something of the request cannot be sent as it is
Result<void> AppendRequestHead(const ClientRequest& request, const Headers& extra, std::string& out);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string HttpDate(std::int64_t unix_seconds);

/// The head of a chunk of `size` bytes, with its CRLF.
void AppendChunkHead(std::size_t size, std::string& out);

}  // namespace net
