// SPDX-License-Identifier: MIT
// Writes OpenTelemetry attributes as OTLP KeyValue fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <opentelemetry/common/attribute_value.h>
#include <opentelemetry/common/key_value_iterable.h>
#include <opentelemetry/sdk/common/attribute_utils.h>

namespace azmon::capture {

/// Appends field `field` holding a KeyValue. Integers above INT64_MAX, which OTLP has no type for, become decimal text
/// (OpenTelemetry specification, "Mapping Arbitrary Data to OTLP AnyValue").
void AppendAttribute(std::uint32_t field, std::string_view key, const opentelemetry::common::AttributeValue& value, std::string& out);
void AppendAttribute(std::uint32_t field, std::string_view key, const opentelemetry::sdk::common::OwnedAttributeValue& value,
                     std::string& out);

/// Appends each attribute as a field `field`, at most `count_max` of them; of equal keys the last value wins.
/// @return how many were left out because of `count_max`
std::uint32_t AppendAttributes(std::uint32_t field, const opentelemetry::common::KeyValueIterable& attributes, std::uint32_t count_max,
                               std::string& out);

/// Encoded KeyValue fields that can still change: setting a key again replaces its value.
class AttributeList {
 public:
  /// @param field  number of the repeated KeyValue field in its message
  explicit AttributeList(std::uint32_t field, std::string buffer = {}) : field_(field), bytes_(std::move(buffer)) { bytes_.clear(); }

  /// Sets an attribute. Over `count_max` a new key is left out and counted.
  void Set(std::string_view key, const opentelemetry::common::AttributeValue& value, std::uint32_t count_max);

  std::string_view Bytes() const { return bytes_; }
  std::uint32_t Dropped() const { return dropped_; }
  std::string TakeBuffer() { return std::move(bytes_); }

 private:
  struct Place {
    std::uint32_t begin;
    std::uint32_t hash;
  };
  std::string_view KeyAt(std::uint32_t begin) const;

  std::uint32_t field_;
  std::uint32_t dropped_ = 0;
  std::uint32_t count_ = 0;
  static constexpr std::uint32_t kPlacesInline = 32;
  Place inline_[kPlacesInline];
  std::string bytes_;
  std::string more_;  ///< further Places as bytes, for spans with over kPlacesInline attributes

  Place PlaceAt(std::uint32_t index) const;
  void SetPlace(std::uint32_t index, Place place);
};

}  // namespace azmon::capture
