// SPDX-License-Identifier: MIT
#include "services/shared/order_client.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "services/shared/http.h"
#include "services/shared/json.h"
#include "services/shared/limits.h"
#include "services/shared/retry.h"
#include "services/shared/version.h"

namespace services {
namespace {

using boost::asio::awaitable;

bool SaysSuccess(std::string_view body) {
  const auto json = ParseJson(body);
  if (!json.ok()) return false;
  const JsonValue* const success = json->Find("success");
  return success != nullptr && success->kind == JsonValue::Kind::kTrue;
}

Problem UnexpectedAnswer(const net::Response& answer, std::string_view peer) {
  Problem problem = Unavailable("peer_unavailable", std::string(peer) + " answered " + std::to_string(answer.status) + ".");
  const auto wait = RetryAfter(answer.headers, azmon::base::SystemClock().WallNow());
  if (wait) problem.retry_after = std::max(*problem.retry_after, std::chrono::ceil<std::chrono::seconds>(*wait));
  if (answer.status == 503) {
    // The peer's own reason is the better one: storage_unavailable tells more than peer_unavailable.
    Problem reason = ParseProblem(answer.status, answer.body.view());
    if (!reason.code.empty()) {
      problem.code = std::move(reason.code);
      problem.detail = std::move(reason.detail);
    }
  }
  return problem;
}

}  // namespace

std::optional<Problem> JudgeOrderAnswer(const net::Response& answer, std::string_view peer) {
  switch (answer.status) {
    case 200:
      if (SaysSuccess(answer.body.view())) return std::nullopt;
      return Unavailable("peer_unclear", std::string(peer) + " answered 200 without success.");
    case 400:
    case 409:
    case 413: return ParseProblem(answer.status, answer.body.view());
    case 504: return TooLate(std::string(peer) + " did not finish in time.");
    default: return UnexpectedAnswer(answer, peer);
  }
}

Problem JudgeFailedCall(const azmon::Error& error, std::string_view peer) {
  if (error.code == azmon::ErrorCode::kTimeout) return TooLate(std::string(peer) + " did not answer in time.");
  return Unavailable("peer_unavailable", std::string(peer) + " cannot be reached now. Send the same order again.");
}

HttpOrderPeer::HttpOrderPeer(std::shared_ptr<net::Client> client, std::string name, net::Url origin)
    : client_(std::move(client)), name_(std::move(name)), origin_(std::move(origin)) {}

awaitable<std::optional<Problem>> HttpOrderPeer::Send(std::string order, net::Deadline deadline, int resend_count) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = origin_;
  request.url.target = "/orders";
  request.headers.Set("Content-Type", "application/json");
  request.headers.Set("User-Agent", "azmon-services/" + std::string(kVersion));
  request.body = std::move(order);
  // An order has an id, so a repeat changes nothing.
  request.is_replayable = true;
  request.resend_count = resend_count;
  request.response_bytes_max = limits::kAnswerBytesMax;
  PassDeadline(deadline, request);
  const auto answer = co_await client_->Send(std::move(request), CallDeadline(deadline));
  if (!answer.ok()) co_return JudgeFailedCall(answer.error(), name_);
  co_return JudgeOrderAnswer(*answer, name_);
}

awaitable<std::variant<bool, Problem>> HttpOrderPeer::HasReceipt(std::string order_id, net::Deadline deadline) {
  net::ClientRequest request;
  request.url = origin_;
  request.url.target = "/receipts/" + order_id;
  request.headers.Set("User-Agent", "azmon-services/" + std::string(kVersion));
  request.response_bytes_max = limits::kAnswerBytesMax;
  PassDeadline(deadline, request);
  const auto answer = co_await client_->Send(std::move(request), CallDeadline(deadline));
  if (!answer.ok()) co_return JudgeFailedCall(answer.error(), name_);
  if (answer->status == 200) co_return true;
  if (answer->status == 404) co_return false;
  if (answer->status == 504) co_return TooLate(name_ + " did not finish in time.");
  co_return UnexpectedAnswer(*answer, name_);
}

}  // namespace services
