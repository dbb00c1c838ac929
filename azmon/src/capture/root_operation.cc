// SPDX-License-Identifier: MIT
#include "capture/root_operation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>

#include "base/limits.h"
#include "envelope/envelope.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::capture {
namespace {

/// Exporter contract 3.3.
constexpr std::array<std::string_view, 9> kKeys{"http.route", "http.request.method", "http.method",       "url.full", "http.url",
                                                "url.path",   "http.target",         "microsoft.operation_name", "ai.operation.name"};

}  // namespace

RootOperation::RootOperation(std::uint32_t kind, std::string_view name, std::string_view attributes)
    : kind_(kind), first_attributes_(attributes), span_name_(name), attributes_(otlp::span::kAttributes) {}

/// A few for all, by address: a request is too short-lived to be known to every fork.
base::ForkMutex& RootOperation::Mutex() const {
  static auto* const mutexes = new std::array<base::ForkMutex, 16>;
  return (*mutexes)[reinterpret_cast<std::uintptr_t>(this) / alignof(std::max_align_t) / 8 % mutexes->size()];
}

void RootOperation::SetName(std::string_view name) {
  const std::lock_guard lock(Mutex());
  span_name_ = name;
  is_stale_ = true;
}

void RootOperation::SetAttribute(std::string_view key, const opentelemetry::common::AttributeValue& value) {
  if (std::ranges::find(kKeys, key) == kKeys.end()) return;
  const std::lock_guard lock(Mutex());
  attributes_.Set(key, value, limits::kSpanAttributesMax);
  is_stale_ = true;
}

std::string RootOperation::Name() const {
  const std::lock_guard lock(Mutex());
  if (is_stale_) {
    std::string message;
    otlp::AppendVarintField(otlp::span::kKind, kind_, message);
    otlp::AppendBytesField(otlp::span::kName, span_name_, message);
    // Of equal keys the last value wins.
    message.append(first_attributes_).append(attributes_.Bytes());
    name_ = envelope::OperationNameOf(message);
    is_stale_ = false;
  }
  return name_;
}

}  // namespace azmon::capture
