// SPDX-License-Identifier: MIT
#include "distro/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
