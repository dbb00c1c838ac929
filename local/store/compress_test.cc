// SPDX-License-Identifier: MIT
#include "local/store/compress.h"

#include <gtest/gtest.h>

namespace azmon::local {
namespace {

TEST(Compress, ComesBack) {
  for (const std::string& text : {std::string(), std::string("x"), std::string(1 << 20, 'a')}) {
    const auto back = Decompress(Compress(text), text.size());
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, text);
  }
}

TEST(Compress, DamageAndWrongSizesAreErrors) {
  const std::string text = "the same words, the same words, the same words";
  std::string packed = Compress(text);
  EXPECT_FALSE(Decompress(packed, text.size() - 1).ok());
  EXPECT_FALSE(Decompress(packed, text.size() + 1).ok());
  EXPECT_FALSE(Decompress(packed.substr(0, packed.size() / 2), text.size()).ok());
}

}  // namespace
}  // namespace azmon::local
