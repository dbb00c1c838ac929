// SPDX-License-Identifier: MIT
#include "services/checkout/settings.h"

#include <array>
#include <optional>
#include <string>

#include "base/text.h"
#include "services/shared/limits.h"

namespace checkout {
namespace {

constexpr std::array kFlags = {
    services::FlagSpec{"rate", "R", "orders a second (ORDER_RATE, 1)"},
    services::FlagSpec{"count", "N", "how many orders; 0: for ever (ORDER_COUNT, 0)"},
    services::FlagSpec{"serve", "", "also take orders by POST /checkout, and show a status page, on PORT; runs until SIGTERM"},
};

struct Source {
  std::string name;
  std::optional<std::string> text;
};

/// The flag if it is given, else the variable.
Source Choose(const services::Flags& flags, std::string_view flag, const azmon::base::Environment& environment, std::string_view variable) {
  if (auto text = flags.Get(flag)) return {"--" + std::string(flag), std::move(text)};
  return {std::string(variable), environment.Get(variable)};
}

}  // namespace

std::span<const services::FlagSpec> FlagSpecs() { return kFlags; }

azmon::Result<Settings> SettingsFrom(const services::Flags& flags, const azmon::base::Environment& environment) {
  services::SettingsReader reader(environment);
  Settings settings;
  settings.serves = flags.Get("serve").has_value();
  settings.common = reader.Common(8000, 9000, settings.serves);
  settings.order_processor = reader.Peer("SERVICE_ORDER_PROCESSOR_API_NAME", "127.0.0.1:8001");
  const Source rate = Choose(flags, "rate", environment, "ORDER_RATE");
  if (rate.text && settings.serves && azmon::base::ParseDouble(*rate.text) == 0.0) {
    settings.rate_per_s = 0;
  } else if (rate.text) {
    settings.rate_per_s = reader.Number(rate.name, *rate.text, 0, services::limits::kOrderRateMax, settings.rate_per_s);
  }
  const Source count = Choose(flags, "count", environment, "ORDER_COUNT");
  if (count.text) {
    settings.count = static_cast<std::uint64_t>(reader.Integer(count.name, *count.text, 0, services::limits::kSafeIntegerMax, 0));
  }
  if (const auto text = environment.Get("ORDER_PATIENCE")) {
    settings.patience = std::chrono::seconds(reader.Integer("ORDER_PATIENCE", *text, 1, 3600, 15));
  }
  if (const auto checked = reader.Check(); !checked.ok()) return checked.error();
  return settings;
}

}  // namespace checkout
