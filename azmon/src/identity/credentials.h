// SPDX-License-Identifier: MIT
// The credentials behind azmon/credential.h, with what they use of the machine given by a test.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "azmon/credential.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/result.h"
#include "transport/transport.h"

namespace azmon::identity {

/// All of it outlives the credentials. Safe from any thread.
struct Surroundings {
  const base::Environment* environment = &base::ProcessEnvironment();
  const base::Clock* clock = &base::SystemClock();
  /// Makes the transport of one GetToken.
  std::function<Result<std::unique_ptr<transport::Transport>>()> make_transport;
  /// Before the second attempt; doubled before the third.
  std::chrono::milliseconds retry_delay{800};

  /// The machine.
  static Surroundings Real();
};

std::shared_ptr<Credential> MakeManagedIdentity(Surroundings surroundings, std::string client_id);
std::shared_ptr<Credential> MakeWorkloadIdentity(Surroundings surroundings, WorkloadIdentityOptions options);
std::shared_ptr<Credential> MakeClientSecret(Surroundings surroundings, ClientSecretOptions options);
ChosenCredential ChooseCredential(const Surroundings& surroundings, std::string client_id);

}  // namespace azmon::identity
