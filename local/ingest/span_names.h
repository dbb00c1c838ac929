// SPDX-License-Identifier: MIT
// What a span is called in the words of Application Insights. Private to `ingest`; the rules: docs/reference/azmon-local-otlp.md.
#pragma once

#include <cstdint>
#include <string>

#include "local/ingest/otlp_attributes.h"
#include "local/model/item.h"

namespace azmon::local {

struct SpanNature {
  std::uint32_t kind = 0;    ///< otlp::span::Kind
  std::uint32_t status = 0;  ///< otlp::status::Code
};

/// Fills name (which is the span's name before), success, resultCode, type, target, url and data of a request or dependency.
void DescribeSpan(const OtlpAttributes& attributes, SpanNature nature, Item& item);

/// `service.namespace.service.name`, or what names the workload in Kubernetes.
std::string RoleName(const OtlpAttributes& resource);
std::string RoleInstance(const OtlpAttributes& resource);

}  // namespace azmon::local
