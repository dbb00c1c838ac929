// SPDX-License-Identifier: MIT
#include "distro/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/setting_registry.h"
#include "distro/own_log.h"

namespace azmon::distro {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kConnectionString = "InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=http://localhost:4380/";

Settings Read(Variables variables, const Options& options = {}) {
  return ReadSettings(options, base::MapEnvironment(std::move(variables)), {.name = "box", .executable_name = "shop", .pid = 7});
}

TEST(Settings, NothingSetIsOneProblemThatSaysWhatToSet) {
  const Settings settings = Read({});
  ASSERT_EQ(settings.problems.size(), 1U);
  EXPECT_EQ(settings.problems[0].severity, Severity::kError);
  EXPECT_THAT(settings.problems[0].setting, HasSubstr("APPLICATIONINSIGHTS_CONNECTION_STRING"));
  EXPECT_THAT(settings.problems[0].text, HasSubstr("OTLP_EXPORT_ENDPOINT"));
}

TEST(Settings, EitherDestinationMayBeAbsent) {
  const Settings azure = Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}});
  EXPECT_TRUE(azure.azure.has_value());
  EXPECT_FALSE(azure.otlp.has_value());
  EXPECT_TRUE(azure.problems.empty());
  const Settings otlp = Read({{"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}});
  EXPECT_FALSE(otlp.azure.has_value());
  EXPECT_TRUE(otlp.otlp.has_value());
  EXPECT_TRUE(otlp.problems.empty()) << Describe(otlp.problems);
}

TEST(Settings, TheProgramsConnectionStringWinsAsAWhole) {
  Options options;
  options.connection_string = "InstrumentationKey=11111111-0000-4000-8000-000000000000";
  const Settings settings = Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}}, options);
  ASSERT_TRUE(settings.azure.has_value());
  EXPECT_EQ(settings.azure->connection.instrumentation_key, "11111111-0000-4000-8000-000000000000");
  EXPECT_THAT(settings.azure->connection.ingestion_endpoint, Not(HasSubstr("localhost")));
}

TEST(Settings, AllProblemsAreReportedTogetherAndTheRestRuns) {
  const Settings settings = Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", "nonsense"},
                                  {"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"},
                                  {"OTEL_TRACES_SAMPLER", "sometimes"},
                                  {"OTEL_PROPAGATORS", "tracecontext,morse"},
                                  {"OTEL_RESOURCE_ATTRIBUTES", "broken"}});
  std::vector<std::string> about;
  for (const Problem& problem : settings.problems) about.push_back(problem.setting);
  EXPECT_THAT(about, testing::IsSupersetOf({"APPLICATIONINSIGHTS_CONNECTION_STRING", "OTEL_TRACES_SAMPLER", "OTEL_PROPAGATORS", "OTEL_RESOURCE_ATTRIBUTES"}));
  EXPECT_FALSE(settings.azure.has_value());
  EXPECT_TRUE(settings.otlp.has_value());
  EXPECT_EQ(settings.sampler.root, capture::RootSampling::kAlwaysOn);
  EXPECT_THAT(settings.propagators, ElementsAre(Propagator::kTraceContext));
}

constexpr const char* kAzureTraces = "https://x.eastus-1.ingest.monitor.azure.com/dataCollectionRules/dcr-1/streams/Microsoft-OTLP-Traces/otlp/v1/traces";
constexpr const char* kAzureMetrics = "https://x.eastus-1.metrics.ingest.monitor.azure.com/dataCollectionRules/dcr-1/streams/Custom-Metrics-Otel/otlp/v1/metrics";

Variables AzureOtlp(Variables more = {}) {
  more.insert({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", kAzureTraces}, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", kAzureMetrics},
               {"IDENTITY_ENDPOINT", "http://localhost:42356/msi/token"}, {"IDENTITY_HEADER", "h"}});
  return more;
}

