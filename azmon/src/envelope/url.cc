// SPDX-License-Identifier: MIT
#include "envelope/url.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "base/utf8.h"
#include "envelope/value_text.h"

namespace azmon::envelope {
namespace {

constexpr std::string_view kUtf8Replacement = "%EF%BF%BD";

/// A set of bytes as a table: URLs are looked through several times for each HTTP client span.
class ByteSet {
 public:
  template <typename Predicate>
  constexpr explicit ByteSet(Predicate holds) {
    for (std::size_t i = 0; i < holds_.size(); ++i) holds_[i] = holds(static_cast<char>(i));
  }
  constexpr bool operator()(char c) const { return holds_[static_cast<unsigned char>(c)]; }
  bool HasAll(std::string_view text) const {
    return std::all_of(text.begin(), text.end(), [this](char c) { return (*this)(c); });
  }
  /// The place of the first such byte, or the text's size.
  std::size_t FindIn(std::string_view text) const {
    return static_cast<std::size_t>(std::find_if(text.begin(), text.end(), [this](char c) { return (*this)(c); }) - text.begin());
  }

 private:
  std::array<bool, 256> holds_{};
};

constexpr bool IsC0OrBlank(char c) { return static_cast<unsigned char>(c) <= 0x20; }
constexpr bool IsSlash(char c) { return c == '/' || c == '\\'; }
constexpr bool IsTabOrNewline(char c) { return c == '\t' || c == '\n' || c == '\r'; }
constexpr bool IsAnyOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

constexpr ByteSet kTabOrNewline(&IsTabOrNewline);
constexpr ByteSet kAuthorityEnd([](char c) { return IsAnyOf(c, "/\\?#"); });
constexpr ByteSet kPathEnd([](char c) { return IsAnyOf(c, "?#"); });
constexpr ByteSet kHostByte([](char c) { return !IsC0OrBlank(c) && c != 0x7F && !IsAnyOf(c, "#/:<>?@[\\]^|%"); });
/// What WHATWG's path percent-encode set leaves as it is.
constexpr ByteSet kPathByte([](char c) { return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F && !IsAnyOf(c, "\"#<>?`{}"); });
constexpr ByteSet kNormalPathByte([](char c) { return kPathByte(c) && c != '\\'; });

/// Without C0 controls and blanks at both ends and without tabs and line feeds anywhere.
std::string_view Cleaned(std::string_view text, TextArena& arena) {
  while (!text.empty() && IsC0OrBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsC0OrBlank(text.back())) text.remove_suffix(1);
  if (kTabOrNewline.FindIn(text) == text.size()) return text;
  std::string& clean = arena.NewString();
  std::copy_if(text.begin(), text.end(), std::back_inserter(clean), [](char c) { return !IsTabOrNewline(c); });
  return clean;
}

bool IsIpv6Literal(std::string_view host) {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  const std::string_view inside = host.substr(1, host.size() - 2);
  const auto is_part = [](char c) { return base::IsDigit(c) || c == ':' || c == '.' || (base::ToLower(c) >= 'a' && base::ToLower(c) <= 'f'); };
  return std::all_of(inside.begin(), inside.end(), is_part) && std::count(inside.begin(), inside.end(), ':') >= 2;
}

std::string_view LowerCase(std::string_view text, TextArena& arena) {
  if (std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return text;
  std::string& lower = arena.NewString();
  lower = base::ToLower(text);
  return lower;
}

bool IsPercentEncodedDot(std::string_view text) { return text.size() == 3 && base::EqualsIgnoreCase(text, "%2e"); }
bool IsSingleDot(std::string_view segment) { return segment == "." || IsPercentEncodedDot(segment); }
bool IsDoubleDot(std::string_view segment) {
  if (segment.size() == 2) return segment == "..";
  if (segment.size() == 4) {
    return (segment.front() == '.' && IsPercentEncodedDot(segment.substr(1))) || (segment.back() == '.' && IsPercentEncodedDot(segment.substr(0, 3)));
  }
  return segment.size() == 6 && IsPercentEncodedDot(segment.substr(0, 3)) && IsPercentEncodedDot(segment.substr(3));
}

/// WHATWG's path percent-encode set.
void AppendPathEncoded(std::string_view segment, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  while (!segment.empty()) {
    if (kPathByte(segment.front())) {
      out.push_back(segment.front());
      segment.remove_prefix(1);
      continue;
    }
    const std::size_t length = base::Utf8SequenceLength(segment);
    if (length == 0) {
      out.append(kUtf8Replacement);
      segment.remove_prefix(1);
      continue;
    }
    for (const char c : segment.substr(0, length)) {
      out.push_back('%');
      out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
      out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
    }
    segment.remove_prefix(length);
  }
}

/// True if the path is as it would be written: the common case, which needs no copy.
bool IsNormalPath(std::string_view path) {
  if (path.empty() || path.front() != '/' || !kNormalPathByte.HasAll(path)) return false;
  // A segment that begins with a dot, or with a percent sign that may stand for one, is looked at closely.
  return path.find("/.") == std::string_view::npos && path.find("/%") == std::string_view::npos;
}

}  // namespace

std::optional<HttpUrl> ParseHttpUrl(std::string_view url, TextArena& arena) {
  url = Cleaned(url, arena);
  HttpUrl parsed;
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  if (base::EqualsIgnoreCase(url.substr(0, colon), "https")) {
    parsed.scheme = "https";
  } else if (base::EqualsIgnoreCase(url.substr(0, colon), "http")) {
    parsed.scheme = "http";
  } else {
    return std::nullopt;
  }
  url.remove_prefix(colon + 1);
  // These schemes take any number of slashes, either way round, before the host.
  while (!url.empty() && IsSlash(url.front())) url.remove_prefix(1);

  std::string_view authority = url.substr(0, kAuthorityEnd.FindIn(url));
  parsed.path = url.substr(authority.size());
  parsed.path = parsed.path.substr(0, kPathEnd.FindIn(parsed.path));
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);

