// SPDX-License-Identifier: MIT
// JSON as the services read it: strict, bounded, and written back in one canonical form.
//
// Used by the order model and for peers' answers; knows nothing of orders.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace services {

struct JsonMember;

struct JsonValue {
  enum class Kind { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  std::string text;                 ///< kString: the decoded text; kNumber: the number in canonical form
  std::vector<JsonValue> items;     ///< kArray
  std::vector<JsonMember> members;  ///< kObject, in the order of the text

  /// The member of that name of an object, or nullptr.
  const JsonValue* Find(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

/// Reads one JSON text (RFC 8259), nothing but blanks after it.
///
/// Numbers are kept as text, so none loses a digit on its way: an integer as it is written ("-0" becomes "0"), anything else as
/// ECMAScript writes the same double ("1.50" becomes "1.5", "1e2" becomes "100").
/// @return the value, or
///   kMalformed  not JSON, invalid UTF-8, a name twice in one object, or a number that no double holds
///   kTooLarge   nested deeper than kJsonDepthMax, or more than kJsonMembersMax members in one object
azmon::Result<JsonValue> ParseJson(std::string_view text);

/// Appends the value without blanks, members sorted by the bytes of their names: equal values give equal bytes, whatever their order.
void AppendCanonicalJson(const JsonValue& value, std::string& out);

}  // namespace services
