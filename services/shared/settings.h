// SPDX-License-Identifier: MIT
// Settings of the services, read once at start. Every problem is collected, so that a person sees all of them at the first try.
//
// Pure: takes an Environment and flags, opens nothing. What the variables mean is the services' contract (docs/running.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/result.h"
#include "net/http.h"
#include "services/shared/limits.h"
#include "services/shared/log.h"

namespace services {

/// Where a service listens.
struct ListenSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::uint16_t health_port = 0;  ///< 0: no health listener
};

/// Which of the configured telemetry destinations are used (TELEMETRY).
enum class TelemetryChoice {
  kAll,    ///< unset: whatever is configured
  kNone,   ///< none
  kAzure,  ///< azmon: Application Insights alone
  kDual,   ///< dual: both
};

/// Who may call, and how we show who we are. Files are read by security.h.
struct SecuritySettings {
  std::vector<std::string> tokens;  ///< secret; the first is the one that we show
  std::string tokens_file;
  std::string certificate_file, key_file;
  std::string ca_file;
  std::string client_ca_file;
  std::vector<std::string> client_names;
  std::string client_names_file;

  bool HasTokens() const { return !tokens.empty() || !tokens_file.empty(); }
  /// Whether a caller must show anything.
  bool AuthenticatesCallers() const { return HasTokens() || !client_ca_file.empty(); }
};

/// What every service reads.
struct CommonSettings {
  ListenSettings listen;
  SecuritySettings security;
  LogSettings log;
  std::size_t requests_max = limits::kRequestsMax;
  TelemetryChoice telemetry = TelemetryChoice::kAll;
};

/// Whether a token is fit to be one: 16 to 512 visible ASCII characters.
bool IsToken(std::string_view text);

/// Whether a host is one that never leaves the machine: 127.0.0.0/8, ::1 or localhost.
bool IsLoopback(std::string_view host);

/// Reads a peer's address: `host:port`, `http://host[:port][/]`, `https://…`, or a bare app name, which means http://NAME.
/// @return a URL with the target "/", or kMalformed or kUnsupported with what is wrong
azmon::Result<net::Url> ParsePeer(std::string_view text);

/// Reads variables and collects what is wrong with them.
class SettingsReader {
 public:
  explicit SettingsReader(const azmon::base::Environment& environment) : environment_(environment) {}

  const azmon::base::Environment& environment() const { return environment_; }

  std::string Text(std::string_view name, std::string_view otherwise) const;
  /// A port; 0 is one that the system chooses, or "off" for HEALTH_PORT.
  std::uint16_t Port(std::string_view name, std::uint16_t otherwise);
  std::int64_t Integer(std::string_view name, std::string_view text, std::int64_t least, std::int64_t most, std::int64_t otherwise);
  double Number(std::string_view name, std::string_view text, double above, double most, double otherwise);
  /// A peer that must be named.
  net::Url Peer(std::string_view name, std::string_view example);
  ListenSettings Listen(std::uint16_t port, std::uint16_t health_port);
  TelemetryChoice Telemetry();
  SecuritySettings Security();
  LogSettings Log();
  /// All that every service reads. Listening beyond loopback without authenticated callers is a problem unless ALLOW_UNAUTHENTICATED says so.
  /// @param serves  whether PORT is listened on
  CommonSettings Common(std::uint16_t port, std::uint16_t health_port, bool serves = true);

  void AddProblem(std::string problem) { problems_.push_back(std::move(problem)); }
  const std::vector<std::string>& problems() const { return problems_; }

  /// kBadSetting with all problems, one a line; success if there are none.
  azmon::Result<void> Check() const;

 private:
  const azmon::base::Environment& environment_;
  std::vector<std::string> problems_;
};

}  // namespace services
