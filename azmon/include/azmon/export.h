// SPDX-License-Identifier: MIT
// Marks what libazmon.so shows.
#pragma once

#define AZMON_EXPORT __attribute__((visibility("default")))
