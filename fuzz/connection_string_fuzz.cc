// SPDX-License-Identifier: MIT
// Connection strings are pasted by people: any bytes give problems or a usable value, never both or neither.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/environment.h"
#include "base/limits.h"
#include "deliver/connection_string.h"
#include "deliver/otlp_settings.h"
#include "transport/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace azmon;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = deliver::ParseConnectionString(text);
  bool has_error = false;
  for (const Problem& problem : report.problems) has_error |= problem.severity == Severity::kError;
  AZMON_CHECK(report.value.has_value() != has_error);
  if (report.value) {
    AZMON_CHECK(!report.value->instrumentation_key.empty() && report.value->instrumentation_key.size() <= 40);
    for (const std::string& endpoint : {report.value->ingestion_endpoint, report.value->live_endpoint}) {
      const auto url = transport::ParseUrl(endpoint);
      AZMON_CHECK(url && url->userinfo.empty() && !endpoint.ends_with('/'));
    }
  }
  // The same bytes as an OTLP endpoint and as headers.
  const base::MapEnvironment environment({{"OTLP_EXPORT_ENDPOINT", std::string(text)}, {"OTEL_EXPORTER_OTLP_HEADERS", std::string(text)}});
  const auto otlp = deliver::ReadOtlpSettings({}, environment, false);
  if (otlp.value) {
    for (const auto& endpoint : otlp.value->endpoints) {
      if (!endpoint) continue;
      AZMON_CHECK(transport::ParseUrl(endpoint->url).has_value());
      for (const auto& [name, value] : endpoint->headers) {
        AZMON_CHECK(!name.empty() && name.find_first_of("\r\n: ") == std::string::npos && value.find_first_of("\r\n") == std::string::npos &&
                    value.find('\0') == std::string::npos);
      }
    }
  }
  return 0;
}
