// SPDX-License-Identifier: MIT
#include "distro/metric_reader.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "base/clock.h"
#include "base/thread.h"

namespace azmon::distro {

namespace metrics = opentelemetry::sdk::metrics;
using std::chrono::microseconds;
using std::chrono::steady_clock;

namespace {

/// The SDK's "no limit" would overflow.
steady_clock::time_point DeadlineOf(microseconds timeout) { return base::SystemClock().Now() + std::min<microseconds>(timeout, std::chrono::hours(1)); }

}  // namespace

PeriodicReader::PeriodicReader(std::unique_ptr<metrics::PushMetricExporter> exporter, std::chrono::milliseconds interval,
                               std::function<void(std::string)> warn)
    : exporter_(std::move(exporter)), interval_(interval), warn_(std::move(warn)), process_(::getpid()) {}

PeriodicReader::~PeriodicReader() {
  if (!thread_.joinable()) return;
  if (IsForked()) {
    thread_.detach();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    must_stop_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

metrics::AggregationTemporality PeriodicReader::GetAggregationTemporality(metrics::InstrumentType type) const noexcept {
  return exporter_->GetAggregationTemporality(type);
}

bool PeriodicReader::IsForked() const { return ::getpid() != process_; }

void PeriodicReader::OnInitialized() noexcept {
  has_stopped_ = false;
  auto thread = base::StartThread("azmon-metrics", [this] { Run(); });
  if (thread.ok()) {
    thread_ = std::move(*thread);
    return;
  }
  has_stopped_ = true;
  if (warn_) warn_(thread.error().ToString() + "; metrics are collected by ForceFlush and Shutdown alone");
}

void PeriodicReader::CollectOnce() {
  Collect([this](metrics::ResourceMetrics& data) {
    exporter_->Export(data);
    return true;
  });
}

void PeriodicReader::Run() {
  auto next = base::SystemClock().Now() + interval_;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_until(lock, next, [this] { return must_stop_ || done_ != asked_; });
    if (must_stop_) break;
    const std::uint64_t ticket = asked_;
    lock.unlock();
    CollectOnce();
    // What a stopped or busy machine missed is not made up for.
    if (const auto now = base::SystemClock().Now(); now >= next) next = now + interval_;
    lock.lock();
    done_ = ticket;
    changed_.notify_all();
  }
  has_stopped_ = true;
  changed_.notify_all();
}

bool PeriodicReader::OnForceFlush(microseconds timeout) noexcept {
  if (IsForked()) return false;
  const auto deadline = DeadlineOf(timeout);
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = ++asked_;
  if (has_stopped_) {
    // Nobody else collects: the lock serialises those who flush.
    if (!must_stop_) CollectOnce();
    done_ = ticket;
    return true;
  }
  changed_.notify_all();
  return changed_.wait_until(lock, deadline, [&] { return done_ >= ticket || has_stopped_; }) && done_ >= ticket;
}

bool PeriodicReader::OnShutDown(microseconds timeout) noexcept {
  if (IsForked()) return false;
  const auto deadline = DeadlineOf(timeout);
  std::unique_lock lock(mutex_);
  must_stop_ = true;
  changed_.notify_all();
  return changed_.wait_until(lock, deadline, [this] { return has_stopped_; });
}

}  // namespace azmon::distro
