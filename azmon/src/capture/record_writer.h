// SPDX-License-Identifier: MIT
// What the span and the log processor share: who gets a record, its annotations, the journal, flush and shutdown.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "capture/buffer_pool.h"
#include "capture/local_spans.h"
#include "capture/scope_registry.h"
#include "journal/journal.h"

namespace azmon::capture {

/// What a processor needs beside the journal.
struct ProcessorOptions {
  std::uint8_t destinations = 0;            ///< flags of otlp::RecordFlags that each sampled record gets
  std::uint8_t unsampled_destinations = 0;  ///< likewise those that were not sampled
  bool marks_measured = false;              ///< records are annotated as counted by the standard metrics
  std::shared_ptr<LocalSpans> spans;        ///< shared with the sampler and the other processor; null: nothing is passed on
  std::function<bool(std::chrono::microseconds)> force_flush;  ///< called by ForceFlush; must not throw
  /// Once true, records are ignored, by every processor that shares it. May be null.
  std::shared_ptr<const std::atomic<bool>> is_stopped;
  std::shared_ptr<const LateResource> late_resource;  ///< may be null
};

class RecordWriter {
 public:
  RecordWriter(std::shared_ptr<journal::Journal> journal, ProcessorOptions options);

  /// Flags of a record; 0: nobody wants it.
  std::uint8_t DestinationsOf(bool is_sampled) const { return is_sampled ? options_.destinations : options_.unsampled_destinations; }

  bool IsStopped() const {
    return is_shut_down_.load(std::memory_order_relaxed) || (options_.is_stopped && options_.is_stopped->load(std::memory_order_relaxed));
  }

  /// Appends a record to the journal. Never waits for a network or a disk; what is over a limit is in the journal's ledger.
  /// @param record     has AppendMessage, Scope() and Resource()
  /// @param inherited  of the local root and the sampler, for Application Insights alone
  template <typename Record>
  void Write(const Record& record, otlp::Signal signal, bool is_sampled, const LocalSpans::Inheritance& inherited) {
    if (record.Scope() == nullptr || record.Resource() == nullptr) return;
    otlp::Buffer message = TakeBuffer();
    record.AppendMessage(message);
    Append(signal, is_sampled, inherited, scopes_.IdOf(*record.Scope(), *record.Resource()), message.View());
    ReturnBuffer(std::move(message));
  }

  LocalSpans* Spans() const { return options_.spans.get(); }
  bool ForceFlush(std::chrono::microseconds timeout) const { return !options_.force_flush || options_.force_flush(timeout); }
  /// Later records are ignored. Sending what waits is Telemetry::Shutdown's part.
  void Shutdown() { is_shut_down_.store(true, std::memory_order_relaxed); }

 private:
  void Append(otlp::Signal signal, bool is_sampled, const LocalSpans::Inheritance& inherited, std::uint32_t owner, std::string_view message);

  const std::shared_ptr<journal::Journal> journal_;
  const ProcessorOptions options_;
  ScopeRegistry scopes_;
  std::atomic<bool> is_shut_down_{false};
};

}  // namespace azmon::capture
