// SPDX-License-Identifier: MIT
// Turns one parsed envelope into an item. Private to `ingest`.
#pragma once

#include <string>

#include <simdjson.h>

#include "base/result.h"
#include "local/model/item.h"

namespace azmon::local {

/// Not thread-safe; reuse one for all envelopes of a request.
class EnvelopeReader {
 public:
  explicit EnvelopeReader(bool is_strict) : is_strict_(is_strict) {}

  /// @return kMalformed with a text for the sender: which field, what was expected
  Result<void> Read(simdjson::dom::object envelope, Item& item);

 private:
  bool is_strict_;
};

}  // namespace azmon::local
