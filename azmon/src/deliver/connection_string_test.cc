// SPDX-License-Identifier: MIT
#include "deliver/connection_string.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace azmon::deliver {
namespace {

constexpr std::string_view kKey = "00000000-0000-4000-8000-0000a2004380";

std::string With(std::string_view rest) { return "InstrumentationKey=" + std::string(kKey) + ";" + std::string(rest); }

std::size_t Count(const ConnectionStringReport& report, Severity severity) {
  return static_cast<std::size_t>(std::ranges::count(report.problems, severity, &Problem::severity));
}

struct EndpointRow {
  std::string_view text;
  std::string_view ingestion;
  std::string_view live;
};

TEST(ConnectionString, EndpointsFollowTheOrderExplicitThenSuffixThenDefault) {
  const std::vector<EndpointRow> rows = {
      {"", "https://dc.services.visualstudio.com", "https://global.livediagnostics.monitor.azure.com"},
      {"IngestionEndpoint=https://x.example/", "https://x.example", "https://global.livediagnostics.monitor.azure.com"},
      {"EndpointSuffix=ai.contoso.com", "https://dc.ai.contoso.com", "https://live.ai.contoso.com"},
      {"EndpointSuffix=.ai.contoso.com;Location=westus2", "https://westus2.dc.ai.contoso.com", "https://westus2.live.ai.contoso.com"},
      {"EndpointSuffix= .ai.contoso.com. ", "https://dc.ai.contoso.com", "https://live.ai.contoso.com"},
      {"Location=westus2", "https://dc.services.visualstudio.com", "https://global.livediagnostics.monitor.azure.com"},
      {"IngestionEndpoint=https://a;EndpointSuffix=b.c;Location=w", "https://a", "https://w.live.b.c"},
      {"IngestionEndpoint=http://localhost:4380/;LiveEndpoint=http://localhost:4380/", "http://localhost:4380", "http://localhost:4380"},
      {"IngestionEndpoint=https://x.example/a/b///", "https://x.example/a/b", "https://global.livediagnostics.monitor.azure.com"},
      {"IngestionEndpoint=https://[::1]:8443/", "https://[::1]:8443", "https://global.livediagnostics.monitor.azure.com"},
  };
  for (const EndpointRow& row : rows) {
    const auto report = ParseConnectionString(With(row.text));
    ASSERT_TRUE(report.value) << row.text;
    EXPECT_TRUE(report.problems.empty()) << row.text << ": " << report.problems.front().text;
    EXPECT_EQ(report.value->ingestion_endpoint, row.ingestion) << row.text;
    EXPECT_EQ(report.value->live_endpoint, row.live) << row.text;
    EXPECT_EQ(report.value->instrumentation_key, kKey);
  }
}

TEST(ConnectionString, TakesWhatIsHarmless) {
  for (const std::string& text : {With(""), With(";;"), ";" + With(""), With(" ; "), " InstrumentationKey = " + std::string(kKey) + " ",
                                  "INSTRUMENTATIONKEY=" + std::string(kKey), With("Authorization=IKEY"), With("ProfilerEndpoint=https://p")}) {
    const auto report = ParseConnectionString(text);
    ASSERT_TRUE(report.value) << text;
    EXPECT_TRUE(report.problems.empty()) << text;
    EXPECT_EQ(report.value->instrumentation_key, kKey) << text;
  }
}

TEST(ConnectionString, ValueGoesToTheNextSemicolonWhateverItHolds) {
  const auto report = ParseConnectionString(With("ApplicationId=a=b==;AADAudience=https://monitor.azure.cn"));
  ASSERT_TRUE(report.value);
  EXPECT_EQ(report.value->application_id, "a=b==");
  EXPECT_EQ(report.value->aad_audience, "https://monitor.azure.cn");
}

TEST(ConnectionString, TellsWhetherTheHostWasWrittenOut) {
  EXPECT_FALSE(ParseConnectionString(With("EndpointSuffix=a.b")).value->has_ingestion_endpoint);
  EXPECT_TRUE(ParseConnectionString(With("IngestionEndpoint=https://a.b")).value->has_ingestion_endpoint);
}

struct ProblemRow {
  std::string text;
  std::size_t errors, warnings;
  std::string_view says;
};

TEST(ConnectionString, NamesEachProblemAndItsSegment) {
  const std::vector<ProblemRow> rows = {
      {"", 1, 0, "no InstrumentationKey"},
      {"IngestionEndpoint=https://x", 1, 0, "APPINSIGHTS_INSTRUMENTATIONKEY"},
      {With("secret-without-equals"), 1, 0, "segment 2 "},
      {With("a;b"), 2, 0, "segment 3 "},
      {With("Authorization=aad"), 1, 0, "Authorization (segment 2"},
      {With("IngestionEndpoint=notaurl"), 1, 0, "IngestionEndpoint (segment 2"},
      {With("IngestionEndpoint=ftp://x"), 1, 0, "IngestionEndpoint (segment 2"},
      {With("IngestionEndpoint=https://user:secret@x"), 1, 0, "IngestionEndpoint (segment 2"},
      {With("IngestionEndpoint=https://x/?a=secret"), 1, 0, "IngestionEndpoint (segment 2"},
      {With("IngestionEndpoint=https://x:99999"), 1, 0, "IngestionEndpoint (segment 2"},
      {With("LiveEndpoint=nope"), 1, 0, "LiveEndpoint (segment 2"},
      {With("EndpointSuffix=a/b"), 1, 0, "EndpointSuffix (segment 2"},
      {With("EndpointSuffix=a.b;Location=west us"), 1, 0, "Location (segment 3"},
      {"InstrumentationKey=has blank", 1, 0, "InstrumentationKey (segment 1"},
      {"InstrumentationKey=" + std::string(41, 'a'), 1, 0, "InstrumentationKey (segment 1"},
      {"InstrumentationKey=my-own-key", 0, 1, "does not look like a GUID"},
      {With("InstrumentationKey=" + std::string(kKey)), 0, 1, "segments 1 and 2"},
      {With("IngestionEndpont=https://x"), 0, 1, "segment 2 of the connection string has an unknown key"},
      {With("x=" + std::string(4096, 'a')), 1, 0, "longer than 4096"},
  };
  for (const ProblemRow& row : rows) {
    const auto report = ParseConnectionString(row.text, "TEST_SETTING");
    EXPECT_EQ(Count(report, Severity::kError), row.errors) << row.text;
    EXPECT_EQ(Count(report, Severity::kWarning), row.warnings) << row.text;
    EXPECT_EQ(report.value.has_value(), row.errors == 0) << row.text;
    EXPECT_TRUE(std::ranges::any_of(report.problems, [&](const Problem& problem) { return problem.text.find(row.says) != std::string::npos; }))
        << row.text << " → " << (report.problems.empty() ? "" : report.problems.front().text);
    for (const Problem& problem : report.problems) {
      EXPECT_EQ(problem.setting, "TEST_SETTING");
      EXPECT_THAT(problem.text, testing::Not(testing::HasSubstr("secret")));
      EXPECT_THAT(problem.text, testing::Not(testing::HasSubstr(std::string(kKey))));
    }
  }
}

TEST(ConnectionString, TheLastOfEqualKeysWins) {
  const auto report = ParseConnectionString("InstrumentationKey=first;instrumentationkey=" + std::string(kKey));
  ASSERT_TRUE(report.value);
  EXPECT_EQ(report.value->instrumentation_key, kKey);
}

TEST(ConnectionString, KeepsTheKeyAsGiven) {
  const auto report = ParseConnectionString("InstrumentationKey=ABCDEF00-0000-4000-8000-0000A2004380");
  ASSERT_TRUE(report.value);
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.value->instrumentation_key, "ABCDEF00-0000-4000-8000-0000A2004380");
}

TEST(ConnectionString, ReportsAllProblemsAtOnce) {
  const auto report = ParseConnectionString("bare;Authorization=x;IngestionEndpoint=y;LiveEndpoint=z;Location=-");
  EXPECT_EQ(Count(report, Severity::kError), 6U);  // and the missing key
}

}  // namespace
}  // namespace azmon::deliver
