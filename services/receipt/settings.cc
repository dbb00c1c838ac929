// SPDX-License-Identifier: MIT
#include "services/receipt/settings.h"

namespace receipt {

azmon::Result<Settings> SettingsFromEnvironment(const azmon::base::Environment& environment) {
  services::SettingsReader reader(environment);
  Settings settings;
  settings.common = reader.Common(8002, 9002);
  settings.storage = services::ReadStorageSettings(reader);
  if (const auto checked = reader.Check(); !checked.ok()) return checked.error();
  return settings;
}

}  // namespace receipt
