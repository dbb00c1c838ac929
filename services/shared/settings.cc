// SPDX-License-Identifier: MIT
#include "services/shared/settings.h"

#include <algorithm>

#include "base/text.h"

namespace services {
namespace {

using azmon::Error;
using azmon::ErrorCode;
using azmon::Result;
using azmon::base::EqualsIgnoreCase;
using azmon::base::ParseInteger;

/// Bounds are whole numbers mostly; "10000", not "10000.000000".
std::string Short(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

bool IsLoopback(std::string_view host) {
  if (host == "::1" || EqualsIgnoreCase(host, "localhost")) return true;
  // Only a whole dotted address: "127.evil.example" is a name.
  const auto parts = azmon::base::Split(host, '.');
  return parts.size() == 4 && parts[0] == "127" &&
         std::ranges::all_of(parts, [](std::string_view part) { return ParseInteger<std::uint8_t>(part).has_value(); });
}

Result<net::Url> ParsePeer(std::string_view text) {
  const std::string_view trimmed = azmon::base::Trim(text);
  const bool has_scheme = trimmed.find("://") != std::string_view::npos;
  auto url = net::Url::Parse(has_scheme ? std::string(trimmed) : "http://" + std::string(trimmed));
  if (url.ok() && url->target != "/") return Error{ErrorCode::kMalformed, "it must end after the host and port"};
  return url;
}

std::string SettingsReader::Text(std::string_view name, std::string_view otherwise) const {
  return environment_.Get(name).value_or(std::string(otherwise));
}

std::uint16_t SettingsReader::Port(std::string_view name, std::uint16_t otherwise) {
  const auto text = environment_.Get(name);
  if (!text) return otherwise;
  return static_cast<std::uint16_t>(Integer(name, *text, 0, 65535, otherwise));
}

std::int64_t SettingsReader::Integer(std::string_view name, std::string_view text, std::int64_t least, std::int64_t most,
                                     std::int64_t otherwise) {
  const auto value = ParseInteger<std::int64_t>(text);
  if (value && *value >= least && *value <= most) return *value;
  AddProblem(std::string(name) + "='" + std::string(text) + "' must be an integer from " + std::to_string(least) + " to " +
             std::to_string(most));
  return otherwise;
}

double SettingsReader::Number(std::string_view name, std::string_view text, double above, double most, double otherwise) {
  const auto value = azmon::base::ParseDouble(text);
  if (value && *value > above && *value <= most) return *value;
  AddProblem(std::string(name) + "='" + std::string(text) + "' must be a number above " + Short(above) + " and at most " + Short(most));
  return otherwise;
}

net::Url SettingsReader::Peer(std::string_view name, std::string_view example) {
  const auto text = environment_.Get(name);
  if (!text) {
    AddProblem(std::string(name) + " is not set: it names the peer as host:port, URL or app name, for example " + std::string(example));
    return {};
  }
  auto url = ParsePeer(*text);
  if (!url.ok()) {
    AddProblem(std::string(name) + "='" + *text + "' is no peer address (host:port, http://host:port or an app name): " +
               url.error().detail);
    return {};
  }
  return std::move(*url);
}

ListenSettings SettingsReader::Listen(std::uint16_t port, std::uint16_t health_port) {
  ListenSettings listen;
  listen.host = Text("HOST", "127.0.0.1");
  listen.port = Port("PORT", port);
  listen.health_port = Port("HEALTH_PORT", health_port);
  return listen;
}

TelemetryChoice SettingsReader::Telemetry() {
  const auto text = environment_.Get("TELEMETRY");
  if (!text) return TelemetryChoice::kAll;
  if (EqualsIgnoreCase(*text, "none")) return TelemetryChoice::kNone;
  if (EqualsIgnoreCase(*text, "azmon")) return TelemetryChoice::kAzure;
  if (EqualsIgnoreCase(*text, "dual")) return TelemetryChoice::kDual;
  AddProblem("TELEMETRY='" + *text + "' must be none, azmon or dual, or unset for all destinations that are configured");
  return TelemetryChoice::kAll;
}

Result<void> SettingsReader::Check() const {
  if (problems_.empty()) return {};
  std::string all;
  for (const std::string& problem : problems_) all += (all.empty() ? "" : "\n") + problem;
  return Error{ErrorCode::kBadSetting, std::move(all)};
}

}  // namespace services
