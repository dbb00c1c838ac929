// SPDX-License-Identifier: MIT
#include "net/runtime.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/check.h"
#include "net/loop.h"

namespace net {
namespace {

constexpr std::size_t kThreadsMax = 64;

std::size_t ThreadCount(std::size_t wanted) {
  const std::size_t count = wanted != 0 ? wanted : std::thread::hardware_concurrency();
  return std::clamp<std::size_t>(count, 1, kThreadsMax);
}

void ReportEscaped(std::exception_ptr exception) {
  if (!exception) return;
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "net: a coroutine ended with an exception: %s\n", error.what());
  } catch (...) {
    std::fputs("net: a coroutine ended with an exception of an unknown kind\n", stderr);
  }
}

}  // namespace

struct Runtime::State {
  BindExecutor bind_executor;
  std::vector<std::unique_ptr<Loop>> loops;
  std::atomic<std::size_t> next{0};
  std::unique_ptr<boost::asio::signal_set> signals;
  std::mutex mutex;
  std::condition_variable changed;
  bool stop_requested = false;
  int signal = 0;
  bool is_stopped = false;

  void WaitForSignal() {
    signals->async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      {
        const std::lock_guard lock(mutex);
        // The first signal asks; whoever sends a second one does not want to wait for the drain.
        if (signal != 0) ::_exit(128 + number);
        signal = number;
      }
      changed.notify_all();
      WaitForSignal();
    });
  }
};

Runtime::Runtime(RuntimeOptions options) : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);
  state_->bind_executor = std::move(options.bind_executor);
  for (std::size_t index = 0; index < ThreadCount(options.threads); ++index) state_->loops.push_back(std::make_unique<Loop>());
  if (options.handle_signals) {
    state_->signals = std::make_unique<boost::asio::signal_set>(state_->loops[0]->context(), SIGTERM, SIGINT);
    state_->WaitForSignal();
  }
  for (const auto& loop : state_->loops) loop->Start();
}

Runtime::~Runtime() {
  Stop();
  state_->signals.reset();
  // Coroutines of one loop may wait for another's: every loop lets go of its own before the first is destroyed.
  for (const auto& loop : state_->loops) loop->Abandon();
}

std::size_t Runtime::size() const { return state_->loops.size(); }

Loop& Runtime::NextLoop() { return *state_->loops[state_->next.fetch_add(1, std::memory_order_relaxed) % state_->loops.size()]; }
Loop& Runtime::loop(std::size_t index) {
  AZMON_CHECK(index < state_->loops.size());
  return *state_->loops[index];
}
boost::asio::any_io_executor Runtime::executor() { return NextLoop().context().get_executor(); }
boost::asio::any_io_executor Runtime::executor(std::size_t index) { return loop(index).context().get_executor(); }

void Runtime::Spawn(std::function<boost::asio::awaitable<void>()> coroutine) {
  boost::asio::any_io_executor target = executor();
  if (state_->bind_executor) target = state_->bind_executor(target);
  boost::asio::co_spawn(target, std::move(coroutine), ReportEscaped);
}

void Runtime::Run(std::function<boost::asio::awaitable<void>()> coroutine) {
  AZMON_CHECK(Loop::Current() == nullptr);
  boost::asio::any_io_executor target = executor();
  if (state_->bind_executor) target = state_->bind_executor(target);
  std::promise<void> done;
  auto future = done.get_future();
  boost::asio::co_spawn(target, std::move(coroutine), [&done](std::exception_ptr exception) {
    if (exception) {
      done.set_exception(exception);
    } else {
      done.set_value();
    }
  });
  future.get();
}

int Runtime::WaitForStop() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->stop_requested || state_->signal != 0; });
  return state_->signal;
}

void Runtime::RequestStop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop_requested = true;
  }
  state_->changed.notify_all();
}

void Runtime::Stop() {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->is_stopped) return;
    state_->is_stopped = true;
  }
  for (const auto& loop : state_->loops) loop->Join();
}

bool Runtime::IsStopped() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_stopped;
}

}  // namespace net
