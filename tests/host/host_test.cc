// SPDX-License-Identifier: MIT
// Life in a host: programs with the library in them fork, end, are stopped and interrupted in every way, and nothing that had ended in
// them is lost or sent twice.
//
// Each test starts host_program with a scenario and plays both destinations itself. What a program left is delivered by the next one.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "base/random.h"
#include "base/text.h"
#include "tests/kill/sink.h"

namespace azmon::host {
namespace {

using kill::kAzure;
using kill::kOtlp;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Only a hang takes so long.
constexpr seconds kWatchdog{150};
/// Of the scenarios' mapped file.
constexpr std::size_t kProducers = 8192;

/// AZMON_HOST_FACTOR: so many times the forks and rounds, for ./dev soak host.
int Factor() {
  const char* const value = std::getenv("AZMON_HOST_FACTOR");
  return value == nullptr ? 1 : std::max(1, std::atoi(value));
}

class Host : public testing::Test {
 protected:
  Host() {
    std::filesystem::create_directories(directory_);
    std::filesystem::create_directories(ring_directory_);
    for (const char* variable : {"OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED", "OTLP_EXPORT_ENDPOINT", "OTEL_METRICS_EXPORTER"}) ::unsetenv(variable);
    ::setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", sink_.ConnectionString().c_str(), 1);
    ::setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink_.Url().c_str(), 1);
    ::setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", 1);
    ::setenv("AZMON_STORAGE_DIRECTORY", (directory_ + "/storage").c_str(), 1);
    ::setenv("AZMON_RING_DIRECTORY", ring_directory_.c_str(), 1);
    ::setenv("HOST_ACK", AckPath().c_str(), 1);
    ::setenv("HOST_RUN", std::to_string(run_).c_str(), 1);
    ::setenv("HOST_INTERVAL_MS", "50", 1);
    const rlimit none{};
    ::setrlimit(RLIMIT_CORE, &none);
  }
  ~Host() override {
    if (program_ > 0) {
      ::kill(program_, SIGKILL);
      ::waitpid(program_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(ring_directory_, ignored);
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string AckPath() const { return directory_ + "/ack"; }

  void Start(std::vector<std::string> command) {
    std::vector<char*> pointers;
    for (std::string& argument : command) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, (directory_ + "/output").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    // The test's own descriptors are not the program's business.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    ASSERT_EQ(::posix_spawn(&program_, command[0].c_str(), &actions, nullptr, pointers.data(), environ), 0) << command[0];
    ::posix_spawn_file_actions_destroy(&actions);
  }
  void StartScenario(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), HOST_PROGRAM);
    Start(std::move(arguments));
  }
  void StartLoad(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {HOST_LOADGEN, "--spans", "0", "--run", std::to_string(run_), "--ack", AckPath()});
    Start(std::move(arguments));
  }

