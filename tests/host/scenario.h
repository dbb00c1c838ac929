// SPDX-License-Identifier: MIT
// What the host programs share: spans that a sink can tell apart, and a mapped file that says which of them had ended.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <opentelemetry/trace/provider.h>

#include "azmon/azmon.h"

namespace azmon::host {

/// Producers of one run: threads and processes each have their own.
inline constexpr std::uint64_t kProducersMax = 8192;

inline std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// For each producer the last seq whose End() has returned; HOST_ACK names the file, which other processes map too.
inline std::atomic<std::uint64_t>* Acks() {
  static auto* const acks = [] {
    const int fd = ::open(Variable("HOST_ACK").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, kProducersMax * sizeof(std::uint64_t)) != 0) std::abort();
    void* const memory = ::mmap(nullptr, kProducersMax * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) std::abort();
    return static_cast<std::atomic<std::uint64_t>*>(memory);
  }();
  return acks;
}

/// Kept from the first call on, before any fork: the SDK's provider has a lock of its own.
inline opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer>& Tracer() {
  static auto* const tracer =
      new opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer>(opentelemetry::trace::Provider::GetTracerProvider()->GetTracer("host"));
  return *tracer;
}

inline opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span> Begin(std::uint64_t producer, std::uint64_t seq) {
  opentelemetry::trace::StartSpanOptions options;
  options.kind = opentelemetry::trace::SpanKind::kServer;
  auto span = Tracer()->StartSpan("load", options);
  span->SetAttribute("run", Variable("HOST_RUN"));
  span->SetAttribute("producer", static_cast<std::int64_t>(producer));
  span->SetAttribute("seq", static_cast<std::int64_t>(seq));
  return span;
}

/// One span, ended and acknowledged.
inline void Trace(std::uint64_t producer, std::uint64_t seq) {
  Begin(producer, seq)->End();
  Acks()[producer].store(seq, std::memory_order_release);
}

inline void TraceAll(std::uint64_t producer, std::uint64_t spans) {
  for (std::uint64_t seq = 1; seq <= spans; ++seq) Trace(producer, seq);
}

/// Destinations are in the environment.
inline Options HostOptions() {
  Options options;
  options.sampling_ratio = 1;
  options.shutdown_timeout = std::chrono::seconds(60);  // for a loaded machine
  if (const std::string interval = Variable("HOST_INTERVAL_MS"); !interval.empty()) options.export_interval = std::chrono::milliseconds(std::atoi(interval.c_str()));
  return options;
}

/// A broken expectation ends a program with this code.
inline constexpr int kBroken = 99;
inline void Expect(bool is_true, const char* claim) {
  if (is_true) return;
  std::fprintf(stderr, "broken: %s\n", claim);
  ::_exit(kBroken);
}

/// Scenarios of forks.cc. @return the program's exit code
int Forks(int count, const std::string& mode);
int Daemon();
int ExecutedChild();
int Descriptors();

}  // namespace azmon::host
