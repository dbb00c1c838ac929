// SPDX-License-Identifier: MIT
// A pthread_create that fails when it is told to, for this program and every library in it.
#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>

namespace azmon::host {
bool ThisThreadFails();
}

extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                                                                     void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  return azmon::host::ThisThreadFails() ? EAGAIN : create(thread, attributes, start, argument);
}
