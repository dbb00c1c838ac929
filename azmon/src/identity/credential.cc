// SPDX-License-Identifier: MIT
// The functions of azmon/credential.h.
#include "azmon/credential.h"

#include "identity/credentials.h"
#include "identity/token_cache.h"

namespace azmon {

Credential::~Credential() = default;
TokenSource::~TokenSource() = default;

std::shared_ptr<Credential> MakeManagedIdentity(std::string client_id) {
  return identity::MakeManagedIdentity(identity::Surroundings::Real(), std::move(client_id));
}

std::shared_ptr<Credential> MakeWorkloadIdentity(WorkloadIdentityOptions options) {
  return identity::MakeWorkloadIdentity(identity::Surroundings::Real(), std::move(options));
}

std::shared_ptr<Credential> MakeClientSecret(ClientSecretOptions options) {
  return identity::MakeClientSecret(identity::Surroundings::Real(), std::move(options));
}

ChosenCredential ChooseCredential(std::string client_id) { return identity::ChooseCredential(identity::Surroundings::Real(), std::move(client_id)); }

std::shared_ptr<TokenSource> MakeTokenSource(std::shared_ptr<Credential> credential, std::string scope) {
  return identity::MakeTokenCache(std::move(credential), std::move(scope));
}

}  // namespace azmon
