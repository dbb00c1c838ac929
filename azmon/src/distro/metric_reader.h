// SPDX-License-Identifier: MIT
// Collects the SDK's metrics for one destination every so often, on a thread of its own.
//
// Instead of the SDK's own periodic reader, which ends the process when it gets no thread, starts another thread for each collection,
// lets the host's signal handlers run on both, and prints.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <opentelemetry/sdk/metrics/metric_reader.h>
#include <opentelemetry/sdk/metrics/push_metric_exporter.h>

#include "base/fork.h"

namespace azmon::distro {

class PeriodicReader final : public opentelemetry::sdk::metrics::MetricReader {
 public:
  /// @param exporter  must not block
  /// @param warn      gets a line if there is no thread; metrics are then collected by ForceFlush alone. May be empty
  PeriodicReader(std::unique_ptr<opentelemetry::sdk::metrics::PushMetricExporter> exporter, std::chrono::milliseconds interval,
                 std::function<void(std::string)> warn);
  PeriodicReader(const PeriodicReader&) = delete;
  PeriodicReader& operator=(const PeriodicReader&) = delete;
  /// Waits for the thread, which may be in a callback of an observable instrument.
  ~PeriodicReader() override;

  opentelemetry::sdk::metrics::AggregationTemporality GetAggregationTemporality(
      opentelemetry::sdk::metrics::InstrumentType type) const noexcept override;

 private:
  void OnInitialized() noexcept override;
  /// In a forked child, which has no such thread, these do nothing and return false.
  bool OnForceFlush(std::chrono::microseconds timeout) noexcept override;
  bool OnShutDown(std::chrono::microseconds timeout) noexcept override;

  bool IsForked() const;
  void Run();
  void CollectOnce();

  const std::unique_ptr<opentelemetry::sdk::metrics::PushMetricExporter> exporter_;
  const std::chrono::milliseconds interval_;
  const std::function<void(std::string)> warn_;
  const int process_;
  std::thread thread_;

  base::ForkMutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t asked_ = 0;  ///< collections; each flush asks for one
  std::uint64_t done_ = 0;
  bool must_stop_ = false;
  bool has_stopped_ = true;  ///< there is no thread
};

}  // namespace azmon::distro
