// SPDX-License-Identifier: MIT
#include <cstdio>
#include <string>
#include <vector>

#include "local/api/service.h"
#include "local/cli/commands.h"
#include "local/cli/options.h"

int main(int count, char** arguments) {
  namespace local = azmon::local;
  const auto line = local::ParseCommandLine(std::vector<std::string>(arguments + 1, arguments + count));
  using Mode = local::CommandLine::Mode;
  if (line.mode == Mode::kHelp) {
    std::fwrite(local::kHelp.data(), 1, local::kHelp.size(), stdout);
    return 0;
  }
  if (line.mode == Mode::kShowVersion) {
    std::printf("azmon-local %s\n", std::string(local::kVersion).c_str());
    return 0;
  }
  if (!line.problems.empty()) {
    for (const std::string& problem : line.problems) std::fprintf(stderr, "azmon-local: %s\n", problem.c_str());
    std::fprintf(stderr, "azmon-local --help tells what there is\n");
    return 2;
  }
  return line.mode == Mode::kWait ? local::Wait(line.wait) : local::Serve(line.serve);
}
