// SPDX-License-Identifier: MIT
// Which storage account the receipts go to, and how requests to it are authorised.
//
// Pure. AZURE_STORAGE_CONNECTION_STRING wins over AZURE_STORAGE_BLOB_ENDPOINT, that over STORAGE_ACCOUNT_NAME.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "services/shared/settings.h"
#include "services/shared/shared_key.h"

namespace services {

struct StorageSettings {
  net::Url endpoint;             ///< of the blob service; its target is "/" or a prefix without a '/' at its end ("/devstoreaccount1")
  std::string sas;               ///< a shared access signature, without its '?'; empty if none. Secret
  std::optional<SharedKey> key;  ///< secret
  bool uses_identity = false;    ///< requests carry a token of this program's identity; never with a key or a signature
  bool is_emulator = false;      ///< the connection string names an emulator: its container is made at start
  std::string container = "receipts";
};

/// A connection string's account, key or signature, and blob endpoint. Understood are UseDevelopmentStorage (with
/// DevelopmentStorageProxyUri), BlobEndpoint, DefaultEndpointsProtocol, AccountName, AccountKey, EndpointSuffix and
/// SharedAccessSignature, in any case and order; other names are left alone.
/// Every problem goes to `reader`, none of them with a secret in it.
StorageSettings ParseStorageConnectionString(std::string_view text, SettingsReader& reader);

/// The storage of the environment; problems go to `reader`.
///
/// Shared Key is used only where a connection string gives it. An endpoint without key and signature is asked with a token of an identity
/// over https, and without any authorisation on loopback over http: there a token must not go.
/// Requests go in clear text only to loopback or to the emulator's account.
StorageSettings ReadStorageSettings(SettingsReader& reader);

/// 3 to 63 of [a-z0-9-], a letter or digit at both ends, no "--".
bool IsContainerName(std::string_view text);

}  // namespace services
