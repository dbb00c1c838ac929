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

bool IsToken(std::string_view text) {
  return text.size() >= limits::kTokenCharsMin && text.size() <= limits::kTokenCharsMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

SecuritySettings SettingsReader::Security() {
  SecuritySettings security;
  for (const std::string_view name : {"SERVICE_TOKEN", "SERVICE_TOKEN_PREVIOUS"}) {
    auto token = environment_.Get(name);
    if (!token) continue;
    // The value stays out of the message: it is a secret, if a bad one.
    if (!IsToken(*token)) AddProblem(std::string(name) + " must have 16 to 512 visible ASCII characters and no blanks");
    security.tokens.push_back(std::move(*token));
  }
  if (environment_.Get("SERVICE_TOKEN_PREVIOUS") && !environment_.Get("SERVICE_TOKEN")) AddProblem("SERVICE_TOKEN_PREVIOUS needs SERVICE_TOKEN");
  security.tokens_file = Text("SERVICE_TOKENS_FILE", "");
  if (!security.tokens_file.empty() && !security.tokens.empty()) AddProblem("SERVICE_TOKENS_FILE and SERVICE_TOKEN are both set: one of them");
  security.certificate_file = Text("TLS_CERT_FILE", "");
  security.key_file = Text("TLS_KEY_FILE", "");
  if (security.certificate_file.empty() != security.key_file.empty()) AddProblem("TLS_CERT_FILE and TLS_KEY_FILE belong together");
  security.ca_file = Text("TLS_CA_FILE", "");
  security.client_ca_file = Text("TLS_CLIENT_CA_FILE", "");
  const std::string names = Text("TLS_CLIENT_NAMES", "");
  for (const std::string_view name : azmon::base::Split(names, ',')) {
    if (const auto trimmed = azmon::base::Trim(name); !trimmed.empty()) security.client_names.emplace_back(trimmed);
  }
  security.client_names_file = Text("TLS_CLIENT_NAMES_FILE", "");
  const bool has_names = !security.client_names.empty() || !security.client_names_file.empty();
  if (!security.client_ca_file.empty() && security.certificate_file.empty()) AddProblem("TLS_CLIENT_CA_FILE needs TLS_CERT_FILE and TLS_KEY_FILE");
  if (security.client_ca_file.empty() == has_names) {
    AddProblem("TLS_CLIENT_CA_FILE and TLS_CLIENT_NAMES or TLS_CLIENT_NAMES_FILE belong together: an authority without names would let in everybody it knows");
  }
  return security;
}

LogSettings SettingsReader::Log() {
  LogSettings log;
  const std::string level = Text("LOG_LEVEL", "info");
  constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error", "off"};
  const auto found = std::ranges::find_if(kLevels, [&](std::string_view name) { return EqualsIgnoreCase(name, level); });
  if (found == std::end(kLevels)) {
    AddProblem("LOG_LEVEL='" + level + "' must be debug, info, warn, error or off");
  } else {
    log.level = static_cast<LogLevel>(found - std::begin(kLevels));
  }
  const std::string format = Text("LOG_FORMAT", "auto");
  constexpr std::string_view kFormats[] = {"auto", "text", "json"};
  const auto form = std::ranges::find_if(kFormats, [&](std::string_view name) { return EqualsIgnoreCase(name, format); });
  if (form == std::end(kFormats)) {
    AddProblem("LOG_FORMAT='" + format + "' must be auto, text or json");
  } else {
    log.format = static_cast<LogFormat>(form - std::begin(kFormats));
  }
  return log;
}

CommonSettings SettingsReader::Common(std::uint16_t port, std::uint16_t health_port, bool serves) {
  CommonSettings common;
  common.listen = Listen(port, health_port);
  common.security = Security();
  common.log = Log();
  if (const auto text = environment_.Get("MAX_REQUESTS")) {
    common.requests_max = static_cast<std::size_t>(Integer("MAX_REQUESTS", *text, 1, limits::kRequestsMaxMax, limits::kRequestsMax));
  }
  common.telemetry = Telemetry();
  const std::string allow = Text("ALLOW_UNAUTHENTICATED", "false");
  if (!EqualsIgnoreCase(allow, "true") && !EqualsIgnoreCase(allow, "false")) AddProblem("ALLOW_UNAUTHENTICATED='" + allow + "' must be true or false");
  if (serves && !common.security.AuthenticatesCallers() && !IsLoopback(common.listen.host) && !EqualsIgnoreCase(allow, "true")) {
    AddProblem("HOST='" + common.listen.host + "' is reachable by others, and nobody is authenticated: set SERVICE_TOKEN, SERVICE_TOKENS_FILE or "
               "TLS_CLIENT_CA_FILE, or ALLOW_UNAUTHENTICATED=true where something else keeps strangers out");
  }
  return common;
}

Result<void> SettingsReader::Check() const {
  if (problems_.empty()) return {};
  std::string all;
  for (const std::string& problem : problems_) all += (all.empty() ? "" : "\n") + problem;
  return Error{ErrorCode::kBadSetting, std::move(all)};
}

}  // namespace services
