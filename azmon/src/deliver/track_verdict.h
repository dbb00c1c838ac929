// SPDX-License-Identifier: MIT
// What an answer of Application Insights means for the items that were sent.
//
// A pure function of the answer. Source: exporter spec sections 6.3 and 6.4; the table: docs/reference/delivery.md
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "deliver/ingestion_answer.h"
#include "transport/transport.h"
#include "journal/journal.h"

namespace azmon::deliver {

enum class TrackAction : std::uint8_t {
  kAccepted,  ///< all of it
  kPartial,   ///< `errors` says which items were not accepted
  kRetry,     ///< nothing was taken; the whole POST again, later
  kDrop,      ///< no repetition will change the answer
  kSplit,     ///< too large: halves, a single item is dropped
  kRedirect,
};

struct TrackVerdict {
  TrackAction action = TrackAction::kAccepted;
  journal::DropReason reason = journal::DropReason::kRefused;  ///< of kDrop
  std::vector<ItemError> errors;                               ///< of kPartial
  std::optional<std::chrono::milliseconds> wait;               ///< what the service asked for
  bool is_transport = false;  ///< no answer came: also the address may be wrong
  std::string cause;          ///< for the log; empty if nothing is wrong
  std::string advice;         ///< what a person can do about it
};

TrackVerdict ClassifyTrack(const transport::HttpResponse& response, base::WallTime now);

/// Whether an item that was refused with this status and message is sent again.
bool IsRetryable(const ItemError& error);
/// Why one that is not sent again is given up.
journal::DropReason DropReasonOf(const ItemError& error);

/// What to do about a failure of the transport, for the log.
/// @param what  whose host it is: "the connection string", "the OTLP endpoint"
std::string AdviceOn(transport::TransportError error, std::string_view what);

/// Printable ASCII of untrusted text, at most 160 characters, for the log.
std::string Excerpt(std::string_view text);

}  // namespace azmon::deliver
