// SPDX-License-Identifier: MIT
#include "services/shared/console.h"

#include <cstdio>
#include <string>

namespace services {
namespace {

/// One call of stdio a line: its own lock keeps lines of several threads apart.
void Write(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

void PrintLine(std::string_view line) { Write(stdout, std::string(line) + "\n"); }

void PrintErrorLine(std::string_view line) { Write(stderr, std::string(line) + "\n"); }

void PrintNotice(std::string_view program, std::string_view line) {
  Write(stderr, std::string(program) + ": " + std::string(line) + "\n");
}

}  // namespace services
