// SPDX-License-Identifier: MIT
#include "services/shared/problem.h"

#include "base/json_writer.h"
#include "base/text.h"
#include "base/utf8.h"
#include "services/shared/json.h"
#include "services/shared/limits.h"

namespace services {
namespace {

/// Longest text that is taken over from a peer's problem.
constexpr std::size_t kPeerTextBytesMax = 512;

std::string TextMember(const JsonValue& object, std::string_view name) {
  const JsonValue* const member = object.Find(name);
  if (member == nullptr || member->kind != JsonValue::Kind::kString) return {};
  return std::string(azmon::base::CutUtf8Bytes(member->text, kPeerTextBytesMax));
}

/// A JSON pointer in the URI fragment form of RFC 6901 section 6.
std::string Fragment(std::string_view pointer) {
  constexpr std::string_view kUnescaped = "/-._~!$&'()*+,;=:@?";
  std::string out = "#";
  for (const char c : pointer) {
    if (azmon::base::IsAlpha(c) || azmon::base::IsDigit(c) || kUnescaped.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      azmon::base::AppendHex(std::string_view(&c, 1), out);
    }
  }
  return out;
}

}  // namespace

std::string_view StatusPhrase(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

std::string ToJson(const Problem& problem) {
  std::string out;
  azmon::base::JsonWriter json(out);
  json.OpenObject();
  json.Member("type", std::string_view("about:blank")).Member("title", StatusPhrase(problem.status)).Member("status", problem.status);
  if (!problem.code.empty()) json.Member("code", problem.code);
  if (!problem.detail.empty()) json.Member("detail", problem.detail);
  if (!problem.fields.empty()) {
    json.Key("errors").OpenArray();
    for (const FieldProblem& field : problem.fields) {
      json.OpenObject().Member("pointer", Fragment(field.pointer)).Member("detail", field.detail).CloseObject();
    }
    json.CloseArray();
  }
  json.CloseObject();
  return out;
}

Problem ParseProblem(int status, std::string_view body) {
  Problem problem{.status = status, .code = {}, .detail = std::string(StatusPhrase(status)), .fields = {}, .retry_after = {}};
  const auto json = ParseJson(body);
  if (!json.ok() || json->kind != JsonValue::Kind::kObject) return problem;
  problem.code = TextMember(*json, "code");
  if (auto detail = TextMember(*json, "detail"); !detail.empty()) problem.detail = std::move(detail);
  const JsonValue* const errors = json->Find("errors");
  if (errors == nullptr) return problem;
  for (const JsonValue& error : errors->items) {
    if (problem.fields.size() == limits::kFieldProblemsMax) break;
    std::string pointer = TextMember(error, "pointer");
    if (!pointer.starts_with('#')) continue;
    auto decoded = azmon::base::PercentDecode(std::string_view(pointer).substr(1));
    if (decoded) problem.fields.push_back({std::move(*decoded), TextMember(error, "detail")});
  }
  return problem;
}

}  // namespace services
