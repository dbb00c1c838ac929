// SPDX-License-Identifier: MIT
// host_program SCENARIO [ARGUMENTS]: small programs with the library in them, each with another way to live or to end.
//
// Driven by host_test.cc, which plays the destinations. Exit codes are part of the scenario; 99: an expectation is broken.
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <opentelemetry/metrics/provider.h>

#include "scenario.h"

namespace azmon::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Calls of pthread_create that succeed before one fails; negative: all do.
std::atomic<int> threads_before_failure{-1};
/// 1: that one alone fails; else all behind it as well.
std::atomic<int> failures_left{1};

}  // namespace

bool ThisThreadFails() {
  if (threads_before_failure.load() < 0 || failures_left.load() == 0) return false;
  if (threads_before_failure.load() > 0) {
    --threads_before_failure;
    return false;
  }
  --failures_left;
  return true;
}

namespace {

int ReturnWithLiveSpans() {
  auto telemetry = Configure(HostOptions());
  std::thread other([] { TraceAll(1, 200); });
  TraceAll(0, 200);
  other.join();
  // Never ended, so never published; the handle is destroyed before them or behind them.
  static auto* const forgotten = new auto(Begin(2, 1));
  const auto open = Begin(3, 1);
  (void)forgotten;
  return 0;
}

/// Ends the program from a thread while others trace on.
int EndInAThread(const std::string& how) {
  static auto telemetry = std::make_unique<std::optional<Telemetry>>(Configure(HostOptions()));
  static std::atomic<bool> is_ending{false};
  std::vector<std::thread> threads;
  for (std::uint64_t producer = 1; producer < 4; ++producer) {
    threads.emplace_back([producer] {
      for (std::uint64_t seq = 1;; ++seq) {
        Begin(producer, seq)->End();
        // What ended behind the beginning of the end may be refused.
        if (!is_ending) Acks()[producer].store(seq);
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  threads.emplace_back([how] {
    TraceAll(0, 300);
    is_ending = true;
    if (how == "exit") std::exit(3);
    if (how == "quick_exit") std::quick_exit(3);
    if (how == "_exit") ::_exit(3);
    if (how == "SIGTERM") ::kill(::getpid(), SIGTERM);
    std::abort();
  });
  for (std::thread& thread : threads) thread.join();
  return kBroken;
}

/// Traces in its destructor.
struct Static {
  std::uint64_t producer;
  bool is_counted;
  ~Static() {
    Begin(producer, 1)->End();
    if (is_counted) Acks()[producer].store(1);
    static_cast<void>(opentelemetry::trace::Provider::GetTracerProvider()->GetTracer("another"));
  }
};

int Statics() {
  static const Static older{.producer = 1, .is_counted = false};  // destroyed behind the handle: a no-op
  static auto telemetry = Configure(HostOptions());
  static const Static younger{.producer = 2, .is_counted = true};  // destroyed before it: delivered
  TraceAll(0, 10);
  return 0;
}

int TraceAfterShutdown() {
  auto telemetry = Configure(HostOptions());
  TraceAll(0, 10);
  Expect(telemetry.Shutdown(seconds(60)), "everything is delivered");
  const Health before = telemetry.health();
  for (std::uint64_t seq = 1; seq < 100; ++seq) Begin(1, seq)->End();
  Expect(telemetry.ForceFlush(seconds(1)) && telemetry.Shutdown(seconds(1)), "flush and shutdown repeat their answer");
  const Health after = telemetry.health();
  Expect(before.otlp->accepted == after.otlp->accepted && before.azure->accepted == after.azure->accepted, "nothing is accepted");
  Expect(after.otlp->in_journal == 0 && after.azure->in_journal == 0, "nothing waits");
  return 0;
}

void ExpectSumHolds(const Health& health) {
  for (const auto& destination : {health.azure, health.otlp}) {
    Expect(destination.has_value(), "both destinations are configured");
    std::uint64_t sum = destination->delivered + destination->in_journal;
    for (const auto& [reason, count] : destination->dropped) sum += count;
    Expect(sum == destination->accepted, "accepted = delivered + dropped + in_journal");
  }
}

/// The library's `number`th thread cannot be created, or none from it on.
int WithoutThreads(int number, bool is_for_ever) {
  if (is_for_ever) failures_left = 1'000'000;
  threads_before_failure = number - 1;
  auto telemetry = Configure(HostOptions());
  const bool has_failed = failures_left != (is_for_ever ? 1'000'000 : 1);
  const auto problems = telemetry.problems();
  std::string all;
  for (const Problem& problem : problems) all += problem.text + "; ";
  std::printf("%s: %s\n", has_failed ? "failed" : "not reached", all.c_str());
  if (has_failed) Expect(all.find("thread") != std::string::npos, "a problem says that there is no thread");
  else Expect(problems.empty(), "no problem without a failure");
  TraceAll(0, 100);
  const auto counter = opentelemetry::metrics::Provider::GetMeterProvider()->GetMeter("host")->CreateUInt64Counter("orders");
  counter->Add(1);
  const bool sends = all.find("telemetry cannot be sent") == std::string::npos;
  Expect(telemetry.ok() == sends, "not to be able to send is an error");
  // Requests need no thread for an address of digits.
  Expect(telemetry.ForceFlush(seconds(60)), "what was accepted is delivered");
  const Health health = telemetry.health();
  ExpectSumHolds(health);
  Expect(sends ? health.otlp->delivered >= 100 : health.otlp->accepted == 0, "all is delivered, or nothing is taken");
  Expect(telemetry.Shutdown(seconds(60)), "it ends");
  if (!sends) Acks()[0] = 0;
  return has_failed ? 0 : 1;
}

/// Threads fail when all runs already.
int WithoutMoreThreads() {
  Options options = HostOptions();
  options.metric_interval = milliseconds(20);
  auto telemetry = Configure(std::move(options));
  failures_left = 1'000'000;
  threads_before_failure = 0;
  const auto counter = opentelemetry::metrics::Provider::GetMeterProvider()->GetMeter("host")->CreateUInt64Counter("orders");
  for (int i = 1; i <= 20; ++i) {
    counter->Add(1);
    Trace(0, static_cast<std::uint64_t>(i));
    std::this_thread::sleep_for(milliseconds(10));
  }
  const auto begin = steady_clock::now();
  telemetry.ForceFlush(seconds(2));
  telemetry.Shutdown(seconds(2));
  Expect(steady_clock::now() - begin < seconds(30), "both return, though no metrics can be collected");
  ExpectSumHolds(telemetry.health());
  return 0;
}

/// A timer's signal a thousand times a second, on any thread that lets it; calls that it interrupts are not restarted.
int Alarms() {
  static std::atomic<std::uint64_t> alarms{0};
  static std::atomic<bool> is_on_our_threads{false};
  struct sigaction action {};
  action.sa_handler = [](int) {
    ++alarms;
    char name[16] = {};
    ::prctl(PR_GET_NAME, name);
    if (std::strncmp(name, "azmon-", 6) == 0) is_on_our_threads = true;
  };
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer{.it_interval = {.tv_sec = 0, .tv_usec = 1000}, .it_value = {.tv_sec = 0, .tv_usec = 1000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
  std::mutex mutex;
  std::string lines;
  Options options = HostOptions();
  options.on_log = [&](Severity, std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.append(line).append("\n");
  };
  auto telemetry = Configure(std::move(options));
  Expect(telemetry.problems().empty(), "it starts without a problem");
  // While the program's only thread does not take it, a thread of the library would have to.
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
  std::this_thread::sleep_for(milliseconds(50));
  pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
  // Each thread makes a ring of its own: files, reservations, mappings.
  for (std::uint64_t round = 0; round < 20 || alarms < 300; ++round) {
    std::vector<std::thread> threads;
    for (std::uint64_t producer = 0; producer < 6; ++producer) {
      threads.emplace_back([producer, round] {
        for (std::uint64_t i = 1; i <= 50; ++i) Trace(producer, round * 50 + i);
      });
    }
    for (std::thread& thread : threads) thread.join();
    Expect(telemetry.ForceFlush(seconds(60)), "flushes are not cut short");
  }
  Expect(telemetry.Shutdown(seconds(60)), "nor is the end");
  ExpectSumHolds(telemetry.health());
  Expect(!is_on_our_threads, "the host's handler runs on none of the library's threads");
  if (!lines.empty()) std::fprintf(stderr, "%s", lines.c_str());
  Expect(lines.empty(), "nothing is reported");
  return 0;
}

/// Resets every connection in the middle of a request until it has done so often enough.
class Resetting {
 public:
  Resetting() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t bytes = sizeof address;
    Expect(::bind(listener_, reinterpret_cast<sockaddr*>(&address), bytes) == 0 && ::listen(listener_, 16) == 0, "a port is free");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &bytes);
    port_ = ntohs(address.sin_port);
    std::thread([this] {
      for (;;) {
        const int peer = ::accept(listener_, nullptr, nullptr);
        if (peer < 0) return;
        char some[512];
        (void)!::read(peer, some, sizeof some);
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(peer);
        ++resets_;
      }
    }).detach();
  }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int Resets() const { return resets_; }

 private:
  const int listener_;
  int port_ = 0;
  std::atomic<int> resets_{0};
};

/// Connections break, and nobody reads standard error; SIGPIPE would end this program.
int BrokenPipes() {
  ::signal(SIGPIPE, SIG_DFL);  // whoever started this may ignore it
  struct sigaction before {};
  sigaction(SIGPIPE, nullptr, &before);
  int ends[2];
  Expect(::pipe(ends) == 0, "there is a pipe");
  ::close(ends[0]);
  const int standard_error = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  auto* const resetting = new Resetting;
  Options options = HostOptions();
  options.otlp.endpoint = resetting->Url();
  options.export_interval = milliseconds(1);
  options.sampling_ratio = 17;  // a problem, so that there is a line to be written
  options.console = Console::kOn;
  auto telemetry = Configure(std::move(options));
  Expect(!telemetry.problems().empty(), "there is something to tell");
  // Far more than a socket's buffer.
  const auto give_up = steady_clock::now() + seconds(60);
  std::uint64_t seq = 0;
  while (resetting->Resets() < 3 && steady_clock::now() < give_up) {
    for (int i = 0; i < 200; ++i) {
      const auto span = Begin(0, ++seq);
      span->SetAttribute("filling", std::string(4000, 'x'));
      span->End();
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  telemetry.Shutdown(milliseconds(200));
  ::dup2(standard_error, STDERR_FILENO);
  Expect(resetting->Resets() >= 3, "connections were reset");
  struct sigaction after {};
  sigaction(SIGPIPE, nullptr, &after);
  Expect(after.sa_handler == SIG_DFL && after.sa_flags == before.sa_flags, "SIGPIPE is as it was");
  sigset_t mask;
  sigset_t pending;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  sigpending(&pending);
  Expect(sigismember(&mask, SIGPIPE) == 0 && sigismember(&pending, SIGPIPE) == 0, "nor is it blocked or waiting");
  return 0;
}

/// The destinations take requests and never answer.
int Deadline(int timeout_ms) {
  const auto watchdog = seconds(5);  // for a loaded machine
  auto telemetry = Configure(HostOptions());
  TraceAll(0, 2000);
  const milliseconds timeout(timeout_ms);
  const auto begin = steady_clock::now();
  Expect(!telemetry.ForceFlush(std::min(timeout, milliseconds(200))), "a flush that nobody answered is not true");
  Expect(steady_clock::now() - begin < timeout + watchdog, "a flush keeps its deadline");
  const auto middle = steady_clock::now();
  Expect(!telemetry.Shutdown(timeout), "a shutdown that nobody answered is not true");
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - middle);
  std::printf("Shutdown(%d ms) took %d ms\n", timeout_ms, static_cast<int>(took.count()));
  Expect(took < timeout + watchdog, "a shutdown keeps its deadline");
  const Health health = telemetry.health();
  ExpectSumHolds(health);
  Expect(health.otlp->in_journal >= 2000 && health.azure->in_journal >= 2000, "everything is kept for the next start");
  return 0;
}

/// Delivers what others left.
int Drain() {
  static std::atomic<bool> must_stop{false};
  ::signal(SIGTERM, [](int) { must_stop = true; });
  auto telemetry = Configure(HostOptions());
  while (!must_stop) std::this_thread::sleep_for(milliseconds(10));
  return telemetry.Shutdown(seconds(60)) ? 0 : kBroken;
}

int Run(int argc, char** argv) {
  const std::string scenario = argc > 1 ? argv[1] : "";
  const auto text = [&](int index) { return std::string(argc > index ? argv[index] : ""); };
  const auto number = [&](int index) { return std::atoi(text(index).c_str()); };
  if (scenario == "drain") return Drain();
  if (scenario == "return") return ReturnWithLiveSpans();
  if (scenario == "end") return EndInAThread(text(2));
  if (scenario == "statics") return Statics();
  if (scenario == "after-shutdown") return TraceAfterShutdown();
  if (scenario == "threads") return WithoutThreads(number(2), text(3) == "for-ever");
  if (scenario == "more-threads") return WithoutMoreThreads();
  if (scenario == "alarms") return Alarms();
  if (scenario == "pipes") return BrokenPipes();
  if (scenario == "deadline") return Deadline(number(2));
  if (scenario == "forks") return Forks(number(2), text(3));
  if (scenario == "daemon") return Daemon();
  if (scenario == "exec") return ExecutedChild();
  if (scenario == "descriptors") return Descriptors();
  std::fprintf(stderr, "host_program: no scenario '%s'\n", scenario.c_str());
  return 2;
}

}  // namespace
}  // namespace azmon::host

int main(int argc, char** argv) { return azmon::host::Run(argc, argv); }
