// SPDX-License-Identifier: MIT
#include "services/shared/service.h"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <utility>

#include "azmon/instrumentation/http/net_hooks.h"
#include "base/text.h"
#include "services/shared/console.h"
#include "services/shared/health_check.h"
#include "services/shared/limits.h"
#include "services/shared/telemetry.h"
#include "services/shared/version.h"

namespace services {
namespace {

using azmon::Error;
using azmon::ErrorCode;
using azmon::Result;
using boost::asio::awaitable;
using std::chrono::steady_clock;

constexpr std::string_view kHealthRoute = "/healthz";

awaitable<net::Response> Answer(int status, std::string body) { co_return net::Response::Json(status, std::move(body)); }

/// A span for each request but the probes: they come every few seconds and belong to no order.
net::ServerHooks ServiceHooks() {
  net::ServerHooks hooks = azmon::http::MakeServerHooks();
  auto trace = std::move(hooks.on_request);
  hooks.on_request = [trace = std::move(trace)](const net::RequestContext& context) -> std::unique_ptr<net::ServerObserver> {
    return context.route == kHealthRoute ? nullptr : trace(context);
  };
  return hooks;
}

/// Adds what to do to an address that cannot be bound.
Error CannotListen(const Error& error, std::string_view variables) {
  Error explained = error;
  explained.detail += "; choose another address by " + std::string(variables);
  return explained;
}

}  // namespace

std::optional<int> HandleFlags(const Flags& flags, const ProgramInfo& info) {
  if (flags.help) {
    PrintLine(std::string(info.name) + " " + std::string(kVersion) + ": " + std::string(info.summary) + "\n\nusage: " + std::string(info.name) +
              " [flags]\n" + FlagHelp(info.flags) + "\nenvironment:\n" + std::string(info.environment) +
              "  OTEL_SERVICE_NAME, APPLICATIONINSIGHTS_CONNECTION_STRING, OTLP_EXPORT_ENDPOINT, OTEL_…\n"
              "                          as the library's documentation says");
    return kExitDone;
  }
  if (flags.version) {
    PrintLine(std::string(info.name) + " " + std::string(kVersion));
    return kExitDone;
  }
  for (const std::string& problem : flags.problems) PrintNotice(info.name, problem);
  if (!flags.problems.empty()) return kExitUsage;
  if (flags.health) {
    const auto healthy = CheckHealth(azmon::base::ProcessEnvironment(), info.health_port);
    return healthy.ok() ? kExitDone : Fail(info.name, healthy.error());
  }
  return std::nullopt;
}

int Fail(std::string_view program, const Error& error) {
  if (error.code == ErrorCode::kBadSetting) {
    PrintNotice(program, "cannot start with these settings:");
    for (const std::string_view line : azmon::base::Split(error.detail, '\n')) PrintNotice(program, "  " + std::string(line));
    return kExitUsage;
  }
  PrintNotice(program, error.ToString());
  return kExitFailed;
}

net::RuntimeOptions ServiceRuntimeOptions() {
  net::RuntimeOptions options;
  options.handle_signals = true;
  options.bind_executor = azmon::http::ContextBinding();
  return options;
}

std::shared_ptr<net::Client> MakeTracedClient(net::Runtime& runtime) {
  net::ClientOptions options;
  options.response_bytes_max = limits::kAnswerBytesMax;
  options.hooks = azmon::http::MakeClientHooks();
  return std::make_shared<net::Client>(runtime, std::move(options));
}

Result<std::unique_ptr<HealthServer>> HealthServer::Start(net::Runtime& runtime, const ListenSettings& listen,
                                                          const azmon::Telemetry* telemetry) {
  auto is_ready = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<HealthServer> health(new HealthServer(is_ready));
  if (listen.health_port == 0) return health;
  net::Router router;
  router.Add("GET", "/livez", [](net::RequestContext&) { return Answer(200, R"({"status":"live"})"); });
  const auto ready = [is_ready](net::RequestContext&) {
    return is_ready->load() ? Answer(200, R"({"status":"ready"})") : Answer(503, R"({"status":"not ready"})");
  };
  router.Add("GET", "/readyz", ready);
  auto has_started = std::make_shared<std::atomic<bool>>(false);
  const auto startup = [is_ready, has_started](net::RequestContext&) {
    if (is_ready->load()) has_started->store(true);
    return has_started->load() ? Answer(200, R"({"status":"started"})") : Answer(503, R"({"status":"starting"})");
  };
  router.Add("GET", "/startupz", startup);
  router.Add("GET", "/telemetryz", [telemetry](net::RequestContext&) {
    return Answer(200, HealthJson(telemetry == nullptr ? azmon::Health{} : telemetry->health()));
  });
  net::ServerOptions options;
  options.host = listen.host;
  options.port = listen.health_port;
  auto server = net::Server::Listen(runtime, std::move(options), std::move(router));
  if (!server.ok()) return CannotListen(server.error(), "HOST and HEALTH_PORT (HEALTH_PORT=0: none)");
  health->server_ = std::move(*server);
  return health;
}

int Run(std::string_view program, const ListenSettings& listen, const MakeRoutes& routes, std::optional<azmon::Telemetry> telemetry) {
  net::Runtime runtime(ServiceRuntimeOptions());
  auto health = HealthServer::Start(runtime, listen, telemetry ? &*telemetry : nullptr);
  if (!health.ok()) return Fail(program, health.error());

  net::Router router = routes(runtime);
  router.Add("GET", kHealthRoute, [](net::RequestContext&) { return Answer(200, R"({"status":"live"})"); });
  net::ServerOptions options;
  options.host = listen.host;
  options.port = listen.port;
  options.hooks = ServiceHooks();
  options.request_timeout = limits::kOrderDeadline;
  auto server = net::Server::Listen(runtime, std::move(options), std::move(router));
  if (!server.ok()) return Fail(program, CannotListen(server.error(), "HOST and PORT"));
  PrintNotice(program, "listening on http://" + listen.host + ":" + std::to_string((*server)->port()));
  (*health)->SetReady(true);

  runtime.WaitForStop();
  (*health)->SetReady(false);
  const bool is_drained = (*server)->Drain(steady_clock::now() + limits::kDrainTimeout);
  if (!is_drained) PrintNotice(program, "some requests did not end within the drain time and were cut off");
  // Every span has ended by now; what the destinations have not taken yet gets this time.
  if (telemetry && !telemetry->Shutdown(kTelemetryShutdown)) PrintNotice(program, "not all telemetry was delivered before the end");
  runtime.Stop();
  return kExitDone;
}

}  // namespace services
