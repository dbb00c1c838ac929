// SPDX-License-Identifier: MIT
// A record: one telemetry item in OTLP wire form with a fixed header, the one format between capture, journal and destinations.
//
//   offset  bytes  field (little-endian)
//   0       4      length of everything behind the header: annotations and message
//   4       4      CRC-32C of bytes 8 to the end
//   8       1      signal
//   9       1      flags
//   10      2      length of the annotations
//   12      4      owner: of a span, log record or metric its scope's id; of a scope or resource its own id
//   16      …      annotations (otlp/annotations.h), then the message
//
// The message is the OTLP message's own bytes: Span, LogRecord, Metric, InstrumentationScope or Resource of opentelemetry-proto 1.5.
// The OTLP destination copies it; what only one destination may see stands in the annotations, never in the message.
// Used by capture, journal, envelope, deliver and meter. Knows nothing of files or networks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace azmon::otlp {

enum class Signal : std::uint8_t { kSpan = 1, kLog = 2, kMetric = 3, kScope = 4, kResource = 5 };

/// Bits of a record's flags.
enum RecordFlags : std::uint8_t {
  kSampled = 1,   ///< a span or log that was sampled; others are only measured
  kForAzure = 2,  ///< Application Insights gets it
  kForOtlp = 4,   ///< the OTLP endpoint gets it
  kForMeter = 8,  ///< the standard metrics count it
  kForConsole = 16,  ///< it becomes a line on standard error
};

inline constexpr std::size_t kRecordHeaderBytes = 16;

/// A record whose bytes belong to somebody else.
struct RecordView {
  Signal signal = Signal::kSpan;
  std::uint8_t flags = 0;
  std::uint32_t owner = 0;
  std::string_view annotations;
  std::string_view message;

  std::size_t Bytes() const { return kRecordHeaderBytes + annotations.size() + message.size(); }
};

/// Appends the record with header and checksum.
/// @param record  annotations at most 65,535 bytes; whole record at most limits::kRecordBytesMax: the caller checks
void AppendRecord(const RecordView& record, std::string& out);

/// Writes the record with header and checksum at `to`, which has room for record.Bytes(). Allocates nothing.
void PutRecord(const RecordView& record, char* to);

/// The record at the head of `bytes`, which hold a whole one: read by ReadRecord before, or written by this process.
RecordView TrustedRecord(std::string_view bytes);

/// Reads the record at the head of `bytes`, which are not trusted.
/// @return the record, its views into `bytes`; or kMalformed: too short, a length over limits::kRecordBytesMax, an unknown signal or a
///         wrong checksum
Result<RecordView> ReadRecord(std::string_view bytes);

}  // namespace azmon::otlp
