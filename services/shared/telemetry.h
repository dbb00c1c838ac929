// SPDX-License-Identifier: MIT
// Starts azmon as TELEMETRY asks, and shows its counts.
#pragma once

#include <azmon/azmon.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/environment.h"
#include "services/shared/settings.h"

namespace services {

/// The options of a service: its name where the environment gives none, and only the destinations that are chosen.
azmon::Options TelemetryOptions(std::string_view program, TelemetryChoice choice, const azmon::base::Environment& environment);

/// Configures azmon, or nothing at all for kNone: then every span costs next to nothing.
std::optional<azmon::Telemetry> StartTelemetry(std::string_view program, TelemetryChoice choice,
                                               const azmon::base::Environment& environment);

/// {"destinations":{"azure":{"accepted":n,"delivered":n,"dropped":{"REASON":n},"in_journal":n,"dropped_items":{"REASON":n}},"otlp":{…}}}; only those in use.
std::string HealthJson(const azmon::Health& health);

}  // namespace services
