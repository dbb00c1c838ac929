// SPDX-License-Identifier: MIT
// The command that `run` starts.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace azmon::local {

class Child {
 public:
  /// Starts a program found in PATH, with variables added to the environment; those with an empty value are removed.
  /// @param ended  called once on a thread of its own, with the exit code (128 + signal for a signal's)
  /// @return kNotFound there is no such program; kSystem it cannot be started
  static Result<std::unique_ptr<Child>> Start(const std::vector<std::string>& command, const std::map<std::string, std::string>& variables,
                                              std::function<void(int)> ended);
  /// Waits for its end.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Passes a signal on, unless it has ended.
  void Signal(int number);

 private:
  Child() = default;
  pid_t pid_ = -1;
  std::atomic<bool> has_ended_ = false;
  std::thread waiter_;
};

}  // namespace azmon::local
