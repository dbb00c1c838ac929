// SPDX-License-Identifier: MIT
// Programs that fork, at any moment.
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "scenario.h"

namespace azmon::host {
namespace {

constexpr int kChildrenAtOnce = 8;
constexpr std::uint64_t kSpansOfAChild = 3;
/// Threads have the producers below it, children those from it on.
constexpr std::uint64_t kFirstChild = 16;
/// Only a hang takes so long.
constexpr unsigned kChildWatchdogSeconds = 90;

/// What a child does with its life.
[[noreturn]] void LiveAsChild(int number, Telemetry& telemetry) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::alarm(kChildWatchdogSeconds);
  const std::uint64_t producer = kFirstChild + static_cast<std::uint64_t>(number);
  switch (number % 5) {
    case 0:  // becomes another program, as most children do
      ::execl("/bin/true", "true", nullptr);
      ::_exit(kBroken);
    case 1: {  // goes on as its parent does, and asks whether all has come through
      TraceAll(producer, kSpansOfAChild);
      Expect(telemetry.ForceFlush(std::chrono::seconds(60)), "a child's flush is answered by the destinations");
      const Health health = telemetry.health();
      // Beside them its standard metrics, and what it has adopted of others, perhaps this moment.
      for (const auto& destination : {health.azure, health.otlp}) {
        Expect(destination->delivered >= kSpansOfAChild && destination->accepted == destination->delivered + destination->in_journal, "a child keeps its own account");
      }
      ::_exit(0);
    }
    case 2:  // leaves what it made to others
      TraceAll(producer, kSpansOfAChild);
      ::_exit(0);
    case 3:  // ends as a program does
      TraceAll(producer, kSpansOfAChild);
      std::exit(0);
    default: {  // has a child itself
      TraceAll(producer, 1);
      const pid_t grandchild = ::fork();
      if (grandchild == 0) {
        ::alarm(kChildWatchdogSeconds);
        Trace(producer, 2);
        std::exit(0);
      }
      int status = 0;
      Expect(::waitpid(grandchild, &status, 0) == grandchild && status == 0, "a grandchild ends");
      Trace(producer, 3);
      Expect(telemetry.Shutdown(std::chrono::seconds(60)), "a child's shutdown is answered by the destinations");
      ::_exit(0);
    }
  }
}

/// @return what waits was reaped; false: a child hung or broke an expectation
bool Reap(int& running, int left) {
  while (running > left) {
    int status = 0;
    const pid_t child = ::waitpid(-1, &status, 0);
    if (child < 0) return false;
    --running;
    if (status != 0) {
      std::fprintf(stderr, "child %d ended with status %d\n", child, status);
      return false;
    }
  }
  return true;
}

}  // namespace

int Forks(int count, const std::string& mode) {
  auto telemetry = Configure(HostOptions());
  Expect(telemetry.ok(), "the distro starts");
  Tracer();
  std::atomic<bool> must_stop{false};
  std::vector<std::thread> threads;
  // In the critical sections of capture and journal as often as they can, and with much to send.
  const int appending = mode == "busy" ? 2 : 0;
  for (int i = 0; i < appending; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t seq = 1; !must_stop; ++seq) {
        const auto request = Begin(static_cast<std::uint64_t>(i), seq);
        opentelemetry::trace::StartSpanOptions below;
        below.parent = request->GetContext();
        Tracer()->StartSpan("below", below)->End();
        request->SetAttribute("http.route", "/busy");
        request->End();
        Acks()[i].store(seq, std::memory_order_release);
        if (seq % 16 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  }
  int running = 0;
  bool is_good = true;
  for (int number = 0; number < count && is_good; ++number) {
    if (mode != "idle") Trace(15, static_cast<std::uint64_t>(number) + 1);
    const pid_t child = ::fork();
    if (child == 0) LiveAsChild(number, telemetry);
    Expect(child > 0, "a fork succeeds");
    ++running;
    is_good = Reap(running, kChildrenAtOnce - 1);
  }
  is_good &= Reap(running, 0);
  must_stop = true;
  for (std::thread& thread : threads) thread.join();
  Expect(is_good, "no child hangs or fails");
  Expect(telemetry.Shutdown(std::chrono::seconds(60)), "the parent sends its own");
  return 0;
}

int Daemon() {
  auto telemetry = Configure(HostOptions());
  Trace(0, 1);
  Expect(telemetry.ForceFlush(std::chrono::seconds(60)), "the first process sends");
  const pid_t child = ::fork();
  if (child != 0) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : kBroken;
  }
  ::alarm(kChildWatchdogSeconds);
  ::setsid();
  ::closefrom(3);
  // Its descriptors have numbers that were the library's.
  std::FILE* const own = std::fopen((Variable("HOST_ACK") + ".daemon").c_str(), "w+");
  for (int i = 0; i < 40; ++i) (void)!::dup(::fileno(own));
  TraceAll(1, 100);
  Expect(telemetry.ForceFlush(std::chrono::seconds(60)), "a process that has closed all descriptors sends");
  Expect(telemetry.Shutdown(std::chrono::seconds(60)), "and ends");
  Expect(std::filesystem::file_size(Variable("HOST_ACK") + ".daemon") == 0, "nobody wrote into its file");
  std::exit(0);
}

int ExecutedChild() {
  auto telemetry = Configure(HostOptions());
  TraceAll(0, 100);
  Expect(telemetry.ForceFlush(std::chrono::seconds(60)), "connections are open");
  // posix_spawn() runs no handlers of a fork, so the descriptors have to close themselves.
  char name[] = "host_program";
  char scenario[] = "descriptors";
  char* const arguments[] = {name, scenario, nullptr};
  pid_t child = 0;
  Expect(::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environ) == 0, "a child starts");
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kBroken;
}

int Descriptors() {
  int inherited = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) continue;
    sockaddr address{};
    socklen_t bytes = sizeof address;
    // The pairs by which a libcurl that knows no better wakes itself up have no other end outside.
    if (::getsockname(fd, &address, &bytes) == 0 && address.sa_family == AF_UNIX) continue;
    std::error_code ignored;
    std::printf("%d: %s\n", fd, std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored).c_str());
    ++inherited;
  }
  return inherited;
}

}  // namespace azmon::host
