// SPDX-License-Identifier: MIT
// Programmer errors.
//
// AZMON_CHECK guards memory safety and aborts in every build. AZMON_DCHECK aborts in the dev, asan, tsan and fuzz presets; in a release
// build, where the library is a guest in somebody's process, it counts an internal error and the caller goes on.
#pragma once

#include <cstdint>

namespace azmon::base {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
void CountInternalError();

/// Broken AZMON_DCHECKs since the start of the process; 0 in a correct program.
std::uint64_t InternalErrors();

}  // namespace azmon::base

#define AZMON_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::azmon::base::CheckFailed(#condition, __FILE__, __LINE__))

#if defined(AZMON_CHECKS)
#define AZMON_DCHECK(condition) AZMON_CHECK(condition)
#else
#define AZMON_DCHECK(condition) (static_cast<bool>(condition) ? static_cast<void>(0) : ::azmon::base::CountInternalError())
#endif