  const std::size_t bracket = authority.find(']');
  const std::size_t port_colon = authority.find(':', !authority.empty() && authority.front() == '[' && bracket != std::string_view::npos ? bracket : 0);
  const std::string_view host = authority.substr(0, port_colon);
  if (port_colon != std::string_view::npos && port_colon + 1 < authority.size()) {
    // Leading zeros are allowed, however many.
    std::string_view digits = authority.substr(port_colon + 1);
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
    parsed.port = base::ParseInteger<std::uint16_t>(digits);
    if (!parsed.port) return std::nullopt;
  }
  if (host.empty()) return std::nullopt;
  if (!IsIpv6Literal(host) && !kHostByte.HasAll(host)) return std::nullopt;
  parsed.host = LowerCase(host, arena);
  return parsed;
}

std::string_view NormalisePath(std::string_view path, TextArena& arena) {
  if (IsNormalPath(path)) return path;
  if (path.empty()) return "/";
  if (kTabOrNewline.FindIn(path) != path.size()) {
    std::string& clean = arena.NewString();
    std::copy_if(path.begin(), path.end(), std::back_inserter(clean), [](char c) { return !IsTabOrNewline(c); });
    path = clean;
  }
  if (!path.empty() && IsSlash(path.front())) path.remove_prefix(1);
  std::vector<std::string_view> segments;
  while (true) {
    const std::size_t slash = path.find_first_of("/\\");
    const bool is_last = slash == std::string_view::npos;
    const std::string_view segment = path.substr(0, slash);
    if (IsDoubleDot(segment)) {
      if (!segments.empty()) segments.pop_back();
      if (is_last) segments.emplace_back();
    } else if (IsSingleDot(segment)) {
      if (is_last) segments.emplace_back();
    } else {
      segments.push_back(segment);
    }
    if (is_last) break;
    path.remove_prefix(slash + 1);
  }
  std::string& normal = arena.NewString();
  for (const std::string_view segment : segments) {
    normal.push_back('/');
    AppendPathEncoded(segment, normal);
  }
  return normal;
}

std::string_view SchemeOf(std::string_view url) {
  const std::size_t end = url.find("://");
  if (end == std::string_view::npos) return {};
  std::string_view scheme = url.substr(0, end);
  while (!scheme.empty() && IsC0OrBlank(scheme.front())) scheme.remove_prefix(1);
  const auto is_part = [](char c) { return base::IsAlpha(c) || base::IsDigit(c) || c == '+' || c == '-' || c == '.'; };
  if (scheme.empty() || !base::IsAlpha(scheme.front()) || !std::all_of(scheme.begin(), scheme.end(), is_part)) return {};
  return scheme;
}

std::string_view RemoveUserInfo(std::string_view url, TextArena& arena) {
  const std::size_t mark = url.find("://");
  // Not behind the path's begin: "/login?from=http://a@b" holds no user information of its own.
  if (mark == std::string_view::npos || kAuthorityEnd.FindIn(url) < mark) return url;
  const std::size_t begin = mark + 3;
  const std::string_view rest = url.substr(begin);
  const std::size_t at = rest.substr(0, kAuthorityEnd.FindIn(rest)).rfind('@');
  if (at == std::string_view::npos) return url;
  return arena.Join({url.substr(0, begin), rest.substr(at + 1)});
}

std::optional<std::uint16_t> PortOf(const Value* value) {
  if (value == nullptr) return std::nullopt;
  std::int64_t port = 0;
  if (value->type == ValueType::kInt) {
    port = value->integer;
  } else if (value->type == ValueType::kDouble) {
    if (!(value->number >= 1 && value->number <= 65535) || std::floor(value->number) != value->number) return std::nullopt;
    port = static_cast<std::int64_t>(value->number);
  } else if (value->type == ValueType::kString) {
    const std::string_view text = base::Trim(value->bytes);
    if (text.empty() || !std::all_of(text.begin(), text.end(), base::IsDigit)) return std::nullopt;
    port = base::ParseInteger<std::int64_t>(text).value_or(0);
  }
  if (port < 1 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

std::optional<std::uint16_t> DefaultPort(std::string_view scheme) {
  if (base::EqualsIgnoreCase(scheme, "https")) return std::uint16_t{443};
  if (base::EqualsIgnoreCase(scheme, "http")) return std::uint16_t{80};
  return std::nullopt;
}

std::string_view BracketIpv6(std::string_view host, TextArena& arena) {
  // One colon alone is the port of a host that was given with it.
  if (host.find(':') == std::string_view::npos || host.front() == '[' || std::count(host.begin(), host.end(), ':') < 2) return host;
  return arena.Join({"[", host, "]"});
}

}  // namespace azmon::envelope
