// SPDX-License-Identifier: MIT
// What Application Insights answers to a POST of items.
//
// A pure parser; used by the verdict. Source: exporter spec section 6.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azmon::deliver {

struct ItemError {
  std::size_t index = 0;  ///< of the item in the POST, from 0
  int status = 0;
  std::string message;    ///< at most 256 bytes are kept
};

struct IngestionAnswer {
  std::optional<std::uint64_t> items_received;
  std::optional<std::uint64_t> items_accepted;
  std::vector<ItemError> errors;  ///< as they came: unsorted, indexes unchecked
};

/// @param body  untrusted
/// @return nullopt if it is no JSON object. Unknown members and entries without an index are skipped
std::optional<IngestionAnswer> ParseIngestionAnswer(std::string_view body);

}  // namespace azmon::deliver
