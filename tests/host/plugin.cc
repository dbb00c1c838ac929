// SPDX-License-Identifier: MIT
// A plugin with telemetry of its own, for a program that does not know the library.
#include <memory>

#include "scenario.h"

namespace {

azmon::Options Options() {
  azmon::Options options = azmon::host::HostOptions();
  options.globals = azmon::Globals::kLeave;
  return options;
}

}  // namespace

/// @param keeps  the distro is still running when the plugin is unloaded
extern "C" __attribute__((visibility("default"))) int RunPlugin(int producer, int spans, int keeps) {
  auto telemetry = std::make_unique<azmon::Telemetry>(azmon::Configure(Options()));
  if (!telemetry->ok()) return 1;
  // Another distro may have run before, and with it another plugin's provider.
  azmon::host::Tracer() = telemetry->tracer_provider()->GetTracer("plugin");
  azmon::host::TraceAll(static_cast<std::uint64_t>(producer), static_cast<std::uint64_t>(spans));
  if (keeps != 0) (void)telemetry.release();
  return 0;
}
