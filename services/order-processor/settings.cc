// SPDX-License-Identifier: MIT
#include "services/order-processor/settings.h"

namespace order_processor {

azmon::Result<Settings> SettingsFromEnvironment(const azmon::base::Environment& environment) {
  services::SettingsReader reader(environment);
  Settings settings;
  settings.common = reader.Common(8001, 9001);
  settings.receipt = reader.Peer("SERVICE_RECEIPT_API_NAME", "127.0.0.1:8002");
  if (const auto checked = reader.Check(); !checked.ok()) return checked.error();
  return settings;
}

}  // namespace order_processor
