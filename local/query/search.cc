// SPDX-License-Identifier: MIT
#include "local/query/search.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.h"
#include "local/model/limits.h"

namespace azmon::local {
namespace {

/// Letters and digits; every byte of a character outside ASCII counts as a letter.
constexpr bool IsTermByte(char c) { return base::IsAlpha(c) || base::IsDigit(c) || static_cast<unsigned char>(c) >= 0x80; }

/// Whether `term` stands in `text` with a border of terms at both ends. Both are lower case.
bool HasTerm(std::string_view text, std::string_view term) {
  const bool begins_word = IsTermByte(term.front());
  const bool ends_word = IsTermByte(term.back());
  std::size_t from = 0;
  while (from + term.size() <= text.size()) {
    const void* hit = memmem(text.data() + from, text.size() - from, term.data(), term.size());
    if (hit == nullptr) return false;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
    const std::size_t end = at + term.size();
    if ((!begins_word || at == 0 || !IsTermByte(text[at - 1])) && (!ends_word || end == text.size() || !IsTermByte(text[end]))) return true;
    from = at + 1;
  }
  return false;
}

/// Eight bytes at a time: this is most of the work of a search.
void Lower(std::string_view text, std::string& out) {
  out.resize(text.size());
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, 8);
    // The top bit of each byte of the sums says: above 'Z', from 'A' on.
    const std::uint64_t low = bytes & (0x7F * kEach);
    const std::uint64_t above = low + (0x7F - 'Z') * kEach;
    const std::uint64_t from = low + (0x80 - 'A') * kEach;
    const std::uint64_t is_upper = (from ^ above) & ~bytes & (0x80 * kEach);
    bytes |= is_upper >> 2U;
    std::memcpy(out.data() + at, &bytes, 8);
  }
  for (; at < text.size(); ++at) out[at] = base::ToLower(text[at]);
}

/// Decodes the escapes of JSON text as a whole: quotes and punctuation stay, they are borders of terms anyway.
void Unescape(std::string_view json, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\\' || i + 1 == json.size()) {
      out.push_back(base::ToLower(json[i]));
      continue;
    }
    const char escape = json[++i];
    switch (escape) {
      case 'n': case 'r': case 't': case 'b': case 'f': out.push_back(' '); break;
      case 'u': {
        // Our own writer escapes control characters only; clients may escape anything, which then is a letter outside ASCII at most.
        const auto code = i + 4 < json.size() ? base::ParseHex(json.substr(i + 1, 4)) : std::nullopt;
        if (code && (*code)[0] == '\0') out.push_back(base::ToLower((*code)[1]));
        else out.push_back('?');
        i += 4;
        break;
      }
      default: out.push_back(base::ToLower(escape));
    }
  }
}

}  // namespace

/// Recursive descent over the query's words; every level of nesting costs a parenthesis, so the text's limit bounds it.
class Search::Reader {
 public:
  Reader(std::string_view text, Search& out) : text_(text), out_(out) { Next(); }

  Result<void> Read() {
    auto root = Or();
    if (too_many_) return Error{ErrorCode::kTooLarge, "the search has more than " + std::to_string(limits::kSearchTermsMax) + " terms"};
    if (word_.kind != Word::kEnd || unbalanced_) return Error{ErrorCode::kMalformed, "the search has unbalanced parentheses"};
    if (!root) out_.nodes_.clear();
    return {};
  }

 private:
  struct Word {
    enum Kind { kTerm, kAnd, kOr, kNot, kOpen, kClose, kEnd } kind = kEnd;
    std::string text;
  };

  void Next() {
    while (!text_.empty() && base::IsBlank(text_.front())) text_.remove_prefix(1);
    if (text_.empty()) {
      word_ = {Word::kEnd, ""};
      return;
    }
    if (text_.front() == '(' || text_.front() == ')') {
      word_ = {text_.front() == '(' ? Word::kOpen : Word::kClose, ""};
      text_.remove_prefix(1);
      return;
    }
    if (text_.front() == '"') {
      const auto end = text_.find('"', 1);
      const auto phrase = base::Trim(text_.substr(1, end == std::string_view::npos ? end : end - 1));
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
      word_ = {Word::kTerm, base::ToLower(phrase)};
      return;
    }
    std::size_t end = 0;
    while (end < text_.size() && !base::IsBlank(text_[end]) && text_[end] != '(' && text_[end] != ')' && text_[end] != '"') ++end;
    const auto text = text_.substr(0, end);
    text_.remove_prefix(end);
    word_ = {text == "AND" ? Word::kAnd : text == "OR" ? Word::kOr : text == "NOT" ? Word::kNot : Word::kTerm, base::ToLower(text)};
  }

