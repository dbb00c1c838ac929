// SPDX-License-Identifier: MIT
#include "deliver/otlp_settings.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "base/text.h"
#include "transport/url.h"

namespace azmon::deliver {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeoutDefault{10000};
constexpr milliseconds kTimeoutMax{3600 * 1000};

struct SignalNames {
  std::string_view name;         ///< in texts and in the path of HTTP
  std::string_view variable;     ///< in OTEL_EXPORTER_OTLP_<VARIABLE>_ENDPOINT and its like
  std::string_view grpc_path;
};
constexpr std::array<SignalNames, kOtlpSignals> kSignals = {{
    {"traces", "TRACES", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
    {"logs", "LOGS", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"},
    {"metrics", "METRICS", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"},
}};

/// Headers that frame the request: a value from outside would break it.
constexpr std::array<std::string_view, 8> kFramingHeaders = {"content-type", "content-length", "content-encoding", "transfer-encoding",
                                                             "te",           "connection",     "expect",           "grpc-timeout"};

constexpr std::array<std::string_view, 3> kAzureClouds = {".monitor.azure.com", ".monitor.azure.us", ".monitor.azure.cn"};

/// A URL of Azure Monitor's own OTLP ingestion: `https://*.ingest.monitor.azure.com/dataCollectionRules/…/streams/…/otlp/v1/{signal}`.
/// Source: OTLP ingestion spec sections 3 and 7; case is ignored, since both spellings are seen.
bool IsAzureIngestion(const transport::Url& url) {
  const bool is_host = std::ranges::any_of(kAzureClouds, [&](std::string_view cloud) { return url.host.ends_with(".ingest" + std::string(cloud)); });
  const std::string lower = base::ToLower(url.path.substr(0, url.path.find('?')));
  const auto pieces = base::Split(lower, '/');
  return is_host && pieces.size() == 8 && pieces[1] == "datacollectionrules" && pieces[3] == "streams" && pieces[5] == "otlp" && pieces[6] == "v1" &&
         std::ranges::any_of(kSignals, [&](const SignalNames& names) { return pieces[7] == names.name; });
}

/// RFC 9110 section 5.6.2, "token".
bool IsTokenCharacter(char c) {
  return base::IsAlpha(c) || base::IsDigit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsHeaderName(std::string_view name) { return !name.empty() && std::ranges::all_of(name, IsTokenCharacter); }
bool IsHeaderValue(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c == '\t' || (c >= ' ' && c != 0x7F) || static_cast<unsigned char>(c) >= 0x80; });
}

/// An endpoint that somebody asked for, before it is checked.
struct Wanted {
  std::string text;
  std::string setting;
  bool is_base = true;           ///< for all signals: over HTTP the signal's path is appended
  bool is_grpc_by_default = false;
  bool is_injected = false;
};

class Reader {
 public:
  Reader(const OtlpOptions& options, const base::Environment& environment, bool has_connection_string)
      : options_(options), environment_(environment), has_connection_string_(has_connection_string) {}

  OtlpSettingsReport Read() {
    if (options_.enabled == false) {
      Log("OTLP is switched off by Options::otlp.enabled");
      return std::move(report_);
    }
    const auto wanted = Choose();
    OtlpSettings settings;
    bool has_any = false;
    for (std::size_t i = 0; i < kOtlpSignals; ++i) {
      if (!wanted[i]) continue;
      settings.endpoints[i] = Check(static_cast<OtlpSignal>(i), *wanted[i]);
      has_any |= settings.endpoints[i].has_value();
    }
    ReportMissingAzureUrls(settings);
    if (has_any) {
      LogEndpoints(settings, wanted);
      report_.value = std::move(settings);
    } else if (options_.enabled == true && report_.problems.empty()) {
      Problem(Severity::kWarning, "Options::otlp.enabled", "OTLP is asked for, but no endpoint is set: set Options::otlp.endpoint or OTLP_EXPORT_ENDPOINT");
    }
    return std::move(report_);
  }

 private:
  using WantedBySignal = std::array<std::optional<Wanted>, kOtlpSignals>;

  static std::string Variable(OtlpSignal signal, std::string_view suffix) {
    return "OTEL_EXPORTER_OTLP_" + std::string(kSignals[static_cast<std::size_t>(signal)].variable) + "_" + std::string(suffix);
  }
  static std::string Variable(std::string_view suffix) { return "OTEL_EXPORTER_OTLP_" + std::string(suffix); }

  /// The signal's own variable, else the general one, with the name of the one that was found.
  struct Found {
    std::string text;
    std::string setting;
  };
  std::optional<Found> Lookup(OtlpSignal signal, std::string_view suffix) const {
    for (const std::string& name : {Variable(signal, suffix), Variable(suffix)}) {
      if (auto text = environment_.Get(name)) return Found{.text = std::move(*text), .setting = name};
    }
    return std::nullopt;
  }

  /// Contract section 5: the first source that has an endpoint is used alone.
  WantedBySignal Choose() {
    WantedBySignal wanted;
    const auto own = environment_.Get("OTLP_EXPORT_ENDPOINT");
    const std::array<std::pair<const std::optional<std::string>&, const char*>, kOtlpSignals> own_options{{
        {options_.traces_endpoint, "Options::otlp.traces_endpoint"},
        {options_.logs_endpoint, "Options::otlp.logs_endpoint"},
        {options_.metrics_endpoint, "Options::otlp.metrics_endpoint"},
    }};
    const bool has_own_option = std::ranges::any_of(own_options, [](const auto& option) { return option.first.has_value(); });
    if (options_.endpoint || has_own_option) {
      if (options_.endpoint) wanted.fill(Wanted{.text = std::string(base::Trim(*options_.endpoint)), .setting = "Options::otlp.endpoint"});
      for (std::size_t i = 0; i < kOtlpSignals; ++i) {
        const auto& [option, name] = own_options[i];
        if (option) wanted[i] = Wanted{.text = std::string(base::Trim(*option)), .setting = name, .is_base = false};
      }
      return wanted;
    }
    WantedBySignal signals;
    bool has_signal = false;
    for (std::size_t i = 0; i < kOtlpSignals; ++i) {
      signals[i] = FromEnvironment(static_cast<OtlpSignal>(i), own.has_value());
      has_signal |= signals[i].has_value();
    }
    std::optional<Wanted> base = FromEnvironment(std::nullopt, own.has_value());
    if (own) {
      for (const auto& signal : signals) {
        const auto url = signal ? transport::ParseUrl(signal->text) : std::nullopt;
        if (url && IsAzureIngestion(*url)) {
          Once(Severity::kWarning, "OTLP_EXPORT_ENDPOINT", "is set, so the URLs of Azure Monitor's OTLP ingestion in OTEL_EXPORTER_OTLP_*_ENDPOINT are not used");
        }
      }
      wanted.fill(Wanted{.text = *own, .setting = "OTLP_EXPORT_ENDPOINT", .is_grpc_by_default = true});
      return wanted;
    }
    if (has_signal) return signals;
    if (base) wanted.fill(base);
    return wanted;
  }

  /// @param signal  absent: the variable for all
  std::optional<Wanted> FromEnvironment(std::optional<OtlpSignal> signal, bool has_own_endpoint) {
    std::string name = signal ? Variable(*signal, "ENDPOINT") : Variable("ENDPOINT");
    auto text = environment_.Get(name);
    if (!text) return std::nullopt;
    const auto url = transport::ParseUrl(*text);
    Wanted wanted{.text = std::move(*text), .setting = std::move(name), .is_base = !signal};
    if (!url) return wanted;
    // Azure Container Apps' managed agent: it forwards to the destinations of the environment, among them Application Insights.
    const auto labels = base::Split(url->host, '.');
    if (std::ranges::find(labels, "k8se-apps") != labels.end()) {
      wanted.is_injected = true;
      if (has_connection_string_ || has_own_endpoint) {
        Log(wanted.setting + " names the Container Apps agent and is not used, because " +
            (has_own_endpoint ? "OTLP_EXPORT_ENDPOINT" : "a connection string") + " is set: telemetry would arrive twice");
        return std::nullopt;
      }
    }
    // The add-on of Azure Kubernetes Service: it forwards to the same Application Insights resource.
    if (const auto node = environment_.Get("OTEL_ENDPOINT_NODE_IP"); signal && node && base::EqualsIgnoreCase(*node, url->host)) {
      wanted.is_injected = true;
      if (has_connection_string_ && *signal != OtlpSignal::kMetrics) {
        Log(wanted.setting + " names the AKS add-on and is not used, because a connection string is set: telemetry would arrive twice");
        return std::nullopt;
      }
    }
    return wanted;
  }

  std::optional<OtlpEndpoint> Check(OtlpSignal signal, const Wanted& wanted) {
    const SignalNames& names = kSignals[static_cast<std::size_t>(signal)];
    const bool has_scheme = wanted.text.find("://") != std::string::npos;
    auto url = transport::ParseUrl(has_scheme ? wanted.text : "https://" + wanted.text);
    if (!url || !url->userinfo.empty()) {
      Once(Severity::kError, wanted.setting,
           url ? "must not hold a user or password; use OTEL_EXPORTER_OTLP_HEADERS" : "is no URL; write http://HOST:PORT or https://HOST:PORT");
      return std::nullopt;
    }
    OtlpEndpoint endpoint;
    endpoint.is_azure = IsAzure(*url);
    if (endpoint.is_azure && wanted.is_base) {
      Once(Severity::kError, wanted.setting,
           "is for all signals, but Azure Monitor's OTLP ingestion has a URL for each: set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, _LOGS_ENDPOINT and "
           "_METRICS_ENDPOINT");
      return std::nullopt;
    }
    endpoint.protocol = endpoint.is_azure ? AzureProtocol(signal) : ProtocolOf(signal, *url, wanted.is_grpc_by_default);
    if (!has_scheme) {
      if (endpoint.protocol != OtlpProtocol::kGrpc) {
        Once(Severity::kError, wanted.setting, "has no scheme; write http://HOST:PORT or https://HOST:PORT");
        return std::nullopt;
      }
      const auto insecure = Lookup(signal, "INSECURE");
      if (insecure && base::EqualsIgnoreCase(insecure->text, "true")) {
        url = transport::ParseUrl("http://" + wanted.text);
        if (!url) return std::nullopt;  // what parses as https parses as http
      }
    }
    std::string path = url->path;
    if (endpoint.protocol == OtlpProtocol::kGrpc) {
      if (!path.empty() && path != "/") Once(Severity::kWarning, wanted.setting, "has a path, which OTLP/gRPC does not use");
      path = names.grpc_path;
    } else if (wanted.is_base) {
      std::string query;
      if (const std::size_t mark = path.find('?'); mark != std::string::npos) {
        query = path.substr(mark);
        path.resize(mark);
      }
      while (path.ends_with('/')) path.pop_back();
      const std::string suffix = "/v1/" + std::string(names.name);
      for (const SignalNames& other : kSignals) {
        const std::string written = "/v1/" + std::string(other.name);
        if (!path.ends_with(written)) continue;
        Once(Severity::kWarning, wanted.setting, "is for all signals; leave out " + written + " at its end, it is added for each signal");
        path.resize(path.size() - written.size());
        break;
      }
      path += suffix + query;
    } else if (path.empty()) {
      path = "/";
    }
    endpoint.url = url->Origin() + path;
    endpoint.headers = HeadersOf(signal);
    endpoint.timeout = TimeoutOf(signal, endpoint.is_azure ? limits::kOtlpAzureTimeout : kTimeoutDefault);
    endpoint.gzip = endpoint.is_azure || GzipOf(signal, *url, wanted);
    for (const auto& [suffix, file] : {std::pair("CERTIFICATE", &endpoint.tls.ca_file), std::pair("CLIENT_CERTIFICATE", &endpoint.tls.client_certificate_file),
                                       std::pair("CLIENT_KEY", &endpoint.tls.client_key_file)}) {
      if (auto found = Lookup(signal, suffix)) *file = std::move(found->text);
    }
    return endpoint;
  }

  OtlpProtocol ProtocolOf(OtlpSignal signal, const transport::Url& url, bool is_grpc_by_default) {
    if (options_.protocol) return *options_.protocol;
    if (const auto found = Lookup(signal, "PROTOCOL")) {
      if (base::EqualsIgnoreCase(found->text, "grpc")) return OtlpProtocol::kGrpc;
      if (base::EqualsIgnoreCase(found->text, "http/protobuf")) return OtlpProtocol::kHttpProtobuf;
      if (base::EqualsIgnoreCase(found->text, "http/json")) {
        Once(Severity::kWarning, found->setting, "http/json is not supported; http/protobuf is used, which the same endpoints take");
        return OtlpProtocol::kHttpProtobuf;
      }
      Once(Severity::kError, found->setting, "is neither grpc nor http/protobuf and is not used");
    }
    // 4317 and 4318 are OTLP's ports, 4319 and 4320 those of a collector beside azmon-local.
    if (url.port == 4317 || url.port == 4319) return OtlpProtocol::kGrpc;
    if (url.port == 4318 || url.port == 4320) return OtlpProtocol::kHttpProtobuf;
    return is_grpc_by_default ? OtlpProtocol::kGrpc : OtlpProtocol::kHttpProtobuf;
  }

  std::vector<std::pair<std::string, std::string>> HeadersOf(OtlpSignal signal) {
    std::map<std::string, std::string> headers;
    for (const std::string& variable : {Variable("HEADERS"), Variable(signal, "HEADERS")}) {
      const auto text = environment_.Get(variable);
      if (!text) continue;
      std::size_t index = 0;
      for (const std::string_view piece : base::Split(*text, ',')) {
        ++index;
        const std::string_view entry = base::Trim(piece);
        if (entry.empty()) continue;
        const std::size_t equals = entry.find('=');
        const auto name = base::PercentDecode(base::Trim(entry.substr(0, equals)));
        const auto value = equals == std::string_view::npos ? std::nullopt : base::PercentDecode(base::Trim(entry.substr(equals + 1)));
        if (!name || !value) {
          Once(Severity::kError, variable, "entry " + std::to_string(index) + " is not name=value with percent-encoding, and is not used");
          continue;
        }
        AddHeader(variable, "entry " + std::to_string(index), *name, *value, headers);
      }
    }
    for (const auto& [name, value] : options_.headers) AddHeader("Options::otlp.headers", "'" + name + "'", name, value, headers);
    return {headers.begin(), headers.end()};
  }

  void AddHeader(const std::string& setting, const std::string& which, std::string_view name, std::string_view value,
                 std::map<std::string, std::string>& headers) {
    std::string lower = base::ToLower(name);
    if (!IsHeaderName(name) || !IsHeaderValue(value)) {
      Once(Severity::kError, setting, (IsHeaderName(name) ? which : std::string("a header")) + " holds characters that HTTP does not allow, and is not used");
      return;
    }
    if (std::ranges::find(kFramingHeaders, lower) != kFramingHeaders.end()) {
      Once(Severity::kWarning, setting, lower + " is set by the exporter itself and is not used");
      return;
    }
    headers[std::move(lower)] = value;
  }

  bool IsAzure(const transport::Url& url) {
    OtlpAzure mode = options_.azure.value_or(OtlpAzure::kAuto);
    if (const auto text = environment_.Get("AZMON_OTLP_AZURE"); text && !options_.azure) {
      if (base::EqualsIgnoreCase(*text, "on")) {
        mode = OtlpAzure::kOn;
      } else if (base::EqualsIgnoreCase(*text, "off")) {
        mode = OtlpAzure::kOff;
      } else if (!base::EqualsIgnoreCase(*text, "auto")) {
        Once(Severity::kWarning, "AZMON_OTLP_AZURE", "is none of auto, on, off; auto is used");
      }
    }
    return mode == OtlpAzure::kOn || (mode == OtlpAzure::kAuto && IsAzureIngestion(url));
  }

  /// It takes nothing but protobuf over HTTP.
  OtlpProtocol AzureProtocol(OtlpSignal signal) {
    const auto found = Lookup(signal, "PROTOCOL");
    if (options_.protocol == OtlpProtocol::kGrpc) {
      Once(Severity::kWarning, "Options::otlp.protocol", "is kGrpc, which Azure Monitor's OTLP ingestion does not speak; http/protobuf is used");
    } else if (!options_.protocol && found && !base::EqualsIgnoreCase(found->text, "http/protobuf")) {
      Once(Severity::kWarning, found->setting, "is not what Azure Monitor's OTLP ingestion speaks; http/protobuf is used");
    }
    return OtlpProtocol::kHttpProtobuf;
  }

  void ReportMissingAzureUrls(const OtlpSettings& settings) {
    const auto count = std::ranges::count_if(settings.endpoints, [](const auto& endpoint) { return endpoint.has_value(); });
    if (!settings.HasAzure() || count != 1) return;
    std::string missing;
    for (std::size_t i = 0; i < kOtlpSignals; ++i) {
      if (!settings.endpoints[i]) missing.append(missing.empty() ? "" : " and ").append(Variable(static_cast<OtlpSignal>(i), "ENDPOINT"));
    }
    Once(Severity::kWarning, missing, "not set: those signals are not sent to Azure Monitor's OTLP ingestion");
  }

  milliseconds TimeoutOf(OtlpSignal signal, milliseconds timeout_default) {
    const auto checked = [&](std::string_view setting, std::optional<std::int64_t> value) -> milliseconds {
      if (value && *value > 0 && *value <= kTimeoutMax.count()) return milliseconds(*value);
      Once(Severity::kError, std::string(setting), "must be 1 to " + std::to_string(kTimeoutMax.count()) + " milliseconds; the default of " + std::to_string(timeout_default.count()) + " is used");
      return timeout_default;
    };
    if (options_.timeout) return checked("Options::otlp.timeout", options_.timeout->count());
    if (const auto found = Lookup(signal, "TIMEOUT")) return checked(found->setting, base::ParseInteger<std::int64_t>(found->text));
    return timeout_default;
  }

  bool GzipOf(OtlpSignal signal, const transport::Url& url, const Wanted& wanted) {
    if (const auto found = Lookup(signal, "COMPRESSION")) {
      if (base::EqualsIgnoreCase(found->text, "gzip")) return true;
      if (base::EqualsIgnoreCase(found->text, "none")) return false;
      Once(Severity::kError, found->setting, "is neither gzip nor none and is not used");
    }
    // Every OTLP receiver takes gzip; on the same machine it would cost more than it saves.
    return !wanted.is_injected && !transport::IsLoopback(url.host);
  }

  void LogEndpoints(const OtlpSettings& settings, const WantedBySignal& wanted) {
    std::string last;
    for (std::size_t i = 0; i < kOtlpSignals; ++i) {
      if (!settings.endpoints[i]) continue;
      const OtlpEndpoint& endpoint = *settings.endpoints[i];
      const auto url = transport::ParseUrl(endpoint.url);
      std::string line = "OTLP goes to " + (url ? url->Origin() : std::string()) +
                         (endpoint.protocol == OtlpProtocol::kGrpc ? " by grpc" : " by http/protobuf") +
                         (endpoint.is_azure ? " (Azure Monitor's OTLP ingestion)" : "") + ", as set by " + wanted[i]->setting;
      if (line == last) continue;
      last = line;
      Log(std::move(line));
    }
  }

  void Log(std::string line) {
    if (std::ranges::find(report_.log, line) == report_.log.end()) report_.log.push_back(std::move(line));
  }
  void Problem(Severity severity, std::string setting, std::string text) {
    report_.problems.push_back({.severity = severity, .setting = std::move(setting), .text = std::move(text)});
  }
  /// What holds for several signals is one problem.
  void Once(Severity severity, const std::string& setting, const std::string& text) {
    std::string whole = setting + " " + text;
    if (std::ranges::any_of(report_.problems, [&](const azmon::Problem& problem) { return problem.text == whole; })) return;
    Problem(severity, setting, std::move(whole));
  }

  const OtlpOptions& options_;
  const base::Environment& environment_;
  const bool has_connection_string_;
  OtlpSettingsReport report_;
};

}  // namespace

bool MayHaveToken(std::string_view url) {
  const auto parts = transport::ParseUrl(url);
  return parts && parts->scheme == "https" &&
         std::ranges::any_of(kAzureClouds, [&](std::string_view cloud) { return parts->host.ends_with(cloud); });
}

std::string_view Name(OtlpSignal signal) { return kSignals[static_cast<std::size_t>(signal)].name; }

OtlpSettingsReport ReadOtlpSettings(const OtlpOptions& options, const base::Environment& environment, bool has_connection_string) {
  return Reader(options, environment, has_connection_string).Read();
}

}  // namespace azmon::deliver
