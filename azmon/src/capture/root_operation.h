// SPDX-License-Identifier: MIT
// The name of the operation that a request is, as far as it is known while the request is open.
//
// Belongs to the outermost SERVER or CONSUMER span of a process; the items below it carry its name. Source: distro contract 6.7.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <opentelemetry/common/attribute_value.h>

#include "base/fork.h"
#include "capture/attribute_encoder.h"

namespace azmon::capture {

/// Written by its span, read by what ends below it. Any thread.
class RootOperation {
 public:
  /// @param kind        of the span, as in OTLP
  /// @param name        of the span
  /// @param attributes  OTLP Span attribute fields that the span has already
  RootOperation(std::uint32_t kind, std::string_view name, std::string_view attributes);

  void SetName(std::string_view name);
  /// Attributes that no operation name depends on are ignored.
  void SetAttribute(std::string_view key, const opentelemetry::common::AttributeValue& value);

  /// By the rules of the exporter contract 3.3, at most 1,024 characters; may be empty.
  std::string Name() const;

 private:
  base::ForkMutex& Mutex() const;

  const std::uint32_t kind_;
  const std::string first_attributes_;
  std::string span_name_;
  AttributeList attributes_;      ///< set later: they go before the first ones
  mutable std::string name_;      ///< valid if not is_stale_
  mutable bool is_stale_ = true;
};

}  // namespace azmon::capture
