// SPDX-License-Identifier: MIT
#include "distro/setting_reader.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace azmon::distro {
namespace {

std::string UsedInstead(const base::SettingRow& row) { return "; " + std::string(row.fallback) + " is used"; }

}  // namespace

bool SettingReader::IsTrue(base::SettingName name) const {
  const auto text = Text(name);
  return text && base::EqualsIgnoreCase(*text, "true");
}

std::optional<std::size_t> SettingReader::Choice(base::SettingName name) const {
  AZMON_DCHECK(name.Row().form == base::SettingForm::kChoice);
  const auto text = Text(name);
  if (!text) return std::nullopt;
  const auto values = base::Split(name.Row().values, '|');
  const auto found = std::ranges::find_if(values, [&](std::string_view value) { return base::EqualsIgnoreCase(value, *text); });
  if (found != values.end()) return static_cast<std::size_t>(found - values.begin());
  std::string all;
  for (const std::string_view value : values) all.append(all.empty() ? "" : ", ").append(value);
  Warn(std::string(name.Row().variable), "is none of " + all + UsedInstead(name.Row()));
  return std::nullopt;
}

std::optional<double> SettingReader::Number(base::SettingName name) const {
  const base::SettingRow& row = name.Row();
  AZMON_DCHECK(row.form == base::SettingForm::kNumber);
  const auto text = Text(name);
  if (!text) return std::nullopt;
  const auto number = base::ParseInteger<std::int64_t>(*text);
  if (number && static_cast<double>(*number) >= row.min && static_cast<double>(*number) <= row.max) return static_cast<double>(*number);
  Warn(std::string(row.variable), "is no whole number (" + std::string(row.values) + ") from " + std::to_string(static_cast<std::int64_t>(row.min)) + " to " +
                                      std::to_string(static_cast<std::int64_t>(row.max)) + UsedInstead(row));
  return std::nullopt;
}

void SettingReader::Warn(const std::string& setting, std::string text) const {
  problems_.push_back({.severity = Severity::kWarning, .setting = setting, .text = std::move(text)});
}

}  // namespace azmon::distro
