// SPDX-License-Identifier: MIT
// Reads the body of a track request: what Application Insights SDKs send.
//
// Pure. A body is a JSON array, one object, or objects in a row (JSON lines). Each envelope is judged by itself, as the service does, and
// every refusal says which field and why. Source: exporter specification, sections 2 and 6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "local/model/item.h"

namespace azmon::local {

/// How exact an envelope must be.
enum class Strictness : std::uint8_t {
  kStrict,  ///< required fields, types and lengths as the published schema says
  kLoose    ///< whatever can be shown is taken: only the kind of item must be known
};

struct TrackError {
  std::size_t index = 0;  ///< position in the body, from 0
  int status = 400;
  std::string message;
};

struct TrackResult {
  Batch batch;                ///< the accepted items; `body` is the whole body
  std::size_t received = 0;
  std::vector<TrackError> errors;  ///< at most limits::kAnswerErrorsMax; the first one explains a body that is no JSON
  std::size_t rejected = 0;
  std::string i_key;          ///< of the first accepted item

  std::size_t accepted() const { return received - rejected; }
  /// 200 all accepted, 206 some, 400 none.
  int status() const { return rejected == 0 && received > 0 ? 200 : accepted() > 0 ? 206 : 400; }
};

/// @param body  untrusted, not compressed
/// @return kTooLarge for more than limits::kRequestItemsMax envelopes; everything else is told in the result
Result<TrackResult> ParseTrack(std::string body, Strictness strictness);

/// The answer's body, as the service writes it.
std::string TrackAnswer(const TrackResult& result);

}  // namespace azmon::local
