// SPDX-License-Identifier: MIT
// Reads variables by the rows of base/setting_registry.h. What a row's form refuses becomes a problem that names the variable, what it may be
// and what is used instead; never the value.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "azmon/azmon.h"
#include "base/environment.h"
#include "base/setting_registry.h"

namespace azmon::distro {

class SettingReader {
 public:
  /// Both outlive the reader.
  SettingReader(const base::Environment& environment, std::vector<Problem>& problems) : environment_(environment), problems_(problems) {}

  std::optional<std::string> Text(base::SettingName name) const { return environment_.Get(name.Row().variable); }
  bool IsSet(base::SettingName name) const { return Text(name).has_value(); }
  bool IsTrue(base::SettingName name) const;

  /// Of a row of SettingForm::kChoice: the place of the value among the row's. @return nullopt if it is not set or none of them
  std::optional<std::size_t> Choice(base::SettingName name) const;
  /// Of a row of SettingForm::kNumber: a whole number from the row's `min` to its `max`, alike.
  std::optional<double> Number(base::SettingName name) const;

  void Warn(const std::string& setting, std::string text) const;

 private:
  const base::Environment& environment_;
  std::vector<Problem>& problems_;
};

}  // namespace azmon::distro
