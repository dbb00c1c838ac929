// SPDX-License-Identifier: MIT
// What order-processor reads of its environment.
#pragma once

#include "base/environment.h"
#include "base/result.h"
#include "net/http.h"
#include "services/shared/settings.h"

namespace order_processor {

struct Settings {
  services::CommonSettings common;
  net::Url receipt;
};

/// All settings, or kBadSetting with everything that is wrong with them, a line each.
azmon::Result<Settings> SettingsFromEnvironment(const azmon::base::Environment& environment = azmon::base::ProcessEnvironment());

}  // namespace order_processor
