// SPDX-License-Identifier: MIT
// What an answer of an OTLP endpoint means for the records that were sent.
//
// Pure functions of the answer. Source: OTLP specification 1.5, "Failures", "OTLP/gRPC Throttling", "Failures 1" (HTTP); gRPC's
// "Mapping from HTTP status code to gRPC status code".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "transport/transport.h"

namespace azmon::deliver {

enum class OtlpAction : std::uint8_t {
  kAccepted,  ///< all but `rejected`
  kRetry,
  kDrop,
  kSplit,  ///< too large for the receiver: halves, a single record is dropped
};

struct OtlpVerdict {
  OtlpAction action = OtlpAction::kAccepted;
  std::uint64_t rejected = 0;  ///< of kAccepted: given up by the receiver, not to be sent again
  std::optional<std::chrono::milliseconds> wait;
  bool needs_token = false;       ///< of kRetry: a fresh access token may help
  bool is_configuration = false;  ///< only a person can help: a role, an address, a malformed request
  std::string cause;  ///< for the log; empty if nothing is wrong
  std::string advice;
};

OtlpVerdict ClassifyOtlpGrpc(const transport::HttpResponse& response, base::WallTime now);
OtlpVerdict ClassifyOtlpHttp(const transport::HttpResponse& response, base::WallTime now);
/// Azure Monitor's own OTLP ingestion has its own table: what may heal by itself keeps the data. Source: OTLP ingestion spec section 5.
OtlpVerdict ClassifyOtlpAzure(const transport::HttpResponse& response, base::WallTime now);

/// The wait of a google.rpc.RetryInfo in the base64 text of a grpc-status-details-bin header, which is not trusted.
/// @return nullopt if there is none. Zero means: at once
std::optional<std::chrono::nanoseconds> ParseRetryInfo(std::string_view details);

}  // namespace azmon::deliver
