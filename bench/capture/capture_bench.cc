// SPDX-License-Identifier: MIT
// What a span costs the application's thread: ours against opentelemetry-cpp's own SDK in the same program.
//
//   capture_bench PIPELINE CASE ROUNDS      one line of JSON: CPU nanoseconds, allocations and bytes a span
//
// PIPELINE  sdk      azmon's processor in the SDK, for both destinations
//           single   the SDK with one batch processor (OTLP recordable, an exporter that does nothing)
//           dual     the SDK with two of them, as a program with two exporters has
// CASE      span10   a server span: name, kind, 8 attributes at the start, 2 later, status, end
//           span0    name and end
//
// One round is 1,000 spans; what they left is drained between rounds, outside the timing. `bench/capture/run.py` runs the pipelines in
// turn, and under callgrind, which counts what SpanLoop() executes.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <opentelemetry/exporters/otlp/otlp_recordable.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>

#include "base/text.h"
#include "capture/span_processor.h"
#include "journal/journal.h"

namespace {

thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t allocated_bytes = 0;

}  // namespace

// Not inlined: g++ would warn of a mismatch between the halves that it sees.
__attribute__((noinline)) void* operator new(std::size_t bytes) {
  ++allocations;
  allocated_bytes += bytes;
  if (void* const memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
__attribute__((noinline)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

namespace sdk = opentelemetry::sdk;
namespace trace = opentelemetry::trace;
namespace nostd = opentelemetry::nostd;

constexpr int kSpansPerRound = 1000;

class NullExporter final : public sdk::trace::SpanExporter {
 public:
  std::unique_ptr<sdk::trace::Recordable> MakeRecordable() noexcept override {
    return std::make_unique<opentelemetry::exporter::otlp::OtlpRecordable>();
  }
  sdk::common::ExportResult Export(const nostd::span<std::unique_ptr<sdk::trace::Recordable>>&) noexcept override {
    return sdk::common::ExportResult::kSuccess;
  }
  bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool Shutdown(std::chrono::microseconds) noexcept override { return true; }
};

std::unique_ptr<sdk::trace::SpanProcessor> BatchProcessor() {
  sdk::trace::BatchSpanProcessorOptions options;
  options.max_queue_size = 8192;  // a round fits, so nothing is dropped and the worker does not run inside the timing
  return sdk::trace::BatchSpanProcessorFactory::Create(std::make_unique<NullExporter>(), options);
}

__attribute__((noinline)) void SpanLoop(trace::Tracer& tracer, bool has_attributes) {
  trace::StartSpanOptions options;
  options.kind = trace::SpanKind::kServer;
  for (int i = 0; i < kSpansPerRound; ++i) {
    if (!has_attributes) {
      tracer.StartSpan("name")->End();
      continue;
    }
    const auto span = tracer.StartSpan("POST /orders",
                                       {{"http.request.method", "POST"},
                                        {"url.path", "/orders"},
                                        {"url.scheme", "http"},
                                        {"http.route", "/orders"},
                                        {"server.address", "order-processor.internal"},
                                        {"server.port", 8001},
                                        {"network.protocol.version", "1.1"},
                                        {"user_agent.original", "azmon-checkout/0.1"}},
                                       options);
    span->SetAttribute("http.response.status_code", 200);
    span->SetAttribute("order.id", "0190f5d0-2a2b-7c3d-8e4f-001122334455");
    span->SetStatus(trace::StatusCode::kOk);
    span->End();
  }
}

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

int Usage() {
  std::fprintf(stderr, "usage: capture_bench sdk|single|dual span10|span0 ROUNDS\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return Usage();
  const std::string_view pipeline = argv[1];
  const std::string_view scenario = argv[2];
  const auto rounds = azmon::base::ParseInteger<int>(argv[3]);
  if ((scenario != "span10" && scenario != "span0") || !rounds || *rounds < 1) return Usage();

  // As in a program, but for the room: a ring takes a whole round, so that none is dropped, which would be cheaper.
  azmon::journal::JournalOptions journal_options;
  journal_options.ring_bytes = 2u << 20;
  journal_options.ring_directories = {"/dev/shm"};
  const auto journal = std::make_shared<azmon::journal::Journal>(journal_options);
  if (!journal->Start().ok()) return 1;
  std::vector<std::unique_ptr<sdk::trace::SpanProcessor>> processors;
  if (pipeline == "sdk") {
    processors.push_back(std::make_unique<azmon::capture::SpanProcessor>(
        journal, azmon::capture::ProcessorOptions{.destinations = azmon::otlp::kForAzure | azmon::otlp::kForOtlp}));
  } else if (pipeline == "single" || pipeline == "dual") {
    processors.push_back(BatchProcessor());
    if (pipeline == "dual") processors.push_back(BatchProcessor());
  } else {
    return Usage();
  }
  const auto provider = sdk::trace::TracerProviderFactory::Create(std::move(processors));
  const auto tracer = provider->GetTracer("bench");

  const auto drain = [&] {
    if (pipeline != "sdk") {
      provider->ForceFlush();
      return;
    }
    for (const auto destination : {azmon::journal::Destination::kAzure, azmon::journal::Destination::kOtlp}) {
      const auto batch = journal->Read(destination, 1u << 20, 1u << 30);
      journal->Settle(destination, batch, {.delivered = batch.entries.size()});
    }
  };
  SpanLoop(*tracer, scenario == "span10");  // fills caches and pools; under callgrind, --toggle-collect counts this one too
  drain();

  std::vector<double> nanoseconds;
  const std::uint64_t allocations_before = allocations;
  const std::uint64_t bytes_before = allocated_bytes;
  std::uint64_t drain_allocations = 0;
  std::uint64_t drain_bytes = 0;
  for (int round = 0; round < *rounds; ++round) {
    const double begin = ThreadSeconds();
    SpanLoop(*tracer, scenario == "span10");
    nanoseconds.push_back((ThreadSeconds() - begin) * 1e9 / kSpansPerRound);
    const std::uint64_t a = allocations;
    const std::uint64_t b = allocated_bytes;
    drain();
    drain_allocations += allocations - a;
    drain_bytes += allocated_bytes - b;
  }
  const double spans = static_cast<double>(*rounds) * kSpansPerRound;
  std::ranges::sort(nanoseconds);
  std::printf("{\"pipeline\":\"%s\",\"case\":\"%s\",\"ns\":%.1f,\"ns_min\":%.1f,\"allocations\":%.2f,\"bytes\":%.0f}\n", argv[1], argv[2],
              nanoseconds[nanoseconds.size() / 2], nanoseconds.front(),
              static_cast<double>(allocations - allocations_before - drain_allocations) / spans,
              static_cast<double>(allocated_bytes - bytes_before - drain_bytes) / spans);
  return 0;
}
