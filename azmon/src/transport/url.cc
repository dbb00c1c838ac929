// SPDX-License-Identifier: MIT
#include "transport/url.h"

#include <algorithm>

#include "base/text.h"

namespace azmon::transport {

namespace {

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= 253 && host.front() != '.' && host.front() != '-' && std::ranges::all_of(host, [](char c) {
    return base::IsAlpha(c) || base::IsDigit(c) || c == '-' || c == '.' || c == '_';
  }) && host.find("..") == std::string_view::npos;
}

bool IsIpv6(std::string_view host) {
  return host.size() >= 2 && host.size() <= 45 && host.find(':') != std::string_view::npos && std::ranges::all_of(host, [](char c) {
    const char lower = base::ToLower(c);
    return base::IsDigit(c) || (lower >= 'a' && lower <= 'f') || c == ':' || c == '.';
  });
}

}  // namespace

std::string Url::Origin() const {
  std::string out = scheme + "://";
  const bool is_ipv6 = host.find(':') != std::string::npos;
  if (is_ipv6) out += '[';
  out += host;
  if (is_ipv6) out += ']';
  if (has_port) out += ":" + std::to_string(port);
  return out;
}

std::optional<Url> ParseUrl(std::string_view text) {
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; })) return std::nullopt;
  Url url;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  url.scheme = base::ToLower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  std::string_view rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, end);
  rest.remove_prefix(end);
  url.path = rest.substr(0, rest.find('#'));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    url.userinfo = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    if (url.userinfo.empty()) url.userinfo = ":";
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host = base::ToLower(authority.substr(1, close - 1));
    if (!IsIpv6(url.host)) return std::nullopt;
    const std::string_view behind = authority.substr(close + 1);
    if (!behind.empty()) {
      if (behind.front() != ':') return std::nullopt;
      url.has_port = true;
      port = behind.substr(1);
    }
  } else {
    const std::size_t separator = authority.find(':');
    url.host = base::ToLower(authority.substr(0, separator));
    if (!IsHostName(url.host)) return std::nullopt;
    if (separator != std::string_view::npos) {
      url.has_port = true;
      port = authority.substr(separator + 1);
    }
  }
  if (!url.has_port) {
    url.port = url.scheme == "https" ? 443 : 80;
    return url;
  }
  const auto number = base::ParseInteger<std::uint16_t>(port);
  if (!number || *number == 0) return std::nullopt;
  url.port = *number;
  return url;
}

bool IsLoopback(std::string_view host) {
  if (host == "localhost" || host == "::1" || host.ends_with(".localhost")) return true;
  // A name such as 127.example.com is none.
  return host.starts_with("127.") && std::ranges::all_of(host, [](char c) { return base::IsDigit(c) || c == '.'; });
}

}  // namespace azmon::transport