  /// @return the exit code, or minus the signal
  int End() {
    int status = 0;
    const auto give_up = steady_clock::now() + kWatchdog;
    while (::waitpid(program_, &status, WNOHANG) == 0) {
      if (steady_clock::now() > give_up) {
        ADD_FAILURE() << "the program hangs: " << Output();
        ::kill(program_, SIGKILL);
      }
      std::this_thread::sleep_for(milliseconds(2));
    }
    program_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// Starts it and waits for its end.
  int Run(std::vector<std::string> arguments) {
    StartScenario(std::move(arguments));
    return End();
  }

  std::string Output() const {
    std::ifstream file(directory_ + "/output");
    return (std::ostringstream() << file.rdbuf()).str();
  }

  std::vector<std::uint64_t> Acks() const {
    std::vector<std::uint64_t> acks(kProducers);
    std::ifstream(AckPath(), std::ios::binary).read(reinterpret_cast<char*>(acks.data()), static_cast<std::streamsize>(acks.size() * sizeof(std::uint64_t)));
    return acks;
  }
  std::uint64_t Missing(const std::vector<std::uint64_t>& acks) {
    std::uint64_t missing = 0;
    for (std::uint64_t producer = 0; producer < acks.size(); ++producer) {
      if (acks[producer] == 0) continue;
      for (const kill::Source source : {kAzure, kOtlp}) missing += sink_.Missing(source, run_, producer, acks[producer]);
    }
    return missing;
  }
  std::uint64_t Duplicates() { return sink_.DuplicatesOf(kAzure).spans + sink_.DuplicatesOf(kOtlp).spans; }

  bool Until(const std::function<bool()>& holds) {
    const auto give_up = steady_clock::now() + kWatchdog;
    while (!holds()) {
      if (steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return true;
  }
  bool UntilAcknowledged(std::uint64_t seq) {
    return Until([&] { return Acks()[0] >= seq; });
  }

  /// Everything that was acknowledged has come, without the help of another program.
  void ExpectDelivered() { EXPECT_EQ(Missing(Acks()), 0U) << Output(); }
  /// It has come or comes from the next start.
  void ExpectNothingLost() {
    const auto acks = Acks();
    if (Missing(acks) != 0) {
      StartScenario({"drain"});
      Until([&] { return Missing(acks) == 0; });
      ::kill(program_, SIGTERM);
      // It may not have come to its handler yet.
      EXPECT_THAT(End(), testing::AnyOf(0, -SIGTERM)) << Output();
    }
    EXPECT_EQ(Missing(acks), 0U) << Output();
  }
  std::size_t StoredSegments() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ + "/storage")) {
      count += entry.path().filename().string().starts_with("seg-") ? 1 : 0;
    }
    return count;
  }
  double CpuSeconds() const {
    std::ifstream file("/proc/" + std::to_string(program_) + "/stat");
    std::string word;
    double ticks = 0;
    for (int field = 1; field <= 15 && file >> word; ++field) {
      if (field >= 14) ticks += std::atof(word.c_str());
    }
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

  /// The next program's spans are others.
  void StartAnew() {
    ++run_;
    ::setenv("HOST_RUN", std::to_string(run_).c_str(), 1);
    std::filesystem::remove(AckPath());
  }

  void ExpectEndLosesNothing(const char* how, int code) {
    EXPECT_EQ(Run({"end", how}), code) << Output();
    EXPECT_GE(Acks()[0], 300U);
    ExpectNothingLost();
  }

  /// children.at(k) % 5 says what the child does: see forks.cc.
  void ExpectForksLoseNothing(int count, const char* mode) {
    ASSERT_EQ(Run({"forks", std::to_string(count), mode}), 0) << Output();
    const auto acks = Acks();
    constexpr std::uint64_t kFirstChild = 16;
    for (int child = 0; child < count; ++child) {
      // The one that executes another program makes none.
      ASSERT_EQ(acks[kFirstChild + static_cast<std::uint64_t>(child)], child % 5 == 0 ? 0U : 3U) << "child " << child;
    }
    ExpectNothingLost();
    for (std::uint64_t producer = 0; producer < kFirstChild + static_cast<std::uint64_t>(count); ++producer) {
      // _exit() in the middle of a request is a crash, for which one batch may come twice.
      const bool may_repeat = producer >= kFirstChild && (producer - kFirstChild) % 5 == 2;
      if (may_repeat) continue;
      for (const kill::Source source : {kAzure, kOtlp}) EXPECT_EQ(sink_.Repeated(source, run_, producer), 0U) << "producer " << producer;
    }
  }

  kill::Sink sink_;
  base::Random random_;
  std::uint64_t run_ = 1 + random_.Below(1'000'000'000);
  const std::string directory_ = std::filesystem::temp_directory_path() / ("azmon-host-" + std::to_string(::getpid()));
  const std::string ring_directory_ = "/dev/shm/azmon-host-" + std::to_string(::getpid());
  pid_t program_ = 0;
};

// Forks.

TEST_F(Host, ForkedChildrenOfAnIdleProgramDeliverOrLeaveTheirOwnSpans) { ExpectForksLoseNothing(200 * Factor(), "idle"); }
TEST_F(Host, ForkedChildrenOfAnExportingProgramDeliverOrLeaveTheirOwnSpans) { ExpectForksLoseNothing(400 * Factor(), "exporting"); }
TEST_F(Host, ForksWhileOtherThreadsAppendLeaveChildrenThatDeliverTheirOwnSpans) { ExpectForksLoseNothing(400 * Factor(), "busy"); }

TEST_F(Host, DaemonThatHasClosedEveryDescriptorSendsItsSpans) {
  EXPECT_EQ(Run({"daemon"}), 0) << Output();
  ExpectDelivered();
  EXPECT_EQ(Duplicates(), 0U);
}

TEST_F(Host, ExecutedChildInheritsNoFileLockOrConnection) {
  EXPECT_EQ(Run({"exec"}), 0) << Output();
}

// Ends.

TEST_F(Host, ReturnFromMainDeliversWhatEndedWhileSpansAreOpen) {
  EXPECT_EQ(Run({"return"}), 0) << Output();
  ExpectDelivered();
  EXPECT_EQ(Duplicates(), 0U);
}

TEST_F(Host, ExitFromAnyThreadDeliversWhatEnded) {
  for (int round = 0; round < 10 * Factor(); ++round) {
    EXPECT_EQ(Run({"end", "exit"}), 3) << Output();
    ExpectDelivered();
    EXPECT_EQ(Duplicates(), 0U);
    StartAnew();
  }
}
TEST_F(Host, QuickExitLeavesWhatEndedToTheNextStart) { ExpectEndLosesNothing("quick_exit", 3); }
TEST_F(Host, UnderscoreExitLeavesWhatEndedToTheNextStart) { ExpectEndLosesNothing("_exit", 3); }
TEST_F(Host, AbortLeavesWhatEndedToTheNextStart) { ExpectEndLosesNothing("abort", -SIGABRT); }

TEST_F(Host, StaticObjectsMayTraceInTheirDestructors) {
  EXPECT_EQ(Run({"statics"}), 0) << Output();
  ExpectDelivered();
  EXPECT_EQ(sink_.Missing(kOtlp, run_, 1, 1), 1U) << "tracing behind the end is a no-op";
}

TEST_F(Host, TracingAfterShutdownIsANoOp) {
  EXPECT_EQ(Run({"after-shutdown"}), 0) << Output();
  ExpectDelivered();
  EXPECT_EQ(sink_.Missing(kOtlp, run_, 1, 1), 1U);
}

TEST_F(Host, UnloadedPluginLeavesTheLibraryMappedAndItsSpansDelivered) {
  Start({HOST_LOADER, HOST_PLUGIN});
  EXPECT_EQ(End(), 0) << Output();
  ExpectDelivered();
  EXPECT_EQ(Duplicates(), 0U);
}

// Threads that cannot be had.

TEST_F(Host, EachThreadThatCannotBeCreatedIsAProblemAndNoHalfStart) {
  int failures = 0;
  for (int number = 1; number <= 12; ++number) {
    const int code = Run({"threads", std::to_string(number)});
    ASSERT_TRUE(code == 0 || code == 1) << "thread " << number << ": " << code << "\n" << Output();
    ExpectNothingLost();
    StartAnew();
    if (code == 1) break;
    ++failures;
  }
  EXPECT_GE(failures, 3) << "delivery, journal and metrics each have one: " << Output();
}

TEST_F(Host, NoThreadAtAllIsAProblemAndNoHalfStart) {
  for (int number = 1; number <= 4; ++number) {
    EXPECT_EQ(Run({"threads", std::to_string(number), "for-ever"}), 0) << "thread " << number << "\n" << Output();
    ExpectNothingLost();
    StartAnew();
  }
}

TEST_F(Host, ProgramThatHasRunOutOfThreadsLivesOn) {
  EXPECT_EQ(Run({"more-threads"}), 0) << Output();
  ExpectDelivered();
}

// Signals.

TEST_F(Host, StoppedProgramGoesOnWithoutAStormOrASecondSending) {
  StartLoad({"--threads", "2", "--rate", "1000", "--export-interval", "100"});
  ASSERT_TRUE(UntilAcknowledged(200)) << Output();
  for (int round = 0; round < 2; ++round) {
    ::kill(program_, SIGSTOP);
    std::this_thread::sleep_for(seconds(2 * Factor()));
    const std::uint64_t before[] = {sink_.Requests(kAzure), sink_.Requests(kOtlp)};
    ::kill(program_, SIGCONT);
    const auto begin = steady_clock::now();
    ASSERT_TRUE(UntilAcknowledged(Acks()[0] + 400)) << Output();
    const auto intervals = static_cast<std::uint64_t>((steady_clock::now() - begin) / milliseconds(100));
    for (const kill::Source source : {kAzure, kOtlp}) EXPECT_LE(sink_.Requests(source) - before[source], intervals + 10) << "one an interval, and what waited";
  }
  ::kill(program_, SIGTERM);
  EXPECT_EQ(End(), 0) << Output();
  ExpectDelivered();
  EXPECT_EQ(Duplicates(), 0U);
}

TEST_F(Host, TimersSignalAThousandTimesASecondSurfacesNowhere) {
  EXPECT_EQ(Run({"alarms"}), 0) << Output();
  ExpectDelivered();
  EXPECT_EQ(Duplicates(), 0U);
}

TEST_F(Host, BrokenConnectionsAndStreamsDoNotKillAndLeaveSigpipeAlone) { EXPECT_EQ(Run({"pipes"}), 0) << Output(); }

TEST_F(Host, SignalsDuringTheShutdownNeitherHangItNorChangeItsStatus) {
  for (int round = 0; round < 15 * Factor(); ++round) {
    StartLoad({"--threads", "2", "--rate", "2000", "--export-interval", "20"});
    ASSERT_TRUE(UntilAcknowledged(20)) << Output();
    ::kill(program_, SIGTERM);
    for (int again = 0; again < 40; ++again) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(300)));
      ::kill(program_, again % 2 == 0 ? SIGTERM : SIGINT);
    }
    EXPECT_EQ(End(), 0) << Output();
    ExpectDelivered();
    EXPECT_EQ(Duplicates(), 0U);
    StartAnew();
  }
}

