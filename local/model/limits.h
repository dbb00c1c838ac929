// SPDX-License-Identifier: MIT
// Every limit of azmon-local, one line each with its reason. What a user may change is an option whose default stands here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace azmon::local::limits {

/// Largest request body after decompression. A gzip of zeros expands about 1,000 times, so this bounds memory, not the compressed size.
inline constexpr std::size_t kBodyBytesMax = 16u << 20;

/// A connection to the gRPC port that sends nothing is closed after it; so many may be waited for at a time.
inline constexpr std::chrono::seconds kFirstByteTimeout{10};
inline constexpr std::size_t kFirstBytesMax = 256;

/// Items of one request; above it the request is refused whole, so that one request cannot fill the queue.
inline constexpr std::size_t kRequestItemsMax = 100'000;

/// Per-item errors that one answer tells; further ones are only counted.
inline constexpr std::size_t kAnswerErrorsMax = 1'000;

/// Nesting of JSON input, and of OTLP values and messages: deeper is refused (JSON) or cut (values), so that no input can exhaust the stack.
inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr int kValueDepthMax = 16;

/// What waits for the writer at most. Beyond it clients get 429 or RESOURCE_EXHAUSTED and come again.
inline constexpr std::size_t kQueueItemsMax = 200'000;
inline constexpr std::size_t kQueueBytesMax = 128u << 20;

/// Items that one transaction of the database takes at most: bounds the time until the first of them is visible.
inline constexpr std::size_t kCommitItemsMax = 4'000;

/// Default of --max-size for files and for memory, of --retention.
inline constexpr std::uint64_t kStoreBytesMax = 1u << 30;
inline constexpr std::uint64_t kStoreBytesMaxMemory = 256u << 20;
inline constexpr std::chrono::seconds kRetention{7 * 24 * 3600};
/// Smallest --max-size: below it the schema and one large request do not fit.
inline constexpr std::uint64_t kStoreBytesLeast = 4u << 20;

/// Items that are deleted in one transaction when the store is full or they are too old: the writer is away for about 20 ms.
inline constexpr std::size_t kExpireItems = 5'000;

/// Operations and items of which the writer remembers the shape; others are read back from the database when they change.
inline constexpr std::size_t kKnownOperationsMax = 8'192;
inline constexpr std::size_t kKnownItemsMax = 400'000;

/// Applications (instrumentation keys) that are counted apart; later ones are counted together as "(other)".
inline constexpr std::size_t kApplicationsMax = 1'000;

/// Rows of one answer: default and maximum of `limit`.
inline constexpr std::size_t kPageRows = 100;
inline constexpr std::size_t kPageRowsMax = 1'000;

/// Items of one operation that are shown.
inline constexpr std::size_t kOperationItemsMax = 200'000;

/// Buckets of the list's histogram.
inline constexpr std::size_t kHistogramBuckets = 60;

/// Buckets of one data point of a histogram that are kept for percentiles; of a point with more only count and sum are. The defaults of
/// SDKs are 16 and 160.
inline constexpr std::size_t kPointBucketsMax = 512;

/// Metrics of one list; series that are kept apart while a chart is read, and that its answer has: the rest is joined.
inline constexpr std::size_t kMetricsMax = 1'000;
inline constexpr std::size_t kChartSeriesKept = 50;
inline constexpr std::size_t kChartSeriesMax = 12;

/// Steps of a chart's time axis; streams whose cumulative values are followed; points that one chart reads.
inline constexpr std::size_t kChartSteps = 120;
inline constexpr std::size_t kChartStreamsMax = 5'000;
inline constexpr std::size_t kChartPointsMax = 1'000'000;

/// Dimensions of a metric that are offered for splitting, and values of each.
inline constexpr std::size_t kChartDimensionsMax = 32;
inline constexpr std::size_t kChartValuesMax = 50;

/// How far before its time range a chart looks for what a cumulative value grew from: two of OpenTelemetry's default intervals.
inline constexpr std::chrono::seconds kChartLookBack{120};

/// A search text, and its terms: a bit each in a word.
inline constexpr std::size_t kSearchBytesMax = 4'096;
inline constexpr std::size_t kSearchTermsMax = 64;

/// `where` conditions of one request.
inline constexpr std::size_t kWhereMax = 32;

/// A query that takes longer is given up with 503: a scan of a million items takes about a second.
inline constexpr std::chrono::seconds kQueryTime{20};

/// Listeners for live changes; a browser tab has one.
inline constexpr std::size_t kLiveMax = 64;
/// At most one change event a listener in this time.
inline constexpr std::chrono::milliseconds kLiveInterval{250};

/// How long one look at the live metrics holds: pages look every second, SDKs ping every five.
inline constexpr std::chrono::seconds kLiveWatch{15};
/// Servers of the live view, samples that it keeps, and bytes of one of their texts.
inline constexpr std::size_t kLiveServersMax = 200;
inline constexpr std::size_t kLiveDocumentsMax = 50;
inline constexpr std::size_t kLiveTextBytesMax = 1'024;

}  // namespace azmon::local::limits
