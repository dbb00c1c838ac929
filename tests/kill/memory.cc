// SPDX-License-Identifier: MIT
#include "tests/kill/memory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <thread>

namespace azmon::kill {
namespace {

/// From the start on, as in a container: a program that sees a smaller one keeps its telemetry in private memory.
constexpr std::uint64_t kLimitBytes = 128u << 20;
constexpr std::chrono::seconds kWatchdog{20};

void Write(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, text.data(), text.size());
  ::close(fd);
}

/// In a forked child of a process with threads: system calls alone.
[[noreturn]] void Fill(const char* group_processes) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Write(group_processes, "0");
  constexpr std::size_t kStep = 1u << 20;
  for (;;) {
    void* const memory = ::mmap(nullptr, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) std::memset(memory, 1, kStep);
  }
}

}  // namespace

Memory::Memory(std::string directory) : directory_(std::move(directory)) {
  if (directory_.empty()) return;
  const bool is_second = std::filesystem::exists(directory_ + "/memory.max");
  Write((directory_ + (is_second ? "/memory.max" : "/memory.limit_in_bytes")).c_str(), std::to_string(kLimitBytes));
}

void Memory::Take(pid_t process) const {
  if (directory_.empty()) return;
  Write((directory_ + "/cgroup.procs").c_str(), std::to_string(process));
  // The kernel takes this one, not the one that fills the group.
  Write(("/proc/" + std::to_string(process) + "/oom_score_adj").c_str(), "1000");
}

bool Memory::FillUntilGone(pid_t victim, int& status) const {
  const std::string processes = directory_ + "/cgroup.procs";
  const pid_t filler = ::fork();
  if (filler == 0) Fill(processes.c_str());
  const auto give_up = std::chrono::steady_clock::now() + kWatchdog;
  pid_t gone = 0;
  while (filler > 0 && gone == 0 && std::chrono::steady_clock::now() < give_up) {
    gone = ::waitpid(victim, &status, WNOHANG);
    if (gone == 0) std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  if (filler > 0) {
    ::kill(filler, SIGKILL);
    ::waitpid(filler, nullptr, 0);
  }
  return gone == victim;
}

std::uint64_t Memory::Kills() const {
  std::ifstream file(directory_ + (std::filesystem::exists(directory_ + "/memory.events") ? "/memory.events" : "/memory.oom_control"));
  for (std::string name, value; file >> name >> value;) {
    if (name == "oom_kill") return std::stoull(value);
  }
  return 0;
}

}  // namespace azmon::kill
