// SPDX-License-Identifier: MIT
// checkout: places orders, one line each on stdout.
#include <atomic>
#include <future>
#include <memory>

#include "services/checkout/order_stream.h"
#include "services/checkout/recent_orders.h"
#include "services/checkout/routes.h"
#include "services/checkout/settings.h"
#include "services/shared/console.h"
#include "services/shared/limits.h"
#include "services/shared/service.h"

namespace {

/// Places the orders, and with --serve takes those that are posted; ends when all are placed (with --serve: never by itself), or after a
/// signal when those in flight have ended.
int PlaceOrders(services::Service& service, const checkout::Settings& settings) {
  std::atomic<std::uint64_t> failed = 0;
  const auto recent = std::make_shared<checkout::RecentOrders>();
  const auto report = [&failed, recent](const checkout::Placed& placed) {
    if (!placed.failure.empty()) ++failed;
    recent->Add(placed);
    services::PrintLine(placed.ToLine());
  };
  // It repeats by itself, so that every try is seen by the order's own patience.
  const auto peer = service.MakeOrderPeer("order-processor", settings.order_processor, 1);
  if (settings.serves) {
    if (const auto listening = service.Listen(checkout::Routes(peer, recent)); !listening.ok()) {
      return services::Fail(service, listening.error());
    }
  }
  const checkout::OrderStreamOptions options{.rate_per_s = settings.rate_per_s,
                                             .count = settings.count,
                                             .in_flight_max = services::limits::kOrdersInFlightMax,
                                             .patience = settings.patience};
  const auto stream = std::make_shared<checkout::OrderStream>(service.runtime(), peer, options, report);
  service.WatchCredentials();
  std::promise<void> done;
  const auto on_done = [&] {
    done.set_value();
    if (!settings.serves) service.runtime().RequestStop();
  };
  if (settings.rate_per_s > 0) {
    stream->Start(on_done);
  } else {
    done.set_value();
  }
  service.SetReady(true);

  service.runtime().WaitForStop();
  service.Drain();
  stream->Stop();
  // Every order ends when its patience does at the latest, so this wait does.
  done.get_future().wait();
  return service.End(failed == 0 ? services::kExitDone : services::kExitFailed);
}

}  // namespace

int main(int argc, char** argv) {
  const services::ProgramInfo info{.name = "checkout",
                                   .summary = "Places orders, one line each on stdout; exits 0 only if all succeeded.",
                                   .flags = checkout::FlagSpecs(),
                                   .health_port = 9000};
  return services::Main(
      info, argc, argv, [](const services::Flags& flags) { return checkout::SettingsFrom(flags); }, PlaceOrders);
}
