// SPDX-License-Identifier: MIT
// Reads OTLP requests (protobuf) and says in the words of Application Insights what they hold.
//
// Pure. How a span becomes a request or a dependency: docs/reference/azmon-local-otlp.md. It is a compact reading of the semantic
// conventions for looking at traces; what Azure would make of a span is decided by the exporter (azmon/src/envelope), not here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "local/model/item.h"

namespace azmon::local {

enum class OtlpSignal : std::uint8_t { kTraces, kLogs, kMetrics };

struct OtlpResult {
  Batch batch;               ///< `body` is the whole request
  std::size_t received = 0;  ///< spans, log records or data points
  std::size_t rejected = 0;
  std::string message;       ///< why the first one was rejected
};

/// @param body   an Export…ServiceRequest, untrusted, not compressed
/// @param i_key  the application that the items belong to: OTLP has no such thing
/// @param now    ticks; the time of a log record that has none
/// @return kMalformed the bytes are no such message; kTooLarge more than limits::kRequestItemsMax items. A span without a valid
///   trace id or span id is rejected alone
Result<OtlpResult> ParseOtlp(std::string body, OtlpSignal signal, std::string_view i_key, std::int64_t now);

/// The answer's body: an Export…ServiceResponse, with partial_success if something was rejected.
std::string OtlpAnswer(const OtlpResult& result);
std::string OtlpAnswerJson(const OtlpResult& result, OtlpSignal signal);

/// A google.rpc.Status message, the body of an error answer (OTLP specification, "OTLP/HTTP Response").
/// @param code  of google.rpc.Code, for example 3 invalid argument
std::string RpcStatus(int code, std::string_view message);

/// The OTLP JSON of one stored item: {"resourceSpans":[{"resource":…,"scopeSpans":[{"scope":…,"spans":[…]}]}]} and its like.
std::string OtlpItemJson(RawKind kind, std::string_view body, const RawParts& parts);

}  // namespace azmon::local
