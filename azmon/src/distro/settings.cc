// SPDX-License-Identifier: MIT
#include "distro/settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include <opentelemetry/sdk/version/version.h>

#include "base/json_writer.h"
#include "base/text.h"
#include "base/version.h"
#include "distro/setting_reader.h"
#include "identity/credentials.h"

namespace azmon::distro {
namespace {

using base::Environment;

constexpr const char* kConnectionStringVariable = "APPLICATIONINSIGHTS_CONNECTION_STRING";

/// `none` switches a signal off for every destination, `console` shows it; the others are decided by their own variables.
Settings::Signal ReadExporters(const SettingReader& reader, base::SettingName name, Settings& settings) {
  Settings::Signal signal;
  const std::string variable(name.Row().variable);
  const auto text = reader.Text(name);
  if (!text) return signal;
  for (const std::string_view piece : base::Split(*text, ',')) {
    const std::string exporter = base::ToLower(base::Trim(piece));
    if (exporter == "none") {
      signal.is_enabled = false;
    } else if (exporter == "console") {
      signal.to_console = true;
    } else if (exporter != "otlp" && !exporter.empty()) {
      reader.Warn(variable, "has an entry that is none of otlp, console, none; it is ignored");
    }
  }
  if (!signal.is_enabled) settings.notes.push_back(variable + " is none, so the signal is off");
  return signal;
}

/// Distro spec 10.2, row 10. The other destinations are known.
void ReadConsole(const Options& options, const SettingReader& reader, bool has_terminal, Settings& settings) {
  Console console = Console::kOff;
  if (options.console) {
    console = *options.console;
  } else if (const auto choice = reader.Choice("AZMON_CONSOLE")) {
    constexpr std::array kChoices{Console::kOff, Console::kOn, Console::kAuto};
    console = kChoices[*choice];
  }
  const bool is_on = console == Console::kOn || (console == Console::kAuto && has_terminal && !settings.azure && !settings.otlp);
  bool has_any = false;
  for (Settings::Signal* const signal : {&settings.traces, &settings.logs, &settings.metrics}) {
    signal->to_console = signal->is_enabled && (is_on || signal->to_console);
    has_any |= signal->to_console;
  }
  if (has_any) settings.notes.emplace_back("the console shows items");
}

/// Distro spec 1.4: where we run, as one letter.
char ResourceProvider(const SettingReader& reader) {
  if (reader.IsSet("FUNCTIONS_WORKER_RUNTIME") || reader.IsSet("FUNCTIONS_EXTENSION_VERSION")) return 'f';
  if (reader.IsSet("WEBSITE_SITE_NAME")) return 'a';
  if (reader.IsSet("AKS_ARM_NAMESPACE_ID") || reader.IsSet("KUBERNETES_SERVICE_HOST")) return 'k';
  return 'u';
}

std::string SdkVersion(const SettingReader& reader) {
  return std::string(1, ResourceProvider(reader)) + "lm_cpp20:otel" + OPENTELEMETRY_SDK_VERSION + ":dst" + base::kVersion;
}

identity::Surroundings Around(const Environment& environment) {
  identity::Surroundings around = identity::Surroundings::Real();
  around.environment = &environment;
  return around;
}

/// Exporter spec section 8: an identity is used only where one is asked for; by default the key alone will do.
void ReadAzureIdentity(const Options& options, const Environment& environment, const SettingReader& reader, deliver::AzureSettings& azure, Settings& settings) {
  constexpr const char* kVariable = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
  std::shared_ptr<Credential> credential = options.credential;
  if (const auto text = reader.Text(kVariable); text && !credential) {
    bool is_entra = false;
    std::string client_id;
    for (const std::string_view piece : base::Split(*text, ';')) {
      const auto equals = piece.find('=');
      const std::string_view key = base::Trim(piece.substr(0, equals));
      const std::string_view value = equals == std::string_view::npos ? std::string_view() : base::Trim(piece.substr(equals + 1));
      if (base::EqualsIgnoreCase(key, "Authorization")) is_entra = base::EqualsIgnoreCase(value, "AAD");
      if (base::EqualsIgnoreCase(key, "ClientId")) client_id = value;
    }
    if (is_entra) {
      credential = identity::MakeManagedIdentity(Around(environment), client_id);
    } else {
      settings.problems.push_back({.severity = Severity::kError, .setting = kVariable, .text = "is not Authorization=AAD or Authorization=AAD;ClientId=ID; the key alone is used"});
    }
  }
  if (!credential) return;
  if (!azure.connection.ingestion_endpoint.starts_with("https://")) {
    settings.problems.push_back({.severity = Severity::kWarning,
                                 .setting = "IngestionEndpoint",
                                 .text = "is not https, so no access token is sent to it; the key alone is used"});
    return;
  }
  std::string scope = azure.connection.aad_audience.empty() ? "https://monitor.azure.com//.default" : azure.connection.aad_audience;
  if (!scope.ends_with("/.default")) scope.append("/.default");
  azure.tokens = MakeTokenSource(credential, scope);
  settings.notes.push_back("Application Insights gets access tokens by " + credential->Name());
}

/// Exporter spec section 9.2: on unless somebody switches them off; seconds from a minute to a day.
void ReadSdkStats(const SettingReader& reader, deliver::AzureSettings& azure) {
  switch (ResourceProvider(reader)) {
    case 'f': azure.sdk_stats.compute_type = "functions"; break;
    case 'a': azure.sdk_stats.compute_type = "appsvc"; break;
    case 'k': azure.sdk_stats.compute_type = "aks"; break;
    default: break;
  }
  constexpr const char* kInterval = "APPLICATIONINSIGHTS_SDKSTATS_EXPORT_INTERVAL";
  if (const auto text = reader.Text(kInterval)) {
    const auto wanted = base::ParseInteger<std::int64_t>(*text);
    if (wanted) azure.sdk_stats.interval = std::chrono::seconds(std::clamp<std::int64_t>(*wanted, 60, 86400));
    if (!wanted) reader.Warn(kInterval, "is no number of seconds; 900 is used");
  }
  if (reader.IsTrue("APPLICATIONINSIGHTS_SDKSTATS_DISABLED")) azure.sdk_stats.interval = std::chrono::seconds(0);
}

void ReadAzure(const Options& options, const Environment& environment, const SettingReader& reader, const resource::Host& host, Settings& settings) {
  const bool is_in_code = options.connection_string.has_value();
  // The program's string wins as a whole; its parts are never filled from the environment.
  const auto text = is_in_code ? options.connection_string : reader.Text(kConnectionStringVariable);
  if (!text || base::Trim(*text).empty()) {
    if (reader.IsSet("APPINSIGHTS_INSTRUMENTATIONKEY")) {
      reader.Warn("APPINSIGHTS_INSTRUMENTATIONKEY", std::string("is not read, a bare key has no endpoint; set ") + kConnectionStringVariable);
    }
    return;
  }
  auto report = deliver::ParseConnectionString(*text, is_in_code ? "Options::connection_string" : kConnectionStringVariable);
  std::ranges::move(report.problems, std::back_inserter(settings.problems));
  if (!report.value) return;
  deliver::AzureSettings azure{.connection = std::move(*report.value)};
  azure.envelope.instrumentation_key = azure.connection.instrumentation_key;
  azure.envelope.application_id = azure.connection.application_id;
  azure.envelope.resource_metric = !reader.IsTrue("APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED");
  azure.envelope.metric_namespace = reader.IsTrue("APPLICATIONINSIGHTS_METRIC_NAMESPACE_OPT_IN");
  azure.envelope.sdk_version = SdkVersion(reader);
  azure.envelope.host_name = host.name;
  azure.envelope.website_site_name = reader.Text("WEBSITE_SITE_NAME").value_or("");
  azure.envelope.website_instance_id = reader.Text("WEBSITE_INSTANCE_ID").value_or("");
  ReadAzureIdentity(options, environment, reader, azure, settings);
  ReadSdkStats(reader, azure);
  settings.notes.push_back("Application Insights at " + azure.connection.ingestion_endpoint);
  settings.azure = std::move(azure);
}

/// AZMON_AZURE_INGESTION: which of Azure's two ways in is used where both are configured.
void ReadAzureIngestion(const SettingReader& reader, Settings& settings) {
  const bool has_azure_otlp = settings.otlp && settings.otlp->HasAzure();
  const auto text = reader.Text("AZMON_AZURE_INGESTION");
  const auto is = [&](std::string_view value) { return text && base::EqualsIgnoreCase(*text, value); };
  if (text && !is("classic") && !is("otlp") && !is("both")) {
    settings.problems.push_back({.severity = Severity::kWarning, .setting = "AZMON_AZURE_INGESTION", .text = "is none of classic, otlp, both; what is configured is used"});
  }
  if (is("classic") && has_azure_otlp) {
    for (auto& endpoint : settings.otlp->endpoints) {
      if (endpoint && endpoint->is_azure) endpoint.reset();
    }
    if (std::ranges::none_of(settings.otlp->endpoints, [](const auto& endpoint) { return endpoint.has_value(); })) settings.otlp.reset();
    settings.notes.emplace_back("Azure Monitor's OTLP ingestion is not used, because AZMON_AZURE_INGESTION is classic");
  } else if (is("otlp") && has_azure_otlp && settings.azure) {
    settings.azure.reset();
    settings.notes.emplace_back("the connection string is not used, because AZMON_AZURE_INGESTION is otlp");
  } else if (has_azure_otlp && settings.azure) {
    settings.notes.emplace_back("traces and logs are stored and paid for twice, in Application Insights and by Azure Monitor's OTLP ingestion; "
                                "AZMON_AZURE_INGESTION=classic or otlp picks one");
  }
}

void ReadOtlp(const Options& options, const Environment& environment, const SettingReader& reader, Settings& settings) {
  auto report = deliver::ReadOtlpSettings(options.otlp, environment, settings.azure.has_value());
  std::ranges::move(report.problems, std::back_inserter(settings.problems));
  std::ranges::move(report.log, std::back_inserter(settings.notes));
  settings.otlp = std::move(report.value);
  ReadAzureIngestion(reader, settings);
  if (!settings.otlp || !settings.otlp->HasAzure()) return;
  std::shared_ptr<Credential> credential = options.otlp.credential ? options.otlp.credential : options.credential;
  if (!credential) {
    ChosenCredential chosen = identity::ChooseCredential(Around(environment), "");
    if (!chosen.credential) settings.problems.push_back({.severity = Severity::kError, .setting = "Options::otlp.credential", .text = "Azure Monitor's OTLP ingestion wants an access token: " + chosen.problem});
    credential = std::move(chosen.credential);
  }
  if (!credential) return;
  std::string_view cloud = "com";
  for (const auto& endpoint : settings.otlp->endpoints) {
    if (endpoint && endpoint->url.find(".monitor.azure.us/") != std::string::npos) cloud = "us";
    if (endpoint && endpoint->url.find(".monitor.azure.cn/") != std::string::npos) cloud = "cn";
  }
  settings.otlp->tokens = MakeTokenSource(credential, "https://monitor.azure." + std::string(cloud) + "/.default");
  settings.notes.push_back("OTLP gets access tokens by " + credential->Name());
}

/// What OTEL_TRACES_SAMPLER may be. Distro spec 2.7: both spellings of the ratio, and the dotted one of older Python documentation.
struct SamplerName {
  std::string_view name;
  capture::RootSampling root;
  bool follows_remote_parent;
};
constexpr SamplerName kSamplers[] = {
    {"always_on", capture::RootSampling::kAlwaysOn, false},
    {"always_off", capture::RootSampling::kAlwaysOff, false},
    {"traceidratio", capture::RootSampling::kTraceIdRatio, false},
    {"trace_id_ratio", capture::RootSampling::kTraceIdRatio, false},
    {"parentbased_always_on", capture::RootSampling::kAlwaysOn, true},
    {"parentbased_always_off", capture::RootSampling::kAlwaysOff, true},
    {"parentbased_traceidratio", capture::RootSampling::kTraceIdRatio, true},
    {"parentbased_trace_id_ratio", capture::RootSampling::kTraceIdRatio, true},
    {"microsoft.fixed_percentage", capture::RootSampling::kFixedPercentage, false},
    {"microsoft.fixed.percentage", capture::RootSampling::kFixedPercentage, false},
    {"microsoft.rate_limited", capture::RootSampling::kRateLimited, false},
};

constexpr double kTracesPerSecondDefault = 5;

std::string Number(double value) {
  std::string text;
  base::AppendEcmaNumber(value, text);
  return text;
}

std::optional<capture::SamplerOptions> SamplerOfOptions(const Options& options, Settings& settings) {
  const auto warn = [&](const char* setting, const char* text) {
    settings.problems.push_back({.severity = Severity::kWarning, .setting = setting, .text = text});
  };
  if (options.traces_per_second) {
    if (!std::isfinite(*options.traces_per_second) || *options.traces_per_second < 0) {
      warn("Options::traces_per_second", "is no number of 0 or more; it is ignored");
    } else if (*options.traces_per_second > 0 || !options.sampling_ratio) {
      return capture::SamplerOptions{.root = capture::RootSampling::kRateLimited, .argument = *options.traces_per_second};
    }
  }
  if (!options.sampling_ratio) return std::nullopt;
  double ratio = *options.sampling_ratio;
  if (!(ratio >= 0 && ratio <= 1)) {
    warn("Options::sampling_ratio", "is no number from 0 to 1; 1 is used");
    ratio = 1;
  }
  return capture::SamplerOptions{.root = capture::RootSampling::kFixedPercentage, .argument = ratio};
}

std::optional<capture::SamplerOptions> SamplerOfEnvironment(const SettingReader& reader) {
  const auto text = reader.Text("OTEL_TRACES_SAMPLER");
  if (!text) return std::nullopt;
  const auto* const known = std::ranges::find(kSamplers, base::ToLower(*text), &SamplerName::name);
  if (known == std::end(kSamplers)) {
    reader.Warn("OTEL_TRACES_SAMPLER",
         "is none of always_on, always_off, traceidratio, their parentbased_ forms, microsoft.fixed_percentage, microsoft.rate_limited; it is ignored");
    return std::nullopt;
  }
  capture::SamplerOptions sampler{.root = known->root, .follows_remote_parent = known->follows_remote_parent};
  const auto argument_text = reader.Text("OTEL_TRACES_SAMPLER_ARG");
  const auto argument = argument_text ? base::ParseDouble(*argument_text) : std::nullopt;
  switch (known->root) {
    case capture::RootSampling::kAlwaysOn:
    case capture::RootSampling::kAlwaysOff: break;
    case capture::RootSampling::kRateLimited:
      sampler.argument = kTracesPerSecondDefault;
      if (argument && *argument >= 0) {
        sampler.argument = *argument;
      } else if (argument_text) {
        reader.Warn("OTEL_TRACES_SAMPLER_ARG", "is no number of traces a second; 5 is used");
      }
      break;
    case capture::RootSampling::kFixedPercentage:
    case capture::RootSampling::kTraceIdRatio:
      if (argument && *argument >= 0 && *argument <= 1) {
        sampler.argument = *argument;
      } else if (argument_text) {
        reader.Warn("OTEL_TRACES_SAMPLER_ARG", "is no number from 0 to 1; 1 is used");
      }
      break;
  }
  return sampler;
}

std::string Describe(const capture::SamplerOptions& sampler) {
  const std::string parent = sampler.follows_remote_parent ? ", following the caller" : "";
  switch (sampler.root) {
    case capture::RootSampling::kAlwaysOn: return "every trace" + parent;
    case capture::RootSampling::kAlwaysOff: return "no trace" + parent;
    case capture::RootSampling::kRateLimited: return "up to " + Number(sampler.argument) + " traces a second";
    case capture::RootSampling::kFixedPercentage:
    case capture::RootSampling::kTraceIdRatio: break;
  }
  return Number(sampler.argument * 100) + " % of traces" + parent;
}

/// Distro spec 2.7: options, then the environment, then the default.
void ReadSampling(const Options& options, const SettingReader& reader, Settings& settings) {
  auto sampler = SamplerOfOptions(options, settings);
  if (!sampler) sampler = SamplerOfEnvironment(reader);
  if (!sampler) {
    settings.sampling_is_default = true;
    sampler = settings.azure ? capture::SamplerOptions{.root = capture::RootSampling::kRateLimited, .argument = kTracesPerSecondDefault}
                             : capture::SamplerOptions{.root = capture::RootSampling::kAlwaysOn, .follows_remote_parent = true};
  }
  settings.sampler = *sampler;
  std::string note = "sampling " + Describe(settings.sampler);
  if (settings.sampling_is_default) note.append(" (the default; every one with OTEL_TRACES_SAMPLER=always_on)");
  settings.notes.push_back(std::move(note));

  if (options.otlp.sampling) {
    settings.otlp_sampling = *options.otlp.sampling;
  } else if (reader.Choice("AZMON_OTLP_SAMPLING") == 1) {
    settings.otlp_sampling = OtlpSampling::kAll;
  }
  if (settings.otlp_sampling == OtlpSampling::kAll && settings.otlp) settings.notes.emplace_back("OTLP gets every span");
  settings.standard_metrics =
      settings.azure.has_value() && options.enable_standard_metrics && !reader.IsSet("APPLICATION_INSIGHTS_NO_STANDARD_METRICS");
  settings.sampler.records_unsampled = settings.standard_metrics || (settings.otlp && settings.otlp_sampling == OtlpSampling::kAll);
}

void ReadMetrics(const Options& options, const SettingReader& reader, Settings& settings) {
  if (options.metric_interval && options.metric_interval->count() > 0) {
    settings.metric_interval = *options.metric_interval;
  } else if (options.metric_interval) {
    reader.Warn("Options::metric_interval", "is not positive; 60 s is used");
  } else if (const auto milliseconds = reader.Number("OTEL_METRIC_EXPORT_INTERVAL")) {
    settings.metric_interval = std::chrono::milliseconds(static_cast<std::int64_t>(*milliseconds));
  }
  const bool is_azure_otlp = settings.otlp && settings.otlp->Of(deliver::OtlpSignal::kMetrics) && settings.otlp->Of(deliver::OtlpSignal::kMetrics)->is_azure;
  if (is_azure_otlp) {
    // What the charts and queries of Application Insights expect (OTLP ingestion spec section 6).
    settings.otlp_temporality = capture::Temporality::kDelta;
    settings.notes.emplace_back(std::string("histograms go to Azure Monitor with explicit buckets, since opentelemetry-cpp ") + OPENTELEMETRY_SDK_VERSION +
                                " has no exponential ones");
  }
  constexpr std::array kTemporalities{capture::Temporality::kCumulative, capture::Temporality::kDelta, capture::Temporality::kLowMemory};
  if (const auto choice = reader.Choice("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")) settings.otlp_temporality = kTemporalities[*choice];
  if (reader.Choice("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION") == 1) {
    reader.Warn("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                std::string("asks for exponential histograms, which opentelemetry-cpp ") + OPENTELEMETRY_SDK_VERSION +
                    " does not have; explicit_bucket_histogram is used");
  }
}

void ReadPropagators(const SettingReader& reader, Settings& settings) {
  settings.propagators = {Propagator::kTraceContext, Propagator::kBaggage};
  const auto text = reader.Text("OTEL_PROPAGATORS");
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
      reader.Warn("OTEL_PROPAGATORS", "has an entry that is none of tracecontext, baggage, b3, b3multi, jaeger, none; it is left out");
    }
  }
}

