// SPDX-License-Identifier: MIT
// What receipt reads of its environment.
#pragma once

#include "base/environment.h"
#include "base/result.h"
#include "services/shared/settings.h"
#include "services/shared/storage_settings.h"

namespace receipt {

struct Settings {
  services::CommonSettings common;
  services::StorageSettings storage;
};

/// All settings, or kBadSetting with everything that is wrong with them, a line each.
azmon::Result<Settings> SettingsFromEnvironment(const azmon::base::Environment& environment = azmon::base::ProcessEnvironment());

}  // namespace receipt
