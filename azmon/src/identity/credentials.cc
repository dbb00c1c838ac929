// SPDX-License-Identifier: MIT
#include "identity/credentials.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "base/text.h"
#include "identity/token_request.h"
#include "transport/curl_transport.h"

namespace azmon::identity {

namespace {

using std::chrono::milliseconds;

constexpr int kAttemptsMax = 3;
/// How soon a wait notices that nobody wants its end any more.
constexpr milliseconds kCancelledWithin{20};
/// Whether there is a metadata service shows within a second: it is one hop away.
constexpr milliseconds kMetadataConnectTimeout{1000};
/// A federated token is a JWT of a few KB.
constexpr std::size_t kTokenFileBytesMax = 64 * 1024;

TokenAnswer Failure(std::string error, bool is_permanent) { return {.token = std::nullopt, .error = std::move(error), .is_permanent = is_permanent}; }

/// One GetToken: requests until one answers for good, the time is over or nobody waits.
class Conversation {
 public:
  Conversation(const Surroundings& surroundings, const TokenRequest& request, std::unique_ptr<transport::Transport> transport)
      : surroundings_(surroundings), request_(request), transport_(std::move(transport)), deadline_(surroundings.clock->Now() + request.timeout) {}

  /// @param build  makes the request anew for each attempt: headers and files of the platform change
  template <typename Build>
  TokenAnswer Ask(const Build& build, std::string_view who, int attempts) {
    TokenAnswer answer;
    for (int attempt = 1;; ++attempt) {
      const Result<transport::HttpRequest> request = build();
      if (!request.ok()) return Failure(std::string(who) + ": " + request.error().detail, true);
      answer = ReadTokenAnswer(Exchange(*request), who, surroundings_.clock->WallNow());
      if (answer.token || answer.is_permanent || attempt >= attempts || IsCancelled()) return answer;
      const auto next = surroundings_.clock->Now() + answer.retry_in.value_or(surroundings_.retry_delay * (1 << (attempt - 1)));
      if (next >= deadline_) return answer;
      while (surroundings_.clock->Now() < next && !IsCancelled()) Wait(next);
    }
  }

 private:
  bool IsCancelled() const { return request_.cancelled != nullptr && request_.cancelled->load(std::memory_order_relaxed); }
  void Wait(base::SteadyTime until) { transport_->Poll(std::min(until, surroundings_.clock->Now() + kCancelledWithin)); }

  transport::HttpResponse Exchange(transport::HttpRequest request) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - surroundings_.clock->Now());
    request.timeout = std::clamp(left, milliseconds(1), request.timeout);
    std::optional<transport::HttpResponse> response;
    const auto id = transport_->Start(std::move(request), [&](transport::HttpResponse got) { response = std::move(got); });
    while (!response && !IsCancelled() && surroundings_.clock->Now() < deadline_) Wait(deadline_);
    if (response) return std::move(*response);
    transport_->Cancel(id);
    return {.error = transport::TransportError::kTimeout, .error_text = IsCancelled() ? "given up" : ""};
  }

  const Surroundings& surroundings_;
  const TokenRequest& request_;
  const std::unique_ptr<transport::Transport> transport_;
  const base::SteadyTime deadline_;
};

/// What the credentials share. Exceptions of the standard library (no memory) end here.
class HttpCredential : public Credential {
 public:
  HttpCredential(Surroundings surroundings, std::string name) : surroundings_(std::move(surroundings)), name_(std::move(name)) {}

  std::string Name() const override { return name_; }

  TokenAnswer GetToken(const TokenRequest& request) final {
    try {
      auto transport = surroundings_.make_transport();
      if (!transport.ok()) return Failure(name_ + ": " + transport.error().ToString(), false);
      Conversation conversation(surroundings_, request, std::move(transport).value());
      return Ask(conversation, request.scope);
    } catch (const std::exception&) {
      return {.token = std::nullopt, .error = "no memory for a token request"};
    }
  }

 protected:
  virtual TokenAnswer Ask(Conversation& conversation, const std::string& scope) = 0;

