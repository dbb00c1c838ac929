// SPDX-License-Identifier: MIT
// azmon-loadgen: makes spans at a rate, for measurements and fault tests. Uses the library as any program does.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <opentelemetry/trace/provider.h>

#include "azmon/azmon.h"
#include "base/version.h"

namespace {

namespace trace = opentelemetry::trace;

constexpr std::string_view kUsage = R"(usage: azmon-loadgen --spans N --threads T [--rate R] [--attributes 10] [--ack FILE]
                     [--run ID] [--export-interval MS] [--drain MS] [--switches]

Makes N spans (0: until it is told to stop) on T threads with azmon, at R a second in all (0: as fast as it can) and ends them.
Each span has the attributes run, producer (0 to T-1), seq (from 1 in each producer) and as many others as --attributes says.
Where they go is in the environment, as for any program with azmon; unless OTEL_TRACES_SAMPLER says otherwise every span is kept.

  --ack FILE  T unsigned 64-bit numbers, least byte first: for each producer the last seq whose End() has returned
  --run ID    the attribute run; random if it is not given
  --export-interval MS  azmon::Options::export_interval
  --drain MS  at the end waits so long at most until nothing waits for a destination any more
  --switches  counts how often a thread gave up its processor inside End(), but for each thread's first span
  --help, --version

Prints one line of JSON at the end. Exit code: 0 done, 1 spans were dropped, 2 wrong flags or settings. SIGTERM and SIGINT end it.
)";

struct Settings {
  std::uint64_t spans = 0;
  unsigned threads = 0;
  double rate = 0;
  unsigned attributes = 10;
  std::string ack;
  std::string run;
  unsigned export_interval_ms = 0;
  unsigned drain_ms = 0;
  bool counts_switches = false;
};

std::atomic<bool> must_stop{false};
std::atomic<std::uint64_t> switches{0};
static_assert(std::atomic<bool>::is_always_lock_free);

template <typename Number>
bool ReadNumber(std::string_view text, Number min, Number max, Number& out, std::string_view flag, std::string& problems) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value >= min && value <= max) {
    out = value;
    return true;
  }
  problems.append("azmon-loadgen: ").append(flag).append(" takes a number in its range, not '").append(text).append("'\n");
  return false;
}

/// @return an exit code, or nullopt: go on
std::optional<int> ReadFlags(int argc, char** argv, Settings& settings) {
  std::string problems;
  bool has_spans = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    if (flag == "--help" || flag == "-h") {
      std::fwrite(kUsage.data(), 1, kUsage.size(), stdout);
      return 0;
    }
    if (flag == "--version") {
      std::printf("azmon-loadgen %s\n", azmon::base::kVersion);
      return 0;
    }
    if (flag == "--switches") {
      settings.counts_switches = true;
      continue;
    }
    std::string_view value;
    if (const std::size_t equals = flag.find('='); equals != std::string_view::npos) {
      value = flag.substr(equals + 1);
      flag = flag.substr(0, equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    if (flag == "--spans") {
      has_spans = ReadNumber<std::uint64_t>(value, 0, UINT64_MAX, settings.spans, flag, problems);
    } else if (flag == "--threads") {
      ReadNumber<unsigned>(value, 1, 1024, settings.threads, flag, problems);
    } else if (flag == "--rate") {
      ReadNumber<double>(value, 0, 1e9, settings.rate, flag, problems);
    } else if (flag == "--attributes") {
      ReadNumber<unsigned>(value, 0, 120, settings.attributes, flag, problems);
    } else if (flag == "--export-interval") {
      ReadNumber<unsigned>(value, 1, 3'600'000, settings.export_interval_ms, flag, problems);
    } else if (flag == "--drain") {
      ReadNumber<unsigned>(value, 1, 3'600'000, settings.drain_ms, flag, problems);
    } else if (flag == "--ack" && !value.empty()) {
      settings.ack = value;
    } else if (flag == "--run" && !value.empty()) {
      settings.run = value;
    } else {
      problems.append("azmon-loadgen: no flag '").append(flag).append("', or its value is missing\n");
    }
  }
  if (!has_spans && problems.empty()) problems += "azmon-loadgen: --spans is missing\n";
  if (settings.threads == 0 && problems.empty()) problems += "azmon-loadgen: --threads is missing\n";
  if (problems.empty()) return std::nullopt;
  std::fprintf(stderr, "%s%s", problems.c_str(), kUsage.data());
  return 2;
}

/// The mapped file of acknowledgements; without --ack memory that nobody reads.
std::atomic<std::uint64_t>* MapAcks(const Settings& settings) {
  const std::size_t bytes = settings.threads * sizeof(std::uint64_t);
  int fd = -1;
  if (!settings.ack.empty()) {
    fd = ::open(settings.ack.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_TRUNC, 0600);
    if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) return nullptr;
  }
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
  if (fd >= 0) ::close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<std::atomic<std::uint64_t>*>(memory);
}

/// Of the calling thread: it waited for a lock, a disk or the network.
std::uint64_t VoluntarySwitches() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nvcsw);
}

