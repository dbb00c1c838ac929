// SPDX-License-Identifier: MIT
// Every option and variable of the library, one row each: what docs/reference/settings.md is printed from and what the settings are read by.
//
// A variable that is not here cannot be read by `distro`; for the other modules a test compares their sources with these rows.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace azmon::base {

enum class SettingForm : std::uint8_t {
  kText,
  kFlag,      ///< `true` in any case; everything else is false
  kChoice,    ///< one of `values`, separated by '|', in any case
  kNumber,    ///< from `min` to `max`
  kPresence,  ///< set at all, whatever the value
};

/// Where a variable comes from; the page has a section for each.
enum class SettingGroup : std::uint8_t { kAzureMonitor, kOtlp, kOpenTelemetry, kAzmon, kIdentity, kNetwork, kPlatform };

struct SettingRow {
  SettingGroup group;
  std::string_view variable;  ///< may be empty: an option alone
  std::string_view option;    ///< field of azmon::Options, may be empty; goes before the variable
  SettingForm form = SettingForm::kText;
  std::string_view values;    ///< choices, or in words what it may be
  std::string_view fallback;  ///< the default
  std::string_view meaning;
  bool is_secret = false;     ///< its value is in no log line and no problem
  double min = 0;
  double max = 0;
};

// clang-format off
inline constexpr std::array kSettings{
  SettingRow{SettingGroup::kAzureMonitor, "APPLICATIONINSIGHTS_CONNECTION_STRING", "connection_string", SettingForm::kText, "`InstrumentationKey=…;IngestionEndpoint=…;…`", "no such destination", "the Application Insights resource; the option wins as a whole", true},
  SettingRow{SettingGroup::kAzureMonitor, "APPINSIGHTS_INSTRUMENTATIONKEY", "", SettingForm::kPresence, "", "", "not read: a bare key has no endpoint, and a problem says so", true},
  SettingRow{SettingGroup::kAzureMonitor, "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "credential", SettingForm::kText, "`Authorization=AAD[;ClientId=…]`", "the key alone", "the identity that may write to the resource"},
  SettingRow{SettingGroup::kAzureMonitor, "APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "", SettingForm::kFlag, "", "false", "no statistics of the exporter in the resource"},
  SettingRow{SettingGroup::kAzureMonitor, "APPLICATIONINSIGHTS_SDKSTATS_EXPORT_INTERVAL", "", SettingForm::kText, "seconds, from 60 to 86400", "900", "how often they are sent"},
  SettingRow{SettingGroup::kAzureMonitor, "AZMON_AZURE_INGESTION", "", SettingForm::kText, "`classic`, `otlp`, `both`", "what is configured", "which of Azure's two ingestions is used"},
  SettingRow{SettingGroup::kAzureMonitor, "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED", "", SettingForm::kFlag, "", "false", "no `_OTELRESOURCE_` metric at the head of batches"},
  SettingRow{SettingGroup::kAzureMonitor, "APPLICATIONINSIGHTS_METRIC_NAMESPACE_OPT_IN", "", SettingForm::kFlag, "", "false", "the meter's name becomes the namespace of a metric"},
  SettingRow{SettingGroup::kAzureMonitor, "APPLICATION_INSIGHTS_NO_STANDARD_METRICS", "enable_standard_metrics", SettingForm::kPresence, "", "standard metrics are on", "no standard metrics"},
  SettingRow{SettingGroup::kOtlp, "OTLP_EXPORT_ENDPOINT", "otlp.endpoint", SettingForm::kText, "URL", "no such destination", "the OTLP endpoint of every signal; goes before the OTEL_EXPORTER_OTLP_ variables; gRPC unless port or protocol say otherwise"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp.endpoint", SettingForm::kText, "URL", "no such destination", "the OTLP endpoint of every signal; with HTTP `/v1/traces` and its like are appended"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "otlp.traces_endpoint", SettingForm::kText, "URL", "", "of spans alone, taken as it is"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "otlp.logs_endpoint", SettingForm::kText, "URL", "", "of log records alone"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "otlp.metrics_endpoint", SettingForm::kText, "URL", "", "of metrics alone"},
  SettingRow{SettingGroup::kOtlp, "", "otlp.enabled", SettingForm::kFlag, "", "by the endpoint", "false: no OTLP destination, whatever the environment says"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_PROTOCOL", "otlp.protocol", SettingForm::kText, "`grpc`, `http/protobuf`", "by the port", "and `OTEL_EXPORTER_OTLP_{TRACES,LOGS,METRICS}_PROTOCOL`"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_HEADERS", "otlp.headers", SettingForm::kText, "`key=value,…`, percent-encoded", "none", "headers of each request; and of one signal, as above", true},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_TIMEOUT", "otlp.timeout", SettingForm::kText, "milliseconds", "10000", "one request; and of one signal"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_COMPRESSION", "", SettingForm::kText, "`gzip`, `none`", "none", "of bodies; and of one signal"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_INSECURE", "", SettingForm::kText, "`true`, `false`", "by the URL", "gRPC without TLS where the endpoint has no scheme; and of one signal"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_CERTIFICATE", "", SettingForm::kText, "file", "the system's", "CA certificates, PEM; and of one signal"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "", SettingForm::kText, "file", "none", "certificate of the client, PEM; and of one signal"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_CLIENT_KEY", "", SettingForm::kText, "file", "none", "its key, PEM; and of one signal"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "", SettingForm::kChoice, "cumulative|delta|lowmemory", "cumulative", "what metrics for OTLP are relative to; Application Insights always gets deltas"},
  SettingRow{SettingGroup::kOtlp, "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "", SettingForm::kChoice, "explicit_bucket_histogram|base2_exponential_bucket_histogram", "explicit_bucket_histogram", "the other one where opentelemetry-cpp has it"},
  SettingRow{SettingGroup::kOtlp, "AZMON_OTLP_SAMPLING", "otlp.sampling", SettingForm::kChoice, "same|all", "same", "which spans OTLP gets: those that the sampler keeps, or every one"},
  SettingRow{SettingGroup::kOtlp, "AZMON_OTLP_AZURE", "otlp.azure", SettingForm::kText, "`auto`, `on`, `off`", "auto", "whether the endpoint is Azure Monitor's own OTLP ingestion; auto: by its URL"},
  SettingRow{SettingGroup::kOtlp, "", "otlp.credential", SettingForm::kText, "", "`credential`, else what the environment configures", "the identity for it"},
  SettingRow{SettingGroup::kOtlp, "OTEL_ENDPOINT_NODE_IP", "", SettingForm::kText, "address", "", "set by AKS's add-on: its injected traces and logs endpoints are left out beside a connection string"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_SDK_DISABLED", "", SettingForm::kFlag, "", "false", "the distro does nothing"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_SERVICE_NAME", "resource", SettingForm::kText, "", "`unknown_service:` and the program's name", "the attribute `service.name`, from which the cloud role comes"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_RESOURCE_ATTRIBUTES", "resource", SettingForm::kText, "`key=value,…`, percent-encoded", "none", "attributes of the resource; OTEL_SERVICE_NAME goes before them"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_TRACES_SAMPLER", "traces_per_second", SettingForm::kText, "`always_on`, `always_off`, `traceidratio`, their `parentbased_` forms, `microsoft.fixed_percentage`, `microsoft.rate_limited`", "5 traces a second with a connection string, else every trace", "the sampler; the options traces_per_second and sampling_ratio go before it"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_TRACES_SAMPLER_ARG", "sampling_ratio", SettingForm::kText, "0 to 1, or traces a second", "1, or 5", "the sampler's argument"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_TRACES_EXPORTER", "", SettingForm::kText, "`otlp`, `console`, `none`", "by the destinations", "`none`: no spans; `console`: shown on standard error as well"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_LOGS_EXPORTER", "", SettingForm::kText, "`otlp`, `console`, `none`", "by the destinations", "alike for log records"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_METRICS_EXPORTER", "", SettingForm::kText, "`otlp`, `console`, `none`", "by the destinations", "alike for metrics"},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_METRIC_EXPORT_INTERVAL", "metric_interval", SettingForm::kNumber, "milliseconds", "60000", "how often metrics are collected", false, 1, 24.0 * 3600 * 1000},
  SettingRow{SettingGroup::kOpenTelemetry, "OTEL_PROPAGATORS", "", SettingForm::kText, "`tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, `none`", "`tracecontext,baggage`", "how context travels between processes"},
  SettingRow{SettingGroup::kAzmon, "AZMON_CONSOLE", "console", SettingForm::kChoice, "off|on|auto", "off", "one line an item on standard error; auto: when there is no other destination and it is a terminal"},
  SettingRow{SettingGroup::kAzmon, "AZMON_LOG", "on_log", SettingForm::kChoice, "off|error|warn|info|debug", "warn", "the library's own log, at most a line a second, on standard error or to the callback"},
  SettingRow{SettingGroup::kAzmon, "", "on_health", SettingForm::kText, "function", "none", "called when records were given up, at most once a second"},
  SettingRow{SettingGroup::kAzmon, "", "log_severity_min", SettingForm::kNumber, "OpenTelemetry's numbers", "0", "log records below are ignored before any work", false, 0, 24},
  SettingRow{SettingGroup::kAzmon, "", "enable_trace_based_log_sampling", SettingForm::kFlag, "", "false", "log records of spans that were not sampled are not kept"},
  SettingRow{SettingGroup::kAzmon, "", "export_interval", SettingForm::kNumber, "milliseconds", "1000", "a batch leaves when it is full or after this time"},
  SettingRow{SettingGroup::kAzmon, "", "shutdown_timeout", SettingForm::kNumber, "milliseconds", "5000", "how long the destructor may try to send what is left"},
  SettingRow{SettingGroup::kAzmon, "", "storage_bytes_max", SettingForm::kNumber, "bytes", "52428800", "telemetry that waits; above it the oldest is dropped and counted"},
  SettingRow{SettingGroup::kAzmon, "AZMON_RING_DIRECTORY", "", SettingForm::kText, "directory on a tmpfs", "`/dev/shm`, then XDG_RUNTIME_DIR", "where rings and hot segments lie"},
  SettingRow{SettingGroup::kAzmon, "AZMON_STORAGE_DIRECTORY", "storage_directory", SettingForm::kText, "directory", "the first usable of XDG_STATE_HOME, TMPDIR, /var/tmp, /tmp", "where telemetry waits for a destination that has fallen behind"},
  SettingRow{SettingGroup::kAzmon, "", "disable_offline_storage", SettingForm::kFlag, "", "false", "nothing is written to a disk"},
  SettingRow{SettingGroup::kAzmon, "", "globals", SettingForm::kChoice, "kSetIfUnset|kReplace|kLeave", "kSetIfUnset", "what becomes of the process's providers and propagator"},
  SettingRow{SettingGroup::kAzmon, "", "pipeline", SettingForm::kChoice, "kSdk", "kSdk", "how spans are captured"},
  SettingRow{SettingGroup::kIdentity, "AZURE_CLIENT_ID", "", SettingForm::kText, "GUID", "", "user-assigned identity, or the application of the two below"},
  SettingRow{SettingGroup::kIdentity, "AZURE_TENANT_ID", "", SettingForm::kText, "GUID or domain", "", "tenant"},
  SettingRow{SettingGroup::kIdentity, "AZURE_CLIENT_SECRET", "", SettingForm::kText, "", "", "of an application", true},
  SettingRow{SettingGroup::kIdentity, "AZURE_FEDERATED_TOKEN_FILE", "", SettingForm::kText, "file", "", "workload identity"},
  SettingRow{SettingGroup::kIdentity, "AZURE_AUTHORITY_HOST", "", SettingForm::kText, "https URL", "https://login.microsoftonline.com", "where Entra is asked"},
  SettingRow{SettingGroup::kIdentity, "AZURE_TOKEN_CREDENTIALS", "", SettingForm::kText, "names of Azure Identity", "the first that is configured", "narrows the chain of credentials"},
  SettingRow{SettingGroup::kIdentity, "AZURE_POD_IDENTITY_AUTHORITY_HOST", "", SettingForm::kText, "http URL", "http://169.254.169.254", "the metadata service of virtual machines"},
  SettingRow{SettingGroup::kIdentity, "IDENTITY_ENDPOINT", "", SettingForm::kText, "URL", "", "set by Container Apps and App Service"},
  SettingRow{SettingGroup::kIdentity, "IDENTITY_HEADER", "", SettingForm::kText, "", "", "likewise", true},
  SettingRow{SettingGroup::kIdentity, "IMDS_ENDPOINT", "", SettingForm::kPresence, "", "", "set by Azure Arc, whose identities are not supported"},
  SettingRow{SettingGroup::kNetwork, "HTTPS_PROXY", "", SettingForm::kText, "URL", "none", "proxy for https, `https_proxy` first; never for this machine", true},
  SettingRow{SettingGroup::kNetwork, "https_proxy", "", SettingForm::kText, "URL", "none", "goes before HTTPS_PROXY", true},
  SettingRow{SettingGroup::kNetwork, "HTTP_PROXY", "", SettingForm::kText, "URL", "none", "proxy for http; not read in a CGI program", true},
  SettingRow{SettingGroup::kNetwork, "http_proxy", "", SettingForm::kText, "URL", "none", "goes before HTTP_PROXY", true},
  SettingRow{SettingGroup::kNetwork, "NO_PROXY", "", SettingForm::kText, "hosts and domains, `,` between", "none", "asked without a proxy"},
  SettingRow{SettingGroup::kNetwork, "no_proxy", "", SettingForm::kText, "alike", "none", "goes before NO_PROXY"},
  SettingRow{SettingGroup::kNetwork, "SSL_CERT_FILE", "", SettingForm::kText, "file", "the system's", "CA certificates, PEM"},
  SettingRow{SettingGroup::kNetwork, "REQUEST_METHOD", "", SettingForm::kPresence, "", "", "tells a CGI program, where HTTP_PROXY is a header of the request"},
  SettingRow{SettingGroup::kPlatform, "CONTAINER_APP_NAME", "", SettingForm::kText, "", "", "Container Apps: service.name"},
  SettingRow{SettingGroup::kPlatform, "CONTAINER_APP_JOB_NAME", "", SettingForm::kText, "", "", "Container Apps jobs: service.name"},
  SettingRow{SettingGroup::kPlatform, "CONTAINER_APP_JOB_EXECUTION_NAME", "", SettingForm::kText, "", "", "service.version, service.instance.id"},
  SettingRow{SettingGroup::kPlatform, "CONTAINER_APP_REPLICA_NAME", "", SettingForm::kText, "", "", "service.instance.id"},
  SettingRow{SettingGroup::kPlatform, "CONTAINER_APP_REVISION", "", SettingForm::kText, "", "", "service.version"},
  SettingRow{SettingGroup::kPlatform, "CONTAINER_APP_HOSTNAME", "", SettingForm::kText, "", "", "host.name"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_SITE_NAME", "", SettingForm::kText, "", "", "App Service, Functions: service.name"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_INSTANCE_ID", "", SettingForm::kText, "", "", "service.instance.id"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_SLOT_NAME", "", SettingForm::kText, "", "", "deployment.environment.name"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_HOSTNAME", "", SettingForm::kText, "", "", "host.id"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_HOME_STAMPNAME", "", SettingForm::kText, "", "", "azure.app.service.stamp"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_OWNER_NAME", "", SettingForm::kText, "", "", "cloud.resource_id: the subscription"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_RESOURCE_GROUP", "", SettingForm::kText, "", "", "cloud.resource_id: the resource group"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_SKU", "", SettingForm::kText, "", "", "`FlexConsumption`: Functions"},
  SettingRow{SettingGroup::kPlatform, "WEBSITE_MEMORY_LIMIT_MB", "", SettingForm::kText, "", "", "faas.max_memory"},
  SettingRow{SettingGroup::kPlatform, "REGION_NAME", "", SettingForm::kText, "", "", "cloud.region"},
  SettingRow{SettingGroup::kPlatform, "FUNCTIONS_EXTENSION_VERSION", "", SettingForm::kPresence, "", "", "Functions"},
  SettingRow{SettingGroup::kPlatform, "FUNCTIONS_WORKER_RUNTIME", "", SettingForm::kPresence, "", "", "Functions"},
  SettingRow{SettingGroup::kPlatform, "AKS_ARM_NAMESPACE_ID", "", SettingForm::kPresence, "", "", "AKS"},
  SettingRow{SettingGroup::kPlatform, "CLUSTER_RESOURCE_ID", "", SettingForm::kText, "", "", "AKS: cloud.resource_id, k8s.cluster.name"},
  SettingRow{SettingGroup::kPlatform, "KUBERNETES_SERVICE_HOST", "", SettingForm::kPresence, "", "", "Kubernetes: k8s.pod.name from HOSTNAME"},
  SettingRow{SettingGroup::kPlatform, "XDG_RUNTIME_DIR", "", SettingForm::kText, "directory", "", "candidate for AZMON_RING_DIRECTORY"},
  SettingRow{SettingGroup::kPlatform, "XDG_STATE_HOME", "", SettingForm::kText, "directory", "", "candidate for AZMON_STORAGE_DIRECTORY"},
  SettingRow{SettingGroup::kPlatform, "TMPDIR", "", SettingForm::kText, "directory", "", "likewise"},
  SettingRow{SettingGroup::kPlatform, "HOSTNAME", "", SettingForm::kText, "", "", "Kubernetes: k8s.pod.name"},
};
// clang-format on

constexpr const SettingRow* FindSetting(std::string_view variable) {
  for (const SettingRow& row : kSettings) {
    if (!variable.empty() && row.variable == variable) return &row;
  }
  return nullptr;
}

/// A variable of the registry: another name does not compile.
class SettingName {
 public:
  consteval SettingName(const char* variable) : row_(FindSetting(variable)) {  // NOLINT: converts on purpose
    if (row_ == nullptr) throw "no such setting in kSettings";
  }
  constexpr const SettingRow& Row() const { return *row_; }

 private:
  const SettingRow* row_;
};

/// docs/reference/settings.md.
std::string SettingsPage();

}  // namespace azmon::base
