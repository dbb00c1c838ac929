// SPDX-License-Identifier: MIT
// OTLP export requests by concatenation: records hold the bytes of OTLP messages already, so they are copied, not encoded.
//
// Pure functions. Source: opentelemetry-proto 1.5.0, collector/*/v1/*_service.proto; "gRPC over HTTP2", Length-Prefixed-Message.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "journal/journal.h"

namespace azmon::deliver {

/// Appends an ExportTraceServiceRequest, ExportLogsServiceRequest or ExportMetricsServiceRequest: which one is decided by what the
/// records are, since the three have equal numbers.
///
/// Records of one scope stand together, scopes of one resource likewise; within a scope the order is kept.
/// @param records  indexes into the batch's entries, all of one signal
void AppendExportRequest(const journal::Batch& batch, std::span<const std::uint32_t> records, std::string& out);

/// Data points of an OTLP Metric message; those before the damage if it is damaged.
std::uint64_t CountDataPoints(std::string_view metric_message);

/// Appends the prefix of a gRPC message of so many bytes.
void AppendGrpcPrefix(bool is_compressed, std::uint32_t message_bytes, std::string& out);

}  // namespace azmon::deliver
