// SPDX-License-Identifier: MIT
// Who may call a service, and what a service shows when it calls: a shared token, a TLS certificate, or both.
//
// Files are read at start and again when they change, without a restart: a certificate or a token that is replaced on disk is in use
// about a second later, for new connections and for new requests. What cannot be read then is told once, and the old one stays.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "net/client.h"
#include "net/http.h"
#include "net/server.h"
#include "services/shared/settings.h"

namespace services {

/// Everything that the settings and files say at one moment.
struct Credentials {
  std::vector<std::string> tokens;  ///< accepted; the first is shown to peers
  std::vector<std::string> names;   ///< of certificates of callers
  std::optional<net::ServerTls> server_tls;
  net::ClientTls client_tls;
  bool authenticates_callers = false;

  bool operator==(const Credentials& other) const;
};

/// Whether a request's caller is let in: everybody if nothing is configured, else who shows one of the tokens
/// (`Authorization: Bearer …`, compared in constant time) or a certificate with one of the names.
bool IsCallerKnown(const Credentials& credentials, const net::Request& request);

/// Reads the files that the settings name. @return kBadSetting with all that is wrong, a line each, none of them with a secret
azmon::Result<Credentials> ReadCredentials(const SecuritySettings& settings);

class Security {
 public:
  /// @return kBadSetting
  static azmon::Result<std::unique_ptr<Security>> Load(const SecuritySettings& settings);
  ~Security();
  Security(const Security&) = delete;
  Security& operator=(const Security&) = delete;

  /// As of now. Thread-safe.
  std::shared_ptr<const Credentials> Now() const;

  /// Calls back with the new credentials whenever they have changed, on a thread of its own. Before Watch().
  void OnChange(std::function<void(const Credentials&)> callback) { callbacks_.push_back(std::move(callback)); }
  /// Begins to look after the files, if there are any.
  void Watch();

 private:
  explicit Security(SecuritySettings settings, Credentials credentials)
      : settings_(std::move(settings)), now_(std::make_shared<const Credentials>(std::move(credentials))) {}
  void Look(const std::stop_token& stop);
  void Reload();

  const SecuritySettings settings_;
  std::vector<std::function<void(const Credentials&)>> callbacks_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Credentials> now_;  // guarded by mutex_
  std::string last_problem_;                // watcher's thread
  std::condition_variable_any wake_;
  std::jthread watcher_;
};

}  // namespace services
