// SPDX-License-Identifier: MIT
// Field numbers of the OTLP messages that this project writes and reads.
// Source: opentelemetry-proto 1.5.0, files trace.proto, logs.proto, metrics.proto, common.proto, resource.proto.
#pragma once

#include <cstdint>

namespace azmon::otlp {

namespace any_value { enum : std::uint32_t { kString = 1, kBool = 2, kInt = 3, kDouble = 4, kArray = 5, kKeyValueList = 6, kBytes = 7 }; }
namespace key_value { enum : std::uint32_t { kKey = 1, kValue = 2 }; }
namespace array_value { enum : std::uint32_t { kValues = 1 }; }
namespace key_value_list { enum : std::uint32_t { kValues = 1 }; }
namespace resource { enum : std::uint32_t { kAttributes = 1, kDroppedAttributesCount = 2 }; }
namespace scope { enum : std::uint32_t { kName = 1, kVersion = 2, kAttributes = 3, kDroppedAttributesCount = 4 }; }

namespace span {
enum : std::uint32_t {
  kTraceId = 1, kSpanId = 2, kTraceState = 3, kParentSpanId = 4, kName = 5, kKind = 6, kStartTime = 7, kEndTime = 8, kAttributes = 9,
  kDroppedAttributesCount = 10, kEvents = 11, kDroppedEventsCount = 12, kLinks = 13, kDroppedLinksCount = 14, kStatus = 15, kFlags = 16
};
/// Span.SpanKind
enum Kind : std::uint32_t { kUnspecified = 0, kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5 };
}  // namespace span
namespace event { enum : std::uint32_t { kTime = 1, kName = 2, kAttributes = 3, kDroppedAttributesCount = 4 }; }
namespace link { enum : std::uint32_t { kTraceId = 1, kSpanId = 2, kTraceState = 3, kAttributes = 4, kDroppedAttributesCount = 5, kFlags = 6 }; }
namespace status {
enum : std::uint32_t { kMessage = 2, kCode = 3 };
/// Status.StatusCode
enum Code : std::uint32_t { kUnset = 0, kOk = 1, kError = 2 };
}  // namespace status

/// Bits of Span.flags and Link.flags: the W3C trace flags, and whether the parent (or the linked span) is remote.
inline constexpr std::uint32_t kFlagsHasIsRemote = 0x100;
inline constexpr std::uint32_t kFlagsIsRemote = 0x200;

namespace log_record {
enum : std::uint32_t {
  kTime = 1, kSeverityNumber = 2, kSeverityText = 3, kBody = 5, kAttributes = 6, kDroppedAttributesCount = 7, kFlags = 8, kTraceId = 9,
  kSpanId = 10, kObservedTime = 11, kEventName = 12
};
}

namespace metric {
enum : std::uint32_t {
  kName = 1, kDescription = 2, kUnit = 3, kGauge = 5, kSum = 7, kHistogram = 9, kExponentialHistogram = 10, kSummary = 11, kMetadata = 12
};
}
namespace gauge { enum : std::uint32_t { kDataPoints = 1 }; }
namespace sum { enum : std::uint32_t { kDataPoints = 1, kAggregationTemporality = 2, kIsMonotonic = 3 }; }
namespace histogram { enum : std::uint32_t { kDataPoints = 1, kAggregationTemporality = 2 }; }
/// AggregationTemporality
enum Temporality : std::uint32_t { kTemporalityUnspecified = 0, kDelta = 1, kCumulative = 2 };
namespace number_point { enum : std::uint32_t { kStartTime = 2, kTime = 3, kAsDouble = 4, kExemplars = 5, kAsInt = 6, kAttributes = 7, kFlags = 8 }; }
namespace histogram_point {
enum : std::uint32_t {
  kStartTime = 2, kTime = 3, kCount = 4, kSum = 5, kBucketCounts = 6, kExplicitBounds = 7, kExemplars = 8, kAttributes = 9, kFlags = 10,
  kMin = 11, kMax = 12
};
}
namespace exponential_point {
enum : std::uint32_t {
  kAttributes = 1, kStartTime = 2, kTime = 3, kCount = 4, kSum = 5, kScale = 6, kZeroCount = 7, kPositive = 8, kNegative = 9, kFlags = 10,
  kExemplars = 11, kMin = 12, kMax = 13, kZeroThreshold = 14
};
}
namespace exponential_buckets { enum : std::uint32_t { kOffset = 1, kBucketCounts = 2 }; }
namespace summary_point { enum : std::uint32_t { kStartTime = 2, kTime = 3, kCount = 4, kSum = 5, kQuantiles = 6, kAttributes = 7, kFlags = 8 }; }

/// ExportTraceServiceRequest, ExportLogsServiceRequest and ExportMetricsServiceRequest, and what they hold, have equal numbers.
namespace request { enum : std::uint32_t { kResourceSignals = 1 }; }
namespace resource_signals { enum : std::uint32_t { kResource = 1, kScopeSignals = 2, kSchemaUrl = 3 }; }
namespace scope_signals { enum : std::uint32_t { kScope = 1, kSignals = 2, kSchemaUrl = 3 }; }
namespace response { enum : std::uint32_t { kPartialSuccess = 1 }; }
namespace partial_success { enum : std::uint32_t { kRejected = 1, kErrorMessage = 2 }; }

}  // namespace azmon::otlp