  std::uint32_t Add(Node node) {
    out_.nodes_.push_back(node);
    return static_cast<std::uint32_t>(out_.nodes_.size() - 1);
  }

  // nullopt: nothing stands here, and the operator around it takes its other operand.
  std::optional<std::uint32_t> Or() {
    auto left = And();
    while (word_.kind == Word::kOr) {
      Next();
      left = Join(Kind::kOr, left, And());
    }
    return left;
  }

  std::optional<std::uint32_t> And() {
    auto left = Not();
    while (word_.kind == Word::kAnd || word_.kind == Word::kTerm || word_.kind == Word::kNot || word_.kind == Word::kOpen) {
      if (word_.kind == Word::kAnd) Next();
      left = Join(Kind::kAnd, left, Not());
    }
    return left;
  }

  std::optional<std::uint32_t> Not() {
    bool negated = false;
    while (word_.kind == Word::kNot) {
      negated = !negated;
      Next();
    }
    const auto operand = Primary();
    if (!operand || !negated) return operand;
    return Add({Kind::kNot, *operand, 0});
  }

  std::optional<std::uint32_t> Primary() {
    if (word_.kind == Word::kOpen) {
      if (++depth_ > limits::kSearchTermsMax) {
        too_many_ = true;
        word_ = {Word::kEnd, ""};
        text_ = {};
        return std::nullopt;
      }
      Next();
      const auto inner = Or();
      --depth_;
      if (word_.kind != Word::kClose) unbalanced_ = true;
      else Next();
      return inner;
    }
    if (word_.kind != Word::kTerm) return std::nullopt;
    std::string term = std::move(word_.text);
    Next();
    if (term.empty()) return std::nullopt;
    auto at = std::find(out_.terms_.begin(), out_.terms_.end(), term);
    if (at == out_.terms_.end()) {
      if (out_.terms_.size() == limits::kSearchTermsMax) {
        too_many_ = true;
        return std::nullopt;
      }
      out_.terms_.push_back(std::move(term));
      at = out_.terms_.end() - 1;
    }
    return Add({Kind::kTerm, static_cast<std::uint32_t>(at - out_.terms_.begin()), 0});
  }

  std::optional<std::uint32_t> Join(Kind kind, std::optional<std::uint32_t> a, std::optional<std::uint32_t> b) {
    if (!a) return b;
    if (!b) return a;
    return Add({kind, *a, *b});
  }

  std::string_view text_;
  Search& out_;
  Word word_;
  std::size_t depth_ = 0;
  bool too_many_ = false;
  bool unbalanced_ = false;
};

Result<Search> Search::Parse(std::string_view text) {
  if (text.size() > limits::kSearchBytesMax) {
    return Error{ErrorCode::kTooLarge, "the search is longer than " + std::to_string(limits::kSearchBytesMax) + " bytes"};
  }
  Search search;
  Reader reader(text, search);
  if (auto read = reader.Read(); !read) return read.error();
  return search;
}

std::uint64_t Search::FindLowered(std::string_view lowered) const {
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    if (HasTerm(lowered, terms_[i])) found |= std::uint64_t{1} << i;
  }
  return found;
}

std::uint64_t Search::Find(std::string_view text, std::string& scratch) const {
  if (text.empty()) return 0;
  Lower(text, scratch);
  return FindLowered(scratch);
}

std::uint64_t Search::FindInJson(std::string_view json, std::string& scratch) const {
  if (json.empty()) return 0;
  if (json.find('\\') == std::string_view::npos) return Find(json, scratch);
  Unescape(json, scratch);
  return FindLowered(scratch);
}

bool Search::MayFindId() const {
  return std::any_of(terms_.begin(), terms_.end(), [](const std::string& term) { return term.size() == 16 || term.size() == 32; });
}

std::uint64_t Search::All() const { return terms_.size() >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << terms_.size()) - 1; }

bool Search::Matches(std::uint64_t found) const {
  return nodes_.empty() || Evaluate(static_cast<std::uint32_t>(nodes_.size() - 1), found);
}

bool Search::Evaluate(std::uint32_t node, std::uint64_t found) const {
  const Node& at = nodes_[node];
  switch (at.kind) {
    case Kind::kTerm: return (found >> at.a & 1U) != 0;
    case Kind::kAnd: return Evaluate(at.a, found) && Evaluate(at.b, found);
    case Kind::kOr: return Evaluate(at.a, found) || Evaluate(at.b, found);
    case Kind::kNot: return !Evaluate(at.a, found);
  }
  return false;
}

}  // namespace azmon::local
