// SPDX-License-Identifier: MIT
#include "services/shared/flags.h"

#include <algorithm>

namespace services {
namespace {

std::string Padded(std::string text) {
  constexpr std::size_t kColumn = 24;
  text.resize(std::max(text.size() + 1, kColumn), ' ');
  return text;
}

}  // namespace

std::optional<std::string> Flags::Get(std::string_view name) const {
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

Flags ParseFlags(std::span<const char* const> arguments, std::span<const FlagSpec> specs) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      flags.help = true;
      continue;
    }
    if (argument == "--version") {
      flags.version = true;
      continue;
    }
    if (argument == "--health") {
      flags.health = true;
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.starts_with("--") ? argument.substr(2, equals - 2) : std::string_view();
    const auto spec = std::ranges::find(specs, name, &FlagSpec::name);
    if (name.empty() || spec == specs.end()) {
      flags.problems.push_back("'" + std::string(argument) + "' is no flag of this program; see --help");
      continue;
    }
    const bool has_value = equals != std::string_view::npos;
    if (spec->value.empty()) {
      if (has_value) flags.problems.push_back("--" + std::string(name) + " takes no value");
      flags.values.insert_or_assign(std::string(name), "true");
    } else if (has_value) {
      flags.values.insert_or_assign(std::string(name), std::string(argument.substr(equals + 1)));
    } else if (i + 1 < arguments.size()) {
      flags.values.insert_or_assign(std::string(name), arguments[++i]);
    } else {
      flags.problems.push_back("--" + std::string(name) + " needs a value: " + std::string(spec->value));
    }
  }
  return flags;
}

std::string FlagHelp(std::span<const FlagSpec> specs) {
  std::string out;
  for (const FlagSpec& spec : specs) {
    std::string flag = "  --" + std::string(spec.name);
    if (!spec.value.empty()) flag += " " + std::string(spec.value);
    out += Padded(std::move(flag)) + std::string(spec.help) + "\n";
  }
  out += Padded("  --health") + "asks the one that runs here whether it is ready; exit 0: yes, 1: no (for containers without a shell)\n";
  out += Padded("  --help") + "this text\n";
  out += Padded("  --version") + "the version\n";
  return out;
}

}  // namespace services
