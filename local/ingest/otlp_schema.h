// SPDX-License-Identifier: MIT
// The OTLP messages as a table, and the two ways between their JSON and protobuf forms.
//
// Requests that come as OTLP/JSON become protobuf first, so that there is one decoder; stored protobuf becomes JSON when a person looks at
// it. Pure. Source: opentelemetry-proto 1.5.0; OTLP specification, "JSON Protobuf Encoding" (ids in hexadecimal, enums as numbers, 64-bit
// integers as text).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "base/result.h"

namespace azmon::local {

struct OtlpMessage;

// The messages that are entered from outside.
extern const OtlpMessage kTracesRequest, kLogsRequest, kMetricsRequest;
extern const OtlpMessage kResourceMessage, kScopeMessage, kSpanMessage, kLogRecordMessage, kMetricMessage;

/// Reads JSON text of a message. Member names in lowerCamelCase or snake_case, 64-bit integers as numbers or text, enums as numbers or
/// names; unknown members are skipped.
/// @return protobuf bytes; kMalformed with the path to what is wrong
Result<std::string> OtlpFromJson(std::string_view json, const OtlpMessage& message);

/// Writes a message as a JSON object. Unknown fields are left out; bytes that are no message of that kind end it early, the JSON stays
/// well-formed.
void OtlpToJson(std::string_view bytes, const OtlpMessage& message, base::JsonWriter& json);

}  // namespace azmon::local
