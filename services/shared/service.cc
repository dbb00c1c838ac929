// SPDX-License-Identifier: MIT
#include "services/shared/service.h"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <utility>

#include "azmon/instrumentation/http/net_hooks.h"
#include "base/text.h"
#include "services/shared/console.h"
#include "services/shared/counts.h"
#include "services/shared/health_check.h"
#include "services/shared/http.h"
#include "services/shared/limits.h"
#include "services/shared/log.h"
#include "services/shared/setting_table.h"
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
              " [flags]\n" + FlagHelp(info.flags) + "\nenvironment:\n" + SettingHelp(ProgramBit(info.name)) +
              "  OTEL_SERVICE_NAME, APPLICATIONINSIGHTS_CONNECTION_STRING, OTLP_EXPORT_ENDPOINT, OTEL_…\n"
              "                            as the library's documentation says");
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

std::optional<net::Response> Admission::operator()(net::RequestContext& context) {
  if (context.route == kHealthRoute) return std::nullopt;
  if (!IsCallerKnown(*security_.Now(), context.request)) {
    Add(Count::kRequestUnauthorized);
    net::Response refused = ToResponse(Unauthorized());
    refused.headers.Set("WWW-Authenticate", "Bearer");
    return refused;
  }
  if (requests_.fetch_add(1, std::memory_order_relaxed) >= requests_max_) {
    requests_.fetch_sub(1, std::memory_order_relaxed);
    Add(Count::kRequestShed);
    return ToResponse(Unavailable("overloaded", "This service has as many requests as it can bear. Send the same order again."));
  }
  context.permit = net::Permit(requests_);
  return std::nullopt;
}

Result<std::unique_ptr<Service>> Service::Start(const ProgramInfo& info, const CommonSettings& settings) {
  std::unique_ptr<Service> service(new Service(info, settings));
  auto security = Security::Load(settings.security);
  if (!security.ok()) return security.error();
  service->security_ = std::move(*security);
  SetUpLog(info.name, settings.log);
  service->telemetry_ = StartTelemetry(info.name, settings.telemetry, azmon::base::ProcessEnvironment());
  PublishCounts();
  net::RuntimeOptions options;
  options.handle_signals = true;
  options.bind_executor = azmon::http::ContextBinding();
  service->runtime_ = std::make_unique<net::Runtime>(std::move(options));
  auto health = HealthServer::Start(*service->runtime_, settings.listen, service->telemetry_ ? &*service->telemetry_ : nullptr);
  if (!health.ok()) return health.error();
  service->health_ = std::move(*health);
  return service;
}

Service::~Service() {
  // Its callbacks use the server.
  security_.reset();
}

std::shared_ptr<net::Client> Service::MakeClient() {
  net::ClientOptions options;
  options.response_bytes_max = limits::kAnswerBytesMax;
  options.hooks = azmon::http::MakeClientHooks();
  return std::make_shared<net::Client>(*runtime_, std::move(options));
}

std::shared_ptr<net::Client> Service::MakePeerClient() {
  net::ClientOptions options;
  options.response_bytes_max = limits::kAnswerBytesMax;
  options.hooks = azmon::http::MakeClientHooks();
  options.tls = security_->Now()->client_tls;
  auto client = std::make_shared<net::Client>(*runtime_, std::move(options));
  security_->OnChange([client = std::weak_ptr(client)](const Credentials& credentials) {
    const auto alive = client.lock();
    const auto changed = alive ? alive->SetTls(credentials.client_tls) : Result<void>();
    if (!changed.ok()) Log(LogLevel::kError, "the new certificate cannot be shown to peers", {{"problem", changed.error().detail}});
  });
  return client;
}

std::shared_ptr<HttpOrderPeer> Service::MakeOrderPeer(std::string name, const net::Url& origin, int tries_max) {
  PeerOptions options{.name = name, .origin = origin, .tries_max = tries_max, .authorization = {}};
  if (settings_.security.HasTokens()) {
    options.authorization = [security = security_.get()] { return "Bearer " + security->Now()->tokens.front(); };
  }
  auto peer = std::make_shared<HttpOrderPeer>(MakePeerClient(), std::move(options));
  AddGauge("peer.breaker.state", "0 closed, 1 half open, 2 open", name, [weak = std::weak_ptr(peer)] {
    const auto alive = weak.lock();
    return alive ? static_cast<std::int64_t>(alive->breaker_state()) : 0;
  });
  return peer;
}

Result<void> Service::Listen(net::Router router) {
  router.Add("GET", kHealthRoute, [](net::RequestContext&) { return Answer(200, R"({"status":"live"})"); });
  admission_ = std::make_unique<Admission>(*security_, settings_.requests_max);
  net::ServerOptions options;
  options.host = settings_.listen.host;
  options.port = settings_.listen.port;
  options.hooks = ServiceHooks();
  options.request_timeout = limits::kOrderDeadline;
  options.tls = security_->Now()->server_tls;
  options.admit = [admission = admission_.get()](net::RequestContext& context) { return (*admission)(context); };
  const bool is_tls = options.tls.has_value();
  auto server = net::Server::Listen(*runtime_, std::move(options), std::move(router));
  if (!server.ok() && server.error().code == ErrorCode::kBadSetting) return server.error();
  if (!server.ok()) return CannotListen(server.error(), "HOST and PORT");
  server_ = std::move(*server);
  if (is_tls) {
    security_->OnChange([this](const Credentials& credentials) {
      const auto changed = server_->SetTls(*credentials.server_tls);
      if (!changed.ok()) Log(LogLevel::kError, "the new certificate cannot be used; the old one stays", {{"problem", changed.error().detail}});
    });
  }
  const std::string url = (is_tls ? "https://" : "http://") + settings_.listen.host + ":" + std::to_string(server_->port());
  Log(LogLevel::kInfo, "listening on " + url);
  return {};
}

void Service::Drain() {
  SetReady(false);
  if (server_ && !server_->Drain(steady_clock::now() + limits::kDrainTimeout)) {
    Log(LogLevel::kWarn, "some requests did not end within the drain time and were cut off");
  }
}

int Service::End(int code) {
  // Every span has ended by now; what the destinations have not taken yet gets this time.
  if (telemetry_ && !telemetry_->Shutdown(kTelemetryShutdown)) PrintNotice(info_.name, "not all telemetry was delivered before the end");
  health_.reset();
  // Calls that were cut off may still ask for our token until their loops have ended.
  runtime_->Stop();
  security_.reset();
  return code;
}

int Fail(Service& service, const Error& error) {
  service.End(kExitFailed);
  return Fail(service.info().name, error);
}

int ServeRoutes(Service& service, net::Router router) {
  if (const auto listening = service.Listen(std::move(router)); !listening.ok()) return Fail(service, listening.error());
  service.WatchCredentials();
  service.SetReady(true);
  service.runtime().WaitForStop();
  service.Drain();
  return service.End(kExitDone);
}

}  // namespace services
