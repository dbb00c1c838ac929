// SPDX-License-Identifier: MIT
#include "deliver/otlp_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace azmon::deliver {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

OtlpSettingsReport Read(Variables variables, OtlpOptions options = {}, bool has_connection_string = false) {
  return ReadOtlpSettings(options, base::MapEnvironment(std::move(variables)), has_connection_string);
}

std::string UrlOf(const OtlpSettingsReport& report, OtlpSignal signal) {
  return report.value && report.value->Of(signal) ? report.value->Of(signal)->url : "";
}
std::string Traces(const OtlpSettingsReport& report) { return UrlOf(report, OtlpSignal::kTraces); }

constexpr char kGrpcTraces[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

TEST(OtlpSettings, WithoutAnEndpointThereIsNoDestination) {
  const auto report = Read({});
  EXPECT_FALSE(report.value);
  EXPECT_TRUE(report.problems.empty());
}

TEST(OtlpSettings, TheFirstSourceIsUsedAlone) {
  const Variables all = {{"OTLP_EXPORT_ENDPOINT", "http://own:1"},
                         {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/t"},
                         {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:1"}};
  EXPECT_EQ(Traces(Read(all, {.endpoint = "http://option:4318"})), "http://option:4318/v1/traces");
  EXPECT_EQ(Traces(Read(all)), std::string("http://own:1") + kGrpcTraces);
  Variables rest = all;
  rest.erase("OTLP_EXPORT_ENDPOINT");
  EXPECT_EQ(Traces(Read(rest)), "http://traces:1/t");
  EXPECT_EQ(UrlOf(Read(rest), OtlpSignal::kLogs), "");  // a signal without one is not sent
  rest.erase("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  EXPECT_EQ(Traces(Read(rest)), "http://base:1/v1/traces");
  EXPECT_EQ(UrlOf(Read(rest), OtlpSignal::kLogs), "http://base:1/v1/logs");
  EXPECT_EQ(UrlOf(Read(rest), OtlpSignal::kMetrics), "http://base:1/v1/metrics");
}

TEST(OtlpSettings, TracesEndpointOfTheOptionsIsTakenAsItIs) {
  const auto report = Read({}, {.traces_endpoint = "https://a/own/path"});
  EXPECT_EQ(Traces(report), "https://a/own/path");
  EXPECT_EQ(UrlOf(report, OtlpSignal::kLogs), "");
  const auto both = Read({}, {.endpoint = "https://b", .traces_endpoint = "https://a/own"});
  EXPECT_EQ(Traces(both), "https://a/own");
  EXPECT_EQ(UrlOf(both, OtlpSignal::kLogs), "https://b/v1/logs");
}

TEST(OtlpSettings, SwitchedOffMeansOff) {
  const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "http://own:1"}}, {.enabled = false});
  EXPECT_FALSE(report.value);
  EXPECT_EQ(report.log.size(), 1U);
}

TEST(OtlpSettings, AskedForWithoutAnEndpointIsAProblem) {
  const auto report = Read({}, {.enabled = true});
  EXPECT_FALSE(report.value);
  EXPECT_EQ(report.problems.size(), 1U);
}

struct ProtocolRow {
  Variables variables;
  OtlpOptions options;
  OtlpProtocol protocol;
  std::string_view url;
};

TEST(OtlpSettings, ProtocolIsWrittenElseFollowsThePortElseTheSource) {
  using enum OtlpProtocol;
  const std::string grpc = kGrpcTraces;
  const std::vector<ProtocolRow> rows = {
      {{{"OTLP_EXPORT_ENDPOINT", "http://h"}}, {}, kGrpc, "http://h"},
      {{{"OTLP_EXPORT_ENDPOINT", "http://h:4317"}}, {}, kGrpc, "http://h:4317"},
      {{{"OTLP_EXPORT_ENDPOINT", "http://h:4318"}}, {}, kHttpProtobuf, "http://h:4318/v1/traces"},
      {{{"OTLP_EXPORT_ENDPOINT", "http://h:4319/"}}, {}, kGrpc, "http://h:4319"},
      {{{"OTLP_EXPORT_ENDPOINT", "http://h:4320/"}}, {}, kHttpProtobuf, "http://h:4320/v1/traces"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h"}}, {}, kHttpProtobuf, "https://h/v1/traces"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:4317"}}, {}, kGrpc, "https://h:4317"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:4317"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}}, {}, kHttpProtobuf, "https://h:4317/v1/traces"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}, {}, kGrpc, "https://h"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"}}, {}, kGrpc, "https://h"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}, {.protocol = kHttpProtobuf}, kHttpProtobuf, "https://h/v1/traces"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h/tenant/a/"}}, {}, kHttpProtobuf, "https://h/tenant/a/v1/traces"},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h/otlp?tenant=a"}}, {}, kHttpProtobuf, "https://h/otlp/v1/traces?tenant=a"},
      {{{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://h"}}, {}, kHttpProtobuf, "https://h/"},
      {{{"OTLP_EXPORT_ENDPOINT", "collector:4317"}}, {}, kGrpc, "https://collector:4317"},
      {{{"OTLP_EXPORT_ENDPOINT", "collector:4317"}, {"OTEL_EXPORTER_OTLP_INSECURE", "true"}}, {}, kGrpc, "http://collector:4317"},
  };
  for (const ProtocolRow& row : rows) {
    const auto report = Read(row.variables, row.options);
    ASSERT_TRUE(report.value) << row.url;
    EXPECT_TRUE(report.problems.empty()) << row.url << " " << report.problems.front().text;
    EXPECT_EQ(report.value->Of(OtlpSignal::kTraces)->protocol, row.protocol) << row.url;
    EXPECT_EQ(Traces(report), std::string(row.url) + (row.protocol == kGrpc ? grpc : "")) << row.url;
  }
}

TEST(OtlpSettings, EachSignalHasItsOwnGrpcService) {
  const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "http://h:4317"}});
  EXPECT_EQ(UrlOf(report, OtlpSignal::kLogs), "http://h:4317/opentelemetry.proto.collector.logs.v1.LogsService/Export");
  EXPECT_EQ(UrlOf(report, OtlpSignal::kMetrics), "http://h:4317/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
}

TEST(OtlpSettings, JsonBecomesProtobufWithAProblem) {
  const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "http://h"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}});
  ASSERT_TRUE(report.value);
  EXPECT_EQ(Traces(report), "http://h/v1/traces");
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].setting, "OTEL_EXPORTER_OTLP_PROTOCOL");
}

