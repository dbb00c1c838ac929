// SPDX-License-Identifier: MIT
// A memory cgroup that is filled until the kernel kills a process in it. tools/system/cgroup.py makes the group.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace azmon::kill {

class Memory {
 public:
  /// @param directory  of the group; empty: nothing is done with memory
  explicit Memory(std::string directory);

  /// What the process allocates from now on counts in the group, and it is the one to be killed.
  void Take(pid_t process) const;
  /// Fills the group until `victim` is gone.
  /// @return false: the kernel did not kill it in time; it is still there
  bool FillUntilGone(pid_t victim, int& status) const;
  /// How often the kernel killed a process of the group.
  std::uint64_t Kills() const;

 private:
  const std::string directory_;
};

}  // namespace azmon::kill
