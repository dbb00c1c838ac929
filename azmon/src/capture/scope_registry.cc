// SPDX-License-Identifier: MIT
#include "capture/scope_registry.h"

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "capture/attribute_encoder.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::capture {
namespace {

std::atomic<std::uint64_t> next_registry{1};

using Attributes = std::map<std::string, opentelemetry::sdk::common::OwnedAttributeValue>;

bool IsText(const opentelemetry::sdk::common::OwnedAttributeValue& value, std::string_view text) {
  const auto* const found = opentelemetry::nostd::get_if<std::string>(&value);
  return found != nullptr && *found == text;
}

/// A resource that a program made without the distro's attributes is its own affair.
void ApplyLate(const std::vector<LateResource::Change>& changes, Attributes& attributes) {
  const auto mark = attributes.find("telemetry.distro.name");
  if (mark == attributes.end() || !IsText(mark->second, "azmon")) return;
  for (const LateResource::Change& change : changes) {
    const auto found = attributes.find(change.key);
    if (found == attributes.end()) {
      attributes.emplace(change.key, change.value);
    } else if (change.instead_of && IsText(found->second, *change.instead_of)) {
      found->second = change.value;
    }
  }
}

std::string EncodeResource(const opentelemetry::sdk::resource::Resource& resource, const LateResource* late) {
  // Sorted, so that equal resources have equal bytes.
  Attributes sorted(resource.GetAttributes().begin(), resource.GetAttributes().end());
  if (late != nullptr) ApplyLate(late->Changes(), sorted);
  std::string message;
  for (const auto& [key, value] : sorted) AppendAttribute(otlp::resource::kAttributes, key, value, message);
  return message;
}

std::string EncodeScope(const opentelemetry::sdk::instrumentationscope::InstrumentationScope& scope) {
  std::string message;
  std::string repaired;
  if (!scope.GetName().empty()) otlp::AppendBytesField(otlp::scope::kName, base::ValidUtf8(scope.GetName(), repaired), message);
  if (!scope.GetVersion().empty()) otlp::AppendBytesField(otlp::scope::kVersion, base::ValidUtf8(scope.GetVersion(), repaired), message);
  const std::map<std::string, opentelemetry::sdk::common::OwnedAttributeValue> sorted(scope.GetAttributes().begin(),
                                                                                    scope.GetAttributes().end());
  for (const auto& [key, value] : sorted) AppendAttribute(otlp::scope::kAttributes, key, value, message);
  return message;
}

}  // namespace

ScopeRegistry::ScopeRegistry(std::shared_ptr<journal::Journal> journal, std::shared_ptr<const LateResource> late)
    : journal_(std::move(journal)), late_(std::move(late)), registry_(next_registry.fetch_add(2, std::memory_order_relaxed)) {}

std::uint32_t ScopeRegistry::IdOf(const opentelemetry::sdk::instrumentationscope::InstrumentationScope& scope,
                                  const opentelemetry::sdk::resource::Resource& resource) {
  struct Last {
    std::uint64_t registry = 0;
    const void* scope = nullptr;
    std::uint32_t id = 0;
  };
  thread_local Last last;
  const std::uint64_t registry = registry_ + (late_ && late_->IsKnown() ? 1 : 0);
  if (last.registry == registry && last.scope == &scope) return last.id;
  const std::lock_guard lock(mutex_);
  const bool has_late = late_ && late_->IsKnown();
  if (has_late && !std::exchange(has_late_, true)) {
    resources_.clear();
    scopes_.clear();
  }
  auto known = scopes_.find(&scope);
  if (known == scopes_.end()) {
    auto known_resource = resources_.find(&resource);
    if (known_resource == resources_.end()) {
      known_resource = resources_.emplace(&resource, journal_->AddResource(EncodeResource(resource, has_late ? late_.get() : nullptr), resource.GetSchemaURL())).first;
    }
    known = scopes_.emplace(&scope, journal_->AddScope(known_resource->second, EncodeScope(scope), scope.GetSchemaURL())).first;
  }
  last = {.registry = registry, .scope = &scope, .id = known->second};
  return last.id;
}

}  // namespace azmon::capture
