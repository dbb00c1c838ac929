// SPDX-License-Identifier: MIT
#include "local/store/compress.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

namespace azmon::local {
namespace {

std::string Gzip(std::string_view text) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, text.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

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

TEST(Gunzip, ReadsMembersInARow) {
  const auto both = Gunzip(Gzip("one ") + Gzip("two"), 100);
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(*both, "one two");
}

TEST(Gunzip, StopsAtTheLimit) {
  const std::string bomb = Gzip(std::string(8 << 20, '\0'));
  EXPECT_EQ(Gunzip(bomb, 1 << 20).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Gunzip(bomb, 8 << 20).value().size(), std::size_t{8} << 20);
  EXPECT_EQ(Gunzip(Gzip("12345") + Gzip("67890"), 9).error().code, ErrorCode::kTooLarge);
}

TEST(Gunzip, DamageIsAnError) {
  EXPECT_EQ(Gunzip("no gzip at all", 100).error().code, ErrorCode::kMalformed);
  const std::string whole = Gzip("some text to compress");
  EXPECT_EQ(Gunzip(whole.substr(0, whole.size() - 4), 100).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace azmon::local
