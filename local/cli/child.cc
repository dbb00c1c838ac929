// SPDX-License-Identifier: MIT
#include "local/cli/child.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace azmon::local {

Result<std::unique_ptr<Child>> Child::Start(const std::vector<std::string>& command, const std::map<std::string, std::string>& variables,
                                            std::function<void(int)> ended) {
  std::vector<std::string> environment;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry(*at);
    if (!variables.contains(std::string(entry.substr(0, entry.find('='))))) environment.emplace_back(entry);
  }
  for (const auto& [name, value] : variables) {
    if (!value.empty()) environment.push_back(name + "=" + value);
  }
  std::vector<char*> environment_pointers;
  for (std::string& entry : environment) environment_pointers.push_back(entry.data());
  environment_pointers.push_back(nullptr);
  std::vector<std::string> arguments = command;
  std::vector<char*> argument_pointers;
  for (std::string& argument : arguments) argument_pointers.push_back(argument.data());
  argument_pointers.push_back(nullptr);

  // The command starts with the usual signals: this program blocks and ignores some.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t usual;
  sigemptyset(&usual);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT}) sigaddset(&usual, number);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::unique_ptr<Child> child(new Child);
  const int failure = posix_spawnp(&child->pid_, argument_pointers[0], nullptr, &attributes, argument_pointers.data(), environment_pointers.data());
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) {
    return Error{failure == ENOENT ? ErrorCode::kNotFound : ErrorCode::kSystem, "cannot start " + command[0], failure};
  }
  Child* self = child.get();
  child->waiter_ = std::thread([self, ended = std::move(ended)] {
    int status = 0;
    while (::waitpid(self->pid_, &status, 0) < 0 && errno == EINTR) {
    }
    self->has_ended_ = true;
    ended(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  });
  return child;
}

Child::~Child() {
  if (waiter_.joinable()) waiter_.join();
}

void Child::Signal(int number) {
  if (!has_ended_) ::kill(pid_, number);
}

}  // namespace azmon::local
