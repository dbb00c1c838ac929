// SPDX-License-Identifier: MIT
// Environment variables, behind an interface that a test replaces.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace azmon::base {

class Environment {
 public:
  virtual ~Environment() = default;

  /// The variable's value with blanks at both ends removed; a variable that is unset, empty or blank has none
  /// (OpenTelemetry specification, "Environment variables": an empty value is as unset).
  std::optional<std::string> Get(std::string_view name) const;

 protected:
  virtual std::optional<std::string> Read(std::string_view name) const = 0;
};

/// The process's environment. Never destroyed. Not safe against a concurrent setenv, as getenv itself.
const Environment& ProcessEnvironment();

/// A fixed environment, for tests.
class MapEnvironment final : public Environment {
 public:
  explicit MapEnvironment(std::map<std::string, std::string, std::less<>> variables) : variables_(std::move(variables)) {}

 protected:
  std::optional<std::string> Read(std::string_view name) const override;

 private:
  std::map<std::string, std::string, std::less<>> variables_;
};

}  // namespace azmon::base
