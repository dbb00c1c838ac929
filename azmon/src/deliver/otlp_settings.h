// SPDX-License-Identifier: MIT
// Where OTLP goes and how, from options and environment.
//
// A pure function; used by `distro`. The order of the sources and the rules for injected endpoints are the project's contract
// (docs/reference), the meaning of each variable is OpenTelemetry's ("OTLP Exporter Configuration").
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "azmon/azmon.h"
#include "base/environment.h"
#include "transport/transport.h"

namespace azmon::deliver {

enum class OtlpSignal : std::uint8_t { kTraces = 0, kLogs = 1, kMetrics = 2 };
inline constexpr std::size_t kOtlpSignals = 3;

/// "traces", "logs", "metrics".
std::string_view Name(OtlpSignal signal);

struct OtlpEndpoint {
  std::string url;  ///< complete: the path of the signal's service or `/v1/traces` and its like included
  OtlpProtocol protocol = OtlpProtocol::kHttpProtobuf;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case, checked for what HTTP allows
  std::chrono::milliseconds timeout{10000};
  bool gzip = false;
  /// Azure Monitor's own OTLP ingestion: own limits and verdicts, and an access token where the host may have one.
  bool is_azure = false;
  transport::TlsFiles tls;
};

struct OtlpSettings {
  std::array<std::optional<OtlpEndpoint>, kOtlpSignals> endpoints;  ///< by OtlpSignal; absent: the signal is not sent
  /// For the endpoints of Azure Monitor; null: none is sent. Set by `distro`.
  std::shared_ptr<TokenSource> tokens;

  const std::optional<OtlpEndpoint>& Of(OtlpSignal signal) const { return endpoints[static_cast<std::size_t>(signal)]; }
  bool HasAzure() const {
    return std::ranges::any_of(endpoints, [](const auto& endpoint) { return endpoint && endpoint->is_azure; });
  }
};

/// Whether an access token may be sent there: https to a host of Azure Monitor.
bool MayHaveToken(std::string_view url);

struct OtlpSettingsReport {
  std::optional<OtlpSettings> value;  ///< absent: no OTLP destination
  std::vector<Problem> problems;      ///< all of them
  std::vector<std::string> log;       ///< a line for each rule that decided something: where OTLP goes, what was set aside and why
};

/// @param has_connection_string  Application Insights is a destination as well: then endpoints that the platform injected are set aside,
///                               since the platform would store the same telemetry a second time
OtlpSettingsReport ReadOtlpSettings(const OtlpOptions& options, const base::Environment& environment, bool has_connection_string);

}  // namespace azmon::deliver
