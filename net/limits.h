// SPDX-License-Identifier: MIT
// Every limit of net/, one line each with its reason. They are the defaults of ServerOptions and ClientOptions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace net::limits {

/// Request line and fields together. Browsers and Azure's front ends stay below 16 KiB; it bounds what a stranger can make us hold.
inline constexpr std::size_t kHeaderBytesMax = 16 * 1024;

/// Fields of one message. A real request has 10 to 40.
inline constexpr std::size_t kHeaderFieldsMax = 100;

/// The request target. RFC 9112 section 3 asks for 8,000 at least.
inline constexpr std::size_t kTargetBytesMax = 8 * 1024;

/// A request body, unless the route says otherwise. An order has a few hundred bytes.
inline constexpr std::size_t kBodyBytesMax = 1024 * 1024;

/// An inflated request body is at most this many times kBodyBytesMax, unless the route says otherwise: gzip of zeros expands 1,000 times.
inline constexpr std::size_t kInflateFactorMax = 8;

/// A response that the client reads.
inline constexpr std::size_t kResponseBodyBytesMax = 16 * 1024 * 1024;

/// Fields of a response: header of a response with many cookies or a long policy.
inline constexpr std::size_t kResponseHeaderBytesMax = 64 * 1024;

/// Interim answers (1xx) before the real one; more is a peer that plays.
inline constexpr int kInterimAnswersMax = 8;

/// Open connections of one server; a further one gets a 503. Below the usual 1,024 open files with room for everything else.
inline constexpr std::size_t kConnectionsMax = 900;

/// From the first byte of a request to the end of its header (against clients that send a byte now and then).
inline constexpr std::chrono::milliseconds kHeaderTimeout{10'000};

/// A body must keep this rate after its first seconds: below it the client only holds a connection.
inline constexpr std::size_t kBodyBytesPerSecondMin = 240;
inline constexpr std::chrono::milliseconds kBodyGrace{5'000};

/// A write that makes no progress for so long has no reader.
inline constexpr std::chrono::milliseconds kWriteStall{10'000};

/// A connection without a request. Longer than a client's pool keeps one (kClientIdle), so that the client closes first.
inline constexpr std::chrono::milliseconds kKeepAliveIdle{75'000};

inline constexpr std::chrono::milliseconds kTlsHandshakeTimeout{5'000};

/// Deadline that a handler is given if nothing says otherwise. The services promise an answer within 5 s.
inline constexpr std::chrono::milliseconds kRequestTimeout{30'000};

/// After an answer that ends the connection, what the client still sends is read and thrown away for so long and so much; closing at
/// once would reset the connection and lose the answer on its way.
inline constexpr std::chrono::milliseconds kLingerTimeout{1'000};
inline constexpr std::size_t kLingerBytesMax = 4 * 1024 * 1024;

/// An idle connection in the client's pool; well below the 75 s and 60 s of common servers.
inline constexpr std::chrono::milliseconds kClientIdle{30'000};

/// Connections of one event loop to one endpoint; further calls wait for one, within their deadline.
inline constexpr std::size_t kClientConnectionsMax = 64;

/// Calls that wait for a connection to one endpoint; further ones fail at once (kUnavailable).
inline constexpr std::size_t kClientWaitersMax = 1024;

/// Deadline of a call that names none.
inline constexpr std::chrono::milliseconds kCallTimeout{5'000};

/// Bodies up to this size travel in the same buffer as their header: one copy is cheaper than a second element of the gather list.
inline constexpr std::size_t kInlineBodyBytes = 4 * 1024;

/// After cutting connections off, their coroutines get so long to end.
inline constexpr std::chrono::milliseconds kCutOffWait{500};

/// Accepting failed for want of descriptors or memory: wait so long and try again.
inline constexpr std::chrono::milliseconds kAcceptRetry{100};

}  // namespace net::limits
