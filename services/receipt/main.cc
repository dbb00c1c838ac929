// SPDX-License-Identifier: MIT
// receipt: writes one receipt an order to Azure Blob Storage.
#include <azmon/asio.h>
#include <azmon/credential.h>

#include <span>

#include "services/receipt/container.h"
#include "services/receipt/routes.h"
#include "services/receipt/settings.h"
#include "services/shared/blob_client.h"
#include "services/shared/service.h"
#include "services/shared/telemetry.h"

namespace {

constexpr services::ProgramInfo kInfo{
    .name = "receipt",
    .summary = "Writes exactly one receipt an order to Azure Blob Storage.",
    .environment = R"(  HOST, PORT              where to listen (127.0.0.1, 8002)
  HEALTH_PORT             /livez, /readyz, /startupz, /telemetryz (9002; 0: off)
  AZURE_STORAGE_CONNECTION_STRING | AZURE_STORAGE_BLOB_ENDPOINT | STORAGE_ACCOUNT_NAME
                          the storage account; UseDevelopmentStorage=true for a local Azurite. Without a key or signature in it this
                          program's identity is used: AZURE_CLIENT_ID names a user-assigned one, AZURE_TOKEN_CREDENTIALS narrows the kinds
  STORAGE_ACCOUNT_CONTAINER_NAME
                          the container (receipts)
  TELEMETRY               none, azmon or dual (all destinations that are configured)
)",
    .flags = {},
    .health_port = 9002};

}  // namespace

int main(int argc, char** argv) {
  azmon::asio::InstallContext();
  const auto flags = services::ParseFlags(std::span<const char* const>(argv, static_cast<std::size_t>(argc)).subspan(1), kInfo.flags);
  if (const auto exit_code = services::HandleFlags(flags, kInfo)) return *exit_code;
  const auto settings = receipt::SettingsFromEnvironment();
  if (!settings.ok()) return services::Fail(kInfo.name, settings.error());
  std::shared_ptr<azmon::TokenSource> tokens;
  if (settings->storage.uses_identity) {
    const auto chosen = azmon::ChooseCredential();
    if (!chosen.credential) {
      return services::Fail(kInfo.name, {azmon::ErrorCode::kBadSetting, "no identity for the storage: " + chosen.problem +
                                                                            "; or AZURE_STORAGE_CONNECTION_STRING with a key"});
    }
    tokens = azmon::MakeTokenSource(chosen.credential, std::string(services::kStorageScope));
  }
  auto telemetry = services::StartTelemetry(kInfo.name, settings->telemetry, azmon::base::ProcessEnvironment());
  const auto make_routes = [&](net::Runtime& runtime) {
    receipt::PrepareContainer(runtime, settings->storage, std::chrono::seconds(2));
    return receipt::Routes(std::make_shared<services::BlobClient>(services::MakeTracedClient(runtime), settings->storage, tokens));
  };
  return services::Run(kInfo.name, settings->listen, make_routes, std::move(telemetry));
}
