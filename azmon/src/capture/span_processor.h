// SPDX-License-Identifier: MIT
// Spans of opentelemetry-cpp's SDK into the journal: `Pipeline::kSdk`.
#pragma once

#include <memory>

#include <opentelemetry/sdk/trace/processor.h>

#include "capture/record_writer.h"
#include "capture/span_record.h"

namespace azmon::capture {

/// A processor of one provider. OnEnd writes the span into the journal: it never waits for a network or a disk.
class SpanProcessor final : public opentelemetry::sdk::trace::SpanProcessor {
 public:
  SpanProcessor(std::shared_ptr<journal::Journal> journal, ProcessorOptions options) : writer_(std::move(journal), std::move(options)) {}

  std::unique_ptr<opentelemetry::sdk::trace::Recordable> MakeRecordable() noexcept override;
  void OnStart(opentelemetry::sdk::trace::Recordable& span, const opentelemetry::trace::SpanContext& parent_context) noexcept override;
  void OnEnd(std::unique_ptr<opentelemetry::sdk::trace::Recordable>&& span) noexcept override;
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override { return writer_.ForceFlush(timeout); }
  /// Later spans are ignored. Sending what waits is Telemetry::Shutdown's part.
  bool Shutdown(std::chrono::microseconds /*timeout*/) noexcept override {
    writer_.Shutdown();
    return true;
  }

 private:
  RecordWriter writer_;
};

}  // namespace azmon::capture
