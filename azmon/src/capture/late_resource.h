// SPDX-License-Identifier: MIT
// Attributes of the distro's resource that became known when its providers were running already.
//
// One a distro, shared by its registries of scopes: a resource of the SDK cannot change, but what the journal is told of it can. Records
// that were made before keep the resource that they had.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fork.h"

namespace azmon::capture {

class LateResource {
 public:
  struct Change {
    std::string key;
    std::string value;
    std::optional<std::string> instead_of;  ///< the value that it replaces; a resource that has another one keeps it
  };

  /// Any thread. Later calls change nothing.
  void Set(std::vector<Change> changes) {
    const std::lock_guard lock(mutex_);
    if (IsKnown()) return;
    changes_ = std::move(changes);
    is_known_.store(true, std::memory_order_release);
  }

  /// Any thread; costs a load. Never becomes false again.
  bool IsKnown() const { return is_known_.load(std::memory_order_acquire); }
  /// Only when IsKnown().
  const std::vector<Change>& Changes() const { return changes_; }

 private:
  base::ForkMutex mutex_;
  std::atomic<bool> is_known_{false};
  std::vector<Change> changes_;  ///< written once, before is_known_
};

}  // namespace azmon::capture
