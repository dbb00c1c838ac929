// SPDX-License-Identifier: MIT
// Command-line flags of the services: `--name value` or `--name=value`, `--help`, `--version`, `--health`.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace services {

struct FlagSpec {
  std::string_view name;   ///< without the dashes
  std::string_view value;  ///< what the help calls its value; empty: a switch
  std::string_view help;
};

struct Flags {
  std::map<std::string, std::string, std::less<>> values;  ///< a switch has the value "true"
  bool help = false;
  bool version = false;
  bool health = false;
  std::vector<std::string> problems;  ///< all of them, each a sentence for a person

  std::optional<std::string> Get(std::string_view name) const;
};

/// Reads the arguments after the program's name. The last of a repeated flag wins.
Flags ParseFlags(std::span<const char* const> arguments, std::span<const FlagSpec> specs);

/// The lines of a help text that list the flags, --health, --help and --version included.
std::string FlagHelp(std::span<const FlagSpec> specs);

}  // namespace services
