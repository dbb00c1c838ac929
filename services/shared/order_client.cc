// SPDX-License-Identifier: MIT
#include "services/shared/order_client.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/clock.h"
#include "services/shared/counts.h"
#include "services/shared/http.h"
#include "services/shared/json.h"
#include "services/shared/limits.h"
#include "services/shared/log.h"
#include "services/shared/retry.h"
#include "services/shared/version.h"

namespace services {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

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

HttpOrderPeer::HttpOrderPeer(std::shared_ptr<net::Client> client, PeerOptions options) : client_(std::move(client)), options_(std::move(options)) {}

awaitable<std::optional<Problem>> HttpOrderPeer::Send(std::string order, net::Deadline deadline, int resend_count) {
  constexpr BackOff kBackOff{limits::kPeerRetryBase, limits::kPeerRetryCap};
  if (resend_count == 0) budget_.Deposit();
  std::optional<Problem> problem;
  for (int tries = 0;; ++tries) {
    const int resent = resend_count + tries;
    net::ClientRequest request = MakeRequest("POST", "/orders", deadline);
    request.headers.Set("Content-Type", "application/json");
    const bool is_last = tries + 1 >= options_.tries_max;
    request.body = is_last ? std::move(order) : order;
    // An order has an id, so a repeat changes nothing.
    request.is_replayable = true;
    request.resend_count = resent;
    const auto answer = co_await Call(std::move(request), deadline);
    if (!answer) {
      problem = LeftAlone();
    } else if (answer->ok()) {
      problem = JudgeOrderAnswer(**answer, options_.name);
    } else {
      problem = JudgeFailedCall(answer->error(), options_.name);
    }
    if (!problem || problem->status != 503 || is_last) co_return problem;
    // Without an answer the peer asked for nothing: a restart is over sooner than the second that our own answer would ask for.
    const bool was_asked = answer && answer->ok();
    const milliseconds asked = was_asked ? milliseconds(problem->retry_after.value_or(std::chrono::seconds(0))) : milliseconds(0);
    const milliseconds wait = std::max(asked, Delay(kBackOff, tries, Chance()));
    if (steady_clock::now() + wait >= CallDeadline(deadline)) co_return problem;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(wait);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

awaitable<std::variant<bool, Problem>> HttpOrderPeer::HasReceipt(std::string order_id, net::Deadline deadline) {
  net::ClientRequest request = MakeRequest("GET", "/receipts/" + order_id, deadline);
  request.url_template = "/receipts/{id}";
  const auto answer = co_await Call(std::move(request), deadline);
  if (!answer) co_return LeftAlone();
  if (!answer->ok()) co_return JudgeFailedCall(answer->error(), options_.name);
  const net::Response& response = **answer;
  if (response.status == 200) co_return true;
  if (response.status == 404) co_return false;
  if (response.status == 504) co_return TooLate(options_.name + " did not finish in time.");
  co_return UnexpectedAnswer(response, options_.name);
}

awaitable<std::optional<azmon::Result<net::Response>>> HttpOrderPeer::Call(net::ClientRequest request, net::Deadline deadline) {
  if (!breaker_.Allow(steady_clock::now())) {
    Add(Count::kBreakerRefused);
    co_return std::nullopt;
  }
  // A coroutine that is destroyed while it waits must not leave the probe's place taken.
  struct Probe {
    CircuitBreaker* breaker;
    ~Probe() {
      if (breaker != nullptr) breaker->Abandoned();
    }
  } probe{&breaker_};
  // After the breaker: what it refuses is no repetition, and a time without the peer must not use up what its return needs.
  if (request.resend_count > 0) {
    const bool may_repeat = budget_.Withdraw(steady_clock::now());
    Add(may_repeat ? Count::kRetry : Count::kRetryRefused);
    if (!may_repeat) co_return std::nullopt;
  }
  const bool was_late = CallDeadline(deadline) <= steady_clock::now();
  auto answer = co_await client_->Send(std::move(request), CallDeadline(deadline));
  if (was_late) co_return answer;
  probe.breaker = nullptr;
  const bool is_failure = !answer.ok() || answer->status == 429 || answer->status >= 500;
  Tell(is_failure ? breaker_.Failed(steady_clock::now()) : breaker_.Succeeded());
  co_return answer;
}

net::ClientRequest HttpOrderPeer::MakeRequest(std::string_view method, std::string target, net::Deadline deadline) const {
  net::ClientRequest request;
  request.method = method;
  request.url = options_.origin;
  request.url.target = std::move(target);
  request.headers.Set("User-Agent", "azmon-services/" + std::string(kVersion));
  if (options_.authorization) {
    if (const std::string value = options_.authorization(); !value.empty()) request.headers.Set("Authorization", value);
  }
  request.response_bytes_max = limits::kAnswerBytesMax;
  PassDeadline(deadline, request);
  return request;
}

void HttpOrderPeer::Tell(CircuitBreaker::Change change) const {
  if (change == CircuitBreaker::Change::kOpened) Log(LogLevel::kWarn, "a peer fails again and again and is left alone for a while", {{"peer", options_.name}});
  if (change == CircuitBreaker::Change::kClosed) Log(LogLevel::kInfo, "a peer answers again", {{"peer", options_.name}});
}

Problem HttpOrderPeer::LeftAlone() const {
  return Unavailable("peer_unavailable", options_.name + " has failed again and again and is left alone for a moment. Send the same order again.");
}

}  // namespace services
