// SPDX-License-Identifier: MIT
#include "base/setting_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace azmon::base {
namespace {

std::string Content(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(SettingRegistry, PageIsPrintedFromIt) {
  const std::filesystem::path page = std::filesystem::path(AZMON_SOURCE_DIR) / "docs/reference/settings.md";
  if (std::getenv("AZMON_UPDATE_PAGES") != nullptr) std::ofstream(page, std::ios::binary) << SettingsPage();
  EXPECT_EQ(Content(page), SettingsPage()) << "run this test with AZMON_UPDATE_PAGES=1";
}

TEST(SettingRegistry, EveryVariableHasOneRow) {
  std::set<std::string_view> seen;
  for (const SettingRow& row : kSettings) {
    EXPECT_TRUE(!row.variable.empty() || !row.option.empty());
    EXPECT_TRUE(row.variable.empty() || seen.insert(row.variable).second) << row.variable << " twice";
    EXPECT_FALSE(row.meaning.empty()) << row.variable;
    EXPECT_EQ(row.form == SettingForm::kChoice, row.form == SettingForm::kChoice && !row.values.empty()) << row.variable;
  }
}

TEST(SettingRegistry, EveryFieldOfOptionsHasARow) {
  const std::string header = Content(std::filesystem::path(AZMON_SOURCE_DIR) / "azmon/include/azmon/azmon.h");
  std::set<std::string> fields;
  for (const std::string name : {"Options", "OtlpOptions"}) {
    const std::size_t begin = header.find("struct " + name + " {");
    ASSERT_NE(begin, std::string::npos);
    const std::string body = "\n" + header.substr(begin, header.find("\n};", begin) - begin);
    const std::regex member(R"(\n  [^/ \n][^\n=]*[ >)]([a-z_]+)( = [^;\n]*|\{[^}\n]*\})?;)");
    for (std::sregex_iterator it(body.begin(), body.end(), member), end; it != end; ++it) {
      if ((*it)[1] != "otlp") fields.insert(std::string(name == "Options" ? "" : "otlp.") + (*it)[1].str());
    }
  }
  EXPECT_GT(fields.size(), 20U) << "the header is not read as it is written";
  std::set<std::string> rows;
  for (const SettingRow& row : kSettings) rows.emplace(row.option);
  for (const std::string& field : fields) EXPECT_TRUE(rows.contains(field)) << field << " has no row in base/setting_registry.h";
}

TEST(SettingRegistry, EveryVariableThatTheLibraryReadsHasARow) {
  // Names of variables as the library's sources write them; those of one signal are composed from the ones that have rows.
  const std::regex literal(R"re("((?:AZMON|OTEL|OTLP|APPLICATION_?INSIGHTS|APPINSIGHTS|WEBSITE|CONTAINER_APP|FUNCTIONS|AKS|KUBERNETES|CLUSTER|AZURE|IDENTITY|IMDS)_[A-Z_]*[A-Z])")re");
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(AZMON_SOURCE_DIR) / "azmon/src")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".cc" || name.find("_test") != std::string::npos || name.find("benchmark") != std::string::npos) continue;
    const std::string text = Content(entry.path());
    for (std::sregex_iterator it(text.begin(), text.end(), literal), end; it != end; ++it) {
      ++found;
      EXPECT_NE(FindSetting((*it)[1].str()), nullptr) << (*it)[1] << " in " << entry.path() << " has no row in base/setting_registry.h";
    }
  }
  EXPECT_GT(found, 40U) << "the sources are not read";
}

}  // namespace
}  // namespace azmon::base
