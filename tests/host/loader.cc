// SPDX-License-Identifier: MIT
// host_loader PLUGIN: loads a plugin with telemetry, unloads it while the library's threads run, and ends by exit().
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

int Mappings() {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("libazmon.so") != std::string::npos ? 1 : 0;
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || Mappings() != 0) return 2;
  for (int round = 0; round < 3; ++round) {
    void* const plugin = ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
      std::fprintf(stderr, "%s\n", ::dlerror());
      return 3;
    }
    const auto run = reinterpret_cast<int (*)(int, int, int)>(::dlsym(plugin, "RunPlugin"));
    if (run == nullptr || run(round, 100, round == 2 ? 1 : 0) != 0) return 4;
    if (::dlclose(plugin) != 0) return 5;
    if (Mappings() == 0) return 6;
  }
  std::exit(0);
}
