// SPDX-License-Identifier: MIT
// Log records of opentelemetry-cpp's SDK into the journal: `Pipeline::kSdk`.
#pragma once

#include <cstdint>
#include <memory>

#include <opentelemetry/sdk/logs/processor.h>

#include "capture/log_record.h"
#include "capture/record_writer.h"

namespace azmon::capture {

struct LogProcessorOptions {
  ProcessorOptions common;
  std::uint8_t severity_min = 0;  ///< records below are ignored before their body and attributes are touched
  /// A record with a span that was not sampled is not kept, only counted by who counts unsampled ones; one that is kept stands for as many
  /// as its span. Records without a span always are kept, for themselves. Distro spec 2.9.
  bool trace_based_sampling = false;
};

/// A processor of one provider. OnEmit writes the record into the journal: it never waits for a network or a disk.
class LogProcessor final : public opentelemetry::sdk::logs::LogRecordProcessor {
 public:
  LogProcessor(std::shared_ptr<journal::Journal> journal, LogProcessorOptions options);

  std::unique_ptr<opentelemetry::sdk::logs::Recordable> MakeRecordable() noexcept override;
  void OnEmit(std::unique_ptr<opentelemetry::sdk::logs::Recordable>&& record) noexcept override;
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override { return writer_.ForceFlush(timeout); }
  /// Later records are ignored. Sending what waits is Telemetry::Shutdown's part.
  bool Shutdown(std::chrono::microseconds /*timeout*/) noexcept override {
    writer_.Shutdown();
    return true;
  }

 private:
  const std::uint8_t severity_min_;
  const bool trace_based_sampling_;
  RecordWriter writer_;
};

}  // namespace azmon::capture
