// SPDX-License-Identifier: MIT
// The life of a service: listen, answer, drain at SIGTERM, hand over the telemetry, end.
//
// A program is Main<Settings>(info, arguments, how its settings are read, what it does with a Service); one that only serves routes is
// ServeRoutes.
#pragma once

#include <azmon/asio.h>
#include <azmon/azmon.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/client.h"
#include "net/router.h"
#include "net/runtime.h"
#include "net/server.h"
#include "services/shared/flags.h"
#include "services/shared/order_client.h"
#include "services/shared/security.h"
#include "services/shared/settings.h"

namespace services {

/// Exit codes of every program of ours.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// How long the destinations may take for what is left at the end.
inline constexpr std::chrono::milliseconds kTelemetryShutdown{5000};

/// What a program says of itself.
struct ProgramInfo {
  std::string_view name;
  std::string_view summary;       ///< one sentence
  std::span<const FlagSpec> flags;
  std::uint16_t health_port = 0;  ///< HEALTH_PORT where it is not set
};

/// Answers --help, --version and --health, and tells wrong flags on stderr.
/// @return the exit code if the program has nothing more to do
std::optional<int> HandleFlags(const Flags& flags, const ProgramInfo& info);

/// Writes why the program cannot start to stderr.
/// @return the exit code: kExitUsage for settings, else kExitFailed
int Fail(std::string_view program, const azmon::Error& error);

/// The endpoints on HEALTH_PORT: /livez, /readyz, /startupz, /telemetryz.
///
/// A server of its own, so that a flood of orders does not hide a live service, and nothing of it is reachable on the service's port.
class HealthServer {
 public:
  /// @param port  0: no server
  /// @param telemetry  may be null
  static azmon::Result<std::unique_ptr<HealthServer>> Start(net::Runtime& runtime, const ListenSettings& listen,
                                                            const azmon::Telemetry* telemetry);

  /// Ready answers 503 before SetReady(true) and after SetReady(false).
  void SetReady(bool is_ready) { *is_ready_ = is_ready; }

 private:
  explicit HealthServer(std::shared_ptr<std::atomic<bool>> is_ready) : is_ready_(std::move(is_ready)) {}
  std::shared_ptr<std::atomic<bool>> is_ready_;
  std::unique_ptr<net::Server> server_;
};

/// Who is let in to a service's port, and how many at once. `/healthz` always is.
///
/// Decides when a request's header is there, before its body is read: 401 for a caller who is not known, 503 with Retry-After for one too many.
class Admission {
 public:
  Admission(const Security& security, std::size_t requests_max) : security_(security), requests_max_(requests_max) {}

  /// For net::ServerOptions::admit; any loop.
  std::optional<net::Response> operator()(net::RequestContext& context);

  std::size_t requests() const { return requests_.load(std::memory_order_relaxed); }

 private:
  const Security& security_;
  const std::size_t requests_max_;
  std::atomic<std::size_t> requests_{0};
};

/// What a running program has: telemetry, event loops, health endpoints, credentials, and, after Listen(), a server.
class Service {
 public:
  /// @return kBadSetting for credentials that cannot be read, kUnavailable for a health port that is taken
  static azmon::Result<std::unique_ptr<Service>> Start(const ProgramInfo& info, const CommonSettings& settings);
  ~Service();

  const ProgramInfo& info() const { return info_; }
  net::Runtime& runtime() { return *runtime_; }

  /// A client whose calls are traced, for peers of ours: shows our certificate, trusts TLS_CA_FILE.
  std::shared_ptr<net::Client> MakePeerClient();
  /// A client whose calls are traced, for everybody else: shows nothing.
  std::shared_ptr<net::Client> MakeClient();
  /// A service of ours that takes orders, with our token.
  std::shared_ptr<HttpOrderPeer> MakeOrderPeer(std::string name, const net::Url& origin, int tries_max);

  /// Serves the routes and /healthz on PORT. Once.
  azmon::Result<void> Listen(net::Router router);
  void SetReady(bool is_ready) { health_->SetReady(is_ready); }
  /// Credentials that change on disk are taken over from now on. After the last client and the server were made.
  void WatchCredentials() { security_->Watch(); }

  /// Not ready any more; stops accepting and finishes what is in flight.
  void Drain();
  /// Hands over the telemetry and ends the loops. @return `code`
  int End(int code);

 private:
  Service(const ProgramInfo& info, const CommonSettings& settings) : info_(info), settings_(settings) {}

  const ProgramInfo info_;
  const CommonSettings settings_;
  std::optional<azmon::Telemetry> telemetry_;
  std::unique_ptr<Security> security_;
  std::unique_ptr<net::Runtime> runtime_;
  std::unique_ptr<HealthServer> health_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<net::Server> server_;
};

/// Fail() for a service that has started: ends it first.
int Fail(Service& service, const azmon::Error& error);

/// Serves until SIGTERM or SIGINT. @return the program's exit code
int ServeRoutes(Service& service, net::Router router);

/// The main function of every service.
///
/// @param read  (const Flags&) -> Result<Settings>; Settings has a CommonSettings `common`
/// @param run   (Service&, const Settings&) -> exit code
template <typename Read, typename Run>
int Main(const ProgramInfo& info, int argc, char** argv, const Read& read, const Run& run) {
  azmon::asio::InstallContext();
  const auto flags = ParseFlags(std::span<const char* const>(argv, static_cast<std::size_t>(argc)).subspan(1), info.flags);
  if (const auto exit_code = HandleFlags(flags, info)) return *exit_code;
  const auto settings = read(flags);
  if (!settings.ok()) return Fail(info.name, settings.error());
  auto service = Service::Start(info, settings->common);
  if (!service.ok()) return Fail(info.name, service.error());
  return run(**service, *settings);
}

}  // namespace services
