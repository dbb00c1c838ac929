// SPDX-License-Identifier: MIT
// Every limit of the services, one line each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace services::limits {

/// Largest body of an order. A hundred full lines fit four times.
inline constexpr std::size_t kOrderBodyBytesMax = 64 * 1024;

/// Nesting of an order's JSON. The schema needs three; the rest is for members that we only keep.
inline constexpr std::size_t kJsonDepthMax = 16;

/// Members of one JSON object. Duplicates are looked for in each, so this bounds that work.
inline constexpr std::size_t kJsonMembersMax = 256;

/// Largest integer that every JSON reader keeps exactly (RFC 8259 section 6): 2^53 - 1.
inline constexpr std::int64_t kSafeIntegerMax = 9007199254740991;

inline constexpr std::size_t kOrderIdCharsMax = 64;
inline constexpr std::size_t kCustomerReferenceBytesMax = 64;
inline constexpr std::size_t kSkuBytesMax = 64;
inline constexpr std::size_t kOrderLinesMax = 100;
inline constexpr std::int64_t kQuantityMax = 1'000'000;
/// A thousand million of a currency with two decimals.
inline constexpr std::int64_t kUnitPriceMinorMax = 100'000'000'000;

/// Problems of one order that are named in an answer; a client repairs the first ones first.
inline constexpr std::size_t kFieldProblemsMax = 16;

/// Bytes that are read of a peer's answer: a receipt is at most a few times its order.
inline constexpr std::size_t kAnswerBytesMax = 512 * 1024;

/// What `--health` waits for its answer; a probe that takes longer is a failed one to every container runtime.
inline constexpr std::chrono::milliseconds kHealthCheckTimeout{3000};

/// What an order may take when its caller names no deadline, at each service.
inline constexpr std::chrono::milliseconds kOrderDeadline{5000};

/// Kept back from the deadline that is passed on, so that the answer "too late" still arrives in time.
inline constexpr std::chrono::milliseconds kDeadlineReserve{50};

/// Tries of one storage call (storage contract: four, base 500 ms, cap 10 s, full jitter, all inside the request's deadline).
inline constexpr int kBlobTriesMax = 4;
inline constexpr std::chrono::milliseconds kBlobRetryBase{500};
inline constexpr std::chrono::milliseconds kBlobRetryCap{10000};
/// One try: a connection into a black hole must leave time for another. What a cut-off try wrote is found by the next one.
inline constexpr std::chrono::milliseconds kBlobTryTimeout{2000};

/// What a client is told to wait when a peer is down.
inline constexpr std::chrono::seconds kRetryAfter{1};

/// Tries of one order by checkout, all inside its deadline.
inline constexpr int kOrderTriesMax = 3;
inline constexpr std::chrono::milliseconds kOrderRetryBase{100};

/// Orders that checkout has in flight at once. Above it an order waits, so a slow peer costs memory for this many at most.
inline constexpr std::size_t kOrdersInFlightMax = 256;

/// checkout's rate: above this one process is the wrong tool.
inline constexpr double kOrderRateMax = 10000;

/// How long requests in flight may take after SIGTERM; Container Apps kills after 30 s.
inline constexpr std::chrono::milliseconds kDrainTimeout{10000};

}  // namespace services::limits
