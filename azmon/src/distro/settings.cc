// SPDX-License-Identifier: MIT
#include "distro/settings.h"

#include <algorithm>
#include <array>

#include <opentelemetry/sdk/trace/samplers/always_off_factory.h>
#include <opentelemetry/sdk/trace/samplers/always_on_factory.h>
#include <opentelemetry/sdk/trace/samplers/parent_factory.h>
#include <opentelemetry/sdk/trace/samplers/trace_id_ratio_factory.h>
#include <opentelemetry/sdk/version/version.h>

#include "base/text.h"
#include "base/version.h"

namespace azmon::distro {
namespace {

using base::Environment;

constexpr const char* kConnectionStringVariable = "APPLICATIONINSIGHTS_CONNECTION_STRING";

/// A longer interval is a mistake: nobody would see a metric of the last day.
constexpr std::chrono::milliseconds kMetricIntervalMax = std::chrono::hours(24);

bool IsTrue(const Environment& environment, const char* variable) {
  const auto value = environment.Get(variable);
  return value && base::EqualsIgnoreCase(*value, "true");
}

/// `none` switches a signal off for every destination.
bool IsSignalEnabled(const Environment& environment, const char* variable, Settings& settings) {
  const auto exporter = environment.Get(variable);
  if (!exporter || !base::EqualsIgnoreCase(*exporter, "none")) return true;
  settings.notes.push_back(std::string(variable) + " is none, so the signal is off");
  return false;
}

/// Distro spec 1.4: where we run, as one letter.
char ResourceProvider(const Environment& environment) {
  if (environment.Get("FUNCTIONS_WORKER_RUNTIME") || environment.Get("FUNCTIONS_EXTENSION_VERSION")) return 'f';
  if (environment.Get("WEBSITE_SITE_NAME")) return 'a';
  if (environment.Get("AKS_ARM_NAMESPACE_ID") || environment.Get("KUBERNETES_SERVICE_HOST")) return 'k';
  return 'u';
}

std::string SdkVersion(const Environment& environment) {
  return std::string(1, ResourceProvider(environment)) + "lm_cpp20:otel" + OPENTELEMETRY_SDK_VERSION + ":dst" + base::kVersion;
}

void ReadAzure(const Options& options, const Environment& environment, const resource::Host& host, Settings& settings) {
  const bool is_in_code = options.connection_string.has_value();
  // The program's string wins as a whole; its parts are never filled from the environment.
  const auto text = is_in_code ? options.connection_string : environment.Get(kConnectionStringVariable);
  if (!text || base::Trim(*text).empty()) {
    if (environment.Get("APPINSIGHTS_INSTRUMENTATIONKEY")) {
      settings.problems.push_back({.severity = Severity::kWarning,
                                   .setting = "APPINSIGHTS_INSTRUMENTATIONKEY",
                                   .text = std::string("is not read, a bare key has no endpoint; set ") + kConnectionStringVariable});
    }
    return;
  }
  auto report = deliver::ParseConnectionString(*text, is_in_code ? "Options::connection_string" : kConnectionStringVariable);
  std::ranges::move(report.problems, std::back_inserter(settings.problems));
  if (!report.value) return;
  deliver::AzureSettings azure{.connection = std::move(*report.value)};
  azure.envelope.instrumentation_key = azure.connection.instrumentation_key;
  azure.envelope.application_id = azure.connection.application_id;
  azure.envelope.resource_metric = !IsTrue(environment, "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED");
  azure.envelope.metric_namespace = IsTrue(environment, "APPLICATIONINSIGHTS_METRIC_NAMESPACE_OPT_IN");
  azure.envelope.sdk_version = SdkVersion(environment);
  azure.envelope.host_name = host.name;
  azure.envelope.website_site_name = environment.Get("WEBSITE_SITE_NAME").value_or("");
  azure.envelope.website_instance_id = environment.Get("WEBSITE_INSTANCE_ID").value_or("");
  settings.notes.push_back("Application Insights at " + azure.connection.ingestion_endpoint);
  settings.azure = std::move(azure);
}

void ReadOtlp(const Options& options, const Environment& environment, Settings& settings) {
  auto report = deliver::ReadOtlpSettings(options.otlp, environment, settings.azure.has_value());
  std::ranges::move(report.problems, std::back_inserter(settings.problems));
  std::ranges::move(report.log, std::back_inserter(settings.notes));
  settings.otlp = std::move(report.value);
}

constexpr std::array kSamplers{"always_on",   "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
                               "parentbased_traceidratio"};

void ReadSampler(const Environment& environment, Settings& settings) {
  settings.sampler = "parentbased_always_on";
  if (const auto text = environment.Get("OTEL_TRACES_SAMPLER")) {
    const std::string name = base::ToLower(*text);
    if (std::ranges::find(kSamplers, name) != kSamplers.end()) {
      settings.sampler = name;
    } else {
      settings.problems.push_back({.severity = Severity::kWarning,
                                   .setting = "OTEL_TRACES_SAMPLER",
                                   .text = "is none of always_on, always_off, traceidratio and their parentbased_ forms; " + settings.sampler + " is used"});
    }
  }
  if (settings.sampler.ends_with("traceidratio")) {
    const auto text = environment.Get("OTEL_TRACES_SAMPLER_ARG");
    const auto ratio = text ? base::ParseDouble(*text) : std::optional<double>(1);
    if (ratio && *ratio >= 0 && *ratio <= 1) {
      settings.sampler_ratio = *ratio;
    } else {
      settings.problems.push_back({.severity = Severity::kWarning, .setting = "OTEL_TRACES_SAMPLER_ARG", .text = "is no number from 0 to 1; 1 is used"});
    }
  }
  settings.notes.push_back("sampling " + settings.sampler + " (OTEL_TRACES_SAMPLER)");
}

void ReadMetrics(const Options& options, const Environment& environment, Settings& settings) {
  if (options.metric_interval && options.metric_interval->count() > 0) {
    settings.metric_interval = *options.metric_interval;
  } else if (options.metric_interval) {
    settings.problems.push_back({.severity = Severity::kWarning, .setting = "Options::metric_interval", .text = "is not positive; 60 s is used"});
  } else if (const auto text = environment.Get("OTEL_METRIC_EXPORT_INTERVAL")) {
    const auto milliseconds = base::ParseInteger<std::int64_t>(*text);
    if (milliseconds && *milliseconds > 0 && *milliseconds <= kMetricIntervalMax.count()) {
      settings.metric_interval = std::chrono::milliseconds(*milliseconds);
    } else {
      settings.problems.push_back({.severity = Severity::kWarning,
                                   .setting = "OTEL_METRIC_EXPORT_INTERVAL",
                                   .text = "is no number of milliseconds from 1 to a day; 60000 is used"});
    }
  }
  if (const auto text = environment.Get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")) {
    const std::string preference = base::ToLower(*text);
    if (preference == "delta") {
      settings.otlp_temporality = capture::Temporality::kDelta;
    } else if (preference == "lowmemory") {
      settings.otlp_temporality = capture::Temporality::kLowMemory;
    } else if (preference != "cumulative") {
      settings.problems.push_back({.severity = Severity::kWarning,
                                   .setting = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                                   .text = "is none of cumulative, delta, lowmemory; cumulative is used"});
    }
  }
  if (const auto text = environment.Get("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION")) {
    const std::string aggregation = base::ToLower(*text);
    if (aggregation != "explicit_bucket_histogram") {
      settings.problems.push_back({.severity = Severity::kWarning,
                                   .setting = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                                   .text = aggregation == "base2_exponential_bucket_histogram"
                                               ? std::string("asks for exponential histograms, which opentelemetry-cpp ") + OPENTELEMETRY_SDK_VERSION +
                                                     " does not have; explicit_bucket_histogram is used"
                                               : "is none of explicit_bucket_histogram, base2_exponential_bucket_histogram; the former is used"});
    }
  }
}

void ReadPropagators(const Environment& environment, Settings& settings) {
  settings.propagators = {Propagator::kTraceContext, Propagator::kBaggage};
  const auto text = environment.Get("OTEL_PROPAGATORS");
  if (!text) return;
  settings.propagators.clear();
  for (const std::string_view piece : base::Split(*text, ',')) {
    const std::string name = base::ToLower(base::Trim(piece));
    const auto add = [&](Propagator propagator) {
      if (std::ranges::find(settings.propagators, propagator) == settings.propagators.end()) settings.propagators.push_back(propagator);
    };
    if (name == "tracecontext") {
      add(Propagator::kTraceContext);
    } else if (name == "baggage") {
      add(Propagator::kBaggage);
    } else if (name == "b3") {
      add(Propagator::kB3);
    } else if (name == "b3multi") {
      add(Propagator::kB3Multi);
    } else if (name == "jaeger") {
      add(Propagator::kJaeger);
    } else if (name != "none" && !name.empty()) {
      settings.problems.push_back({.severity = Severity::kWarning,
                                   .setting = "OTEL_PROPAGATORS",
                                   .text = "has an entry that is none of tracecontext, baggage, b3, b3multi, jaeger, none; it is left out"});
    }
  }
}

}  // namespace

Settings ReadSettings(const Options& options, const Environment& environment, const resource::Host& host) {
  Settings settings;
  settings.sdk_disabled = IsTrue(environment, "OTEL_SDK_DISABLED");
  if (settings.sdk_disabled) {
    settings.notes.emplace_back("off, because OTEL_SDK_DISABLED is true");
    return settings;
  }
  settings.traces_enabled = IsSignalEnabled(environment, "OTEL_TRACES_EXPORTER", settings);
  settings.logs_enabled = IsSignalEnabled(environment, "OTEL_LOGS_EXPORTER", settings);
  settings.metrics_enabled = IsSignalEnabled(environment, "OTEL_METRICS_EXPORTER", settings);
  ReadAzure(options, environment, host, settings);
  ReadOtlp(options, environment, settings);
  ReadSampler(environment, settings);
  ReadPropagators(environment, settings);
  ReadMetrics(options, environment, settings);
  settings.resource = resource::Detect(host, environment, options.resource, settings.problems);
  if (options.export_interval && options.export_interval->count() <= 0) {
    settings.problems.push_back({.severity = Severity::kWarning, .setting = "Options::export_interval", .text = "is not positive; 1 s is used"});
  }
  if (!settings.azure && !settings.otlp) {
    const bool has_error = std::ranges::any_of(settings.problems, [](const Problem& problem) { return problem.severity == Severity::kError; });
    // An unusable destination has been reported already.
    if (!has_error) {
      settings.problems.push_back({.severity = Severity::kError,
                                   .setting = kConnectionStringVariable,
                                   .text = "is not set and no OTLP endpoint either, so telemetry goes nowhere; set it, or OTLP_EXPORT_ENDPOINT"});
    }
  }
  return settings;
}

std::unique_ptr<opentelemetry::sdk::trace::Sampler> MakeSampler(const Settings& settings) {
  using namespace opentelemetry::sdk::trace;  // NOLINT: six factories
  constexpr std::string_view kParentBased = "parentbased_";
  std::string_view name = settings.sampler;
  const bool is_parent_based = name.starts_with(kParentBased);
  if (is_parent_based) name.remove_prefix(kParentBased.size());
  std::unique_ptr<Sampler> sampler;
  if (name == "always_off") {
    sampler = AlwaysOffSamplerFactory::Create();
  } else if (name == "traceidratio") {
    sampler = TraceIdRatioBasedSamplerFactory::Create(settings.sampler_ratio);
  } else {
    sampler = AlwaysOnSamplerFactory::Create();
  }
  if (!is_parent_based) return sampler;
  return ParentBasedSamplerFactory::Create(std::shared_ptr<Sampler>(std::move(sampler)));
}

std::string Describe(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text.append("; ");
    if (!problem.setting.empty()) text.append(problem.setting).append(" ");
    text.append(problem.text);
  }
  return text;
}

}  // namespace azmon::distro
