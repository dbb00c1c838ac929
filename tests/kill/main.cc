// SPDX-License-Identifier: MIT
// kill_rounds: what happens to spans when their process is killed at random moments.
//
//   kill_rounds LOADGEN DIRECTORY --rounds N [--signal KILL|SEGV|OOM] [--seed N]
//
// OOM: the kernel kills it for want of memory, in the cgroup that AZMON_TEST_CGROUP names (tools/system/cgroup.py).
// Each round starts azmon-loadgen, with both destinations at a sink in this process, and kills it; some rounds while it starts and adopts,
// most while it makes spans and sends. Every so many rounds one that is not killed must deliver, to both, every span whose End() had
// returned in any round; no more spans may come twice than were in flight at the kills. The last line is {"rounds","acknowledged","lost",
// "duplicates","seconds"}. Exit code 0: none lost.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "base/random.h"
#include "base/text.h"
#include "tests/kill/memory.h"
#include "tests/kill/sink.h"

namespace azmon::kill {
namespace {

using std::chrono::steady_clock;

constexpr unsigned kThreads = 4;
constexpr int kRoundsPerDrain = 25;
/// Filling the memory takes its time, in which telemetry is made: more rounds would leave more than the journals' cap.
constexpr int kRoundsPerDrainInCgroup = 10;
constexpr std::chrono::seconds kDrainWatchdog{120};

struct Settings {
  std::string loadgen;
  std::string directory;
  int rounds = 500;
  int signal = SIGKILL;
  std::string cgroup;  ///< the kernel kills in there
  std::uint64_t seed = 0;
};

class Rounds {
 public:
  explicit Rounds(Settings settings) : settings_(std::move(settings)), random_(settings_.seed), memory_(settings_.cgroup) {
    std::filesystem::create_directories(settings_.directory);
    for (const char* variable : {"OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED", "APPLICATIONINSIGHTS_CONNECTION_STRING", "OTLP_EXPORT_ENDPOINT"}) ::unsetenv(variable);
    ::setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", sink_.ConnectionString().c_str(), 1);
    ::setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink_.Url().c_str(), 1);
    ::setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", 1);
    ::setenv("OTEL_METRICS_EXPORTER", "none", 1);
    ::setenv("AZMON_STORAGE_DIRECTORY", settings_.directory.c_str(), 1);
    ::setenv("AZMON_LOG", "error", 1);
    const rlimit none{};
    ::setrlimit(RLIMIT_CORE, &none);
  }

  bool Run() {
    const auto begin = steady_clock::now();
    for (int round = 1; round <= settings_.rounds; ++round) {
      RunAndKill(round);
      if ((round % (settings_.cgroup.empty() ? kRoundsPerDrain : kRoundsPerDrainInCgroup) == 0 || round == settings_.rounds) && !Drain(round)) return false;
    }
    std::uint64_t duplicates = 0;
    bool is_good = lost_ == 0 && is_good_;
    if (!settings_.cgroup.empty()) std::printf("the kernel killed %llu processes for want of memory\n", static_cast<unsigned long long>(memory_.Kills()));
    for (const Source source : {kAzure, kOtlp}) {
      const auto found = sink_.DuplicatesOf(source);
      duplicates += found.spans;
      if (found.spans > found.allowed) {
        std::printf("%llu spans came twice, only %llu were in flight at kills\n", static_cast<unsigned long long>(found.spans), static_cast<unsigned long long>(found.allowed));
        is_good = false;
      }
    }
    std::printf("{\"rounds\":%d,\"acknowledged\":%llu,\"lost\":%llu,\"duplicates\":%llu,\"seconds\":%.1f}\n", settings_.rounds,
                static_cast<unsigned long long>(acknowledged_), static_cast<unsigned long long>(lost_), static_cast<unsigned long long>(duplicates),
                std::chrono::duration<double>(steady_clock::now() - begin).count());
    return is_good;
  }

 private:
  struct Expected {
    std::uint64_t run, producer, last;
  };

