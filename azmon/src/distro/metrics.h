// SPDX-License-Identifier: MIT
// The SDK's meter provider as the distro sets it up: one reader a destination, and the bounds of the HTTP duration histograms.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <opentelemetry/sdk/metrics/meter_provider.h>

#include "capture/metric_exporter.h"
#include "journal/journal.h"

namespace azmon::distro {

struct MetricReader {
  journal::Destination destination;
  capture::Temporality temporality;
  std::shared_ptr<const capture::LateResource> late_resource;  ///< may be null
};

/// A reader that collects for one destination every `interval`, on a thread of its own.
/// @param warn  gets a line if that cannot be had; may be empty
std::unique_ptr<opentelemetry::sdk::metrics::MetricReader> MakeMetricReader(const std::shared_ptr<journal::Journal>& journal, const MetricReader& reader,
                                                                            std::chrono::milliseconds interval,
                                                                            std::function<void(std::string)> warn);

/// @param readers  may be empty: instruments then cost next to nothing and nothing is collected
std::unique_ptr<opentelemetry::sdk::metrics::MeterProvider> MakeMeterProvider(const opentelemetry::sdk::resource::Resource& resource,
                                                                              const std::shared_ptr<journal::Journal>& journal,
                                                                              const std::vector<MetricReader>& readers,
                                                                              std::chrono::milliseconds interval,
                                                                              const std::function<void(std::string)>& warn);

}  // namespace azmon::distro
