// SPDX-License-Identifier: MIT
#include "services/shared/http.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"
#include "services/shared/limits.h"

namespace services {
namespace {

using azmon::base::EqualsIgnoreCase;
using azmon::base::Trim;
using std::chrono::milliseconds;

Problem WrongMediaType(std::string detail) {
  return {.status = 415, .code = "unsupported_media_type", .detail = std::move(detail), .fields = {}, .retry_after = {}};
}

}  // namespace

net::Deadline DeadlineOf(const net::RequestContext& context) {
  milliseconds left = limits::kOrderDeadline;
  if (const auto text = context.request.headers.Get(kDeadlineHeader)) {
    const auto value = azmon::base::ParseInteger<std::uint32_t>(*text);
    if (value) left = std::min(left, milliseconds(*value));
  }
  return context.received + left;
}

net::Deadline CallDeadline(net::Deadline deadline) { return deadline - limits::kDeadlineReserve; }

void PassDeadline(net::Deadline deadline, net::ClientRequest& request) {
  const auto left = std::chrono::duration_cast<milliseconds>(CallDeadline(deadline) - std::chrono::steady_clock::now());
  request.headers.Set(kDeadlineHeader, std::to_string(std::max<milliseconds::rep>(left.count(), 0)));
}

net::Response ToResponse(const Problem& problem) {
  net::Response response;
  response.status = problem.status;
  response.headers.Set("Content-Type", kProblemContentType);
  if (problem.retry_after) response.headers.Set("Retry-After", std::to_string(problem.retry_after->count()));
  response.body = ToJson(problem);
  return response;
}

net::Response Success() { return net::Response::Json(200, R"({"success":true})"); }

std::optional<Problem> CheckOrderHeaders(const net::Request& request) {
  const auto encoding = request.headers.Get("Content-Encoding");
  if (encoding && !EqualsIgnoreCase(Trim(*encoding), "identity")) return WrongMediaType("An order is sent without a content encoding.");
  const std::string_view type = request.headers.Get("Content-Type").value_or("");
  const auto parts = azmon::base::Split(type, ';');
  if (!EqualsIgnoreCase(Trim(parts[0]), "application/json")) return WrongMediaType("An order is sent as application/json.");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view parameter = Trim(parts[i]);
    constexpr std::string_view kCharset = "charset=";
    if (!EqualsIgnoreCase(parameter.substr(0, kCharset.size()), kCharset)) continue;
    std::string_view charset = parameter.substr(kCharset.size());
    if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"') charset = charset.substr(1, charset.size() - 2);
    if (!EqualsIgnoreCase(charset, "utf-8")) return WrongMediaType("JSON is UTF-8; no other charset is read.");
  }
  return std::nullopt;
}

Problem TooLate(std::string_view what) {
  return {.status = 504,
          .code = "deadline_exceeded",
          .detail = std::string(what) + " The order may have been carried out; sending the same order again is safe.",
          .fields = {},
          .retry_after = {}};
}

Problem Unauthorized() {
  return {.status = 401,
          .code = "unauthorized",
          .detail = "Show a token of this service (Authorization: Bearer), or a client certificate with a name that it knows.",
          .fields = {},
          .retry_after = {}};
}

Problem Unavailable(std::string code, std::string detail) {
  return {.status = 503, .code = std::move(code), .detail = std::move(detail), .fields = {}, .retry_after = limits::kRetryAfter};
}

}  // namespace services
