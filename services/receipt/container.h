// SPDX-License-Identifier: MIT
// Makes an emulator's container at start. In Azure the deployment makes it, and the service has no right to.
#pragma once

#include <chrono>

#include "net/runtime.h"
#include "services/shared/storage_settings.h"

namespace receipt {

/// Tries to make the container, waiting for it at most `patience`; if the emulator is not there yet, goes on trying in the background,
/// so that the start order does not matter. Does nothing unless settings.is_emulator.
///
/// Not traced: this is no work of an order. Not from a loop's own thread. The runtime must outlive the program's use of the container.
void PrepareContainer(net::Runtime& runtime, const services::StorageSettings& settings, std::chrono::milliseconds patience);

}  // namespace receipt
