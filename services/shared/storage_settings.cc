// SPDX-License-Identifier: MIT
#include "services/shared/storage_settings.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace services {
namespace {

using azmon::base::EqualsIgnoreCase;

constexpr std::string_view kConnectionString = "AZURE_STORAGE_CONNECTION_STRING";
constexpr std::string_view kBlobEndpoint = "AZURE_STORAGE_BLOB_ENDPOINT";
constexpr std::string_view kAccountName = "STORAGE_ACCOUNT_NAME";
constexpr std::string_view kContainerName = "STORAGE_ACCOUNT_CONTAINER_NAME";

/// Account and key that every emulator has; published, no secret.
constexpr std::string_view kEmulatorAccount = "devstoreaccount1";
constexpr std::string_view kEmulatorKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr std::uint16_t kEmulatorPort = 10000;

bool IsAccountName(std::string_view text) {
  return text.size() >= 3 && text.size() <= 24 &&
         std::ranges::all_of(text, [](char c) { return azmon::base::IsDigit(c) || (c >= 'a' && c <= 'z'); });
}

using Segments = std::map<std::string, std::string>;

/// name=value pairs between semicolons; a value may hold '=' (a key's padding).
Segments ParseSegments(std::string_view text, SettingsReader& reader) {
  Segments segments;
  int number = 0;
  for (const std::string_view piece : azmon::base::Split(text, ';')) {
    ++number;
    const std::string_view segment = azmon::base::Trim(piece);
    if (segment.empty()) continue;
    const std::size_t equals = segment.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      // The text itself may be a secret that lost its name, so it is not shown.
      reader.AddProblem(std::string(kConnectionString) + ": segment " + std::to_string(number) + " is no name=value");
      continue;
    }
    segments.insert_or_assign(azmon::base::ToLower(azmon::base::Trim(segment.substr(0, equals))),
                              std::string(azmon::base::Trim(segment.substr(equals + 1))));
  }
  return segments;
}

std::string Get(const Segments& segments, const std::string& name) {
  const auto found = segments.find(name);
  return found == segments.end() ? std::string() : found->second;
}

/// Sets the endpoint, and the signature if the URL carries one.
void SetEndpoint(std::string_view variable, std::string text, StorageSettings& settings, SettingsReader& reader) {
  const std::size_t query = text.find('?');
  if (query != std::string::npos) {
    settings.sas = text.substr(query + 1);
    text.resize(query);
  }
  while (text.ends_with('/')) text.pop_back();
  auto url = net::Url::Parse(text);
  if (!url.ok()) {
    reader.AddProblem(std::string(variable) + ": the blob endpoint '" + text + "' is no http or https URL: " + url.error().detail);
    return;
  }
  settings.endpoint = std::move(*url);
}

void SetKey(std::string account, std::string_view key, StorageSettings& settings, SettingsReader& reader) {
  auto bytes = azmon::base::ParseBase64(key);
  if (!bytes || bytes->empty()) {
    reader.AddProblem(std::string(kConnectionString) + ": AccountKey is not base64; copy it again from the account's access keys");
    return;
  }
  settings.key = SharedKey{std::move(account), std::move(*bytes)};
}

void UseEmulator(std::string proxy, StorageSettings& settings, SettingsReader& reader) {
  while (proxy.ends_with('/')) proxy.pop_back();
  if (proxy.empty()) proxy = "http://127.0.0.1";
  SetEndpoint(kConnectionString, proxy + ":" + std::to_string(kEmulatorPort) + "/" + std::string(kEmulatorAccount), settings, reader);
  SetKey(std::string(kEmulatorAccount), kEmulatorKey, settings, reader);
  settings.is_emulator = true;
}

}  // namespace