TEST(OtlpSettings, EndpointThatTheContainerAppsAgentInjectedGivesWay) {
  const Variables injected = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://k8se-otel.k8se-apps.svc.cluster.local:4317"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}};
  const auto with_string = Read(injected, {}, true);
  EXPECT_FALSE(with_string.value);
  ASSERT_EQ(with_string.log.size(), 1U);
  EXPECT_THAT(with_string.log[0], HasSubstr("a connection string"));
  const auto alone = Read(injected);
  EXPECT_EQ(Traces(alone), std::string("http://k8se-otel.k8se-apps.svc.cluster.local:4317") + kGrpcTraces);
  EXPECT_FALSE(alone.value->Of(OtlpSignal::kTraces)->gzip);
  Variables with_own = injected;
  with_own.emplace("OTLP_EXPORT_ENDPOINT", "http://own:4317");
  const auto own = Read(with_own, {}, true);
  EXPECT_EQ(Traces(own), std::string("http://own:4317") + kGrpcTraces);
  EXPECT_THAT(own.log.front(), HasSubstr("OTLP_EXPORT_ENDPOINT is set"));
  // A host that only looks like it.
  EXPECT_TRUE(Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://my-k8se-apps.example:4317"}}, {}, true).value);
}

TEST(OtlpSettings, TracesAndLogsOfTheAksAddOnGiveWayToAConnectionString) {
  const Variables injected = {{"OTEL_ENDPOINT_NODE_IP", "10.0.0.4"},
                              {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://10.0.0.4:28331/v1/traces"},
                              {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://10.0.0.4:28331/v1/logs"},
                              {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://10.0.0.4:28333/v1/metrics"}};
  const auto with_string = Read(injected, {}, true);
  ASSERT_TRUE(with_string.value);
  EXPECT_EQ(Traces(with_string), "");
  EXPECT_EQ(UrlOf(with_string, OtlpSignal::kLogs), "");
  EXPECT_EQ(UrlOf(with_string, OtlpSignal::kMetrics), "http://10.0.0.4:28333/v1/metrics");
  EXPECT_EQ(with_string.log.size(), 3U);
  const auto alone = Read(injected);
  EXPECT_EQ(Traces(alone), "http://10.0.0.4:28331/v1/traces");
  EXPECT_FALSE(alone.value->Of(OtlpSignal::kTraces)->gzip);
}

TEST(OtlpSettings, HeadersAreDecodedAndMergedByName) {
  const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "http://h"},
                            {"OTEL_EXPORTER_OTLP_HEADERS", "Api-Key=a%20b, x = 1 ,,y=2=3"},
                            {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x=own"}},
                           {.headers = {{"Y", "option"}}});
  ASSERT_TRUE(report.value);
  EXPECT_TRUE(report.problems.empty());
  EXPECT_THAT(report.value->Of(OtlpSignal::kTraces)->headers, ElementsAre(Pair("api-key", "a b"), Pair("x", "own"), Pair("y", "option")));
  EXPECT_THAT(report.value->Of(OtlpSignal::kLogs)->headers, ElementsAre(Pair("api-key", "a b"), Pair("x", "1"), Pair("y", "option")));
}

TEST(OtlpSettings, HeadersThatHttpForbidsAreProblemsWithoutTheirText) {
  const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "http://h"},
                            {"OTEL_EXPORTER_OTLP_HEADERS", "secret1,b%zz=secret2,c=secret3%0d%0aInjected:%20x,Content-Type=text/plain,d=ok"}});
  ASSERT_TRUE(report.value);
  EXPECT_THAT(report.value->Of(OtlpSignal::kTraces)->headers, ElementsAre(Pair("d", "ok")));
  EXPECT_EQ(report.problems.size(), 4U);
  for (const Problem& problem : report.problems) EXPECT_THAT(problem.text, testing::Not(HasSubstr("secret")));
}

TEST(OtlpSettings, TimeoutIsMilliseconds) {
  using std::chrono::milliseconds;
  const auto timeout = [](Variables variables, OtlpOptions options = {}) {
    variables.emplace("OTLP_EXPORT_ENDPOINT", "http://h");
    return Read(std::move(variables), std::move(options)).value->Of(OtlpSignal::kTraces)->timeout;
  };
  EXPECT_EQ(timeout({}), milliseconds(10000));
  EXPECT_EQ(timeout({{"OTEL_EXPORTER_OTLP_TIMEOUT", "250"}}), milliseconds(250));
  EXPECT_EQ(timeout({{"OTEL_EXPORTER_OTLP_TIMEOUT", "250"}, {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "300"}}), milliseconds(300));
  EXPECT_EQ(timeout({{"OTEL_EXPORTER_OTLP_TIMEOUT", "250"}}, {.timeout = milliseconds(100)}), milliseconds(100));
  for (const char* bad : {"0", "-1", "1s", "99999999999"}) {
    const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "http://h"}, {"OTEL_EXPORTER_OTLP_TIMEOUT", bad}});
    EXPECT_EQ(report.value->Of(OtlpSignal::kTraces)->timeout, milliseconds(10000)) << bad;
    EXPECT_EQ(report.problems.size(), 1U) << bad;
  }
}

