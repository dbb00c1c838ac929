// SPDX-License-Identifier: MIT
// order-processor: takes orders and has their receipts written.
#include <azmon/asio.h>

#include <memory>
#include <span>

#include "services/order-processor/routes.h"
#include "services/order-processor/settings.h"
#include "services/shared/order_client.h"
#include "services/shared/service.h"
#include "services/shared/telemetry.h"

namespace {

constexpr services::ProgramInfo kInfo{
    .name = "order-processor",
    .summary = "Takes orders and has their receipts written.",
    .environment = R"(  HOST, PORT              where to listen (127.0.0.1, 8001)
  HEALTH_PORT             /livez, /readyz, /startupz, /telemetryz (9001; 0: off)
  SERVICE_RECEIPT_API_NAME
                          receipt: host:port, a URL, or an app name
  TELEMETRY               none, azmon or dual (all destinations that are configured)
)",
    .flags = {},
    .health_port = 9001};

}  // namespace

int main(int argc, char** argv) {
  azmon::asio::InstallContext();
  const auto flags = services::ParseFlags(std::span<const char* const>(argv, static_cast<std::size_t>(argc)).subspan(1), kInfo.flags);
  if (const auto exit_code = services::HandleFlags(flags, kInfo)) return *exit_code;
  const auto settings = order_processor::SettingsFromEnvironment();
  if (!settings.ok()) return services::Fail(kInfo.name, settings.error());
  auto telemetry = services::StartTelemetry(kInfo.name, settings->telemetry, azmon::base::ProcessEnvironment());
  const auto make_routes = [&](net::Runtime& runtime) {
    return order_processor::Routes(
        std::make_shared<services::HttpOrderPeer>(services::MakeTracedClient(runtime), "receipt", settings->receipt));
  };
  return services::Run(kInfo.name, settings->listen, make_routes, std::move(telemetry));
}
