// SPDX-License-Identifier: MIT
#include "services/shared/json.h"

#include <gtest/gtest.h>

#include "services/shared/limits.h"

namespace services {
namespace {

/// The canonical form, or "code: …" of the error.
std::string Canonical(std::string_view text) {
  const auto json = ParseJson(text);
  if (!json.ok()) return std::string(Name(json.error().code));
  std::string out;
  AppendCanonicalJson(*json, out);
  return out;
}

TEST(Json, MembersAreSortedAndBlanksDropped) {
  EXPECT_EQ(Canonical(" { \"b\" : [ 1 , 2 ] ,\n\"a\" : { \"z\" : null, \"y\" : true } } "), R"({"a":{"y":true,"z":null},"b":[1,2]})");
}

TEST(Json, EqualNumbersHaveOneForm) {
  EXPECT_EQ(Canonical("[1.50, 1.5, 15e-1, 1e2, 100.0, -0, -0.0, 0]"), "[1.5,1.5,1.5,100,100,0,0,0]");
}

TEST(Json, NoDigitOfANumberIsLost) {
  EXPECT_EQ(Canonical("[12345678901234567890123, 9007199254740993, 0.1, 19.99]"), "[12345678901234567890123,9007199254740993,0.1,19.99]");
}

TEST(Json, EscapesAreDecodedAndWrittenInOneForm) {
  EXPECT_EQ(Canonical(R"(["\u0041\u00e9\ud83d\ude00","A\/\n\u0000"])"), "[\"A\u00e9\U0001F600\",\"A/\\n\\u0000\"]");
}

TEST(Json, EmptyContainersStay) { EXPECT_EQ(Canonical(R"({"a":[],"b":{},"c":""})"), R"({"a":[],"b":{},"c":""})"); }

TEST(Json, WhatIsNoJsonIsRefused) {
  const std::string_view rows[] = {"",          " ",         "{",        "[1,]",       "{\"a\":1,}", "{a:1}",        "'a'",     "01",
                                   "+1",        "1.",        ".5",       "1e",         "NaN",        "[1] [2]",      "{} x",    "// c\n1",
                                   "\"\\x\"",   "\"\n\"",    "nul",      "\"\\ud800\"", "\"\xff\"",  "\"\xc0\x80\"", "\xef\xbb\xbf{}",
                                   "{\"a\" 1}", "[1 2]",     "\"abc",    "\"\xed\xa0\x80\""};
  for (const std::string_view row : rows) EXPECT_EQ(Canonical(row), "malformed") << row;
}

TEST(Json, ANameTwiceInOneObjectIsRefusedHoweverItIsSpelt) {
  EXPECT_EQ(Canonical(R"({"a":1,"b":{"a":2}})"), R"({"a":1,"b":{"a":2}})");
  EXPECT_EQ(Canonical(R"({"a":1,"\u0061":2})"), "malformed");
}

TEST(Json, ANumberThatNoDoubleHoldsIsRefused) {
  EXPECT_EQ(Canonical("1e400"), "malformed");
  EXPECT_EQ(Canonical("[-1.5e999]"), "malformed");
}

TEST(Json, DepthIsBounded) {
  const std::string deepest = std::string(limits::kJsonDepthMax, '[') + std::string(limits::kJsonDepthMax, ']');
  EXPECT_EQ(Canonical(deepest), deepest);
  EXPECT_EQ(Canonical("[" + deepest + "]"), "too large");
  EXPECT_EQ(Canonical(std::string(60000, '[')), "too large");
}

TEST(Json, MembersOfAnObjectAreBounded) {
  std::string text = "{";
  for (std::size_t i = 0; i <= limits::kJsonMembersMax; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(Canonical(text + "}"), "too large");
}

}  // namespace
}  // namespace services
