// SPDX-License-Identifier: MIT
// How many spans a second leave for both destinations, and what waits or is lost when more come.
//
//   delivery_bench CASE HTTP_PORT GRPC_PORT     one line of JSON
//
// CASE  sustained   spans come as fast as they leave, for 5 s
//       burst       50,000 spans within 100 ms
//       recovery    48 MiB of spans wait at once
//
// A journal and a Delivery of their own at default sizes; the spans are records that capture made. The ports are those of a sink that counts
// (bench/peers/sink). "worker" is the delivery thread: its CPU is the process's without the thread that appends.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>

#include "base/text.h"
#include "bench/spans.h"
#include "capture/span_processor.h"
#include "deliver/connection_string.h"
#include "deliver/delivery.h"
#include "journal/journal.h"

namespace {

namespace sdk = opentelemetry::sdk;
namespace journal = azmon::journal;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint8_t kBoth = azmon::otlp::kSampled | azmon::otlp::kForAzure | azmon::otlp::kForOtlp;
constexpr std::size_t kKinds = 5000;  ///< different records, sent over and over

double Seconds(const timespec& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9; }
double CpuSeconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return Seconds(now);
}

/// Records of spans, their scope and their resource.
struct Records {
  std::string resource, scope;
  std::vector<std::string> messages;
  std::size_t bytes = 0;  ///< of a record, on average

  Records() {
    const auto staging = std::make_shared<journal::Journal>();
    const auto provider = sdk::trace::TracerProviderFactory::Create(
        std::make_unique<azmon::capture::SpanProcessor>(staging, azmon::capture::ProcessorOptions{.destinations = azmon::otlp::kForOtlp}), bench::Resource());
    std::uint64_t order = 100'000;
    bench::MakeSpans(*provider->GetTracer("azmon.http", "0.1.0"), true, kKinds, order);
    const journal::Batch batch = staging->Read(journal::Destination::kOtlp, kKinds, 1U << 30);
    for (const auto& entry : batch.entries) messages.emplace_back(entry.record.message);
    const journal::ScopeRef& of_first = batch.ScopeOf(batch.entries.front().record);
    resource = of_first.resource.message;
    scope = of_first.scope.message;
    bytes = batch.bytes / batch.entries.size();
  }
};

/// A journal that is being delivered, and the thread that appends to it: this one.
class Stage {
 public:
  Stage(const Records& records, const std::string& http_port, const std::string& grpc_port) : records_(records) {
    auto connection = azmon::deliver::ParseConnectionString("InstrumentationKey=00000000-0000-0000-0000-0000000000aa;IngestionEndpoint=http://127.0.0.1:" +
                                                            http_port + "/");
    azmon::deliver::OtlpSettings otlp;
    otlp.endpoints[0] = azmon::deliver::OtlpEndpoint{
        .url = "http://127.0.0.1:" + grpc_port + "/opentelemetry.proto.collector.trace.v1.TraceService/Export", .protocol = azmon::OtlpProtocol::kGrpc};
    auto delivery = azmon::deliver::Delivery::Start(journal_, azmon::deliver::AzureSettings{.connection = *connection.value}, otlp, {});
    if (delivery.ok()) delivery_ = std::move(*delivery);
    owner_ = journal_.AddScope(journal_.AddResource(records_.resource, ""), records_.scope, "");
  }

  bool IsRunning() const { return delivery_ != nullptr; }
  void Append(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      (void)journal_.Append({.signal = azmon::otlp::Signal::kSpan, .flags = kBoth, .owner = owner_, .message = records_.messages[appended_ % kKinds]});
      ++appended_;
    }
  }
  std::uint64_t WaitingBytes() const {
    return std::max(journal_.BacklogOf(journal::Destination::kAzure).bytes, journal_.BacklogOf(journal::Destination::kOtlp).bytes);
  }
  bool Flush() { return delivery_->Flush(milliseconds(60000)); }
  std::uint64_t appended() const { return appended_; }
  std::uint64_t Lost() const {
    std::uint64_t lost = 0;
    for (const auto destination : {journal::Destination::kAzure, journal::Destination::kOtlp}) {
      const journal::Ledger ledger = journal_.LedgerOf(destination);
      lost = std::max(lost, ledger.accepted - std::min(ledger.accepted, ledger.delivered));
    }
    return lost;
  }

 private:
  const Records& records_;
  journal::Journal journal_;
  std::unique_ptr<azmon::deliver::Delivery> delivery_;
  std::uint32_t owner_ = 0;
  std::uint64_t appended_ = 0;
};

void Sustained(Stage& stage) {
  constexpr std::uint64_t kWaitingMax = 16U << 20U;
  const auto end = Clock::now() + std::chrono::seconds(5);
  while (Clock::now() < end) {
    if (stage.WaitingBytes() < kWaitingMax) {
      stage.Append(500);
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }
}

void Burst(Stage& stage) {
  const auto begin = Clock::now();
  for (int step = 0; step < 100; ++step) {
    std::this_thread::sleep_until(begin + milliseconds(step));
    stage.Append(500);
  }
}

void Recovery(Stage& stage, const Records& records) { stage.Append((48U << 20U) / records.bytes); }

long PeakKilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

int Usage() {
  std::fprintf(stderr, "usage: delivery_bench sustained|burst|recovery HTTP_PORT GRPC_PORT\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return Usage();
  const std::string_view scenario = argv[1];
  if (scenario != "sustained" && scenario != "burst" && scenario != "recovery") return Usage();
  const Records records;
  Stage stage(records, argv[2], argv[3]);
  if (!stage.IsRunning()) return 1;

  const double process_before = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
  const double appender_before = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
  const auto begin = Clock::now();
  if (scenario == "sustained") Sustained(stage);
  if (scenario == "burst") Burst(stage);
  if (scenario == "recovery") Recovery(stage, records);
  const auto appended_at = Clock::now();
  const bool is_flushed = stage.Flush();
  const auto flushed_at = Clock::now();
  const double appender = CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - appender_before;
  const double worker = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - process_before - appender;
  const auto seconds = [](auto from, auto to) { return std::chrono::duration<double>(to - from).count(); };
  std::printf("{\"case\":\"%s\",\"spans\":%llu,\"lost\":%llu,\"flushed\":%s,\"append_s\":%.3f,\"flush_s\":%.3f,\"worker_cpu_s\":%.3f,\"peak_kb\":%ld}\n",
              argv[1], static_cast<unsigned long long>(stage.appended()), static_cast<unsigned long long>(stage.Lost()), is_flushed ? "true" : "false",
              seconds(begin, appended_at), seconds(appended_at, flushed_at), worker, PeakKilobytes());
  return 0;
}