TEST(OtlpSettings, CompressesByDefaultButNotOnTheSameMachine) {
  const auto gzip = [](std::string endpoint, Variables variables = {}) {
    variables.emplace("OTLP_EXPORT_ENDPOINT", std::move(endpoint));
    return Read(std::move(variables)).value->Of(OtlpSignal::kTraces)->gzip;
  };
  EXPECT_TRUE(gzip("https://collector.example"));
  for (const char* local : {"http://localhost:4317", "http://127.0.0.1:4317", "http://[::1]:4317"}) EXPECT_FALSE(gzip(local)) << local;
  EXPECT_FALSE(gzip("https://collector.example", {{"OTEL_EXPORTER_OTLP_COMPRESSION", "none"}}));
  EXPECT_TRUE(gzip("http://localhost:4317", {{"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"}}));
}

TEST(OtlpSettings, CertificateFilesAreForASignalOrForAll) {
  const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "https://h"},
                            {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"},
                            {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "/c.pem"},
                            {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/k.pem"}});
  EXPECT_EQ(report.value->Of(OtlpSignal::kTraces)->tls,
            (transport::TlsFiles{.ca_file = "/ca.pem", .client_certificate_file = "/c.pem", .client_key_file = "/k.pem"}));
  EXPECT_EQ(report.value->Of(OtlpSignal::kLogs)->tls, (transport::TlsFiles{.ca_file = "/ca.pem"}));
}

TEST(OtlpSettings, EachProblemIsToldOnceAndAllAreTold) {
  const auto report = Read({{"OTLP_EXPORT_ENDPOINT", "http://h:4318/v1/traces"},
                            {"OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon"},
                            {"OTEL_EXPORTER_OTLP_TIMEOUT", "soon"},
                            {"OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"}});
  EXPECT_EQ(report.problems.size(), 4U);
  EXPECT_EQ(Traces(report), "http://h:4318/v1/traces");
  EXPECT_EQ(UrlOf(report, OtlpSignal::kLogs), "http://h:4318/v1/logs");
}

TEST(OtlpSettings, EndpointsThatAreNoneAreErrors) {
  for (const char* text : {"http://", "http://a b", "ftp://h", "http://user:secret@h:4318", "http://h:0", "collector:4318", "http://h:port"}) {
    const auto report = Read({{"OTLP_EXPORT_ENDPOINT", text}});
    EXPECT_FALSE(report.value) << text;
    ASSERT_EQ(report.problems.size(), 1U) << text;
    EXPECT_EQ(report.problems[0].severity, Severity::kError) << text;
    EXPECT_THAT(report.problems[0].text, testing::Not(HasSubstr("secret")));
  }
}

TEST(OtlpSettings, SaysWhereOtlpGoesWithoutQueryOrHeaders) {
  const auto report = Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:9/x?key=secret"}, {"OTEL_EXPORTER_OTLP_HEADERS", "a=secret"}});
  EXPECT_THAT(report.log, ElementsAre("OTLP goes to https://h:9 by http/protobuf, as set by OTEL_EXPORTER_OTLP_ENDPOINT"));
}

constexpr char kAzureTraces[] = "https://x-y.eastus-1.ingest.monitor.azure.com/dataCollectionRules/dcr-1/streams/Microsoft-OTLP-Traces/otlp/v1/traces";
constexpr char kAzureLogs[] = "https://x-y.eastus-1.ingest.monitor.azure.com/DATACOLLECTIONRULES/dcr-1/streams/Microsoft-OTLP-Logs/otlp/v1/logs";
constexpr char kAzureMetrics[] = "https://x-y.eastus-1.metrics.ingest.monitor.azure.us/dataCollectionRules/dcr-1/streams/Custom-Metrics-Otel/otlp/v1/metrics?a=b";

TEST(OtlpSettings, AzureMonitorsOwnIngestionIsKnownByItsUrlAndTakenAsItIs) {
  const auto report = Read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", kAzureLogs}, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", kAzureMetrics},
                            {"OTEL_EXPORTER_OTLP_COMPRESSION", "none"}});
  EXPECT_TRUE(report.problems.empty());
  ASSERT_TRUE(report.value);
  EXPECT_EQ(Traces(report), kAzureTraces);
  EXPECT_EQ(UrlOf(report, OtlpSignal::kLogs), kAzureLogs);
  EXPECT_EQ(UrlOf(report, OtlpSignal::kMetrics), kAzureMetrics);
  for (const auto& endpoint : report.value->endpoints) {
    EXPECT_TRUE(endpoint->is_azure);
    EXPECT_TRUE(endpoint->gzip);
    EXPECT_EQ(endpoint->timeout, std::chrono::seconds(30));
    EXPECT_TRUE(MayHaveToken(endpoint->url));
  }
}

