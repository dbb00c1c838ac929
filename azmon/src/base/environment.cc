// SPDX-License-Identifier: MIT
#include "base/environment.h"

#include <cstdlib>

#include "base/text.h"

namespace azmon::base {
namespace {

class RealEnvironment final : public Environment {
 protected:
  std::optional<std::string> Read(std::string_view name) const override {
    const char* const value = std::getenv(std::string(name).c_str());  // NOLINT: documented at ProcessEnvironment
    if (value == nullptr) return std::nullopt;
    return value;
  }
};

}  // namespace

std::optional<std::string> Environment::Get(std::string_view name) const {
  const auto value = Read(name);
  if (!value) return std::nullopt;
  const std::string_view trimmed = Trim(*value);
  if (trimmed.empty()) return std::nullopt;
  return std::string(trimmed);
}

const Environment& ProcessEnvironment() {
  static const auto* const environment = new RealEnvironment;
  return *environment;
}

std::optional<std::string> MapEnvironment::Read(std::string_view name) const {
  const auto found = variables_.find(name);
  if (found == variables_.end()) return std::nullopt;
  return found->second;
}

}  // namespace azmon::base