TEST(Settings, AzureMonitorsOtlpIngestionGetsTokensAndDeltas) {
  const Settings settings = Read(AzureOtlp());
  EXPECT_TRUE(settings.problems.empty()) << Describe(settings.problems);
  ASSERT_TRUE(settings.otlp && settings.otlp->HasAzure());
  EXPECT_NE(settings.otlp->tokens, nullptr);
  EXPECT_EQ(settings.otlp_temporality, capture::Temporality::kDelta);
  EXPECT_EQ(Read(AzureOtlp({{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative"}})).otlp_temporality, capture::Temporality::kCumulative);
  EXPECT_EQ(Read({{"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}}).otlp_temporality, capture::Temporality::kCumulative);
  EXPECT_EQ(Read({{"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}}).otlp->tokens, nullptr);
}

TEST(Settings, AzureMonitorsOtlpIngestionWithoutAnIdentityIsAProblem) {
  Variables variables = AzureOtlp();
  variables.erase("IDENTITY_HEADER");
  const Settings settings = Read(variables);
  ASSERT_EQ(settings.problems.size(), 1U);
  EXPECT_THAT(settings.problems[0].text, HasSubstr("IDENTITY_HEADER"));
  EXPECT_TRUE(settings.otlp.has_value());
}

TEST(Settings, AzureIngestionPicksOneOfTwoWaysAndSaysWhenBothAreUsed) {
  const auto both = AzureOtlp({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}});
  const Settings settings = Read(both);
  EXPECT_TRUE(settings.azure && settings.otlp);
  EXPECT_THAT(settings.notes, testing::Contains(HasSubstr("twice")));
  const auto with = [&](const char* value) {
    Variables variables = both;
    variables["AZMON_AZURE_INGESTION"] = value;
    return Read(variables);
  };
  EXPECT_TRUE(with("classic").azure && !with("classic").otlp);
  EXPECT_TRUE(!with("otlp").azure && with("otlp").otlp);
  EXPECT_TRUE(with("both").azure && with("both").otlp);
  EXPECT_THAT(Describe(with("neither").problems), HasSubstr("AZMON_AZURE_INGESTION"));
}

TEST(Settings, AuthenticationStringAsksForAnIdentityAndNeverOverHttp) {
  const std::string https = "InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=https://eastus-8.in.applicationinsights.azure.com/";
  const auto with = [&](const std::string& connection, const char* value) {
    return Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", connection}, {"APPLICATIONINSIGHTS_AUTHENTICATION_STRING", value}});
  };
  EXPECT_NE(with(https, "Authorization=AAD").azure->tokens, nullptr);
  EXPECT_NE(with(https, " authorization = aad ; ClientId=5E29463D").azure->tokens, nullptr);
  EXPECT_EQ(with(https, "Authorization=ikey").azure->tokens, nullptr);
  EXPECT_EQ(Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", https}, {"IDENTITY_ENDPOINT", "http://localhost/"}, {"IDENTITY_HEADER", "h"}}).azure->tokens, nullptr)
      << "nobody asked for one";
  const Settings http = with(kConnectionString, "Authorization=AAD");
  EXPECT_EQ(http.azure->tokens, nullptr);
  EXPECT_THAT(Describe(http.problems), HasSubstr("not https"));
}

TEST(Settings, SdkStatisticsAreOnUnlessSwitchedOff) {
  const auto interval = [](Variables variables) {
    variables["APPLICATIONINSIGHTS_CONNECTION_STRING"] = kConnectionString;
    return Read(variables).azure->sdk_stats.interval.count();
  };
  EXPECT_EQ(interval({}), 900);
  EXPECT_EQ(interval({{"APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "TRUE"}}), 0);
  EXPECT_EQ(interval({{"APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "no"}}), 900);
  EXPECT_EQ(interval({{"APPLICATIONINSIGHTS_SDKSTATS_EXPORT_INTERVAL", "1"}}), 60);
  EXPECT_EQ(interval({{"APPLICATIONINSIGHTS_SDKSTATS_EXPORT_INTERVAL", "999999"}}), 86400);
}

TEST(Settings, OperatorsSwitchesWin) {
  EXPECT_TRUE(Read({{"OTEL_SDK_DISABLED", "TRUE"}}).sdk_disabled);
  EXPECT_FALSE(Read({{"OTEL_TRACES_EXPORTER", "none"}, {"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}}).traces.is_enabled);
}

TEST(Settings, ConsoleIsSwitchedForAllSignalsOrForOne) {
  const auto shown = [](Variables variables, const Options& options = {}, bool has_terminal = false) {
    const Settings settings = ReadSettings(options, base::MapEnvironment(std::move(variables)), {}, has_terminal);
    return std::string(settings.traces.to_console ? "t" : "") + (settings.logs.to_console ? "l" : "") + (settings.metrics.to_console ? "m" : "");
  };
  const auto endpoint = std::pair<const std::string, std::string>("OTLP_EXPORT_ENDPOINT", "http://localhost:4317");
  Options off;
  off.console = Console::kOff;
  Options on;
  on.console = Console::kOn;
  EXPECT_EQ(shown({}), "");
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "ON"}}), "tlm");
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "on"}}, off), "") << "the program's choice wins";
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "off"}}, on), "tlm");
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "on"}, {"OTEL_LOGS_EXPORTER", "none"}}), "tm");
  EXPECT_EQ(shown({{"OTEL_TRACES_EXPORTER", "otlp, console"}}), "t");
  EXPECT_EQ(shown({{"OTEL_METRICS_EXPORTER", "console"}}), "m");
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "auto"}}, {}, true), "tlm");
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "auto"}}, {}, false), "") << "no terminal";
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "auto"}, endpoint}, {}, true), "") << "another destination";
  EXPECT_EQ(shown({{"AZMON_CONSOLE", "auto"}, {"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}}, {}, true), "");
}

TEST(Settings, ConsoleAloneIsADestination) {
  EXPECT_TRUE(Read({{"AZMON_CONSOLE", "on"}}).problems.empty());
  const Settings wrong = Read({{"AZMON_CONSOLE", "loud"}, {"OTEL_TRACES_EXPORTER", "zipkin"}});
  EXPECT_THAT(wrong.problems, testing::IsSupersetOf({testing::Field(&Problem::setting, "AZMON_CONSOLE"), testing::Field(&Problem::setting, "OTEL_TRACES_EXPORTER")}));
}

/// A setting in its three forms, and what comes of it.
struct Precedence {
  const char* name;
  Variables variables;
  void (*set)(Options&);
  std::string (*observe)(const Settings&);
  std::string by_default, by_variable, by_option;
};

TEST(Settings, OptionGoesBeforeVariableAndVariableBeforeDefault) {
  const Variables with_otlp{{"OTLP_EXPORT_ENDPOINT", "http://first:4317"}};
  const auto endpoint = [](const Settings& s) { return s.otlp && s.otlp->Of(deliver::OtlpSignal::kTraces) ? s.otlp->Of(deliver::OtlpSignal::kTraces)->url.substr(0, 19) : std::string("none"); };
  const Precedence table[] = {
      {"connection string", {{"APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=variable"}},
       [](Options& o) { o.connection_string = "InstrumentationKey=option"; },
       [](const Settings& s) { return s.azure ? s.azure->connection.instrumentation_key : std::string("none"); }, "none", "variable", "option"},
      {"OTLP endpoint", with_otlp, [](Options& o) { o.otlp.endpoint = "http://other:4317"; }, endpoint, "none", "http://first:4317/o", "http://other:4317/o"},
      {"console", {{"AZMON_CONSOLE", "on"}}, [](Options& o) { o.console = Console::kOff; },
       [](const Settings& s) { return std::string(s.HasConsole() ? "on" : "off"); }, "off", "on", "off"},
      {"OTLP sampling", {{"AZMON_OTLP_SAMPLING", "all"}}, [](Options& o) { o.otlp.sampling = OtlpSampling::kSame; },
       [](const Settings& s) { return std::string(s.otlp_sampling == OtlpSampling::kAll ? "all" : "same"); }, "same", "all", "same"},
      {"metric interval", {{"OTEL_METRIC_EXPORT_INTERVAL", "2000"}}, [](Options& o) { o.metric_interval = std::chrono::seconds(3); },
       [](const Settings& s) { return std::to_string(s.metric_interval.count()); }, "60000", "2000", "3000"},
      {"sampler", {{"OTEL_TRACES_SAMPLER", "always_off"}}, [](Options& o) { o.traces_per_second = 2; },
       [](const Settings& s) { return std::to_string(static_cast<int>(s.sampler.root)); }, std::to_string(static_cast<int>(capture::RootSampling::kAlwaysOn)),
       std::to_string(static_cast<int>(capture::RootSampling::kAlwaysOff)), std::to_string(static_cast<int>(capture::RootSampling::kRateLimited))},
      {"service name", {{"OTEL_SERVICE_NAME", "variable"}}, [](Options& o) { o.resource["service.name"] = "option"; },
       [](const Settings& s) { return std::get<std::string>(s.resource.attributes.at("service.name")); }, "unknown_service:shop", "variable", "option"},
      {"resource", {{"OTEL_RESOURCE_ATTRIBUTES", "team=variable"}}, [](Options& o) { o.resource["team"] = "option"; },
       [](const Settings& s) { return s.resource.attributes.contains("team") ? std::get<std::string>(s.resource.attributes.at("team")) : std::string("none"); }, "none", "variable",
       "option"},
  };
  for (const Precedence& row : table) {
    Options options;
    EXPECT_EQ(row.observe(Read({}, options)), row.by_default) << row.name;
    EXPECT_EQ(row.observe(Read(row.variables, options)), row.by_variable) << row.name;
    row.set(options);
    EXPECT_EQ(row.observe(Read(row.variables, options)), row.by_option) << row.name;
    EXPECT_EQ(row.observe(Read({}, options)), row.by_option) << row.name;
  }
}

TEST(Settings, EveryChoiceAndNumberOfTheRegistryRefusesNonsenseByName) {
  for (const base::SettingRow& row : base::kSettings) {
    const bool is_checked = row.form == base::SettingForm::kChoice || row.form == base::SettingForm::kNumber;
    // The log's level is read beside the settings.
    if (row.variable.empty() || !is_checked) continue;
    const base::MapEnvironment environment({{std::string(row.variable), "nonsense"}});
    Settings settings = ReadSettings({}, environment, {});
    (void)ReadLogLevel(environment, settings.problems);
    EXPECT_THAT(settings.problems, testing::Contains(testing::AllOf(testing::Field(&Problem::setting, row.variable),
                                                                    testing::Field(&Problem::text, HasSubstr(std::string(row.fallback))))))
        << row.variable;
  }
}

TEST(Settings, SecretsAreInNoProblemAndNoLine) {
  const std::string secret = "S3CR3T";
  for (const char* const form : {"%s", "%s=%s", "InstrumentationKey=%s;x", "InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=http://u:%s@h:x/",
                                 "a=%s,=%s,%zz%s", "http://user:%s@proxy:99999", "\x01%s"}) {
    Variables variables{{"OTLP_EXPORT_ENDPOINT", "http://localhost:4318"}};
    std::string value = form;
    for (std::size_t at = value.find("%s"); at != std::string::npos; at = value.find("%s", at + 1)) value.replace(at, 2, secret);
    for (const base::SettingRow& row : base::kSettings) {
      if (row.is_secret) variables[std::string(row.variable)] = value;
    }
    const Settings settings = Read(variables);
    EXPECT_THAT(Describe(settings.problems), Not(HasSubstr(secret))) << form;
    for (const std::string& note : settings.notes) EXPECT_THAT(note, Not(HasSubstr(secret))) << form;
  }
}

TEST(Settings, EverySamplerOfTheContractIsKnown) {
  using enum capture::RootSampling;
  const std::tuple<const char*, capture::RootSampling, bool> table[] = {
      {"always_on", kAlwaysOn, false},
      {"ALWAYS_OFF", kAlwaysOff, false},
      {"traceidratio", kTraceIdRatio, false},
      {"trace_id_ratio", kTraceIdRatio, false},
      {"parentbased_always_on", kAlwaysOn, true},
      {"parentbased_always_off", kAlwaysOff, true},
      {"parentbased_traceidratio", kTraceIdRatio, true},
      {"microsoft.fixed_percentage", kFixedPercentage, false},
      {"microsoft.fixed.percentage", kFixedPercentage, false},
      {"microsoft.rate_limited", kRateLimited, false},
  };
  for (const auto& [name, root, follows] : table) {
    const Settings settings = Read({{"OTEL_TRACES_SAMPLER", name}, {"OTEL_TRACES_SAMPLER_ARG", "0.5"}});
    EXPECT_EQ(settings.sampler.root, root) << name;
    EXPECT_EQ(settings.sampler.follows_remote_parent, follows) << name;
    if (root != kAlwaysOn && root != kAlwaysOff) {
      EXPECT_EQ(settings.sampler.argument, 0.5) << name;
    }
    EXPECT_FALSE(settings.sampling_is_default);
  }
}

TEST(Settings, DefaultSamplingIsFiveTracesASecondOnlyWithAConnectionString) {
  const Settings azure = Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}});
  EXPECT_EQ(azure.sampler.root, capture::RootSampling::kRateLimited);
  EXPECT_EQ(azure.sampler.argument, 5);
  EXPECT_THAT(azure.notes, testing::Contains(HasSubstr("OTEL_TRACES_SAMPLER=always_on")));
  const Settings otlp = Read({{"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}});
  EXPECT_EQ(otlp.sampler.root, capture::RootSampling::kAlwaysOn);
  EXPECT_TRUE(otlp.sampler.follows_remote_parent);
}

TEST(Settings, SamplingOptionsGoBeforeTheEnvironmentAndTheRateLimitFirst) {
  Options options;
  options.sampling_ratio = 0.25;
  const Variables variables{{"OTEL_TRACES_SAMPLER", "always_off"}};
  EXPECT_EQ(Read(variables, options).sampler.root, capture::RootSampling::kFixedPercentage);
  options.traces_per_second = 2;
  EXPECT_EQ(Read(variables, options).sampler.root, capture::RootSampling::kRateLimited);
  options.traces_per_second = 0;
  EXPECT_EQ(Read(variables, options).sampler.root, capture::RootSampling::kFixedPercentage) << "0 means: use the ratio";
  options.sampling_ratio = 7;
  const Settings clamped = Read(variables, options);
  EXPECT_EQ(clamped.sampler.argument, 1);
  EXPECT_THAT(clamped.problems, testing::Contains(testing::Field(&Problem::setting, "Options::sampling_ratio")));
}

TEST(Settings, UnsampledSpansAreRecordedOnlyWhereSomebodyLooksAtThem) {
  EXPECT_TRUE(Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}}).sampler.records_unsampled) << "standard metrics";
  Options options;
  options.enable_standard_metrics = false;
  EXPECT_FALSE(Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}}, options).sampler.records_unsampled);
  EXPECT_FALSE(Read({{"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}}).sampler.records_unsampled);
  EXPECT_TRUE(Read({{"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}, {"AZMON_OTLP_SAMPLING", "all"}}).sampler.records_unsampled);
}

TEST(Settings, SdkVersionNamesPlatformAndBothVersions) {
  const Settings settings = Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}, {"WEBSITE_SITE_NAME", "site"}});
  EXPECT_THAT(settings.azure->envelope.sdk_version, testing::MatchesRegex("alm_cpp20:otel[0-9.]+:dst[0-9.]+"));
}

}  // namespace
}  // namespace azmon::distro
