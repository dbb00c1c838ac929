// SPDX-License-Identifier: MIT
// order-processor: takes orders and has their receipts written.
#include "services/order-processor/routes.h"
#include "services/order-processor/settings.h"
#include "services/shared/limits.h"
#include "services/shared/service.h"

int main(int argc, char** argv) {
  constexpr services::ProgramInfo kInfo{
      .name = "order-processor", .summary = "Takes orders and has their receipts written.", .flags = {}, .health_port = 9001};
  return services::Main(
      kInfo, argc, argv, [](const services::Flags&) { return order_processor::SettingsFromEnvironment(); },
      [](services::Service& service, const order_processor::Settings& settings) {
        auto receipt = service.MakeOrderPeer("receipt", settings.receipt, services::limits::kPeerTriesMax);
        return services::ServeRoutes(service, order_processor::Routes(std::move(receipt)));
      });
}