/// Waits until nothing waits for a destination, so long at most.
void Drain(const azmon::Telemetry& telemetry, std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  const auto waits = [](const std::optional<azmon::DestinationHealth>& health) { return health && health->in_journal != 0; };
  for (azmon::Health health = telemetry.health(); waits(health.azure) || waits(health.otlp); health = telemetry.health()) {
    if (must_stop.load(std::memory_order_relaxed) || std::chrono::steady_clock::now() >= deadline) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void Produce(const Settings& settings, unsigned producer, std::uint64_t spans, std::atomic<std::uint64_t>& ack) {
  const auto tracer = trace::Provider::GetTracerProvider()->GetTracer("azmon-loadgen");
  std::vector<std::string> names;
  for (unsigned i = 0; i < settings.attributes; ++i) names.push_back("load.attribute." + std::to_string(i));
  trace::StartSpanOptions options;
  options.kind = trace::SpanKind::kServer;
  const double rate = settings.rate / settings.threads;
  const auto pause = std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(rate <= 0 ? 0 : 1 / rate));
  auto due = std::chrono::steady_clock::now();
  for (std::uint64_t seq = 1; (settings.spans == 0 || seq <= spans) && !must_stop.load(std::memory_order_relaxed); ++seq) {
    const auto span = tracer->StartSpan("load", options);
    span->SetAttribute("run", settings.run);
    span->SetAttribute("producer", static_cast<std::int64_t>(producer));
    span->SetAttribute("seq", static_cast<std::int64_t>(seq));
    for (const std::string& name : names) span->SetAttribute(name, "a value of usual length");
    const bool counts = settings.counts_switches && seq > 1;
    const std::uint64_t before = counts ? VoluntarySwitches() : 0;
    span->End();
    if (counts) switches.fetch_add(VoluntarySwitches() - before, std::memory_order_relaxed);
    ack.store(seq, std::memory_order_release);
    if (rate <= 0) continue;
    // What a busy machine delayed is not made up for by a burst.
    due = std::max(due + pause, std::chrono::steady_clock::now() - std::chrono::milliseconds(2));
    // Signals are looked for between short sleeps.
    while (!must_stop.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < due) {
      std::this_thread::sleep_until(std::min(due, std::chrono::steady_clock::now() + std::chrono::milliseconds(100)));
    }
  }
}

std::string RandomRun() {
  std::random_device random;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%08x%08x", static_cast<unsigned>(random()), static_cast<unsigned>(random()));
  return digits;
}

bool Report(const char* name, const std::optional<azmon::DestinationHealth>& health, std::string& json) {
  if (!health) return false;
  std::uint64_t dropped = 0;
  std::string reasons;
  for (const auto& [reason, count] : health->dropped) {
    dropped += count;
    reasons.append(reasons.empty() ? "" : ",").append("\"").append(reason).append("\":").append(std::to_string(count));
  }
  json.append(",\"").append(name).append("\":{\"accepted\":").append(std::to_string(health->accepted));
  json.append(",\"delivered\":").append(std::to_string(health->delivered)).append(",\"dropped\":{").append(reasons);
  json.append("},\"in_journal\":").append(std::to_string(health->in_journal)).append("}");
  return dropped != 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (const auto code = ReadFlags(argc, argv, settings)) return *code;
  if (settings.run.empty()) settings.run = RandomRun();
  std::signal(SIGTERM, [](int) { must_stop.store(true); });
  std::signal(SIGINT, [](int) { must_stop.store(true); });
  std::atomic<std::uint64_t>* const acks = MapAcks(settings);
  if (acks == nullptr) {
    std::fprintf(stderr, "azmon-loadgen: --ack %s cannot be mapped\n", settings.ack.c_str());
    return 2;
  }
  azmon::Options options;
  if (std::getenv("OTEL_TRACES_SAMPLER") == nullptr) options.sampling_ratio = 1;
  if (settings.export_interval_ms != 0) options.export_interval = std::chrono::milliseconds(settings.export_interval_ms);
  auto telemetry = azmon::Configure(std::move(options));
  if (!telemetry.ok()) {
    for (const auto& problem : telemetry.problems()) std::fprintf(stderr, "azmon-loadgen: %s %s\n", problem.setting.c_str(), problem.text.c_str());
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < settings.threads; ++i) {
    const std::uint64_t share = settings.spans / settings.threads + (i < settings.spans % settings.threads ? 1 : 0);
    threads.emplace_back([&settings, i, share, acks] { Produce(settings, i, share, acks[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (settings.drain_ms != 0) Drain(telemetry, std::chrono::milliseconds(settings.drain_ms));
  telemetry.Shutdown(std::chrono::seconds(5));
  std::uint64_t made = 0;
  for (unsigned i = 0; i < settings.threads; ++i) made += acks[i].load();
  std::string json = "{\"run\":\"" + settings.run + "\",\"spans\":" + std::to_string(made) + ",\"seconds\":" + std::to_string(seconds);
  if (settings.counts_switches) json.append(",\"switches\":").append(std::to_string(switches.load()));
  const azmon::Health health = telemetry.health();
  const bool azure_dropped = Report("azure", health.azure, json);
  const bool otlp_dropped = Report("otlp", health.otlp, json);
  std::printf("%s}\n", json.c_str());
  return azure_dropped || otlp_dropped ? 1 : 0;
}