TEST(OtlpSettings, OtherUrlsAreNotAzureMonitorsIngestionUnlessSomebodySaysSo) {
  for (const char* url : {"https://x.ingest.monitor.azure.com.evil.example/dataCollectionRules/d/streams/s/otlp/v1/traces", "https://x.ingest.monitor.azure.com/v1/traces",
                          "https://ingest.monitor.azure.com/dataCollectionRules/d/streams/s/otlp/v1/traces", "https://x.ingest.monitor.azure.com/dataCollectionRules/d/streams/s/otlp/v1/spans"}) {
    EXPECT_FALSE(Read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url}}).value->Of(OtlpSignal::kTraces)->is_azure) << url;
    EXPECT_TRUE(Read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url}, {"AZMON_OTLP_AZURE", "on"}}).value->Of(OtlpSignal::kTraces)->is_azure) << url;
  }
  EXPECT_FALSE(Read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"AZMON_OTLP_AZURE", "off"}}).value->Of(OtlpSignal::kTraces)->is_azure);
  EXPECT_FALSE(Read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"AZMON_OTLP_AZURE", "on"}}, {.azure = OtlpAzure::kOff}).value->Of(OtlpSignal::kTraces)->is_azure);
  EXPECT_THAT(Read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"AZMON_OTLP_AZURE", "maybe"}}).problems.at(0).text, HasSubstr("AZMON_OTLP_AZURE"));
}

TEST(OtlpSettings, WhatCannotWorkWithAzureMonitorsIngestionIsAProblem) {
  const auto text = [](Variables variables, OtlpOptions options = {}) {
    std::string all;
    for (const auto& problem : Read(std::move(variables), std::move(options)).problems) all += problem.text + "\n";
    return all;
  };
  EXPECT_THAT(text({{"OTEL_EXPORTER_OTLP_ENDPOINT", kAzureTraces}}), HasSubstr("has a URL for each"));
  EXPECT_THAT(text({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}), HasSubstr("OTEL_EXPORTER_OTLP_PROTOCOL"));
  EXPECT_THAT(text({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}}, {.protocol = OtlpProtocol::kGrpc}), HasSubstr("Options::otlp.protocol"));
  EXPECT_THAT(text({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}}), HasSubstr("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT and OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"));
  EXPECT_THAT(text({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"OTLP_EXPORT_ENDPOINT", "http://collector:4317"}}), HasSubstr("are not used"));
  EXPECT_EQ(Read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}).value->Of(OtlpSignal::kTraces)->protocol, OtlpProtocol::kHttpProtobuf);
}

}  // namespace
}  // namespace azmon::deliver
