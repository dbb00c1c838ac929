// SPDX-License-Identifier: MIT
// Metrics of opentelemetry-cpp's SDK into the journal, for one destination: a push exporter under a reader of its own.
//
// Each destination has its reader, since their temporalities differ. A collected metric becomes one record, or several when it has very
// many points, and waits in the journal like a span.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <opentelemetry/sdk/metrics/data/metric_data.h>
#include <opentelemetry/sdk/metrics/push_metric_exporter.h>

#include "capture/scope_registry.h"
#include "journal/journal.h"

namespace azmon::capture {

/// Values of OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE.
enum class Temporality : std::uint8_t { kCumulative, kDelta, kLowMemory };

/// What an instrument's points are relative to, by the OpenTelemetry specification's table for the preference.
opentelemetry::sdk::metrics::AggregationTemporality TemporalityOf(Temporality preference, opentelemetry::sdk::metrics::InstrumentType type);

/// Appends OTLP Metric messages of one collected metric, each under `bytes_max` unless a single point is larger; nothing for a metric
/// without points.
/// @param each  gets every message
void EncodeMetric(const opentelemetry::sdk::metrics::MetricData& metric, std::size_t bytes_max, const std::function<void(std::string_view)>& each);

class MetricExporter final : public opentelemetry::sdk::metrics::PushMetricExporter {
 public:
  /// @param late  as of ScopeRegistry
  MetricExporter(std::shared_ptr<journal::Journal> journal, journal::Destination destination, Temporality temporality,
                 std::shared_ptr<const LateResource> late = nullptr);

  opentelemetry::sdk::common::ExportResult Export(const opentelemetry::sdk::metrics::ResourceMetrics& data) noexcept override;
  opentelemetry::sdk::metrics::AggregationTemporality GetAggregationTemporality(
      opentelemetry::sdk::metrics::InstrumentType instrument_type) const noexcept override;
  /// The records are in the journal already; sending them is Telemetry's part.
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override;
  bool Shutdown(std::chrono::microseconds timeout) noexcept override;

 private:
  const std::shared_ptr<journal::Journal> journal_;
  const journal::Destination destination_;
  const Temporality temporality_;
  ScopeRegistry scopes_;
};

}  // namespace azmon::capture
