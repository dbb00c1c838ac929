// SPDX-License-Identifier: MIT
// Every limit of the library, one line each with its reason. What a user may change is an option whose default stands here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace azmon::limits {

/// Largest record, header included. Above the largest property that Application Insights keeps (256 KiB), below what would make one
/// record fill a request.
inline constexpr std::size_t kRecordBytesMax = 1024 * 1024;

/// Attributes, events and links of one span that are kept; further ones are counted in the record's dropped_*_count.
/// Source: OpenTelemetry specification, "Span limits".
inline constexpr std::uint32_t kSpanAttributesMax = 128;
inline constexpr std::uint32_t kSpanEventsMax = 128;
inline constexpr std::uint32_t kSpanLinksMax = 128;

/// Attributes of one log record that are kept. Source: OpenTelemetry specification, "LogRecord limits".
inline constexpr std::uint32_t kLogAttributesMax = 128;

/// A metric with more points than fit goes into several records of about this size.
inline constexpr std::size_t kMetricRecordBytes = 128 * 1024;

/// What waits for a destination at most; the oldest segment is recycled above it. Same as the other distros' offline storage.
inline constexpr std::uint64_t kStorageBytesMax = 50u << 20;

/// One journal segment. Recycling drops a whole one, so it is a small part of kStorageBytesMax.
inline constexpr std::size_t kSegmentBytes = 1u << 20;

/// One thread's ring in shared memory: 1 ms of the fastest producer, and small beside the 64 MiB of a container's /dev/shm.
inline constexpr std::size_t kRingBytes = 256 * 1024;

/// A thread whose ring overflowed gets one so many times as large, 1 MiB, if the rings' budget has room.
inline constexpr std::size_t kRingGrowth = 4;

/// Largest record that goes through a ring; larger ones are put into the journal directly, under its lock.
inline constexpr std::size_t kRingRecordBytesMax = kRingBytes / 4;

/// All rings in shared memory together (and at most a quarter of what is free there); further threads get rings in private memory.
inline constexpr std::size_t kRingBytesTotalMax = 16u << 20;

/// Rings in private memory, for threads beyond that; threads beyond these write into the journal under its lock.
inline constexpr std::size_t kPrivateRingsMax = 64;

/// Shared memory is charged to the memory cgroup, and running over its limit is an OOM kill: this part of it is ours at most.
inline constexpr std::uint64_t kCgroupShare = 32;

/// Records of a destination that waits longer, or for more bytes, are written to the storage directory.
inline constexpr std::chrono::milliseconds kSpillAge{5000};
inline constexpr std::uint64_t kSpillBytes = 8u << 20;

/// Segments in shared memory; those that are on the disk leave it above this.
inline constexpr std::uint64_t kHotBytes = 8u << 20;

/// How long records may lie in a ring in private memory while there is traffic; a crash loses them (half of the promised 20 ms).
inline constexpr std::chrono::milliseconds kRingDrainInterval{10};

/// Telemetry that could not be delivered for so long is given up. Same as the other distros' offline storage.
inline constexpr std::chrono::hours kStorageAgeMax{48};

/// A directory that failed is tried again after this time.
inline constexpr std::chrono::milliseconds kStorageRetryInterval{10000};

/// How often a process with traffic looks for what dead ones of its identity left.
inline constexpr std::chrono::milliseconds kAdoptionInterval{10000};
/// Likewise without traffic, as long as a sibling is alive that could die.
inline constexpr std::chrono::milliseconds kAdoptionIdleInterval{60000};

/// Journals of dead processes that are delivered at a time; bounds descriptors.
inline constexpr std::size_t kAdoptedMax = 4;

/// How often somebody looks for journals of other destinations that nobody will deliver.
inline constexpr std::chrono::hours kForgottenInterval{1};

/// A directory under a private name is that of a process which died between making it and naming it, once it is so old.
inline constexpr std::chrono::seconds kPrivateNameAge{60};

/// A file of a journal that is read whole: a segment may hold one record of the largest size.
inline constexpr std::size_t kJournalFileBytesMax = 4u << 20;

/// While a destination is behind, new records are written to the storage directory at this pace.
inline constexpr std::chrono::milliseconds kSpillInterval{100};