  /// The option, else the variable, else empty.
  std::string Setting(const std::string& option, std::string_view variable) const {
    return option.empty() ? surroundings_.environment->Get(variable).value_or("") : option;
  }

  const Surroundings surroundings_;

 private:
  const std::string name_;
};

class ManagedIdentity final : public HttpCredential {
 public:
  ManagedIdentity(Surroundings surroundings, std::string client_id)
      : HttpCredential(std::move(surroundings), "managed identity"), client_id_(std::move(client_id)) {}

 protected:
  TokenAnswer Ask(Conversation& conversation, const std::string& scope) override {
    const std::string client_id = Setting(client_id_, "AZURE_CLIENT_ID");
    const auto endpoint = surroundings_.environment->Get("IDENTITY_ENDPOINT");
    if (endpoint && surroundings_.environment->Get("IDENTITY_HEADER")) {
      if (surroundings_.environment->Get("IMDS_ENDPOINT")) return Failure(Name() + ": servers of Azure Arc are not supported", true);
      const auto build = [&] {
        return AppServiceRequest(*endpoint, surroundings_.environment->Get("IDENTITY_HEADER").value_or(""), client_id, scope);
      };
      return Explained(conversation.Ask(build, Name(), kAttemptsMax), client_id);
    }
    const bool is_known = has_metadata_.load(std::memory_order_relaxed);
    const auto build = [&]() -> Result<transport::HttpRequest> {
      auto request = MetadataRequest(Setting("", "AZURE_POD_IDENTITY_AUTHORITY_HOST"), client_id, scope);
      if (request.ok()) request->connect_timeout = kMetadataConnectTimeout;
      return request;
    };
    TokenAnswer answer = conversation.Ask(build, "managed identity (metadata service)", is_known ? kAttemptsMax : 1);
    if (answer.token) has_metadata_ = true;
    return Explained(std::move(answer), client_id);
  }

 private:
  static TokenAnswer Explained(TokenAnswer answer, const std::string& client_id) {
    if (answer.token || !answer.is_permanent) return answer;
    answer.error += client_id.empty() ? "; with a user-assigned identity set AZURE_CLIENT_ID to its client id"
                                      : "; is AZURE_CLIENT_ID the client id of an identity that is assigned here?";
    return answer;
  }

  const std::string client_id_;
  std::atomic<bool> has_metadata_{false};
};

class WorkloadIdentity final : public HttpCredential {
 public:
  WorkloadIdentity(Surroundings surroundings, WorkloadIdentityOptions options)
      : HttpCredential(std::move(surroundings), "workload identity"), options_(std::move(options)) {}

 protected:
  TokenAnswer Ask(Conversation& conversation, const std::string& scope) override {
    const auto build = [&]() -> Result<transport::HttpRequest> {
      ClientCredentials credentials{.authority = Setting("", "AZURE_AUTHORITY_HOST"),
                                    .tenant_id = Setting(options_.tenant_id, "AZURE_TENANT_ID"),
                                    .client_id = Setting(options_.client_id, "AZURE_CLIENT_ID")};
      const std::string path = Setting(options_.token_file, "AZURE_FEDERATED_TOKEN_FILE");
      std::ifstream file(path, std::ios::binary);
      std::string text(kTokenFileBytesMax + 1, '\0');
      text.resize(file.read(text.data(), static_cast<std::streamsize>(text.size())) || file.eof() ? static_cast<std::size_t>(file.gcount()) : 0);
      credentials.assertion = base::Trim(text);
      if (credentials.assertion.empty() || text.size() > kTokenFileBytesMax) {
        return Error{.code = ErrorCode::kBadSetting, .detail = "AZURE_FEDERATED_TOKEN_FILE names no file with a token that can be read"};
      }
      return EntraRequest(credentials, scope);
    };
    return conversation.Ask(build, Name(), kAttemptsMax);
  }

 private:
  const WorkloadIdentityOptions options_;
};

class ClientSecret final : public HttpCredential {
 public:
  ClientSecret(Surroundings surroundings, ClientSecretOptions options)
      : HttpCredential(std::move(surroundings), "client secret"), options_(std::move(options)) {}

