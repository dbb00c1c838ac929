// SPDX-License-Identifier: MIT
#include "net/codec/serializer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "base/text.h"

namespace net {
namespace {

void AppendNumber(std::uint64_t value, std::string& out, int base = 10) {
  std::array<char, 24> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, base);
  out.append(text.data(), end);
}

void AppendField(Header field, std::string& out) { out.append(field.name).append(": ").append(field.value).append("\r\n"); }

/// Fields that decide where a message ends: only this file writes them.
bool IsFraming(std::string_view name) {
  using azmon::base::EqualsIgnoreCase;
  return EqualsIgnoreCase(name, "Content-Length") || EqualsIgnoreCase(name, "Transfer-Encoding") || EqualsIgnoreCase(name, "Connection");
}

void AppendTwoDigits(unsigned value, std::string& out) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

}  // namespace

void AppendResponseHead(const Response& response, const ResponseFraming& framing, std::string_view date, std::string& out) {
  out += "HTTP/1.1 ";
  AppendNumber(static_cast<std::uint64_t>(std::clamp(response.status, 100, 999)), out);
  out.append(" ").append(ReasonPhrase(response.status)).append("\r\nDate: ").append(date).append("\r\n");
  switch (framing.body) {
    case ResponseFraming::Body::kLength:
      out += "Content-Length: ";
      AppendNumber(framing.length, out);
      out += "\r\n";
      break;
    case ResponseFraming::Body::kChunked: out += "Transfer-Encoding: chunked\r\n"; break;
    case ResponseFraming::Body::kUntilClose:
    case ResponseFraming::Body::kNone: break;
  }
  if (!framing.keep_alive) {
    out += "Connection: close\r\n";
  } else if (framing.version_minor == 0) {
    out += "Connection: keep-alive\r\n";
  }
  for (const Header field : response.headers) {
    if (!IsFraming(field.name) && !azmon::base::EqualsIgnoreCase(field.name, "Date") && IsSendable(field)) AppendField(field, out);
  }
  out += "\r\n";
}

Result<void> AppendRequestHead(const ClientRequest& request, const Headers& extra, std::string& out) {
  if (!IsSendable({request.method, ""})) return Error{ErrorCode::kMalformed, "the method is no token"};
  const std::string& target = request.url.target;
  if (target.empty() || std::any_of(target.begin(), target.end(), [](char c) { return c <= 0x20 || c >= 0x7f; })) {
    return Error{ErrorCode::kMalformed, "the target has a blank, a control character or non-ASCII text"};
  }
  out.append(request.method).append(" ").append(target).append(" HTTP/1.1\r\n");
  if (!request.headers.Has("Host")) AppendField({"Host", request.url.HostHeader()}, out);
  const bool needs_length = !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (needs_length) {
    out += "Content-Length: ";
    AppendNumber(request.body.size(), out);
    out += "\r\n";
  }
  for (const Header field : request.headers) {
    if (IsFraming(field.name) || extra.Has(field.name)) continue;
    if (!IsSendable(field)) return Error{ErrorCode::kMalformed, "the field " + std::string(field.name) + " cannot be sent"};
    AppendField(field, out);
  }
  for (const Header field : extra) {
    if (!IsFraming(field.name) && IsSendable(field)) AppendField(field, out);
  }
  out += "\r\n";
  return {};
}

std::string HttpDate(std::int64_t unix_seconds) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::string text = kDays[std::chrono::weekday(day).c_encoding()];
  text += ", ";
  AppendTwoDigits(static_cast<unsigned>(date.day()), text);
  text.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  text += std::to_string(static_cast<int>(date.year()));
  text += " ";
  AppendTwoDigits(static_cast<unsigned>(clock.hours().count()), text);
  text += ":";
  AppendTwoDigits(static_cast<unsigned>(clock.minutes().count()), text);
  text += ":";
  AppendTwoDigits(static_cast<unsigned>(clock.seconds().count()), text);
  text += " GMT";
  return text;
}

void AppendChunkHead(std::size_t size, std::string& out) {
  AppendNumber(size, out, 16);
  out += "\r\n";
}

}  // namespace net