/// Cursors are written to the storage directory at this pace, where it holds segments.
inline constexpr std::chrono::milliseconds kCursorInterval{1000};

/// Segments with a broken header that are kept for a look.
inline constexpr std::uint64_t kQuarantineBytesMax = 1u << 20;

/// Names that are looked at in a directory; somebody may have filled it with others.
inline constexpr std::size_t kDirectoryNamesMax = 20'000;

/// Resources and scopes of a journal, with those of adopted ones.
inline constexpr std::size_t kDefinitionsMax = 65'536;

/// One POST to Application Insights: not published by the service, chosen conservatively (exporter spec section 6.1).
inline constexpr std::size_t kTrackItemsMax = 1000;
inline constexpr std::size_t kTrackBodyBytesMax = 1u << 20;

/// POSTs to Application Insights that wait for their answers: at 100 ms each and full batches 40,000 items a second.
inline constexpr std::size_t kAzureFlightsMax = 4;

/// A destination is woken before the end of the export interval when so many bytes wait for it: a batch is worth sending.
inline constexpr std::size_t kBatchFullBytes = 512 * 1024;

/// One OTLP request before compression: gRPC servers refuse messages above 4 MiB by default, counted after decompression.
inline constexpr std::size_t kOtlpBodyBytesMax = (4u << 20) - (64u << 10);

/// One request to Azure Monitor's own OTLP ingestion, before compression: it refuses more than 1 MiB, and whether it counts the bytes
/// before or behind gzip is not published (OTLP ingestion spec section 3).
inline constexpr std::size_t kOtlpAzureBodyBytesMax = 1'000'000;
/// A first request to it took 8 s.
inline constexpr std::chrono::milliseconds kOtlpAzureTimeout{30000};

/// Batches of an OTLP destination that are read ahead while one of its addresses does not answer and the others do.
inline constexpr std::size_t kOtlpFlightsMax = 4;
/// Requests of one OTLP signal that wait for their answers: the parts of one batch that was too large for one request.
inline constexpr std::size_t kOtlpRequestsMax = 4;

/// Records of one OTLP request; bounds the memory of its views where records are tiny.
inline constexpr std::size_t kOtlpRecordsMax = 32768;

/// Bytes that are read of an OTLP endpoint's answer: a partial success with a message.
inline constexpr std::size_t kOtlpAnswerBytesMax = 64 * 1024;

/// Bytes that are read of a destination's answer.
inline constexpr std::size_t kAnswerBytesMax = 1u << 20;

/// Bytes that are read of what a virtual machine's metadata service answers: it holds up to 64 KiB of the user's data in base64, and tags.
inline constexpr std::size_t kMachineAnswerBytesMax = 256 * 1024;
/// One attribute out of it; the longest is a resource id.
inline constexpr std::size_t kMachineValueBytesMax = 1024;
/// How long after the start the answer is of use; it comes from one hop away (distro spec 7.6).
inline constexpr std::chrono::milliseconds kMachineAnswerTime{200};

/// A connection string; the documented maximum of the service.
inline constexpr std::size_t kConnectionStringBytesMax = 4096;

/// One line of the console destination, its end included: a terminal's few rows.
inline constexpr std::size_t kConsoleLineBytesMax = 1024;
/// Lines a second of the console destination: more than a person reads, less than a terminal's cost would show in the host. So many more
/// may come at once after quiet seconds.
inline constexpr std::uint32_t kConsoleLinesPerSecond = 200;
inline constexpr std::uint32_t kConsoleLinesAtOnce = 1000;
/// The console's lines are written together after this time.
inline constexpr std::chrono::milliseconds kConsoleInterval{200};

inline constexpr std::chrono::milliseconds kExportInterval{1000};
/// Of the standard metrics; fixed by the service's charts (distro spec 3.1).
inline constexpr std::chrono::milliseconds kStandardMetricsInterval{60000};
inline constexpr std::chrono::milliseconds kConnectTimeout{10000};
inline constexpr std::chrono::milliseconds kRequestTimeout{30000};
inline constexpr std::chrono::milliseconds kShutdownTimeout{5000};

}  // namespace azmon::limits