 protected:
  TokenAnswer Ask(Conversation& conversation, const std::string& scope) override {
    const auto build = [&] {
      return EntraRequest({.authority = Setting("", "AZURE_AUTHORITY_HOST"),
                           .tenant_id = Setting(options_.tenant_id, "AZURE_TENANT_ID"),
                           .client_id = Setting(options_.client_id, "AZURE_CLIENT_ID"),
                           .secret = Setting(options_.secret, "AZURE_CLIENT_SECRET")},
                          scope);
    };
    return conversation.Ask(build, Name(), kAttemptsMax);
  }

 private:
  const ClientSecretOptions options_;
};

}  // namespace

Surroundings Surroundings::Real() {
  return {.make_transport = [] {
    return transport::MakeCurlTransport(transport::CurlOptions::FromEnvironment(base::ProcessEnvironment()), base::SystemClock());
  }};
}

std::shared_ptr<Credential> MakeManagedIdentity(Surroundings surroundings, std::string client_id) {
  return std::make_shared<ManagedIdentity>(std::move(surroundings), std::move(client_id));
}

std::shared_ptr<Credential> MakeWorkloadIdentity(Surroundings surroundings, WorkloadIdentityOptions options) {
  return std::make_shared<WorkloadIdentity>(std::move(surroundings), std::move(options));
}

std::shared_ptr<Credential> MakeClientSecret(Surroundings surroundings, ClientSecretOptions options) {
  return std::make_shared<ClientSecret>(std::move(surroundings), std::move(options));
}

ChosenCredential ChooseCredential(const Surroundings& surroundings, std::string client_id) {
  const auto has = [&](std::string_view name) { return surroundings.environment->Get(name).has_value(); };
  const bool has_client = !client_id.empty() || has("AZURE_CLIENT_ID");
  const bool has_secret = has("AZURE_TENANT_ID") && has_client && has("AZURE_CLIENT_SECRET");
  const bool has_workload = has("AZURE_FEDERATED_TOKEN_FILE") && has("AZURE_TENANT_ID") && has_client;
  const bool has_managed = has("IDENTITY_ENDPOINT") && has("IDENTITY_HEADER");
  const auto secret = [&] { return ChosenCredential{.credential = MakeClientSecret(surroundings, {.client_id = client_id})}; };
  const auto workload = [&] { return ChosenCredential{.credential = MakeWorkloadIdentity(surroundings, {.client_id = client_id})}; };
  const auto managed = [&] { return ChosenCredential{.credential = MakeManagedIdentity(surroundings, client_id)}; };
  const auto choice = surroundings.environment->Get("AZURE_TOKEN_CREDENTIALS");
  const auto is = [&](std::string_view name) { return choice && base::EqualsIgnoreCase(*choice, name); };
  const std::string secret_needs = "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";
  const std::string workload_needs = "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE";
  if (is("EnvironmentCredential")) {
    if (has_secret) return secret();
    return {.credential = nullptr, .problem = "AZURE_TOKEN_CREDENTIALS asks for EnvironmentCredential, which needs " + secret_needs};
  }
  if (is("WorkloadIdentityCredential")) {
    if (has_workload) return workload();
    return {.credential = nullptr, .problem = "AZURE_TOKEN_CREDENTIALS asks for WorkloadIdentityCredential, which needs " + workload_needs};
  }
  if (is("ManagedIdentityCredential")) return managed();
  if (choice && !is("prod")) {
    return {.credential = nullptr,
            .problem = "AZURE_TOKEN_CREDENTIALS is none of prod, EnvironmentCredential, WorkloadIdentityCredential, ManagedIdentityCredential"};
  }
  if (has_secret) return secret();
  if (has_workload) return workload();
  if (has_managed || is("prod")) return managed();
  return {.credential = nullptr,
          .problem = "no identity is configured: set " + secret_needs + ", or " + workload_needs +
                     ", or IDENTITY_ENDPOINT and IDENTITY_HEADER (as Container Apps and App Service do), or AZURE_TOKEN_CREDENTIALS="
                     "ManagedIdentityCredential on a virtual machine"};
}

}  // namespace azmon::identity
