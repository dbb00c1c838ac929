// SPDX-License-Identifier: MIT
#include "base/fork.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

namespace azmon::base {
namespace {

/// Runs `work` in a forked child. @return its exit code; -1: it hung or died
template <typename Work>
int InChild(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);  // a hang ends with a signal
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ForkMutex, ChildFindsItFreeAndWhatItGuardsWholeWhileOtherThreadsHoldIt) {
  struct Pair {
    ForkMutex mutex;
    int first = 0;
    int second = 0;
  };
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 8; ++i) pairs.push_back(std::make_unique<Pair>());
  std::atomic<bool> must_stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; !must_stop; ++i) {
        // In another order in each thread.
        Pair& outer = *pairs[(i * (2 * static_cast<std::size_t>(t) + 1)) % 4];
        Pair& inner = *pairs[4 + i % 4];
        const std::lock_guard lock(outer.mutex);
        ++outer.first;
        {
          const std::lock_guard both(inner.mutex);
          ++inner.first;
          ++inner.second;
        }
        ++outer.second;
      }
    });
  }
  int torn = 0;
  for (int round = 0; round < 100; ++round) {
    torn += InChild([&] {
      for (const auto& pair : pairs) {
        const std::lock_guard lock(pair->mutex);
        if (pair->first != pair->second) return 1;
      }
      return 0;
    }) != 0;
  }
  must_stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
}

TEST(ForkMutex, ThreadThatHoldsItMayFork) {
  ForkMutex mutex;
  const std::lock_guard lock(mutex);
  EXPECT_EQ(InChild([&] {
              mutex.unlock();
              const bool is_free = mutex.try_lock();
              return is_free ? 0 : 1;
            }),
            0);
}

TEST(ForkMutex, OneThatIsGoneIsNotAskedFor) {
  { ForkMutex gone; }
  auto kept = std::make_unique<ForkMutex>();
  EXPECT_EQ(InChild([&] { return kept->try_lock() ? 0 : 1; }), 0);
  kept.reset();
  EXPECT_EQ(InChild([] { return 0; }), 0);
}

TEST(CloseInChild, ClosesTheChildsCopyAlone) {
  const int closed = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int open = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CloseInChild(closed);
  CloseInChild(open);
  ForgetInChild(open);
  EXPECT_EQ(InChild([&] { return ::fcntl(closed, F_GETFD) < 0 && ::fcntl(open, F_GETFD) >= 0 ? 0 : 1; }), 0);
  EXPECT_GE(::fcntl(closed, F_GETFD), 0);
  ForgetInChild(closed);
  ::close(closed);
  ::close(open);
}

}  // namespace
}  // namespace azmon::base
