// SPDX-License-Identifier: MIT
#include "net/http.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/json_writer.h"
#include "base/text.h"

namespace net {
namespace {

/// Which bytes may stand in a field's name and in its value.
struct FieldBytes {
  std::array<bool, 256> in_name{};
  std::array<bool, 256> in_value{};
};

constexpr FieldBytes MakeFieldBytes() {
  FieldBytes bytes;
  for (std::size_t i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    bytes.in_name[i] = azmon::base::IsDigit(c) || azmon::base::IsAlpha(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    bytes.in_value[i] = (i >= 0x20 && i != 0x7f) || c == '\t';
  }
  return bytes;
}
constexpr FieldBytes kFieldBytes = MakeFieldBytes();

bool AllIn(const std::array<bool, 256>& allowed, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return allowed[static_cast<unsigned char>(c)]; });
}

/// '+' is a blank in a query, then %XX.
std::optional<std::string> DecodeQueryPart(std::string_view part) {
  std::string text(part);
  std::replace(text.begin(), text.end(), '+', ' ');
  return azmon::base::PercentDecode(text);
}

}  // namespace

Header Headers::Iterator::operator*() const { return owner_->At(index_); }

Header Headers::At(std::size_t index) const {
  const Entry& entry = entries_[index];
  const std::string_view text(text_);
  return {text.substr(entry.offset, entry.name_size), text.substr(entry.offset + entry.name_size, entry.value_size)};
}

void Headers::Add(std::string_view name, std::string_view value) {
  if (entries_.capacity() == 0) {
    // Enough for nearly every message.
    entries_.reserve(12);
    text_.reserve(500);
  }
  entries_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(value.size())});
  text_.append(name).append(value);
}

void Headers::Set(std::string_view name, std::string_view value) {
  const auto is_own = [this](std::string_view text) {
    return !std::less<>()(text.data(), text_.data()) && std::less<>()(text.data(), text_.data() + text_.size());
  };
  if (!is_own(name) && !is_own(value)) {
    Remove(name);
    Add(name, value);
    return;
  }
  // The arguments may be views into this very object, which Remove leaves valid and Add would not.
  const std::string kept_name(name);
  const std::string kept_value(value);
  Remove(kept_name);
  Add(kept_name, kept_value);
}

void Headers::Remove(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& entry) {
    return azmon::base::EqualsIgnoreCase(std::string_view(text_).substr(entry.offset, entry.name_size), name);
  });
}

void Headers::Clear() {
  text_.clear();
  entries_.clear();
}

std::optional<std::string_view> Headers::Get(std::string_view name) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name_size != name.size()) continue;
    const Header header = At(i);
    if (azmon::base::EqualsIgnoreCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::size_t Headers::Count(std::string_view name) const {
  std::size_t count = 0;
  for (const Header header : *this) count += azmon::base::EqualsIgnoreCase(header.name, name) ? 1 : 0;
  return count;
}

bool Headers::HasToken(std::string_view name, std::string_view token) const {
  for (const Header header : *this) {
    if (!azmon::base::EqualsIgnoreCase(header.name, name)) continue;
    std::string_view rest = header.value;
    while (true) {
      const std::size_t comma = rest.find(',');
      if (azmon::base::EqualsIgnoreCase(azmon::base::Trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

bool IsSendable(Header header) {
  return !header.name.empty() && AllIn(kFieldBytes.in_name, header.name) && AllIn(kFieldBytes.in_value, header.value);
}

Body Body::Shared(std::shared_ptr<const void> owner, std::string_view bytes) {
  Body body;
  body.owner_ = std::move(owner);
  body.shared_ = bytes;
  body.is_shared_ = true;
  return body;
}

Body Body::Shared(std::shared_ptr<const std::string> text) {
  const std::string_view bytes = text ? std::string_view(*text) : std::string_view();
  return Shared(std::shared_ptr<const void>(std::move(text)), bytes);
}

std::string Body::Take() && {
  if (is_shared_) return std::string(shared_);
  return std::move(text_);
}

std::string_view Request::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view Request::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

std::optional<std::string> Request::QueryValue(std::string_view name) const {
  std::string_view rest = query();
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (const auto key = DecodeQueryPart(pair.substr(0, equals)); key && *key == name) {
      return equals == std::string_view::npos ? std::string() : DecodeQueryPart(pair.substr(equals + 1));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

Response Response::Json(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.Add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

Response Response::Text(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

Response Response::Problem(int status, std::string_view detail, std::string_view title) {
  std::string body;
  azmon::base::JsonWriter json(body);
  json.OpenObject().Member("title", title.empty() ? ReasonPhrase(status) : title).Member("status", status);
  if (!detail.empty()) json.Member("detail", detail);
  json.CloseObject();
  Response response;
  response.status = status;
  response.headers.Add("Content-Type", "application/problem+json");
  response.body = std::move(body);
  return response;
}

Response Response::Events(StreamBody stream) {
  Response response;
  response.headers.Add("Content-Type", "text/event-stream");
  response.headers.Add("Cache-Control", "no-store");
  response.stream = std::move(stream);
  return response;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

Result<Url> Url::Parse(std::string_view text) {
  const auto malformed = [](std::string_view what) { return Error{ErrorCode::kMalformed, "the URL " + std::string(what)}; };
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return malformed("has a blank, a control character or non-ASCII text");
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return malformed("has no scheme");
  Url url;
  url.scheme = azmon::base::ToLower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return Error{ErrorCode::kUnsupported, "the URL's scheme is neither http nor https"};
  url.port = url.scheme == "https" ? 443 : 80;

  std::string_view rest = text.substr(colon + 3);
  const std::size_t end = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  if (rest.find('#') != std::string_view::npos) return malformed("has a fragment");
  if (authority.find('@') != std::string_view::npos) return malformed("has user information");

  std::string_view port;
  bool has_port = false;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return malformed("has an unfinished IPv6 address");
    url.host = azmon::base::ToLower(authority.substr(1, close - 1));
    if (url.host.find_first_not_of("0123456789abcdef:.") != std::string::npos) return malformed("has a malformed IPv6 address");
    const std::string_view after = authority.substr(close + 1);
    if (!after.empty() && after.front() != ':') return malformed("has text after the IPv6 address");
    has_port = !after.empty();
    if (has_port) port = after.substr(1);
  } else {
    const std::size_t at = authority.find(':');
    url.host = azmon::base::ToLower(authority.substr(0, at));
    has_port = at != std::string_view::npos;
    if (has_port) port = authority.substr(at + 1);
    if (url.host.find_first_of("[]\\<>\"^`{|}%,") != std::string::npos) return malformed("has a malformed host");
  }
  if (url.host.empty()) return malformed("has no host");
  if (has_port && !port.empty()) {
    const auto number = azmon::base::ParseInteger<std::uint16_t>(port);
    if (!number || *number == 0) return malformed("has a port that is none");
    url.port = *number;
  }
  url.target = rest.empty() || rest.front() != '/' ? "/" + std::string(rest) : std::string(rest);
  return url;
}

std::string Url::HostHeader() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (scheme == "https" ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::ToString() const { return scheme + "://" + HostHeader() + target; }

}  // namespace net
