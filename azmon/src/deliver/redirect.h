// SPDX-License-Identifier: MIT
// Where ingestion may be redirected to: never to a host that is not the service's own.
//
// Source: exporter spec section 6.5.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace azmon::deliver {

/// Whether the URL's host is one of the service's own.
bool IsTrustedHost(std::string_view url);

/// Where a 307 or 308 leads.
///
/// @param from      the URL that was asked
/// @param base      the URL of the connection string; the target is trusted by its host, not by the last hop's
/// @param location  the header Location, untrusted: absolute, or a path on the same host
/// @return the target, or kMalformed, or kRefused: not https (http on loopback where `base` is so), user info, or a host that is neither
///         the same with the same port nor with `base` under one of the service's domains
Result<std::string> RedirectTarget(std::string_view from, std::string_view base, std::string_view location);

/// How long a redirect is remembered: `max-age` of Cache-Control, at most and by default 12 hours; 0 for no-store and no-cache.
std::chrono::seconds RedirectLifetime(std::string_view cache_control);

}  // namespace azmon::deliver
