// SPDX-License-Identifier: MIT
// Attributes of OTLP messages: found by key, written as texts. Private to `ingest`.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"

namespace azmon::local {

/// Attributes in their order; views into the request's bytes.
class OtlpAttributes {
 public:
  /// Adds one KeyValue message. Throws protozero's exceptions for malformed bytes.
  void Add(std::string_view key_value);
  void Clear() { entries_.clear(); }
  bool IsEmpty() const { return entries_.empty(); }

  /// The text of the first of these keys that is present and not empty; empty if none is.
  std::string Text(std::initializer_list<std::string_view> keys) const;
  std::optional<std::int64_t> Integer(std::initializer_list<std::string_view> keys) const;
  bool Has(std::string_view key) const;

  /// A JSON object of strings, as Application Insights keeps properties; empty if there are no attributes. Equal keys: the last wins.
  std::string Json() const;

 private:
  struct Entry {
    std::string_view key, value;  ///< value: the bytes of an AnyValue
  };
  const Entry* Find(std::string_view key) const;
  std::vector<Entry> entries_;
};

/// The text of an AnyValue: strings as they are, numbers in decimal, arrays and maps as JSON, bytes as base64. Empty for none.
std::string OtlpValueText(std::string_view any_value);

}  // namespace azmon::local
