// SPDX-License-Identifier: MIT
// What the shop counts: orders, receipts, refusals, repeats. Counting is one atomic addition; OpenTelemetry reads the numbers when it
// collects (observable instruments), so an order pays nothing for its metrics.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace services {

/// One series each; its metric, attribute and meaning stand in the table of counts.cc.
enum class Count {
  kOrderPlaced,          ///< orders.placed{outcome=ok}
  kOrderFailed,          ///< orders.placed{outcome=failed}
  kOrderProcessed,       ///< orders.processed{outcome=ok}
  kOrderNotProcessed,    ///< orders.processed{outcome=failed}
  kReceiptWritten,       ///< receipts{outcome=written}
  kReceiptRepeated,      ///< receipts{outcome=repeated}: the order had its receipt already
  kReceiptConflict,      ///< receipts{outcome=conflict}
  kReceiptFailed,        ///< receipts{outcome=failed}
  kRequestShed,          ///< requests.refused{reason=overload}
  kRequestUnauthorized,  ///< requests.refused{reason=unauthorized}
  kRetry,                ///< peer.retries{decision=retried}
  kRetryRefused,         ///< peer.retries{decision=over_budget}
  kBreakerRefused,       ///< peer.refused: calls that an open breaker answered
  kEnd
};

void Add(Count count);
std::uint64_t Value(Count count);

/// How many are under way, or a state; read when metrics are collected, on a thread of the SDK, also while the program ends.
/// @param name       metric, "peer.breaker.state"
/// @param peer       becomes the attribute `peer`; empty: none
void AddGauge(std::string_view name, std::string_view description, std::string_view peer, std::function<std::int64_t()> read);

/// Registers all of it with the global meter provider. Once, after azmon::Configure() and before the first AddGauge().
void PublishCounts();

}  // namespace services
