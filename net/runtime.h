// SPDX-License-Identifier: MIT
// The event loops of a program, and its signals.
//
// One io_context and one thread a loop; what starts on a loop stays there, so connections need no locks.
//
//   net::Runtime runtime;
//   auto server = net::Server::Listen(runtime, options, std::move(router));
//   runtime.WaitForStop();                        // SIGTERM, SIGINT or RequestStop()
//   server.value()->Drain(std::chrono::steady_clock::now() + 10s);
//   runtime.Stop();
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "net/hooks.h"

namespace net {

class Loop;

struct RuntimeOptions {
  std::size_t threads = 0;      ///< loops; 0: one a core, at most 64
  bool handle_signals = false;  ///< SIGTERM and SIGINT end WaitForStop(); a second one ends the process at once (status 128 + signal)
  BindExecutor bind_executor;   ///< for Spawn()
};

class Runtime {
 public:
  /// Starts the threads. SIGPIPE is ignored from here on: a peer that closes is an error code, not the end of the process.
  explicit Runtime(RuntimeOptions options = {});
  /// Stop().
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  std::size_t size() const;
  /// The loops in turn.
  boost::asio::any_io_executor executor();
  boost::asio::any_io_executor executor(std::size_t loop);
  /// For the parts of net/ itself.
  Loop& loop(std::size_t index);
  /// The loops in turn, as executor() takes them.
  Loop& NextLoop();

  /// Starts a coroutine on the next loop, through bind_executor. An exception that leaves it is written to stderr and ends only it. Thread-safe.
  void Spawn(std::function<boost::asio::awaitable<void>()> coroutine);
  /// Runs a coroutine on a loop and waits for its end; rethrows its exception. Not from a loop's own thread.
  void Run(std::function<boost::asio::awaitable<void>()> coroutine);

  /// Blocks until RequestStop() or, with handle_signals, the first SIGTERM or SIGINT.
  /// @return the signal, 0 if there was none
  int WaitForStop();
  /// Ends WaitForStop(). Thread-safe, may come before it.
  void RequestStop();

  /// Ends the loops and joins their threads; what still runs there is destroyed. Drain servers first. Not from a loop's own thread.
  void Stop();
  bool IsStopped() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace net
