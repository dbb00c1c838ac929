// SPDX-License-Identifier: MIT
// Reads the numbers of a JSON object, the text form of `microsoft.custom_measurements`. Contract 3.8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace azmon::envelope {

struct JsonNumber {
  std::string name;
  double value;
};

/// The members of a JSON object that are finite numbers, in order; members of other types are passed over.
/// @return nothing if the text as a whole is no JSON object (RFC 8259), or is nested deeper than 100 levels
std::vector<JsonNumber> ReadJsonNumbers(std::string_view text);

}  // namespace azmon::envelope
