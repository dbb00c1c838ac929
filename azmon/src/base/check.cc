// SPDX-License-Identifier: MIT
#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace azmon::base {
namespace {
std::atomic<std::uint64_t> internal_errors{0};
}

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "azmon: check failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

void CountInternalError() { internal_errors.fetch_add(1, std::memory_order_relaxed); }

std::uint64_t InternalErrors() { return internal_errors.load(std::memory_order_relaxed); }

}  // namespace azmon::base
