// SPDX-License-Identifier: MIT
#include "services/shared/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace services {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr FlagSpec kSpecs[] = {{"rate", "R", "how fast"}, {"serve", "", "a switch"}};

Flags Parse(std::vector<const char*> arguments) { return ParseFlags(arguments, kSpecs); }

TEST(Flags, BothFormsAreTheSame) {
  EXPECT_EQ(Parse({"--rate", "5"}).Get("rate"), "5");
  EXPECT_EQ(Parse({"--rate=5"}).Get("rate"), "5");
  EXPECT_EQ(Parse({"--rate="}).Get("rate"), "");
  EXPECT_EQ(Parse({}).Get("rate"), std::nullopt);
  EXPECT_EQ(Parse({"--rate=1", "--rate", "2"}).Get("rate"), "2");
}

TEST(Flags, SwitchHasNoValue) {
  EXPECT_EQ(Parse({"--serve"}).Get("serve"), "true");
  EXPECT_THAT(Parse({"--serve=no"}).problems, ElementsAre(HasSubstr("takes no value")));
}

TEST(Flags, AllProblemsAreToldAtOnce) {
  EXPECT_THAT(Parse({"--rat=1", "x", "--", "-r", "--rate"}).problems,
              ElementsAre(HasSubstr("'--rat=1'"), HasSubstr("'x'"), HasSubstr("'--'"), HasSubstr("'-r'"), HasSubstr("--rate needs a value: R")));
}

TEST(Flags, HelpAndVersionAreAlwaysKnown) {
  EXPECT_TRUE(Parse({"--help"}).help);
  EXPECT_TRUE(Parse({"-h"}).help);
  EXPECT_TRUE(Parse({"--version"}).version);
  EXPECT_TRUE(Parse({"--health"}).health);
  EXPECT_THAT(FlagHelp(kSpecs), HasSubstr("  --rate R              how fast\n"));
}

}  // namespace
}  // namespace services
