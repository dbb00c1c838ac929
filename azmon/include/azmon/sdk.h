// SPDX-License-Identifier: MIT
// The parts of a running distro, for programs that build their own pipeline from opentelemetry-cpp's SDK.
//
//   azmon::Options options;
//   options.globals = azmon::Globals::kLeave;
//   auto telemetry = azmon::Configure(options);
//   std::vector<std::unique_ptr<opentelemetry::sdk::trace::SpanProcessor>> processors;
//   processors.push_back(std::make_unique<MyProcessor>());
//   processors.push_back(azmon::MakeSpanProcessor(telemetry));
//   auto provider = TracerProviderFactory::Create(std::move(processors), azmon::ResourceOf(telemetry), azmon::MakeSampler(telemetry));
//
// Each part belongs to the caller, may outlive the Telemetry, and does nothing once that is shut down. The Telemetry that a function gets
// must not be one that was moved from. Link `azmon::sdk`. C++17.
#pragma once

#include <memory>
#include <vector>

#include <opentelemetry/sdk/logs/processor.h>
#include <opentelemetry/sdk/metrics/metric_reader.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/processor.h>
#include <opentelemetry/sdk/trace/sampler.h>

#include "azmon/azmon.h"

namespace azmon {

/// A processor that takes the ended spans of a provider to the distro's destinations. Its ForceFlush is Telemetry::ForceFlush.
/// The provider's resource and scopes must live as long as the processor is called, as the SDK's own do.
AZMON_EXPORT std::unique_ptr<opentelemetry::sdk::trace::SpanProcessor> MakeSpanProcessor(const Telemetry& telemetry);

/// The same for log records, with Options::log_severity_min and Options::enable_trace_based_log_sampling.
AZMON_EXPORT std::unique_ptr<opentelemetry::sdk::logs::LogRecordProcessor> MakeLogRecordProcessor(const Telemetry& telemetry);

/// The sampler of the distro's settings. With another one sampled spans count as kept at 100 %, unless it sets the attribute
/// `microsoft.sample_rate` (percent), and spans that it drops are missing in the standard metrics.
AZMON_EXPORT std::unique_ptr<opentelemetry::sdk::trace::Sampler> MakeSampler(const Telemetry& telemetry);

/// One reader for each destination that takes metrics, in that destination's temporality; each collects at Options::metric_interval on a
/// thread of its own. Give them to MeterProvider::AddMetricReader. Empty when no destination takes metrics.
AZMON_EXPORT std::vector<std::shared_ptr<opentelemetry::sdk::metrics::MetricReader>> MakeMetricReaders(const Telemetry& telemetry);

/// What the distro found out about this program: service, host, platform, Options::resource. What it learns later of a virtual machine is
/// added to the records of a provider that has this resource, unless the program gave the attribute another value.
AZMON_EXPORT opentelemetry::sdk::resource::Resource ResourceOf(const Telemetry& telemetry);

}  // namespace azmon
