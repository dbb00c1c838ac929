// SPDX-License-Identifier: MIT
// Writes OpenTelemetry attributes as OTLP KeyValue fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <opentelemetry/common/attribute_value.h>
#include <opentelemetry/common/key_value_iterable.h>
#include <opentelemetry/sdk/common/attribute_utils.h>

#include "otlp/buffer.h"

namespace azmon::capture {

/// Appends field `field` holding a KeyValue. Integers above INT64_MAX, which OTLP has no type for, become decimal text
/// (OpenTelemetry specification, "Mapping Arbitrary Data to OTLP AnyValue").
void AppendAttribute(std::uint32_t field, std::string_view key, const opentelemetry::sdk::common::OwnedAttributeValue& value,
                     std::string& out);

/// Appends field `field` holding an AnyValue.
void AppendAnyValue(std::uint32_t field, const opentelemetry::common::AttributeValue& value, otlp::Buffer& out);

/// Appends each attribute as a field `field`, at most `count_max` of them; of equal keys the last value wins.
/// @return how many were left out because of `count_max`
std::uint32_t AppendAttributes(std::uint32_t field, const opentelemetry::common::KeyValueIterable& attributes, std::uint32_t count_max,
                               std::string& out);

/// Encoded KeyValue fields that can still change: setting a key again replaces its value.
class AttributeList {
 public:
  /// @param field   number of the repeated KeyValue field in its message, below 16
  /// @param buffer  where they are written; its content is thrown away
  explicit AttributeList(std::uint32_t field, otlp::Buffer buffer = {}) : field_(field), bytes_(std::move(buffer)) { bytes_.Clear(); }

  /// Sets an attribute. Over `count_max` a new key is left out and counted.
  void Set(std::string_view key, const opentelemetry::common::AttributeValue& value, std::uint32_t count_max);

  std::string_view Bytes() const { return bytes_.View(); }
  std::uint32_t Dropped() const { return dropped_; }
  otlp::Buffer TakeBuffer() { return std::move(bytes_); }

 private:
  /// Where a pair begins and what its key hashes to.
  struct Place {
    std::uint32_t begin;
    std::uint32_t hash;
  };
  static constexpr std::uint32_t kPlacesInline = 16;

  std::string_view KeyAt(std::uint32_t begin) const;
  Place* Places() { return more_.empty() ? inline_ : more_.data(); }
  void AddPlace(Place place);
  void MoveToEnd(std::uint32_t index);

  std::uint32_t field_;
  std::uint32_t dropped_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t seen_ = 0;  ///< one bit a key, by its hash: a bit that is not set means a new key
  Place inline_[kPlacesInline];
  std::vector<Place> more_;  ///< all of them, once there are over kPlacesInline
  otlp::Buffer bytes_;
};

}  // namespace azmon::capture
