// SPDX-License-Identifier: MIT
// Identities of Microsoft Entra: where access tokens come from.
//
// A Credential gets a token, blocking; a TokenSource keeps one until shortly before it ends and gets the next ahead of time. Tokens and
// secrets are never logged, and no error text here holds one. C++17.
//
//   auto chosen = azmon::ChooseCredential();                       // AZURE_CLIENT_ID, AZURE_TOKEN_CREDENTIALS and the platform's variables
//   if (!chosen.credential) return Fail(chosen.problem);
//   auto tokens = azmon::MakeTokenSource(chosen.credential, "https://storage.azure.com/.default");
//   tokens->Get([](const azmon::TokenAnswer& answer) { … });
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "azmon/export.h"

namespace azmon {

struct AccessToken {
  std::string token;
  /// How long it lives from now on. From the answer of the issuer, so that a wrong clock here does no harm.
  std::chrono::seconds lifetime{0};
  /// When to ask for the next one, from now on; absent: half of a life of two hours or more, else five minutes before the end.
  std::optional<std::chrono::seconds> refresh_in;
};

struct TokenRequest {
  std::string scope;  ///< for example "https://storage.azure.com/.default"
  /// GetToken returns within it.
  std::chrono::milliseconds timeout{30000};
  /// Becomes true when nobody waits any more: GetToken then returns soon, 50 ms are good. May be null.
  const std::atomic<bool>* cancelled = nullptr;
};

/// A token, or why there is none.
struct TokenAnswer {
  std::optional<AccessToken> token;
  std::string error;          ///< what failed and what to do, for a person; holds no secrets
  bool is_permanent = false;  ///< repeating will not help: no such identity, a wrong secret
  std::optional<std::chrono::milliseconds> retry_in;  ///< what the issuer asked for
};

/// An identity. Programs may bring their own, for example around the Azure SDK's.
class AZMON_EXPORT Credential {
 public:
  virtual ~Credential();

  /// Gets a new token. Blocks; does not cache, TokenSource does. Called on any thread, one call at a time for each TokenSource. Must not
  /// throw.
  virtual TokenAnswer GetToken(const TokenRequest& request) = 0;

  /// For the log: "managed identity", "workload identity" and so on.
  virtual std::string Name() const = 0;
};

/// The identity of a container app, an app service or a virtual machine. In Container Apps and App Service (IDENTITY_ENDPOINT and
/// IDENTITY_HEADER are set) their endpoint is asked, else the metadata service of virtual machines.
/// @param client_id  of a user-assigned identity; empty: AZURE_CLIENT_ID, else the system-assigned one
AZMON_EXPORT std::shared_ptr<Credential> MakeManagedIdentity(std::string client_id = {});

struct WorkloadIdentityOptions {
  std::string tenant_id;   ///< else AZURE_TENANT_ID
  std::string client_id;   ///< else AZURE_CLIENT_ID
  std::string token_file;  ///< else AZURE_FEDERATED_TOKEN_FILE; read again for each token, since the platform renews it
};
/// A federated identity, as in Azure Kubernetes Service. What is missing is said by GetToken.
AZMON_EXPORT std::shared_ptr<Credential> MakeWorkloadIdentity(WorkloadIdentityOptions options = {});

struct ClientSecretOptions {
  std::string tenant_id;  ///< else AZURE_TENANT_ID
  std::string client_id;  ///< else AZURE_CLIENT_ID
  std::string secret;     ///< else AZURE_CLIENT_SECRET
};
/// A service principal with a secret. What is missing is said by GetToken.
AZMON_EXPORT std::shared_ptr<Credential> MakeClientSecret(ClientSecretOptions options = {});

struct ChosenCredential {
  std::shared_ptr<Credential> credential;  ///< null: none is configured
  std::string problem;                     ///< why it is null: names every variable that was looked at
};
/// The credential that the environment configures, decided once and without asking anybody: a client secret if its three variables are
/// set, else workload identity if its are, else managed identity if IDENTITY_ENDPOINT and IDENTITY_HEADER are. AZURE_TOKEN_CREDENTIALS
/// narrows it to one: `EnvironmentCredential`, `WorkloadIdentityCredential`, `ManagedIdentityCredential`, or `prod`: the first of the
/// three, with the metadata service of virtual machines as the last resort.
/// @param client_id  instead of AZURE_CLIENT_ID
AZMON_EXPORT ChosenCredential ChooseCredential(std::string client_id = {});

/// The current token of a credential for one scope. Every function is safe from any thread and never blocks.
///
/// One request at a time, on a thread of its own that lives only as long as the request. Destroying it gives up what is on its way; calls
/// of `done` that wait are then made with an error.
class AZMON_EXPORT TokenSource {
 public:
  using Done = std::function<void(const TokenAnswer&)>;

  virtual ~TokenSource();

  /// Gives a token that is good for a while: at least two minutes, or a quarter of a shorter life. When it is due for renewal the next one
  /// is fetched meanwhile.
  /// @param done  called exactly once: before Get returns if a token is there, or if fetching one has just failed and is not due again;
  ///              else on the fetching thread. Must not block or throw
  virtual void Get(Done done) = 0;

  /// The receiver did not accept this token (401): it is not given out again. Tokens that are not the current one are ignored.
  virtual void Reject(const std::string& token) = 0;
};

/// @param credential  not null
AZMON_EXPORT std::shared_ptr<TokenSource> MakeTokenSource(std::shared_ptr<Credential> credential, std::string scope);

}  // namespace azmon
