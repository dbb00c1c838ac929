// SPDX-License-Identifier: MIT
// The corpus' neutral form of telemetry as OTLP messages. Input of a test tool: a case that does not follow the form ends the program.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace azmon::conformance {

using Json = nlohmann::json;

/// A plain string, a `stringRepeat` or a `stringBytesHex` object.
std::string Text(const Json& value);

std::string ResourceMessage(const Json& resource);
std::string ScopeMessage(const Json& scope);
std::string SpanMessage(const Json& span);
std::string LogMessage(const Json& log);
std::string MetricMessage(const Json& metric);

}  // namespace azmon::conformance
