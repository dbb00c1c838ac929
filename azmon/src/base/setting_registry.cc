// SPDX-License-Identifier: MIT
#include "base/setting_registry.h"

namespace azmon::base {
namespace {

struct Section {
  SettingGroup group;
  std::string_view title;
};
constexpr std::array kSections{
    Section{SettingGroup::kAzureMonitor, "Application Insights"}, Section{SettingGroup::kOtlp, "OTLP"},
    Section{SettingGroup::kOpenTelemetry, "OpenTelemetry"},       Section{SettingGroup::kAzmon, "azmon's own"},
    Section{SettingGroup::kIdentity, "Entra identities"},         Section{SettingGroup::kNetwork, "Network"},
    Section{SettingGroup::kPlatform, "Set by the platform"}};

/// `|` separates cells.
void AppendCell(std::string_view text, std::string& out) {
  out.append(" ");
  for (const char c : text) {
    if (c == '|') out.push_back('\\');
    out.push_back(c);
  }
  out.append(" |");
}

std::string Code(std::string_view text) { return text.empty() ? std::string() : "`" + std::string(text) + "`"; }

std::string Values(const SettingRow& row) {
  switch (row.form) {
    case SettingForm::kFlag: return "`true`, `false`";
    case SettingForm::kPresence: return "anything";
    case SettingForm::kChoice: {
      std::string out;
      for (const char c : "`" + std::string(row.values) + "`") out.append(c == '|' ? std::string("`, `") : std::string(1, c));
      return out;
    }
    case SettingForm::kNumber: {
      if (row.max == 0) return std::string(row.values);
      return std::string(row.values) + ", " + std::to_string(static_cast<std::int64_t>(row.min)) + " to " + std::to_string(static_cast<std::int64_t>(row.max));
    }
    case SettingForm::kText: break;
  }
  return std::string(row.values);
}

}  // namespace

std::string SettingsPage() {
  std::string out =
      "<!-- SPDX-License-Identifier: MIT -->\n<!-- Printed from azmon/src/base/setting_registry.h; a test compares. -->\n# Settings\n\n"
      "An option that the program sets goes before the environment, the environment before the default. A variable that is unset, empty or blank "
      "is as not set. All problems are reported together, what is usable runs all the same. Values of secrets (🔒) are in no log line and no "
      "problem.\n";
  for (const Section& section : kSections) {
    out.append("\n## ").append(section.title).append("\n\n| variable | `Options::` | values | default | meaning |\n|---|---|---|---|---|\n");
    for (const SettingRow& row : kSettings) {
      if (row.group != section.group) continue;
      out.push_back('|');
      AppendCell(Code(row.variable) + (row.is_secret ? " 🔒" : ""), out);
      AppendCell(Code(row.option), out);
      AppendCell(Values(row), out);
      AppendCell(row.fallback, out);
      AppendCell(row.meaning, out);
      out.push_back('\n');
    }
  }
  return out;
}

}  // namespace azmon::base
