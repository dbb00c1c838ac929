// SPDX-License-Identifier: MIT
// What a distro finds around it when it starts; tests start one on a machine of their own.
#pragma once

#include <chrono>
#include <string>

#include "azmon/azmon.h"
#include "base/environment.h"
#include "base/limits.h"
#include "resource/resource.h"
#include "resource/virtual_machine.h"

namespace azmon::distro {

struct Machine {
  const base::Environment* environment = &base::ProcessEnvironment();
  resource::Host host;
  std::string metadata_origin{resource::kMetadataOrigin};
  std::chrono::milliseconds metadata_time = limits::kMachineAnswerTime;
};

}  // namespace azmon::distro

namespace azmon::internal {

/// internal::Start on that machine. Not in the shared library's interface.
/// @param machine  its environment outlives the process's telemetry
Telemetry StartOn(Options options, const distro::Machine& machine) noexcept;

}  // namespace azmon::internal
