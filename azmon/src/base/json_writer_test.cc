// SPDX-License-Identifier: MIT
#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace azmon::base {
namespace {

std::string Ecma(double value) {
  std::string out;
  AppendEcmaNumber(value, out);
  return out;
}

TEST(JsonWriter, NumbersHaveTheFormOfEcmaScript) {
  EXPECT_EQ(Ecma(0), "0");
  EXPECT_EQ(Ecma(-0.0), "0");
  EXPECT_EQ(Ecma(1), "1");
  EXPECT_EQ(Ecma(1.5), "1.5");
  EXPECT_EQ(Ecma(-123.456), "-123.456");
  EXPECT_EQ(Ecma(1e20), "100000000000000000000");
  EXPECT_EQ(Ecma(1e21), "1e+21");
  EXPECT_EQ(Ecma(1.25e21), "1.25e+21");
  EXPECT_EQ(Ecma(0.000001), "0.000001");
  EXPECT_EQ(Ecma(1e-7), "1e-7");
  EXPECT_EQ(Ecma(0.1), "0.1");
  EXPECT_EQ(Ecma(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(Ecma(std::numeric_limits<double>::denorm_min()), "5e-324");
  EXPECT_EQ(Ecma(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(Ecma(-std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(JsonWriter, EveryByteStringBecomesValidJson) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  std::string out;
  AppendJsonString(all, out);
  const auto parsed = nlohmann::json::parse(out);
  EXPECT_EQ(parsed.get<std::string>().substr(0, 128), all.substr(0, 128));
}

TEST(JsonWriter, WritesNestedObjectsWithCommasInPlace) {
  std::string out;
  JsonWriter writer(out);
  writer.OpenObject().Member("a", 1).Member("b", true).Key("c").OpenArray().Integer(-1).String("x\"").OpenObject().CloseObject().Null().CloseArray();
  writer.Member("d", 2.5).Member("e", std::numeric_limits<std::uint64_t>::max()).CloseObject();
  EXPECT_EQ(out, R"({"a":1,"b":true,"c":[-1,"x\"",{},null],"d":2.5,"e":18446744073709551615})");
}

}  // namespace
}  // namespace azmon::base
