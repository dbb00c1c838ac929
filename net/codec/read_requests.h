// SPDX-License-Identifier: MIT
// Pipelined requests out of bytes, as a connection reads them; shared by the fuzzer and the differential test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "net/codec/request_parser.h"

namespace net::testing {

/// Reads requests until the bytes end, one is refused, `take` returns false, or `requests_max` were read.
/// @param step  each read brings so many bytes, 1 or more
/// @param take  called with the parser of each whole request
/// @return why one was refused; nullopt where none was
template <typename Take>
std::optional<Refusal> ReadRequests(std::string_view bytes, std::size_t step, std::size_t body_bytes_max, std::size_t requests_max, const Take& take) {
  using State = RequestParser::State;
  std::size_t begin = 0;
  std::size_t end = 0;
  for (std::size_t read = 0; read < requests_max; ++read) {
    RequestParser parser({});
    bool is_limited = false;
    while (true) {
      begin += parser.Feed(bytes.substr(begin, end - begin));
      if (!is_limited && parser.state() == State::kBody) {
        is_limited = true;
        parser.LimitBody(body_bytes_max);
        continue;
      }
      if (parser.state() == State::kDone || parser.state() == State::kRefused) break;
      if (end == bytes.size()) return std::nullopt;
      end = std::min(bytes.size(), end + step);
    }
    if (parser.state() == State::kRefused) return parser.refusal();
    if (!take(parser)) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace net::testing
