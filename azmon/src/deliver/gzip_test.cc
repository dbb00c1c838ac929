// SPDX-License-Identifier: MIT
#include "deliver/gzip.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "deliver/deliver_test_support.h"

namespace azmon::deliver {
namespace {

TEST(Gzip, EverySizeComesBackAsItWas) {
  Gzip gzip;
  std::string text;
  for (int i = 0; text.size() < 300'000; ++i) text += R"({"name":"Microsoft.ApplicationInsights.Request","seq":)" + std::to_string(i) + "}\n";
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{18}, std::size_t{1023}, std::size_t{65'536}, text.size()}) {
    std::string out;
    ASSERT_TRUE(gzip.Append(std::string_view(text).substr(0, size), out).ok()) << size;
    EXPECT_EQ(Gunzip(out), text.substr(0, size)) << size;
  }
}

TEST(Gzip, WhatDoesNotShrinkIsWholeToo) {
  Gzip gzip;
  std::mt19937_64 random(7);
  std::string noise(3'000'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  std::string out;
  ASSERT_TRUE(gzip.Append(noise, out).ok());
  EXPECT_LT(out.size(), noise.size() + noise.size() / 100);
  EXPECT_TRUE(Gunzip(out) == noise);
}

TEST(Gzip, AppendsBehindWhatIsThere) {
  Gzip gzip;
  std::string out = "\1\2\3\4\5";
  const std::string text(10'000, 'a');
  ASSERT_TRUE(gzip.Append(text, out).ok());
  EXPECT_EQ(out.substr(0, 5), "\1\2\3\4\5");
  EXPECT_EQ(Gunzip(out.substr(5)), text);
}

}  // namespace
}  // namespace azmon::deliver
