// SPDX-License-Identifier: MIT
// The parts of an http or https URL, as far as destinations and redirects need them.
//
// Not a general parser: what is not plainly `http[s]://[userinfo@]host[:port][/path][?query]` is refused. Source: RFC 3986 section 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace azmon::transport {

struct Url {
  std::string scheme;    ///< "http" or "https"
  std::string userinfo;  ///< empty if none
  std::string host;      ///< lower case; an IPv6 address without brackets
  std::uint16_t port = 0;  ///< the scheme's default if none is written
  bool has_port = false;   ///< a port is written
  std::string path;      ///< with query, as written; empty or beginning with '/' or '?'

  /// "https://host:port", the port only if it is written, IPv6 addresses in brackets.
  std::string Origin() const;
};

/// @return nullopt for other schemes, an empty or impossible host, a port out of 1 to 65535, blanks, controls or bytes above 0x7E
std::optional<Url> ParseUrl(std::string_view text);

/// "localhost", a name below it, 127.0.0.0/8 or ::1.
bool IsLoopback(std::string_view host);

}  // namespace azmon::transport
