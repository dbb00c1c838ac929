// SPDX-License-Identifier: MIT
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>

#include <string>
#include <system_error>
#include <utility>

namespace azmon::base {

Result<std::thread> StartThread(const char* name, std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  int code = 0;
  try {
    thread = std::thread(std::move(work));
    ::pthread_setname_np(thread.native_handle(), name);
  } catch (const std::system_error& error) {
    code = error.code().value();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (code != 0) return Error{.code = ErrorCode::kSystem, .detail = std::string("the thread ") + name + " could not be started", .os_error = code};
  return thread;
}

}  // namespace azmon::base