/// A directory that was chosen counts alone: if it cannot be used, the journal says so, and nothing appears where nobody looks.
void ReadStorage(const Options& options, const SettingReader& reader, Settings& settings) {
  if (const auto chosen = reader.Text("AZMON_RING_DIRECTORY")) {
    settings.ring_directories = {*chosen};
  } else {
    settings.ring_directories = {"/dev/shm"};
    if (const auto runtime = reader.Text("XDG_RUNTIME_DIR")) settings.ring_directories.push_back(*runtime);
  }
  if (options.disable_offline_storage) return;
  const auto chosen = options.storage_directory ? options.storage_directory : reader.Text("AZMON_STORAGE_DIRECTORY");
  if (chosen) {
    settings.storage_directories = {*chosen};
    return;
  }
  for (const auto& directory : {reader.Text("XDG_STATE_HOME"), reader.Text("TMPDIR")}) {
    if (directory) settings.storage_directories.push_back(*directory);
  }
  settings.storage_directories.insert(settings.storage_directories.end(), {"/var/tmp", "/tmp"});
}

}  // namespace

Settings ReadSettings(const Options& options, const Environment& environment, const resource::Host& host, bool has_terminal) {
  Settings settings;
  const SettingReader reader(environment, settings.problems);
  settings.sdk_disabled = reader.IsTrue("OTEL_SDK_DISABLED");
  if (settings.sdk_disabled) {
    settings.notes.emplace_back("off, because OTEL_SDK_DISABLED is true");
    return settings;
  }
  settings.traces = ReadExporters(reader, "OTEL_TRACES_EXPORTER", settings);
  settings.logs = ReadExporters(reader, "OTEL_LOGS_EXPORTER", settings);
  settings.metrics = ReadExporters(reader, "OTEL_METRICS_EXPORTER", settings);
  ReadAzure(options, environment, reader, host, settings);
  ReadOtlp(options, environment, reader, settings);
  ReadConsole(options, reader, has_terminal, settings);
  ReadSampling(options, reader, settings);
  ReadPropagators(reader, settings);
  ReadMetrics(options, reader, settings);
  ReadStorage(options, reader, settings);
  settings.resource = resource::Detect(host, environment, options.resource, settings.problems);
  if (options.export_interval && options.export_interval->count() <= 0) {
    settings.problems.push_back({.severity = Severity::kWarning, .setting = "Options::export_interval", .text = "is not positive; 1 s is used"});
  }
  if (!settings.azure && !settings.otlp && !settings.HasConsole()) {
    const bool has_error = std::ranges::any_of(settings.problems, [](const Problem& problem) { return problem.severity == Severity::kError; });
    // An unusable destination has been reported already.
    if (!has_error) {
      settings.problems.push_back({.severity = Severity::kError,
                                   .setting = kConnectionStringVariable,
                                   .text = "is not set and no OTLP endpoint either, so telemetry goes nowhere; set it, or OTLP_EXPORT_ENDPOINT, or AZMON_CONSOLE=on to see it"});
    }
  }
  return settings;
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
