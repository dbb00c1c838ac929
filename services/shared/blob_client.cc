// SPDX-License-Identifier: MIT
#include "services/shared/blob_client.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "base/text.h"
#include "services/shared/ids.h"
#include "services/shared/limits.h"
#include "services/shared/retry.h"
#include "services/shared/span.h"
#include "services/shared/version.h"

namespace services {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The oldest version that has all we use; every emulator knows it.
constexpr std::string_view kApiVersion = "2021-12-02";

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The text between <Code> and </Code> in the head of an XML error; a proxy may have sent anything else.
std::string CodeInBody(std::string_view body) {
  constexpr std::string_view kOpen = "<Code>";
  const std::string_view head = body.substr(0, 4096);
  const std::size_t begin = head.find(kOpen);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = head.find("</Code>", begin);
  if (end == std::string_view::npos) return {};
  return std::string(head.substr(begin + kOpen.size(), end - begin - kOpen.size()));
}

/// What a person can do about a refusal.
std::string_view Advice(std::string_view code) {
  if (code == "ContainerNotFound") return "; create the container, or correct STORAGE_ACCOUNT_CONTAINER_NAME";
  if (code == "AuthenticationFailed") return "; check the account key or the identity's tenant, and this machine's clock";
  if (code == "InvalidAuthenticationInfo" || code == "NoAuthenticationInformation") return "; the storage does not take this token: check the identity's tenant";
  if (code == "AuthorizationPermissionMismatch") {
    return "; the signature or role does not allow this: give the identity the role Storage Blob Data Contributor on the account or the "
           "container (a new role takes some minutes)";
  }
  if (code == "KeyBasedAuthenticationNotPermitted") return "; the account forbids keys: set STORAGE_ACCOUNT_NAME and use an identity";
  if (code == "AuthorizationFailure") return "; the account's network rules forbid this";
  if (code == "AccountIsDisabled") return "; the account is disabled: see its state in the portal";
  return "";
}

std::string Describe(const net::Response& response, std::string_view code) {
  std::string text = "the storage answered " + std::to_string(response.status);
  if (!code.empty()) text.append(" ").append(code);
  text += Advice(code);
  if (const auto id = response.headers.Get("x-ms-request-id")) text.append(" (request ").append(*id).append(")");
  return text;
}

/// A token, or why there is none; waits for it until the deadline at most.
awaitable<azmon::TokenAnswer> GetToken(azmon::TokenSource& source, net::Deadline deadline) {
  struct Wait {
    Wait(boost::asio::any_io_executor executor, net::Deadline until) : timer(std::move(executor), until) {}
    boost::asio::steady_timer timer;
    std::optional<azmon::TokenAnswer> answer;
  };
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto wait = std::make_shared<Wait>(executor, deadline);
  // The answer may come on a foreign thread; what it wakes runs where this coroutine does, one loop, so nothing is shared between threads.
  source.Get([wait, executor](const azmon::TokenAnswer& answer) {
    boost::asio::post(executor, [wait, answer] {
      wait->answer = answer;
      wait->timer.cancel();
    });
  });
  boost::system::error_code woken;
  co_await wait->timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  if (wait->answer) co_return std::move(*wait->answer);
  azmon::TokenAnswer late;
  late.error = "the identity did not answer in time";
  co_return late;
}

/// Whether another token may help. Emulators answer 403 where the service answers 401.
bool IsTokenRefusal(int status, std::string_view code) { return status == 401 || (status == 403 && code == "AuthenticationFailed"); }

/// What a verdict ends a call with; nullopt: another try.
std::optional<BlobStatus> FinalStatus(BlobVerdict verdict) {
  switch (verdict) {
    case BlobVerdict::kDone: return BlobStatus::kDone;
    case BlobVerdict::kExists: return BlobStatus::kExists;
    case BlobVerdict::kNotFound: return BlobStatus::kNotFound;
    case BlobVerdict::kRefused: return BlobStatus::kRefused;
    case BlobVerdict::kTryAgain: return std::nullopt;
  }
  return BlobStatus::kRefused;
}

awaitable<void> Sleep(milliseconds duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  timer.expires_after(duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace

struct BlobClient::Call {
  std::string method;
  std::string path;  ///< encoded, from the container on, with its '/'
  Pairs query;       ///< without the signature
  Pairs headers;     ///< beside those of every call
  std::string body;
  std::string id;    ///< x-ms-client-request-id, the same for every try
  int success;       ///< the status of success
};

BlobVerdict Judge(int status, std::string_view code, int success) {
  if (status == success) return BlobVerdict::kDone;
  // An emulator answers 500 for what it never will do: the code is looked at before the status.
  if (code == "FeatureNotSupported") return BlobVerdict::kRefused;
  if (status == 409 && (code == "BlobAlreadyExists" || code == "ContainerAlreadyExists")) return BlobVerdict::kExists;
  if (status == 409 && (code == "ContainerBeingDeleted" || code == "AccountBeingCreated")) return BlobVerdict::kTryAgain;
  if (status == 404 && (code == "BlobNotFound" || code == "ResourceNotFound" || code.empty())) return BlobVerdict::kNotFound;
  switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return BlobVerdict::kTryAgain;
    default: return BlobVerdict::kRefused;
  }
}

std::string ErrorCodeOf(const net::Response& response) {
  constexpr std::size_t kCodeCharsMax = 64;
  const auto header = response.headers.Get("x-ms-error-code");
  const std::string code = header ? std::string(*header) : CodeInBody(response.body.view());
  // It goes into spans and messages, so it must look like a code.
  const bool is_code = code.size() <= kCodeCharsMax &&
                       std::ranges::all_of(code, [](char c) { return azmon::base::IsAlpha(c) || azmon::base::IsDigit(c); });
  return is_code ? code : std::string();
}

std::string EncodeBlobName(std::string_view name) {
  constexpr std::string_view kUnescaped = "-._~/";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    if (azmon::base::IsAlpha(c) || azmon::base::IsDigit(c) || kUnescaped.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

BlobClient::BlobClient(std::shared_ptr<net::Client> client, StorageSettings settings, std::shared_ptr<azmon::TokenSource> tokens,
                       const azmon::base::Clock& clock)
    : client_(std::move(client)), settings_(std::move(settings)), tokens_(std::move(tokens)), clock_(clock) {}

net::ClientRequest BlobClient::MakeRequest(const Call& call, const std::string& token, int resend_count) const {
  net::ClientRequest request;
  request.method = call.method;
  request.url = settings_.endpoint;
  const std::string path = (request.url.target == "/" ? std::string() : request.url.target) + call.path;
  request.url.target = path;
  request.resend_count = resend_count;
  request.response_bytes_max = limits::kAnswerBytesMax;
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    // Our own names and values: none needs encoding.
    request.url.target.append(1, separator).append(name).append("=").append(value);
    separator = '&';
  }
  if (!settings_.sas.empty()) request.url.target.append(1, separator).append(settings_.sas);

  Pairs headers = call.headers;
  headers.emplace_back("x-ms-version", kApiVersion);
  headers.emplace_back("x-ms-date", HttpDate(clock_.WallNow()));
  headers.emplace_back("x-ms-client-request-id", call.id);
  for (const auto& [name, value] : headers) request.headers.Set(name, value);
  request.headers.Set("User-Agent", "azmon-services/" + std::string(kVersion));
  if (settings_.key && settings_.sas.empty()) {
    if (!call.body.empty()) headers.emplace_back("Content-Length", std::to_string(call.body.size()));
    const SignedRequest to_sign{.method = call.method, .path = path, .query = call.query, .headers = headers};
    request.headers.Set("Authorization", Authorization(to_sign, *settings_.key));
  }
  // A token gives access to more than one blob: in clear text it never leaves.
  if (!token.empty() && request.url.scheme == "https") request.headers.Set("Authorization", "Bearer " + token);
  request.body = call.body;
  return request;
}

awaitable<BlobAnswer> BlobClient::Run(Call call, net::Deadline deadline) {
  constexpr BackOff kBackOff{limits::kBlobRetryBase, limits::kBlobRetryCap};
  BlobAnswer answer;
  bool has_renewed = false;
  for (int tries = 0;; ++tries) {
    const auto started = steady_clock::now();
    if (started >= deadline) {
      answer.status = BlobStatus::kTimeout;
      if (answer.detail.empty()) answer.detail = "the deadline passed before the storage was asked";
      co_return answer;
    }
    std::optional<milliseconds> wait;
    std::string token;
    if (settings_.uses_identity) {
      azmon::TokenAnswer given = co_await GetToken(*tokens_, deadline);
      if (given.token) {
        token = std::move(given.token->token);
      } else {
        answer.status = given.is_permanent ? BlobStatus::kRefused : BlobStatus::kUnavailable;
        answer.detail = "there is no token for the storage: " + given.error;
        // Tries and waits are the token source's own; a call that has one waits no longer for the next.
        co_return answer;
      }
    }
    const auto sent = co_await client_->Send(MakeRequest(call, token, tries), std::min(deadline, started + limits::kBlobTryTimeout));
    if (sent.ok()) {
      if (const auto id = sent->headers.Get("x-ms-request-id")) answer.request_id = std::string(*id);
      const std::string code = ErrorCodeOf(*sent);
      const BlobVerdict verdict = Judge(sent->status, code, call.success);
      if (verdict == BlobVerdict::kDone) {
        answer.status = BlobStatus::kDone;
        answer.body = std::string(sent->body.view());
        co_return answer;
      }
      answer.detail = Describe(*sent, code);
      const bool may_renew = !token.empty() && !has_renewed && IsTokenRefusal(sent->status, code);
      if (may_renew) {
        tokens_->Reject(token);
        has_renewed = true;
        wait = milliseconds(0);
      } else if (const auto end = FinalStatus(verdict)) {
        answer.status = *end;
        co_return answer;
      } else {
        wait = RetryAfter(sent->headers, clock_.WallNow());
      }
      answer.status = may_renew ? BlobStatus::kRefused : BlobStatus::kUnavailable;
    } else {
      const bool is_timeout = sent.error().code == azmon::ErrorCode::kTimeout;
      answer.status = is_timeout ? BlobStatus::kTimeout : BlobStatus::kUnavailable;
      answer.detail = "no answer from the storage at " + settings_.endpoint.HostHeader() + ": " + sent.error().ToString();
    }
    if (tries + 1 >= limits::kBlobTriesMax) co_return answer;
    if (!wait) wait = Delay(kBackOff, tries, Chance());
    // Another try that cannot end before the deadline is not begun: the caller is told now.
    if (steady_clock::now() + *wait >= deadline) co_return answer;
    if (*wait > milliseconds(0)) co_await Sleep(*wait);
  }
}

awaitable<BlobAnswer> BlobClient::Create(std::string name, std::string bytes, net::Deadline deadline) {
  Span span("BlobClient.PutBlob");
  Call call{.method = "PUT",
            .path = "/" + settings_.container + "/" + EncodeBlobName(name),
            .query = {},
            .headers = {{"x-ms-blob-type", "BlockBlob"},
                        {"If-None-Match", "*"},
                        {"Content-Type", "application/json"},
                        {"Content-MD5", ContentMd5(bytes)}},
            .body = std::move(bytes),
            .id = ProcessIds().Make(),
            .success = 201};
  span.Set("az.namespace", "Microsoft.Storage");
  span.Set("az.client_request_id", call.id);
  BlobAnswer answer = co_await Run(std::move(call), deadline);
  // That it exists already is an answer: whether it is the right one is for the caller to see.
  if (!answer.request_id.empty()) span.Set("az.service_request_id", answer.request_id);
  if (answer.status != BlobStatus::kDone && answer.status != BlobStatus::kExists) span.Fail(Name(answer.status), answer.detail);
  co_return answer;
}

awaitable<BlobAnswer> BlobClient::Read(std::string name, net::Deadline deadline) {
  Span span("BlobClient.GetBlob");
  Call call{.method = "GET",
            .path = "/" + settings_.container + "/" + EncodeBlobName(name),
            .query = {},
            .headers = {},
            .body = {},
            .id = ProcessIds().Make(),
            .success = 200};
  span.Set("az.namespace", "Microsoft.Storage");
  span.Set("az.client_request_id", call.id);
  BlobAnswer answer = co_await Run(std::move(call), deadline);
  if (!answer.request_id.empty()) span.Set("az.service_request_id", answer.request_id);
  if (answer.status != BlobStatus::kDone && answer.status != BlobStatus::kNotFound) span.Fail(Name(answer.status), answer.detail);
  co_return answer;
}

awaitable<BlobAnswer> BlobClient::CreateContainer(net::Deadline deadline) {
  const Call call{.method = "PUT",
                  .path = "/" + settings_.container,
                  .query = {{"restype", "container"}},
                  .headers = {},
                  .body = {},
                  .id = ProcessIds().Make(),
                  .success = 201};
  const auto sent = co_await client_->Send(MakeRequest(call, {}, 0), deadline);
  BlobAnswer answer;
  if (!sent.ok()) {
    answer.detail = sent.error().ToString();
    co_return answer;
  }
  const std::string code = ErrorCodeOf(*sent);
  const BlobVerdict verdict = Judge(sent->status, code, call.success);
  if (verdict == BlobVerdict::kDone || verdict == BlobVerdict::kExists) {
    answer.status = BlobStatus::kDone;
  } else {
    answer.status = verdict == BlobVerdict::kTryAgain ? BlobStatus::kUnavailable : BlobStatus::kRefused;
    answer.detail = Describe(*sent, code);
  }
  co_return answer;
}

std::string_view Name(BlobStatus status) {
  switch (status) {
    case BlobStatus::kDone: return "done";
    case BlobStatus::kExists: return "exists";
    case BlobStatus::kNotFound: return "not_found";
    case BlobStatus::kUnavailable: return "storage_unavailable";
    case BlobStatus::kTimeout: return "storage_timeout";
    case BlobStatus::kRefused: return "storage_refused";
  }
  return "unknown";
}

}  // namespace services
