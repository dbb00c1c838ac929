// SPDX-License-Identifier: MIT
// What `--health` does: a container without a shell has nothing else to ask a service whether it is ready.
#pragma once

#include <cstdint>

#include "base/environment.h"
#include "base/result.h"

namespace services {

/// Asks /readyz of the service that runs on this machine with these settings.
///
/// @param health_port  where HEALTH_PORT is not set
/// @return success, or kBadSetting: there is no health port to ask; kUnavailable: no answer within 3 s; kRefused: not ready
/// Blocks; makes no telemetry.
azmon::Result<void> CheckHealth(const azmon::base::Environment& environment, std::uint16_t health_port);

}  // namespace services
