// SPDX-License-Identifier: MIT
// The table of settings is what the programs read, and what docs/running.md says.
#include "services/shared/setting_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "services/checkout/settings.h"
#include "services/order-processor/settings.h"
#include "services/receipt/settings.h"

namespace services {
namespace {

/// Has nothing, and remembers what it was asked for.
class AskedEnvironment final : public azmon::base::Environment {
 public:
  mutable std::set<std::string, std::less<>> asked;

 protected:
  std::optional<std::string> Read(std::string_view name) const override {
    asked.emplace(name);
    return std::nullopt;
  }
};

std::set<std::string, std::less<>> Listed(unsigned program) {
  std::set<std::string, std::less<>> names;
  for (const Setting& setting : SettingTable()) {
    if ((setting.programs & program) != 0 && !setting.is_librarys) names.emplace(setting.name);
  }
  return names;
}

TEST(SettingTable, ListsExactlyWhatEachProgramReads) {
  const AskedEnvironment checkout, order_processor, receipt;
  static_cast<void>(checkout::SettingsFrom({}, checkout));
  static_cast<void>(order_processor::SettingsFromEnvironment(order_processor));
  static_cast<void>(receipt::SettingsFromEnvironment(receipt));
  EXPECT_EQ(Listed(kCheckout), checkout.asked);
  EXPECT_EQ(Listed(kOrderProcessor), order_processor.asked);
  EXPECT_EQ(Listed(kReceipt), receipt.asked);
}

TEST(SettingTable, HelpNamesEveryVariableOfTheProgramAndNoOther) {
  const std::string help = SettingHelp(ProgramBit("receipt"));
  EXPECT_NE(help.find("STORAGE_ACCOUNT_NAME"), std::string::npos);
  EXPECT_NE(help.find("SERVICE_TOKENS_FILE"), std::string::npos);
  EXPECT_EQ(help.find("ORDER_RATE"), std::string::npos);
}

TEST(SettingTable, IsThatOfTheDocumentation) {
  const std::string path = std::string(AZMON_SOURCE_DIR) + "/docs/running.md";
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string page = text.str();
  const std::string begin = "<!-- settings of the services: begin, generated -->\n", end = "<!-- settings of the services: end -->";
  const std::size_t from = page.find(begin), to = page.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  const std::string wanted = SettingMarkdown();
  const std::string found = page.substr(from + begin.size(), to - from - begin.size());
  if (found != wanted && std::getenv("AZMON_WRITE_DOCS") != nullptr) {
    std::ofstream(path) << page.substr(0, from + begin.size()) << wanted << page.substr(to);
    return;
  }
  EXPECT_EQ(found, wanted) << "run this test with AZMON_WRITE_DOCS=1 to write it";
}

}  // namespace
}  // namespace services
