// SPDX-License-Identifier: MIT
#include "base/environment.h"

#include <gtest/gtest.h>

namespace azmon::base {
namespace {

TEST(Environment, EmptyAndBlankValuesAreAsUnset) {
  const MapEnvironment environment({{"EMPTY", ""}, {"BLANK", " \t"}, {"PADDED", "  v "}});
  EXPECT_EQ(environment.Get("EMPTY"), std::nullopt);
  EXPECT_EQ(environment.Get("BLANK"), std::nullopt);
  EXPECT_EQ(environment.Get("MISSING"), std::nullopt);
  EXPECT_EQ(environment.Get("PADDED"), "v");
}

TEST(Environment, ProcessEnvironmentReadsTheProcess) { EXPECT_TRUE(ProcessEnvironment().Get("PATH").has_value()); }

}  // namespace
}  // namespace azmon::base
