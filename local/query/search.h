// SPDX-License-Identifier: MIT
// Free-text search by the rule of the Azure portal's transaction search.
//
// Whole terms, not substrings: a term is a run of letters and digits, so `home` does not find `HomeController.About` and `about` does.
// Case is ignored (of ASCII letters). AND, OR, NOT in capitals combine, a blank is AND, parentheses group, quotes keep a phrase with its
// special characters together; a word with special characters is a phrase already. NOT binds closest, then AND, then OR.
// Pure; used by `store` while it scans.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace azmon::local {

class Search {
 public:
  /// Reads a query. Blank text matches everything. What cannot be an operator is a term, as a person would expect of a search box; an
  /// unclosed quote ends with the text.
  /// @param text  untrusted, up to limits::kSearchBytesMax
  /// @return kTooLarge for a longer text or more than limits::kSearchTermsMax terms; kMalformed for unbalanced parentheses
  static Result<Search> Parse(std::string_view text);

  bool IsEmpty() const { return nodes_.empty(); }

  /// Bit i: term i stands in `text`. Terms that are found in several texts of one item or of one operation are joined by OR.
  /// @param scratch  working memory, reused between calls
  std::uint64_t Find(std::string_view text, std::string& scratch) const;

  /// As Find for JSON text: escapes are decoded first.
  std::uint64_t FindInJson(std::string_view json, std::string& scratch) const;

  /// False if no term can be a W3C id, which is one term of 16 or 32 digits.
  bool MayFindId() const;

  /// The terms as a set of bits that Find can return.
  std::uint64_t All() const;

  /// Whether the query is true of something in which exactly the terms `found` stand.
  bool Matches(std::uint64_t found) const;

 private:
  enum class Kind : std::uint8_t { kTerm, kAnd, kOr, kNot };
  struct Node {
    Kind kind = Kind::kTerm;
    std::uint32_t a = 0;  ///< the term's number, or the first operand
    std::uint32_t b = 0;  ///< the second operand
  };
  class Reader;

  bool Evaluate(std::uint32_t node, std::uint64_t found) const;
  std::uint64_t FindLowered(std::string_view lowered) const;

  std::vector<std::string> terms_;  ///< lower case
  std::vector<Node> nodes_;         ///< operands stand before their operator; the last one is the root
};

}  // namespace azmon::local
