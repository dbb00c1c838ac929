// SPDX-License-Identifier: MIT
#include "deliver/redirect.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "transport/url.h"

namespace azmon::deliver {

namespace {

constexpr std::chrono::hours kLifetimeMax{12};

constexpr std::array<std::string_view, 8> kTrustedSuffixes = {
    ".livediagnostics.monitor.azure.com", ".monitor.azure.com", ".services.visualstudio.com", ".applicationinsights.azure.com",
    ".monitor.azure.us", ".applicationinsights.azure.us", ".monitor.azure.cn", ".applicationinsights.azure.cn"};

bool IsTrusted(const transport::Url& base, const transport::Url& target) {
  if (base.host == target.host && base.port == target.port) return true;
  return std::ranges::any_of(kTrustedSuffixes, [&](std::string_view suffix) { return base.host.ends_with(suffix) && target.host.ends_with(suffix); });
}

}  // namespace

bool IsTrustedHost(std::string_view url) {
  const auto parts = transport::ParseUrl(url);
  return parts && std::ranges::any_of(kTrustedSuffixes, [&](std::string_view suffix) { return parts->host.ends_with(suffix); });
}

Result<std::string> RedirectTarget(std::string_view from, std::string_view base, std::string_view location) {
  const auto from_url = transport::ParseUrl(from);
  const auto base_url = transport::ParseUrl(base);
  if (!from_url || !base_url) return Error{.code = ErrorCode::kInternal, .detail = "redirect from no URL"};
  location = base::Trim(location);
  if (location.empty() || location.size() > 2048) return Error{.code = ErrorCode::kMalformed, .detail = "redirect without a usable Location"};
  const bool is_path = location.starts_with('/') && !location.starts_with("//");
  const auto target = transport::ParseUrl(is_path ? from_url->Origin() + std::string(location) : std::string(location));
  if (!target) return Error{.code = ErrorCode::kMalformed, .detail = "redirect to what is no http or https URL"};
  if (!target->userinfo.empty()) return Error{.code = ErrorCode::kRefused, .detail = "redirect to a URL with a user"};
  if (target->scheme != "https" && !(base_url->scheme == "http" && transport::IsLoopback(base_url->host) && transport::IsLoopback(target->host))) {
    return Error{.code = ErrorCode::kRefused, .detail = "redirect to a URL without TLS"};
  }
  if (!IsTrusted(*base_url, *target)) return Error{.code = ErrorCode::kRefused, .detail = "redirect to a foreign host"};
  return target->Origin() + target->path;
}

std::chrono::seconds RedirectLifetime(std::string_view cache_control) {
  std::chrono::seconds lifetime = kLifetimeMax;
  for (const std::string_view piece : base::Split(cache_control, ',')) {
    const std::string directive = base::ToLower(base::Trim(piece));
    if (directive == "no-store" || directive == "no-cache") return std::chrono::seconds(0);
    if (!directive.starts_with("max-age=")) continue;
    const auto age = base::ParseInteger<std::uint32_t>(std::string_view(directive).substr(8));
    if (age) lifetime = std::min(lifetime, std::chrono::seconds(*age));
  }
  return lifetime;
}

}  // namespace azmon::deliver
