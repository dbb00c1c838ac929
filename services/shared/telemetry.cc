// SPDX-License-Identifier: MIT
#include "services/shared/telemetry.h"

#include <algorithm>

#include "base/json_writer.h"
#include "base/text.h"
#include "services/shared/version.h"

namespace services {
namespace {

/// Whether OTEL_RESOURCE_ATTRIBUTES gives the attribute.
bool IsInResource(const azmon::base::Environment& environment, std::string_view name) {
  const std::string text = environment.Get("OTEL_RESOURCE_ATTRIBUTES").value_or("");
  const auto pairs = azmon::base::Split(text, ',');
  return std::ranges::any_of(pairs, [&](std::string_view pair) { return azmon::base::Trim(pair.substr(0, pair.find('='))) == name; });
}

void AppendDestination(const azmon::DestinationHealth& health, azmon::base::JsonWriter& json) {
  json.OpenObject().Member("accepted", health.accepted).Member("delivered", health.delivered);
  json.Key("dropped").OpenObject();
  for (const auto& [reason, count] : health.dropped) json.Member(reason, count);
  json.CloseObject().Member("in_journal", health.in_journal).Key("dropped_items").OpenObject();
  for (const auto& [reason, count] : health.dropped_items) json.Member(reason, count);
  json.CloseObject().CloseObject();
}

}  // namespace

azmon::Options TelemetryOptions(std::string_view program, TelemetryChoice choice, const azmon::base::Environment& environment) {
  azmon::Options options;
  if (!environment.Get("OTEL_SERVICE_NAME") && !IsInResource(environment, "service.name")) options.resource["service.name"] = program;
  if (!IsInResource(environment, "service.version")) options.resource["service.version"] = kVersion;
  if (choice == TelemetryChoice::kAzure) options.otlp.enabled = false;
  return options;
}

std::optional<azmon::Telemetry> StartTelemetry(std::string_view program, TelemetryChoice choice,
                                               const azmon::base::Environment& environment) {
  if (choice == TelemetryChoice::kNone) return std::nullopt;
  return azmon::Configure(TelemetryOptions(program, choice, environment));
}

std::string HealthJson(const azmon::Health& health) {
  std::string out;
  azmon::base::JsonWriter json(out);
  json.OpenObject().Key("destinations").OpenObject();
  if (health.azure) {
    json.Key("azure");
    AppendDestination(*health.azure, json);
  }
  if (health.otlp) {
    json.Key("otlp");
    AppendDestination(*health.otlp, json);
  }
  json.CloseObject().CloseObject();
  return out;
}

}  // namespace services
