// SPDX-License-Identifier: MIT
#include "capture/scope_registry.h"

#include <atomic>
#include <string>

#include "base/utf8.h"
#include "capture/attribute_encoder.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::capture {
namespace {

std::atomic<std::uint64_t> next_registry{1};

std::string EncodeResource(const opentelemetry::sdk::resource::Resource& resource) {
  // Sorted, so that equal resources have equal bytes.
  const std::map<std::string, opentelemetry::sdk::common::OwnedAttributeValue> sorted(resource.GetAttributes().begin(),
                                                                                    resource.GetAttributes().end());
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

ScopeRegistry::ScopeRegistry(std::shared_ptr<journal::Journal> journal)
    : journal_(std::move(journal)), registry_(next_registry.fetch_add(1, std::memory_order_relaxed)) {}

std::uint32_t ScopeRegistry::IdOf(const opentelemetry::sdk::instrumentationscope::InstrumentationScope& scope,
                                  const opentelemetry::sdk::resource::Resource& resource) {
  struct Last {
    std::uint64_t registry = 0;
    const void* scope = nullptr;
    std::uint32_t id = 0;
  };
  thread_local Last last;
  if (last.registry == registry_ && last.scope == &scope) return last.id;
  const std::lock_guard lock(mutex_);
  auto known = scopes_.find(&scope);
  if (known == scopes_.end()) {
    auto known_resource = resources_.find(&resource);
    if (known_resource == resources_.end()) {
      known_resource = resources_.emplace(&resource, journal_->AddResource(EncodeResource(resource), resource.GetSchemaURL())).first;
    }
    known = scopes_.emplace(&scope, journal_->AddScope(known_resource->second, EncodeScope(scope), scope.GetSchemaURL())).first;
  }
  last = {.registry = registry_, .scope = &scope, .id = known->second};
  return last.id;
}

}  // namespace azmon::capture