TEST_F(Host, SignalThatNobodyHandlesLeavesWhatEndedToTheNextStart) { ExpectEndLosesNothing("SIGTERM", -SIGTERM); }

// Clocks and deadlines.

std::string FakeTimeLibrary() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const auto library = entry.path() / "faketime/libfaketimeMT.so.1";
    std::error_code ignored;
    if (std::filesystem::exists(library, ignored)) return library;
  }
  return {};
}

/// Seconds since 1970 of the newest span at Application Insights.
std::time_t NewestTime(const std::string& body) {
  constexpr std::string_view kMark = "\"time\":\"";
  const std::size_t at = body.rfind(kMark);
  std::tm time{};
  if (at == std::string::npos || ::strptime(body.c_str() + at + kMark.size(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) return 0;
  return ::timegm(&time);
}

TEST_F(Host, JumpsOfTheWallClockNeitherExpireNorFreezeNorSpinAndNewSpansFollowThem) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "libfaketime and sanitizers do not preload together";
#endif
  const std::string library = FakeTimeLibrary();
  if (library.empty()) GTEST_SKIP() << "libfaketime is missing: apt-get install faketime";
  const std::string offset_path = directory_ + "/offset";
  std::ofstream(offset_path) << "+0\n";
  ::setenv("FAKETIME_TIMESTAMP_FILE", offset_path.c_str(), 1);
  ::setenv("FAKETIME_NO_CACHE", "1", 1);
  ::setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
  ::setenv("LD_PRELOAD", library.c_str(), 1);
  StartLoad({"--threads", "1", "--rate", "50", "--export-interval", "100"});
  ::unsetenv("LD_PRELOAD");
  ASSERT_TRUE(UntilAcknowledged(5)) << Output();
  // Some of it waits to be sent again while the clock goes ahead, where age would end it, and back, where its time would never come.
  sink_.Refuse(true);
  ASSERT_TRUE(Until([&] { return sink_.Refused(kAzure) > 0 && sink_.Refused(kOtlp) > 0; }));
  for (const auto& [text, jump] : {std::pair("+10y", 10 * 365 * 86400L), {"-2h", -7200L}, {"+1h", 3600L}}) {
    SCOPED_TRACE(text);
    std::ofstream(offset_path + ".new") << text << "\n";
    std::filesystem::rename(offset_path + ".new", offset_path);
    const double cpu = CpuSeconds();
    const auto begin = steady_clock::now();
    ASSERT_TRUE(UntilAcknowledged(Acks()[0] + 30)) << Output();
    if (jump > 86400) continue;
    sink_.Refuse(false);
    const auto acks = Acks();
    EXPECT_TRUE(Until([&] { return Missing(acks) == 0; })) << "retries go on";
    const double used = (CpuSeconds() - cpu) / std::chrono::duration<double>(steady_clock::now() - begin).count();
    EXPECT_LT(used, 0.2) << "of a core; a loop that spins takes a whole one";
    EXPECT_NEAR(static_cast<double>(NewestTime(sink_.LastBody(kAzure)) - std::time(nullptr)), static_cast<double>(jump), 600);
  }
  ::kill(program_, SIGTERM);
  EXPECT_EQ(End(), 0) << "nothing was dropped: " << Output();
  ExpectDelivered();
  EXPECT_EQ(Duplicates(), 0U);
}

class HostDeadline : public Host, public testing::WithParamInterface<int> {};

TEST_P(HostDeadline, ShutdownIsFalseInTimeAndTheRemainderIsInTheStorageDirectory) {
  sink_.Hang(true);
  EXPECT_EQ(Run({"deadline", std::to_string(GetParam())}), 0) << Output();
  EXPECT_GE(StoredSegments(), 1U);
  sink_.Hang(false);
  // What nobody had answered may come twice.
  ExpectNothingLost();
}
INSTANTIATE_TEST_SUITE_P(Milliseconds, HostDeadline, testing::Values(0, 1, 200, 5000));

}  // namespace
}  // namespace azmon::host
