// SPDX-License-Identifier: MIT
// receipt: writes one receipt an order to Azure Blob Storage.
#include <azmon/credential.h>

#include "services/receipt/container.h"
#include "services/receipt/routes.h"
#include "services/receipt/settings.h"
#include "services/shared/blob_client.h"
#include "services/shared/service.h"

namespace {

int Serve(services::Service& service, const receipt::Settings& settings) {
  std::shared_ptr<azmon::TokenSource> tokens;
  if (settings.storage.uses_identity) {
    const auto chosen = azmon::ChooseCredential();
    if (!chosen.credential) {
      return services::Fail(service, {azmon::ErrorCode::kBadSetting,
                                      "no identity for the storage: " + chosen.problem + "; or AZURE_STORAGE_CONNECTION_STRING with a key"});
    }
    tokens = azmon::MakeTokenSource(chosen.credential, std::string(services::kStorageScope));
  }
  receipt::PrepareContainer(service.runtime(), settings.storage, std::chrono::seconds(2));
  auto store = std::make_shared<services::BlobClient>(service.MakeClient(), settings.storage, std::move(tokens));
  return services::ServeRoutes(service, receipt::Routes(std::move(store)));
}

}  // namespace

int main(int argc, char** argv) {
  constexpr services::ProgramInfo kInfo{
      .name = "receipt", .summary = "Writes exactly one receipt an order to Azure Blob Storage.", .flags = {}, .health_port = 9002};
  return services::Main(kInfo, argc, argv, [](const services::Flags&) { return receipt::SettingsFromEnvironment(); }, Serve);
}
