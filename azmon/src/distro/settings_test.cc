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
  EXPECT_EQ(settings.sampler, "parentbased_always_on");
  EXPECT_THAT(settings.propagators, ElementsAre(Propagator::kTraceContext));
}

TEST(Settings, OperatorsSwitchesWin) {
  EXPECT_TRUE(Read({{"OTEL_SDK_DISABLED", "TRUE"}}).sdk_disabled);
  EXPECT_FALSE(Read({{"OTEL_TRACES_EXPORTER", "none"}, {"OTLP_EXPORT_ENDPOINT", "http://localhost:4317"}}).traces_enabled);
}

TEST(Settings, SamplersOfTheSpecificationAreMade) {
  for (const char* name : {"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}) {
    const Settings settings = Read({{"OTEL_TRACES_SAMPLER", name}, {"OTEL_TRACES_SAMPLER_ARG", "0.5"}});
    EXPECT_EQ(settings.sampler, name);
    EXPECT_NE(MakeSampler(settings), nullptr) << name;
  }
  EXPECT_EQ(Read({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "2"}}).sampler_ratio, 1);
}

TEST(Settings, SdkVersionNamesPlatformAndBothVersions) {
  const Settings settings = Read({{"APPLICATIONINSIGHTS_CONNECTION_STRING", kConnectionString}, {"WEBSITE_SITE_NAME", "site"}});
  EXPECT_THAT(settings.azure->envelope.sdk_version, testing::MatchesRegex("alm_cpp20:otel[0-9.]+:dst[0-9.]+"));
}

}  // namespace
}  // namespace azmon::distro
