// SPDX-License-Identifier: MIT
// The connection string of an Application Insights resource.
//
// Used by `distro`; knows nothing of the environment. Odd input is treated as exporter spec section 1 says: what is harmless is repaired
// with a warning, what would send telemetry to a wrong place is an error. No text made here holds a value of the string.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "azmon/azmon.h"

namespace azmon::deliver {

struct ConnectionString {
  std::string instrumentation_key;  ///< as given, 1 to 40 of [A-Za-z0-9-]
  std::string ingestion_endpoint;   ///< http or https URL without a slash at its end
  std::string live_endpoint;        ///< of Live Metrics, likewise
  bool has_ingestion_endpoint = false;  ///< the endpoint was written out, so a token may go to whatever host it names
  std::string application_id;       ///< empty if the string has none
  std::string aad_audience;         ///< empty if the string has none
};

struct ConnectionStringReport {
  std::optional<ConnectionString> value;  ///< absent if a problem is an error
  std::vector<Problem> problems;          ///< all of them, in the order of the segments
};

/// Reads `Key=Value` pairs joined by `;`. Keys ignore case, order is free, blanks around keys and values and empty segments are skipped,
/// the last of equal keys wins.
/// @param text     any bytes, at most limits::kConnectionStringBytesMax
/// @param setting  where the text comes from, for the problems
ConnectionStringReport ParseConnectionString(std::string_view text, std::string_view setting = "APPLICATIONINSIGHTS_CONNECTION_STRING");

}  // namespace azmon::deliver
