// SPDX-License-Identifier: MIT
// The terminal of a program: whole lines, written at once, from any thread.
#pragma once

#include <string_view>

namespace services {

/// Writes the line and a newline to stdout and flushes it.
void PrintLine(std::string_view line);

/// Writes the line and a newline to stderr.
void PrintErrorLine(std::string_view line);

/// Writes "PROGRAM: line" and a newline to stderr.
void PrintNotice(std::string_view program, std::string_view line);

}  // namespace services
