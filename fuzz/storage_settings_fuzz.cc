// SPDX-License-Identifier: MIT
// Connection strings come from people and secret stores.
//
// Oracle: nothing that is accepted sends receipts in clear text to another machine or without credentials, nor a token in clear text.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/environment.h"
#include "services/shared/settings.h"
#include "services/shared/storage_settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)services::ParsePeer(text);
  for (const char* name : {"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_BLOB_ENDPOINT", "STORAGE_ACCOUNT_NAME"}) {
    const azmon::base::MapEnvironment environment(std::map<std::string, std::string, std::less<>>{{name, text}});
    services::SettingsReader reader(environment);
    const services::StorageSettings storage = services::ReadStorageSettings(reader);
    if (!reader.Check().ok()) continue;
    const bool is_local = services::IsLoopback(storage.endpoint.host);
    AZMON_CHECK(storage.endpoint.scheme == "https" || is_local || storage.is_emulator);
    const bool has_secret = storage.key.has_value() || !storage.sas.empty();
    AZMON_CHECK(has_secret || storage.uses_identity || is_local);
    AZMON_CHECK(!storage.uses_identity || (storage.endpoint.scheme == "https" && !has_secret));
  }
  return 0;
}
