// SPDX-License-Identifier: MIT
// The journal's ids of the SDK's scopes and resources.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <opentelemetry/sdk/instrumentationscope/instrumentation_scope.h>
#include <opentelemetry/sdk/resource/resource.h>

#include "base/fork.h"
#include "capture/late_resource.h"
#include "journal/journal.h"

namespace azmon::capture {

/// One a processor. The SDK's objects are told apart by their address: they live as long as the provider that owns the processor.
class ScopeRegistry {
 public:
  /// @param late  of the distro; null: resources stay as they are
  ScopeRegistry(std::shared_ptr<journal::Journal> journal, std::shared_ptr<const LateResource> late);

  /// Any thread. Costs a comparison when the thread asks for the same scope again, else a lock and a look-up.
  std::uint32_t IdOf(const opentelemetry::sdk::instrumentationscope::InstrumentationScope& scope,
                     const opentelemetry::sdk::resource::Resource& resource);

 private:
  const std::shared_ptr<journal::Journal> journal_;
  const std::shared_ptr<const LateResource> late_;
  const std::uint64_t registry_;  ///< tells registries apart in each thread's cache; one more once the late attributes are known
  base::ForkMutex mutex_;
  bool has_late_ = false;  ///< what the maps hold was made with them
  std::map<const void*, std::uint32_t> resources_;
  std::map<const void*, std::uint32_t> scopes_;
};

}  // namespace azmon::capture
