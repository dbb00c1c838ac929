// SPDX-License-Identifier: MIT
// Log records of opentelemetry-cpp's SDK into the journal: `Pipeline::kSdk`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include <opentelemetry/sdk/logs/processor.h>

#include "capture/log_record.h"
#include "capture/scope_registry.h"
#include "journal/journal.h"

namespace azmon::capture {

struct LogProcessorOptions {
  std::uint8_t destinations = 0;  ///< flags of otlp::RecordFlags that each record gets
  std::uint8_t unsampled_destinations = 0;  ///< of records that trace_based_sampling leaves out: who counts them all the same
  bool marks_measured = false;    ///< records are annotated as counted by the standard metrics
  std::uint8_t severity_min = 0;  ///< records below are ignored before their body and attributes are touched
  /// A record with a span that was not sampled is not kept (distro spec 2.9); one without a span always is.
  bool trace_based_sampling = false;
  std::function<bool(std::chrono::microseconds)> force_flush;  ///< called by ForceFlush; must not throw
  /// Once true, records are ignored, by every processor that shares it. May be null.
  std::shared_ptr<const std::atomic<bool>> is_stopped;
};

/// A processor of one provider. OnEmit writes the record into the journal: it never waits for a network or a disk.
class LogProcessor final : public opentelemetry::sdk::logs::LogRecordProcessor {
 public:
  LogProcessor(std::shared_ptr<journal::Journal> journal, LogProcessorOptions options);

  std::unique_ptr<opentelemetry::sdk::logs::Recordable> MakeRecordable() noexcept override;
  void OnEmit(std::unique_ptr<opentelemetry::sdk::logs::Recordable>&& record) noexcept override;
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override;
  /// Later records are ignored. Sending what waits is Telemetry::Shutdown's part.
  bool Shutdown(std::chrono::microseconds timeout) noexcept override;

 private:
  bool IsStopped() const {
    return is_shut_down_.load(std::memory_order_relaxed) || (options_.is_stopped && options_.is_stopped->load(std::memory_order_relaxed));
  }

  const std::shared_ptr<journal::Journal> journal_;
  const LogProcessorOptions options_;
  ScopeRegistry scopes_;
  std::atomic<bool> is_shut_down_{false};
};

}  // namespace azmon::capture
