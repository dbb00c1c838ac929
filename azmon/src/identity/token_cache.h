// SPDX-License-Identifier: MIT
// Keeps a credential's token for one scope until shortly before it ends.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "azmon/credential.h"
#include "base/clock.h"

namespace azmon::identity {

struct TokenCacheOptions {
  const base::Clock* clock = &base::SystemClock();
  /// Runs a fetch, which blocks: a thread of its own if empty. For tests.
  std::function<bool(std::function<void()>)> run;
};

/// @return a TokenSource; see there
std::shared_ptr<TokenSource> MakeTokenCache(std::shared_ptr<Credential> credential, std::string scope, TokenCacheOptions options = {});

/// For how long a token of that life may be given out, and after how long the next one is fetched.
/// Source: Azure SDK's minimum validity of two minutes; exporter spec section 8.
struct TokenTimes {
  std::chrono::seconds usable;
  std::chrono::seconds fresh;
};
TokenTimes TimesOf(const AccessToken& token);

}  // namespace azmon::identity
