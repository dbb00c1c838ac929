// SPDX-License-Identifier: MIT
#include "services/shared/setting_table.h"

#include <array>

namespace services {
namespace {

constexpr std::array kTable = {
    Setting{"HOST", kEveryService, "127.0.0.1", "the address to listen on; other than loopback only with callers authenticated"},
    Setting{"PORT", kEveryService, "8000, 8001, 8002", "the service's port: checkout (only with --serve), order-processor, receipt; 0: a free one"},
    Setting{"HEALTH_PORT", kEveryService, "9000, 9001, 9002", "/livez, /readyz, /startupz and /telemetryz, never authenticated; 0: off"},
    Setting{"SERVICE_ORDER_PROCESSOR_API_NAME", kCheckout, "", "order-processor: host:port, a URL, or an app name (http://NAME)"},
    Setting{"SERVICE_RECEIPT_API_NAME", kOrderProcessor, "", "receipt: host:port, a URL, or an app name (http://NAME)"},
    Setting{"ORDER_RATE", kCheckout, "1", "orders a second; --rate wins; 0 with --serve: none but those that are posted"},
    Setting{"ORDER_COUNT", kCheckout, "0", "how many orders, 0: for ever; --count wins"},
    Setting{"ORDER_PATIENCE", kCheckout, "15", "seconds until an order without a final answer counts as failed"},
    Setting{"AZURE_STORAGE_CONNECTION_STRING", kReceipt, "", "the storage account with its key; UseDevelopmentStorage=true for a local Azurite", true},
    Setting{"AZURE_STORAGE_BLOB_ENDPOINT", kReceipt, "", "or the URL of its blob service; https unless on loopback"},
    Setting{"STORAGE_ACCOUNT_NAME", kReceipt, "", "or its name: https://NAME.blob.core.windows.net"},
    Setting{"AZURE_CLIENT_ID", kReceipt, "", "the user-assigned identity that reaches the storage where no key or signature is given", false, true},
    Setting{"AZURE_TOKEN_CREDENTIALS", kReceipt, "", "narrows the kinds of identity: a name as Azure Identity has it", false, true},
    Setting{"STORAGE_ACCOUNT_CONTAINER_NAME", kReceipt, "receipts", "the container"},
    Setting{"SERVICE_TOKEN", kEveryService, "", "shared secret of the services: callers must show it, and calls to peers carry it; 16 to 512 visible characters", true},
    Setting{"SERVICE_TOKEN_PREVIOUS", kEveryService, "", "accepted as well, while SERVICE_TOKEN is being changed", true},
    Setting{"SERVICE_TOKENS_FILE", kEveryService, "", "instead of the two above: a file with one or two tokens, a line each, read again when it changes"},
    Setting{"TLS_CERT_FILE", kEveryService, "", "PEM certificate chain: PORT speaks TLS alone, and calls to https peers show it"},
    Setting{"TLS_KEY_FILE", kEveryService, "", "its PEM private key"},
    Setting{"TLS_CA_FILE", kEveryService, "", "PEM authorities of https peers, beside the system's"},
    Setting{"TLS_CLIENT_CA_FILE", kEveryService, "", "PEM authorities of callers: they must show a certificate with an allowed name"},
    Setting{"TLS_CLIENT_NAMES", kEveryService, "", "the allowed DNS names or URIs of callers' certificates, separated by commas"},
    Setting{"TLS_CLIENT_NAMES_FILE", kEveryService, "", "further allowed names, a line each. The TLS files are read again when they change"},
    Setting{"ALLOW_UNAUTHENTICATED", kEveryService, "false", "true: listen on any address although nobody is authenticated"},
    Setting{"MAX_REQUESTS", kEveryService, "128", "requests at once; further ones get 503 with Retry-After, health endpoints excepted"},
    Setting{"TELEMETRY", kEveryService, "", "none, azmon (Application Insights alone) or dual; unset: all destinations that are configured"},
    Setting{"LOG_LEVEL", kEveryService, "info", "debug, info, warn, error or off: what is logged, on stderr and as telemetry"},
    Setting{"LOG_FORMAT", kEveryService, "auto", "json or text on stderr; auto: text on a terminal, else json"},
};

}  // namespace

std::span<const Setting> SettingTable() { return kTable; }

unsigned ProgramBit(std::string_view program) {
  if (program == "checkout") return kCheckout;
  if (program == "order-processor") return kOrderProcessor;
  return program == "receipt" ? kReceipt : 0;
}

std::string SettingHelp(unsigned program) {
  constexpr std::size_t kColumn = 28;
  std::string out;
  for (const Setting& setting : kTable) {
    if ((setting.programs & program) == 0) continue;
    std::string line = "  " + std::string(setting.name);
    if (line.size() + 1 > kColumn) {
      out.append(line).append("\n");
      line.clear();
    }
    line.resize(kColumn, ' ');
    out.append(line).append(setting.meaning);
    if (!setting.otherwise.empty()) out.append(" (").append(setting.otherwise).append(")");
    out += '\n';
  }
  return out;
}

std::string SettingMarkdown() {
  std::string out = "| variable | programs | default | meaning |\n|---|---|---|---|\n";
  for (const Setting& setting : kTable) {
    std::string programs;
    for (const auto& [bit, name] : {std::pair{kCheckout, "checkout"}, std::pair{kOrderProcessor, "order-processor"}, std::pair{kReceipt, "receipt"}}) {
      if ((setting.programs & bit) != 0) programs.append(programs.empty() ? "" : ", ").append(name);
    }
    if (setting.programs == kEveryService) programs = "all";
    out.append("| `").append(setting.name).append("` | ").append(programs).append(" | ").append(setting.otherwise).append(" | ");
    out.append(setting.meaning).append(setting.is_secret ? " **secret**" : "").append(" |\n");
  }
  return out;
}

}  // namespace services