  pid_t Start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), settings_.loadgen);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t process = 0;
    const int code = ::posix_spawn(&process, settings_.loadgen.c_str(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (code != 0) std::printf("%s cannot be started: %s\n", settings_.loadgen.c_str(), std::strerror(code));
    return code == 0 ? process : -1;
  }

  std::string AckPath() const { return settings_.directory + "/ack"; }

  std::array<std::uint64_t, kThreads> Acks() const {
    std::array<std::uint64_t, kThreads> acks{};
    std::ifstream file(AckPath(), std::ios::binary);
    file.read(reinterpret_cast<char*>(acks.data()), sizeof acks);
    return acks;
  }

  void RunAndKill(int round) {
    std::filesystem::remove(AckPath());
    // Slowly enough that no ring overflows while the journal thread waits for a processor: what is dropped and counted is not lost.
    const bool is_slow = random_.Below(2) == 0;
    const char* const rate = !settings_.cgroup.empty() ? "1000" : is_slow ? "4000" : "10000";
    const pid_t process = Start({"--spans", "0", "--threads", std::to_string(kThreads), "--rate", rate, "--ack", AckPath(), "--run", std::to_string(round),
                                 "--export-interval", random_.Below(2) == 0 ? "1" : "1000"});
    if (process < 0) return;
    memory_.Take(process);
    const bool is_early = random_.Below(5) == 0;
    const auto give_up = steady_clock::now() + std::chrono::seconds(30);
    while (!is_early && Acks()[0] == 0 && steady_clock::now() < give_up) std::this_thread::sleep_for(std::chrono::microseconds(500));
    std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(15'000)));
    End(process, round);
    sink_.Killed();
    const auto acks = Acks();
    for (unsigned producer = 0; producer < kThreads; ++producer) {
      if (acks[producer] != 0) expected_.push_back({.run = static_cast<std::uint64_t>(round), .producer = producer, .last = acks[producer]});
      acknowledged_ += acks[producer];
    }
  }

  void End(pid_t process, int round) {
    int status = 0;
    if (settings_.cgroup.empty()) {
      ::kill(process, settings_.signal);
      ::waitpid(process, &status, 0);
      return;
    }
    if (memory_.FillUntilGone(process, status)) {
      is_good_ &= WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
      return;
    }
    std::printf("round %d: the kernel did not kill the process\n", round);
    is_good_ = false;
    ::kill(process, SIGKILL);
    ::waitpid(process, &status, 0);
  }

  std::uint64_t Missing() {
    std::uint64_t missing = 0;
    for (const Expected& expected : expected_) {
      for (const Source source : {kAzure, kOtlp}) missing += sink_.Missing(source, expected.run, expected.producer, expected.last);
    }
    return missing;
  }

  bool Drain(int round) {
    // Its own spans have runs that no round has.
    const pid_t process = Start({"--spans", "0", "--threads", "1", "--rate", "1", "--run", std::to_string(1'000'000 + round), "--export-interval", "1"});
    if (process < 0) return false;
    const auto deadline = steady_clock::now() + kDrainWatchdog;
    while (Missing() != 0 && steady_clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::kill(process, SIGTERM);
    int status = 0;
    ::waitpid(process, &status, 0);
    const std::uint64_t missing = Missing();
    lost_ += missing;
    if (missing != 0) {
      std::printf("seed %llu, round %d: %llu spans are lost\n", static_cast<unsigned long long>(settings_.seed), round, static_cast<unsigned long long>(missing));
      for (const Expected& expected : expected_) {
        for (const Source source : {kAzure, kOtlp}) {
          if (const auto count = sink_.Missing(source, expected.run, expected.producer, expected.last); count != 0) {
            std::printf("  %s: %llu of %llu of producer %llu in round %llu\n", source == kAzure ? "azure" : "otlp", static_cast<unsigned long long>(count),
                        static_cast<unsigned long long>(expected.last), static_cast<unsigned long long>(expected.producer), static_cast<unsigned long long>(expected.run));
          }
        }
      }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      std::printf("round %d: the process that drains ended with status %d\n", round, status);
      return false;
    }
    expected_.clear();
    return missing == 0;
  }

  const Settings settings_;
  base::Random random_;
  const Memory memory_;
  Sink sink_;
  bool is_good_ = true;  ///< each was killed as it was meant to be
  std::vector<Expected> expected_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t lost_ = 0;
};

std::optional<Settings> ReadArguments(int argc, char** argv) {
  if (argc < 3) return std::nullopt;
  Settings settings{.loadgen = argv[1], .directory = argv[2]};
  const char* const cgroup = std::getenv("AZMON_TEST_CGROUP");
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const std::string_view value = argv[i + 1];
    if (flag == "--rounds") settings.rounds = base::ParseInteger<int>(value).value_or(0);
    else if (flag == "--seed") settings.seed = base::ParseInteger<std::uint64_t>(value).value_or(0);
    else if (flag == "--signal" && value == "SEGV") settings.signal = SIGSEGV;
    else if (flag == "--signal" && value == "OOM") settings.cgroup = cgroup == nullptr ? "" : cgroup;
    else if (flag != "--signal" || value != "KILL") return std::nullopt;
    if (value == "OOM" && settings.cgroup.empty()) return std::nullopt;
  }
  if (settings.rounds < 1) return std::nullopt;
  if (settings.seed == 0) settings.seed = base::Random()() % 99'999 + 1;
  return settings;
}

}  // namespace
}  // namespace azmon::kill

int main(int argc, char** argv) {
  const auto settings = azmon::kill::ReadArguments(argc, argv);
  if (!settings) {
    std::fprintf(stderr, "usage: kill_rounds LOADGEN DIRECTORY --rounds N [--signal KILL|SEGV|OOM] [--seed N]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("seed=%llu\n", static_cast<unsigned long long>(settings->seed));
  return azmon::kill::Rounds(*settings).Run() ? 0 : 1;
}
