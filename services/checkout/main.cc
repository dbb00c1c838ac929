// SPDX-License-Identifier: MIT
// checkout: places orders, one line each on stdout.
#include <azmon/asio.h>

#include <atomic>
#include <future>
#include <memory>
#include <span>

#include "services/checkout/order_stream.h"
#include "services/checkout/settings.h"
#include "services/shared/console.h"
#include "services/shared/limits.h"
#include "services/shared/order_client.h"
#include "services/shared/service.h"
#include "services/shared/telemetry.h"

namespace {

const services::ProgramInfo kInfo{
    .name = "checkout",
    .summary = "Places orders, one line each on stdout; exits 0 only if all succeeded.",
    .environment = R"(  SERVICE_ORDER_PROCESSOR_API_NAME
                          order-processor: host:port, a URL, or an app name
  ORDER_RATE, ORDER_COUNT as --rate and --count, which win
  HOST, HEALTH_PORT       /livez, /readyz, /startupz, /telemetryz (127.0.0.1, 9000; 0: off)
  TELEMETRY               none, azmon or dual (all destinations that are configured)
)",
    .flags = checkout::FlagSpecs(),
    .health_port = 9000};

/// Places the orders; ends when all are placed, or after a signal when those in flight have ended.
int PlaceOrders(const checkout::Settings& settings, std::optional<azmon::Telemetry> telemetry) {
  net::Runtime runtime(services::ServiceRuntimeOptions());
  auto health = services::HealthServer::Start(runtime, settings.listen, telemetry ? &*telemetry : nullptr);
  if (!health.ok()) return services::Fail(kInfo.name, health.error());

  std::atomic<std::uint64_t> failed = 0;
  const auto report = [&failed](const checkout::Placed& placed) {
    if (!placed.failure.empty()) ++failed;
    services::PrintLine(placed.ToLine());
  };
  auto peer =
      std::make_shared<services::HttpOrderPeer>(services::MakeTracedClient(runtime), "order-processor", settings.order_processor);
  const checkout::OrderStreamOptions options{
      .rate_per_s = settings.rate_per_s, .count = settings.count, .in_flight_max = services::limits::kOrdersInFlightMax};
  const auto stream = std::make_shared<checkout::OrderStream>(runtime, std::move(peer), options, report);
  std::promise<void> done;
  stream->Start([&] {
    done.set_value();
    runtime.RequestStop();
  });
  (*health)->SetReady(true);

  runtime.WaitForStop();
  (*health)->SetReady(false);
  stream->Stop();
  // Every order ends at its deadline at the latest, so this wait does.
  done.get_future().wait();
  if (telemetry && !telemetry->Shutdown(services::kTelemetryShutdown)) {
    services::PrintNotice(kInfo.name, "not all telemetry was delivered before the end");
  }
  (*health).reset();
  runtime.Stop();
  return failed == 0 ? services::kExitDone : services::kExitFailed;
}

}  // namespace

int main(int argc, char** argv) {
  azmon::asio::InstallContext();
  const auto flags = services::ParseFlags(std::span<const char* const>(argv, static_cast<std::size_t>(argc)).subspan(1), kInfo.flags);
  if (const auto exit_code = services::HandleFlags(flags, kInfo)) return *exit_code;
  const auto settings = checkout::SettingsFrom(flags);
  if (!settings.ok()) return services::Fail(kInfo.name, settings.error());
  return PlaceOrders(*settings, services::StartTelemetry(kInfo.name, settings->telemetry, azmon::base::ProcessEnvironment()));
}
