// SPDX-License-Identifier: MIT
#include "base/standard_error.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

namespace azmon::base {
namespace {

/// A write into a pipe without a reader raises SIGPIPE in the writing thread: blocked, and taken back if it was this write's.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    const timespec at_once{};
    if (!was_pending_) {
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

class RealStandardError final : public LineSink {
 public:
  bool TryWrite(std::string_view lines) override {
    AZMON_DCHECK(lines.size() <= kLineSinkBytesMax);
    pollfd state{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&state, 1, 0) != 1 || (state.revents & POLLOUT) == 0 || (state.revents & (POLLERR | POLLNVAL)) != 0) return false;
    const WithoutSigpipe guard;
    return ::write(STDERR_FILENO, lines.data(), lines.size()) > 0;
  }
};

}  // namespace

LineSink& StandardError() {
  static auto* const standard_error = new RealStandardError;
  return *standard_error;
}

bool IsStandardErrorATerminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace azmon::base
