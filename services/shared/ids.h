// SPDX-License-Identifier: MIT
// UUIDs of version 7 (RFC 9562): time first, so that they sort by age; the rest random.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/random.h"

namespace services {

/// Makes ids that increase within the process even if the wall clock goes back, and that no other process or earlier run makes:
/// 62 random bits tell apart what is made in the same millisecond. Thread-safe.
class IdMaker {
 public:
  explicit IdMaker(const azmon::base::Clock& clock = azmon::base::SystemClock(), azmon::base::Random random = azmon::base::Random());

  /// 36 characters, lower case: "019330b2-7c1d-7000-8a3f-1f0c9b7e2d44".
  std::string Make();

 private:
  const azmon::base::Clock& clock_;
  std::mutex mutex_;
  azmon::base::Random random_;        // guarded by mutex_
  std::uint64_t last_millisecond_ = 0;  // guarded by mutex_
  std::uint32_t sequence_ = 0;        // guarded by mutex_; 12 bits
};

/// For ids that need no order, from any thread.
IdMaker& ProcessIds();

}  // namespace services
