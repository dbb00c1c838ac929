// SPDX-License-Identifier: MIT
#include "distro/metrics.h"

#include <algorithm>

#include <opentelemetry/sdk/metrics/aggregation/aggregation_config.h>
#include <opentelemetry/sdk/metrics/export/periodic_exporting_metric_reader_factory.h>
#include <opentelemetry/sdk/metrics/export/periodic_exporting_metric_reader_options.h>
#include <opentelemetry/sdk/metrics/view/instrument_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/meter_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/view_factory.h>
#include <opentelemetry/sdk/version/version.h>

namespace azmon::distro {
namespace {

namespace metrics = opentelemetry::sdk::metrics;

/// Semantic conventions, "HTTP metrics": histograms of durations in seconds; the SDK's own bounds are made for milliseconds.
constexpr const char* kHttpDurations[] = {"http.server.request.duration", "http.client.request.duration"};
const std::vector<double> kHttpBounds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};

void AddHttpViews(metrics::MeterProvider& provider) {
  for (const char* const name : kHttpDurations) {
    auto config = std::make_shared<metrics::HistogramAggregationConfig>();
    config->boundaries_ = kHttpBounds;
#if OPENTELEMETRY_VERSION_MAJOR > 1 || OPENTELEMETRY_VERSION_MINOR >= 23
    auto view = metrics::ViewFactory::Create(name, "", metrics::AggregationType::kHistogram, config);
#else
    auto view = metrics::ViewFactory::Create(name, "", "s", metrics::AggregationType::kHistogram, config);
#endif
    provider.AddView(metrics::InstrumentSelectorFactory::Create(metrics::InstrumentType::kHistogram, name, "s"),
                     metrics::MeterSelectorFactory::Create("", "", ""), std::move(view));
  }
}

}  // namespace

std::unique_ptr<metrics::MetricReader> MakeMetricReader(const std::shared_ptr<journal::Journal>& journal, const MetricReader& reader,
                                                        std::chrono::milliseconds interval) {
  metrics::PeriodicExportingMetricReaderOptions options;
  options.export_interval_millis = interval;
  // The SDK wants a timeout below the interval. Exporting writes into memory, so the value never matters.
  options.export_timeout_millis = std::max(interval / 2, std::chrono::milliseconds(1));
  return metrics::PeriodicExportingMetricReaderFactory::Create(
      std::make_unique<capture::MetricExporter>(journal, reader.destination, reader.temporality, reader.late_resource), options);
}

std::unique_ptr<metrics::MeterProvider> MakeMeterProvider(const opentelemetry::sdk::resource::Resource& resource,
                                                          const std::shared_ptr<journal::Journal>& journal, const std::vector<MetricReader>& readers,
                                                          std::chrono::milliseconds interval) {
  auto provider = std::make_unique<metrics::MeterProvider>(std::make_unique<metrics::ViewRegistry>(), resource);
  AddHttpViews(*provider);
  for (const MetricReader& reader : readers) provider->AddMetricReader(MakeMetricReader(journal, reader, interval));
  return provider;
}

}  // namespace azmon::distro
