// SPDX-License-Identifier: MIT
// Threads of the library in somebody else's process.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace azmon::base {

/// Starts a thread that runs `work` with all signals blocked, also on the threads that it starts: no handler of the host runs there.
/// @param name  as debuggers show it, at most 15 characters
/// @return kSystem if there is no thread to be had
Result<std::thread> StartThread(const char* name, std::function<void()> work);

}  // namespace azmon::base
