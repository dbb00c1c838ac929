// SPDX-License-Identifier: MIT
// What azmon-local does for each form of its command line. Each returns the exit code.
#pragma once

#include "local/cli/options.h"

namespace azmon::local {

int Serve(const ServeOptions& options);
int Wait(const WaitOptions& options);

}  // namespace azmon::local
