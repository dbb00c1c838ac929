// SPDX-License-Identifier: MIT
#include "services/shared/health_check.h"

#include <string>
#include <utility>

#include "net/client.h"
#include "net/http.h"
#include "services/shared/limits.h"
#include "services/shared/settings.h"

namespace services {
namespace {

using azmon::Error;
using azmon::ErrorCode;

/// An address that listens on every interface is reached by loopback.
std::string AddressToAsk(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "[::1]";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

azmon::Result<void> CheckHealth(const azmon::base::Environment& environment, std::uint16_t health_port) {
  SettingsReader reader(environment);
  const ListenSettings listen = reader.Listen(0, health_port);
  if (const auto checked = reader.Check(); !checked.ok()) return checked.error();
  if (listen.health_port == 0) return Error{ErrorCode::kBadSetting, "HEALTH_PORT=0: there is no health endpoint to ask"};
  const std::string address = "http://" + AddressToAsk(listen.host) + ":" + std::to_string(listen.health_port);
  auto url = net::Url::Parse(address + "/readyz");
  if (!url.ok()) return Error{ErrorCode::kBadSetting, "HOST='" + listen.host + "' makes no address: " + url.error().detail};
  net::ClientRequest request;
  request.url = std::move(*url);
  const auto response = net::Fetch(std::move(request), limits::kHealthCheckTimeout);
  if (!response.ok()) return Error{ErrorCode::kUnavailable, address + "/readyz does not answer: " + response.error().ToString()};
  if (response->status != 200) return Error{ErrorCode::kRefused, address + "/readyz answered " + std::to_string(response->status)};
  return {};
}

}  // namespace services
