// SPDX-License-Identifier: MIT
// The life of a service: listen, answer, drain at SIGTERM, hand over the telemetry, end.
#pragma once

#include <azmon/azmon.h>

#include <atomic>
#include <chrono>
#include <functional>
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
  std::string_view environment;   ///< its variables, a line each
  std::span<const FlagSpec> flags;
  std::uint16_t health_port = 0;  ///< HEALTH_PORT where it is not set
};

/// Answers --help, --version and --health, and tells wrong flags on stderr.
/// @return the exit code if the program has nothing more to do
std::optional<int> HandleFlags(const Flags& flags, const ProgramInfo& info);

/// Writes why the program cannot start to stderr.
/// @return the exit code: kExitUsage for settings, else kExitFailed
int Fail(std::string_view program, const azmon::Error& error);

/// A client whose calls are traced.
std::shared_ptr<net::Client> MakeTracedClient(net::Runtime& runtime);

/// How the event loops of a service run: contexts follow its coroutines, SIGTERM and SIGINT end it.
net::RuntimeOptions ServiceRuntimeOptions();

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

/// Makes a service's routes on its event loops.
using MakeRoutes = std::function<net::Router(net::Runtime&)>;

/// Serves until SIGTERM or SIGINT: stops accepting, finishes what is in flight, then sends the telemetry.
///
/// Writes one line to stderr when it listens, and why it cannot if it cannot.
/// @param telemetry  may be empty; is shut down here
/// @return the program's exit code
int Run(std::string_view program, const ListenSettings& listen, const MakeRoutes& routes, std::optional<azmon::Telemetry> telemetry);

}  // namespace services
