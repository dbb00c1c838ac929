// SPDX-License-Identifier: MIT
// What checkout reads of its flags and environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "base/environment.h"
#include "base/result.h"
#include "net/http.h"
#include "services/shared/flags.h"
#include "services/shared/settings.h"

namespace checkout {

struct Settings {
  services::CommonSettings common;
  net::Url order_processor;
  double rate_per_s = 1;
  std::uint64_t count = 0;  ///< 0: for ever
  std::chrono::milliseconds patience = services::limits::kOrderPatience;
  bool serves = false;  ///< --serve
};

/// The flags that checkout knows.
std::span<const services::FlagSpec> FlagSpecs();

/// All settings, flags before variables; or kBadSetting with everything that is wrong with them, a line each.
azmon::Result<Settings> SettingsFrom(const services::Flags& flags,
                                     const azmon::base::Environment& environment = azmon::base::ProcessEnvironment());

}  // namespace checkout
