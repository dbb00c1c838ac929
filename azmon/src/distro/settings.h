// SPDX-License-Identifier: MIT
// All settings of a distro, from options and environment, read once and checked together.
//
// A pure function of its arguments; used by `telemetry.cc` alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "azmon/azmon.h"
#include "base/environment.h"
#include "capture/metric_exporter.h"
#include "capture/sampler.h"
#include "deliver/delivery.h"
#include "resource/resource.h"

namespace azmon::distro {

enum class Propagator : std::uint8_t { kTraceContext, kBaggage, kB3, kB3Multi, kJaeger };

struct Settings {
  /// What OTEL_TRACES_EXPORTER, OTEL_LOGS_EXPORTER and OTEL_METRICS_EXPORTER say of their signal.
  struct Signal {
    bool is_enabled = true;   ///< not `none`
    bool to_console = false;
  };

  bool sdk_disabled = false;     ///< OTEL_SDK_DISABLED
  Signal traces;
  Signal logs;
  Signal metrics;
  std::optional<deliver::AzureSettings> azure;
  std::optional<deliver::OtlpSettings> otlp;
  resource::Detected resource;
  capture::SamplerOptions sampler;
  bool sampling_is_default = false;  ///< nobody chose it: users expect every trace, so the start line tells them
  OtlpSampling otlp_sampling = OtlpSampling::kSame;
  bool standard_metrics = false;
  std::vector<Propagator> propagators;
  std::chrono::milliseconds metric_interval{60000};
  capture::Temporality otlp_temporality = capture::Temporality::kCumulative;  ///< Application Insights always gets deltas
  std::vector<std::string> ring_directories;     ///< as journal::JournalOptions
  std::vector<std::string> storage_directories;  ///< likewise
  std::vector<Problem> problems;  ///< of every setting
  std::vector<std::string> notes; ///< what was decided, a sentence each, for the start line

  bool HasConsole() const { return traces.to_console || logs.to_console || metrics.to_console; }
};

/// @param environment   outlives the credentials in the result
/// @param has_terminal  standard error is a terminal, for Console::kAuto
Settings ReadSettings(const Options& options, const base::Environment& environment, const resource::Host& host, bool has_terminal = false);

/// "POST /orders"-style one-line text of problems: `setting: text; setting: text`.
std::string Describe(const std::vector<Problem>& problems);

}  // namespace azmon::distro
