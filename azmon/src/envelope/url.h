// SPDX-License-Identifier: MIT
// URLs: what names, targets and URL fields need of them. Contract 3.5 and 3.6, Δ16 and Δ17.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "envelope/attributes.h"
#include "envelope/text_arena.h"

namespace azmon::envelope {

/// A parsed http or https URL.
struct HttpUrl {
  std::string_view scheme;         ///< "http" or "https"
  std::string_view host;           ///< ASCII letters in lower case; brackets of IPv6 kept
  std::optional<std::uint16_t> port;
  std::string_view path;           ///< not normalised; up to ? or #
};

/// Parses as WHATWG's URL parser does, as far as contract 3.6 asks: http and https alone, no punycode, no IPv4 forms.
/// @return nullopt for everything else, for an empty or impossible host and for a port above 65535
std::optional<HttpUrl> ParseHttpUrl(std::string_view url, TextArena& arena);

/// A path as WHATWG's URL parser writes it: dot segments resolved, `\` as `/`, what may not stand there percent-encoded. "" gives "/".
std::string_view NormalisePath(std::string_view path, TextArena& arena);

/// The URL without what stands between `scheme://` and the last `@` of the authority, whether the rest parses or not.
std::string_view RemoveUserInfo(std::string_view url, TextArena& arena);

/// What stands before "://", "" if nothing like a scheme does.
std::string_view SchemeOf(std::string_view url);

/// The port that a value stands for: an integer, a whole double or decimal text, 1 to 65535.
std::optional<std::uint16_t> PortOf(const Value* value);

/// The port that need not be written for a scheme: 80, 443, or none.
std::optional<std::uint16_t> DefaultPort(std::string_view scheme);

/// `host`, in brackets if it is a bare IPv6 address.
std::string_view BracketIpv6(std::string_view host, TextArena& arena);

}  // namespace azmon::envelope