StorageSettings ParseStorageConnectionString(std::string_view text, SettingsReader& reader) {
  StorageSettings settings;
  const std::size_t problems_before = reader.problems().size();
  const Segments segments = ParseSegments(text, reader);
  if (EqualsIgnoreCase(Get(segments, "usedevelopmentstorage"), "true")) {
    UseEmulator(Get(segments, "developmentstorageproxyuri"), settings, reader);
    return settings;
  }
  const std::string account = Get(segments, "accountname");
  const std::string endpoint = Get(segments, "blobendpoint");
  if (!endpoint.empty()) {
    SetEndpoint(kConnectionString, endpoint, settings, reader);
  } else if (IsAccountName(account)) {
    std::string protocol = Get(segments, "defaultendpointsprotocol");
    std::string suffix = Get(segments, "endpointsuffix");
    if (protocol.empty()) protocol = "https";
    if (suffix.empty()) suffix = "core.windows.net";
    SetEndpoint(kConnectionString, protocol + "://" + account + ".blob." + suffix, settings, reader);
  } else {
    reader.AddProblem(std::string(kConnectionString) + " needs BlobEndpoint, or AccountName of 3 to 24 lower-case letters and digits");
  }
  if (const std::string sas = Get(segments, "sharedaccesssignature"); !sas.empty()) {
    settings.sas = sas.starts_with('?') ? sas.substr(1) : sas;
  }
  if (const std::string key = Get(segments, "accountkey"); !key.empty()) {
    if (account.empty()) reader.AddProblem(std::string(kConnectionString) + " has AccountKey but no AccountName");
    SetKey(account, key, settings, reader);
  }
  if (!settings.key && settings.sas.empty() && reader.problems().size() == problems_before) {
    reader.AddProblem(std::string(kConnectionString) + " needs AccountKey or SharedAccessSignature");
  }
  settings.is_emulator = account == kEmulatorAccount || IsLoopback(settings.endpoint.host);
  return settings;
}

StorageSettings ReadStorageSettings(SettingsReader& reader) {
  StorageSettings settings;
  const std::size_t problems_before = reader.problems().size();
  const auto& environment = reader.environment();
  std::string_view source;
  if (const auto text = environment.Get(kConnectionString)) {
    source = kConnectionString;
    settings = ParseStorageConnectionString(*text, reader);
  } else if (const auto endpoint = environment.Get(kBlobEndpoint)) {
    source = kBlobEndpoint;
    SetEndpoint(source, *endpoint, settings, reader);
  } else if (const auto account = environment.Get(kAccountName)) {
    source = kAccountName;
    if (IsAccountName(*account)) {
      SetEndpoint(source, "https://" + *account + ".blob.core.windows.net", settings, reader);
    } else {
      reader.AddProblem(std::string(source) + "='" + *account + "' must have 3 to 24 lower-case letters and digits");
    }
  } else {
    reader.AddProblem("no storage account is set: AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_BLOB_ENDPOINT or STORAGE_ACCOUNT_NAME "
                      "(for a local Azurite: AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true)");
  }
  settings.container = reader.Text(kContainerName, settings.container);
  if (!IsContainerName(settings.container)) {
    reader.AddProblem(std::string(kContainerName) + "='" + settings.container +
                      "' must have 3 to 63 lower-case letters, digits and single '-', with a letter or digit at both ends");
  }
  if (reader.problems().size() != problems_before) return settings;

  const bool is_local = IsLoopback(settings.endpoint.host);
  if (settings.endpoint.scheme != "https" && !is_local && !settings.is_emulator) {
    reader.AddProblem(std::string(source) + ": '" + settings.endpoint.ToString() + "' would send receipts in clear text; use https");
  }
  settings.uses_identity = !settings.key && settings.sas.empty() && settings.endpoint.scheme == "https";
  return settings;
}

bool IsContainerName(std::string_view text) {
  const auto is_alphanumeric = [](char c) { return azmon::base::IsDigit(c) || (c >= 'a' && c <= 'z'); };
  return text.size() >= 3 && text.size() <= 63 && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         text.find("--") == std::string_view::npos &&
         std::ranges::all_of(text, [&](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace services
