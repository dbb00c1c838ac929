// SPDX-License-Identifier: MIT
#include "sampling/fixed_percentage.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace azmon::sampling {
namespace {

struct Vector {
  const char* trace_id;
  double lower;
};

TEST(FixedPercentage, ScoresAreThoseOfTheOtherSdks) {
  // Computed with the JavaScript implementation.
  const Vector vectors[] = {
      {"00000000000000000000000000000001", 2.339351457701694},  {"00000000000000000000000000000000", 2.3393514111355653},
      {"ffffffffffffffffffffffffffffffff", 99.96135514227737},  {"0af7651916cd43dd8448eb211c80319c", 52.78892803601405},
      {"4bf92f3577b34da6a3ce929d0e0e4736", 33.46135385030012},  {"a245641b0b3f4e5c9d8e7f6a5b4c3d2e", 90.14679365332555},
      {"7fffffffffffffffffffffffffffffff", 22.14976000699669},  {"7d865e959b2466918c9863afca942d0f", 75.6296140493963},
  };
  for (const Vector& vector : vectors) EXPECT_DOUBLE_EQ(TraceIdScore(*base::ParseHex(vector.trace_id)), vector.lower) << vector.trace_id;
}

TEST(FixedPercentage, UpperCaseIsTheScoreOfDotNet) {
  EXPECT_DOUBLE_EQ(TraceIdScore(*base::ParseHex("0af7651916cd43dd8448eb211c80319c"), HashCase::kUpper), 10.773867234016707);
  EXPECT_DOUBLE_EQ(TraceIdScore(*base::ParseHex("cafebabecafebabecafebabecafebabe"), HashCase::kUpper), 37.521397013925665);
}

TEST(FixedPercentage, ShortTextsAreDoubled) {
  EXPECT_EQ(TextScore(""), 0);
  EXPECT_DOUBLE_EQ(TextScore("a"), 16.249091046046974);
  EXPECT_DOUBLE_EQ(TextScore("ab"), 76.44302927723295);
  EXPECT_DOUBLE_EQ(TextScore("1234567"), 20.623077322087752);
  EXPECT_DOUBLE_EQ(TextScore("12345678"), 43.69800283745769);
}

TEST(FixedPercentage, AllAreKeptWithoutAttributeAtOneHundredPercent) {
  EXPECT_EQ(FixedPercentage(1).Decide(std::string(16, '\xff')), (Decision{.is_sampled = true, .sample_rate = std::nullopt}));
  EXPECT_EQ(FixedPercentage(7).Percentage(), 100);
  EXPECT_EQ(FixedPercentage(-0.1).Percentage(), 100);
}

TEST(FixedPercentage, NothingIsKeptAtZeroAndTheRateIsStillTold) {
  EXPECT_EQ(FixedPercentage(0).Decide(std::string(16, '\0')), (Decision{.is_sampled = false, .sample_rate = 0}));
}

TEST(FixedPercentage, ThePercentageIsNotRounded) {
  const std::string trace_id = *base::ParseHex("00000000000000000000000000000001");  // 2.3393…
  EXPECT_TRUE(FixedPercentage(0.0234).Decide(trace_id).is_sampled);
  EXPECT_FALSE(FixedPercentage(0.02339).Decide(trace_id).is_sampled);
}

}  // namespace
}  // namespace azmon::sampling
