// SPDX-License-Identifier: MIT
#include "distro/metrics.h"

#include <iterator>
#include <utility>

#include <opentelemetry/sdk/metrics/aggregation/aggregation_config.h>
#include <opentelemetry/sdk/metrics/view/instrument_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/meter_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/view_factory.h>
#include <opentelemetry/sdk/version/version.h>

#include "distro/metric_reader.h"

namespace azmon::distro {
namespace {

namespace metrics = opentelemetry::sdk::metrics;

/// Semantic conventions, "HTTP metrics": histograms of durations in seconds; the SDK's own bounds are made for milliseconds.
constexpr const char* kHttpDurations[] = {"http.server.request.duration", "http.client.request.duration"};
constexpr double kHttpBounds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};

void AddHttpViews(metrics::MeterProvider& provider) {
  for (const char* const name : kHttpDurations) {
    auto config = std::make_shared<metrics::HistogramAggregationConfig>();
    config->boundaries_.assign(std::begin(kHttpBounds), std::end(kHttpBounds));
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
                                                        std::chrono::milliseconds interval, std::function<void(std::string)> warn) {
  return std::make_unique<PeriodicReader>(std::make_unique<capture::MetricExporter>(journal, reader.destination, reader.temporality, reader.late_resource), interval,
                                          std::move(warn));
}

std::unique_ptr<metrics::MeterProvider> MakeMeterProvider(const opentelemetry::sdk::resource::Resource& resource,
                                                          const std::shared_ptr<journal::Journal>& journal, const std::vector<MetricReader>& readers,
                                                          std::chrono::milliseconds interval, const std::function<void(std::string)>& warn) {
  auto provider = std::make_unique<metrics::MeterProvider>(std::make_unique<metrics::ViewRegistry>(), resource);
  AddHttpViews(*provider);
  for (const MetricReader& reader : readers) provider->AddMetricReader(MakeMetricReader(journal, reader, interval, warn));
  return provider;
}

}  // namespace azmon::distro
