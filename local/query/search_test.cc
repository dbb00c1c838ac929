// SPDX-License-Identifier: MIT
#include "local/query/search.h"

#include <gtest/gtest.h>

#include "local/model/limits.h"

namespace azmon::local {
namespace {

bool Has(std::string_view query, std::string_view text) {
  const auto search = Search::Parse(query);
  EXPECT_TRUE(search.ok()) << query;
  std::string scratch;
  return search.ok() && search->Matches(search->Find(text, scratch));
}

TEST(Search, FindsWholeTermsOnly) {
  EXPECT_FALSE(Has("home", "HomeController.About"));
  EXPECT_TRUE(Has("about", "HomeController.About"));
  EXPECT_TRUE(Has("homecontroller", "HomeController.About"));
  EXPECT_TRUE(Has("42", "order 42"));
  EXPECT_FALSE(Has("42", "order 421"));
  EXPECT_FALSE(Has("42", "order 142 4213"));
  EXPECT_TRUE(Has("42", "order 421, 42"));
}

TEST(Search, CombinesByAndOrNotAndParentheses) {
  constexpr std::string_view kText = "POST /orders timeout";
  EXPECT_TRUE(Has("post orders", kText));
  EXPECT_FALSE(Has("post receipts", kText));
  EXPECT_TRUE(Has("post AND orders", kText));
  EXPECT_TRUE(Has("receipts OR timeout", kText));
  EXPECT_FALSE(Has("post NOT timeout", kText));
  EXPECT_TRUE(Has("NOT receipts", kText));
  EXPECT_TRUE(Has("receipts OR post timeout", kText));
  EXPECT_FALSE(Has("(receipts OR post) failure", kText));
  EXPECT_TRUE(Has("NOT NOT post", kText));
  EXPECT_FALSE(Has("NOT (post OR receipts)", kText));
}

TEST(Search, LowerCaseWordsAreNoOperators) {
  EXPECT_FALSE(Has("post or receipts", "post"));
  EXPECT_TRUE(Has("not found", "404 Not Found"));
}

TEST(Search, KeepsPhrasesTogether) {
  EXPECT_TRUE(Has("\"/orders HTTP\"", "POST /orders HTTP/1.1"));
  EXPECT_FALSE(Has("\"orders POST\"", "POST /orders"));
  EXPECT_TRUE(Has("order.id", "{\"order.id\":\"7\"}"));
  EXPECT_FALSE(Has("order.id", "{\"order.ident\":\"7\"}"));
  EXPECT_TRUE(Has("\"AND\"", "this and that"));
}

TEST(Search, BlankAndDanglingOperatorsMatchAsAPersonExpects) {
  EXPECT_TRUE(Has("", "anything"));
  EXPECT_TRUE(Has("   ", "anything"));
  EXPECT_TRUE(Has("AND", "anything"));
  EXPECT_TRUE(Has("post AND", "post"));
  EXPECT_TRUE(Has("OR post", "post"));
  EXPECT_TRUE(Has("\"\"", "anything"));
  EXPECT_TRUE(Has("post \"ord", "post ord"));
}

TEST(Search, DecodesJsonEscapes) {
  const auto search = Search::Parse("fox \"say \"");
  ASSERT_TRUE(search.ok());
  std::string scratch;
  EXPECT_TRUE(search->Matches(search->FindInJson(R"({"a":"the\nfox","b":"say \"x\""})", scratch)));
  const auto letter = Search::Parse("aB");
  EXPECT_TRUE(letter->Matches(letter->FindInJson(R"(["x\u0061b"," \u0061b"])", scratch)));
  EXPECT_NO_FATAL_FAILURE(letter->FindInJson("\\u12", scratch));
  EXPECT_NO_FATAL_FAILURE(letter->FindInJson("\\", scratch));
}

TEST(Search, IgnoresTheCaseOfEveryAsciiLetterAndOfNothingElse) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  for (std::size_t shift = 0; shift < 9; ++shift) {
    // Every byte at every place of a word of eight.
    const std::string text = std::string(shift, ' ') + all;
    std::string scratch;
    (void)Search::Parse("x")->Find(text, scratch);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char expected = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
      ASSERT_EQ(scratch[i], expected) << i;
    }
  }
}

TEST(Search, RefusesWhatIsTooMuchOrUnbalanced) {
  EXPECT_FALSE(Search::Parse(std::string(limits::kSearchBytesMax + 1, 'a')).ok());
  EXPECT_FALSE(Search::Parse(std::string(2000, '(')).ok());
  EXPECT_FALSE(Search::Parse("(a").ok());
  EXPECT_FALSE(Search::Parse("a)").ok());
  std::string many;
  for (std::size_t i = 0; i <= limits::kSearchTermsMax; ++i) many += "t" + std::to_string(i) + " ";
  EXPECT_FALSE(Search::Parse(many).ok());
}

}  // namespace
}  // namespace azmon::local
