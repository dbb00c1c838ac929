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

/// Requests at once in one service: what two loops with 64 connections each to a peer can have under way. More would only wait.
inline constexpr std::size_t kRequestsMax = 128;
/// More would be beyond the connections that a server accepts (net/limits.h).
inline constexpr std::int64_t kRequestsMaxMax = 900;

/// A shared secret: guessing 16 characters is hopeless, 512 fit any header.
inline constexpr std::size_t kTokenCharsMin = 16;
inline constexpr std::size_t kTokenCharsMax = 512;
/// Tokens accepted at a time: the one in use, and its predecessor or successor while it is changed.
inline constexpr std::size_t kTokensMax = 2;
/// A file with a certificate chain, authorities or names.
inline constexpr std::size_t kSecurityFileBytesMax = 1024 * 1024;
inline constexpr std::size_t kClientNamesMax = 1000;
/// How soon a changed file is noticed.
inline constexpr std::chrono::milliseconds kSecurityFilePoll{1000};

/// Lines of the log; what is above in one second is counted and left out.
inline constexpr std::uint32_t kLogLinesPerSecondMax = 50;

/// checkout's tries of one order: as many as its patience allows; the number only ends a peer's play with Retry-After: 0.
inline constexpr int kOrderTriesMax = 100;
inline constexpr std::chrono::milliseconds kOrderRetryBase{100};
inline constexpr std::chrono::milliseconds kOrderRetryCap{2000};
/// Until an order without a final answer counts as failed: three tries that all take their whole deadline.
inline constexpr std::chrono::milliseconds kOrderPatience{15000};

/// order-processor's tries of a call, all inside the order's deadline: the first two repetitions find what a restart breaks.
inline constexpr int kPeerTriesMax = 3;
inline constexpr std::chrono::milliseconds kPeerRetryBase{50};
inline constexpr std::chrono::milliseconds kPeerRetryCap{1000};

/// Retry budget of a peer: repetitions may be a fifth of the calls, fifty a second always, two hundred at once. With less, what checkout has
/// in flight (kOrdersInFlightMax) when a peer comes back would not be through before its patience ends.
inline constexpr double kRetryBudgetShare = 0.2;
inline constexpr double kRetryBudgetPerSecond = 50;
inline constexpr double kRetryBudgetMax = 200;

/// Circuit breaker of a peer: opens after so many failures in a row, for so long, twice as long after each failed probe up to the cap.
inline constexpr int kBreakerFailures = 8;
inline constexpr std::chrono::milliseconds kBreakerOpen{500};
inline constexpr std::chrono::milliseconds kBreakerOpenCap{2000};

/// Orders that checkout has in flight at once. Above it an order waits, so a slow peer costs memory for this many at most.
inline constexpr std::size_t kOrdersInFlightMax = 256;

/// checkout's rate: above this one process is the wrong tool.
inline constexpr double kOrderRateMax = 10000;

/// How long requests in flight may take after SIGTERM; Container Apps kills after 30 s.
inline constexpr std::chrono::milliseconds kDrainTimeout{10000};

}  // namespace services::limits
