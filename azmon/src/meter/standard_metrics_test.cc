// SPDX-License-Identifier: MIT
#include "meter/standard_metrics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "envelope/envelope.h"

namespace azmon::meter {
namespace {

using Json = nlohmann::json;
using envelope::Measures;

constexpr base::WallTime kEnd{std::chrono::seconds(61)};

/// The metrics as the items that Application Insights gets.
std::vector<Json> Items(StandardMetrics& metrics) {
  const envelope::Settings settings{.instrumentation_key = "key"};
  const auto resource = envelope::ResourceContext::Make("", settings);
  std::vector<Json> items;
  for (const std::string& message : metrics.Take(kEnd - std::chrono::seconds(60), kEnd)) {
    std::string lines;
    envelope::AppendItems({.signal = otlp::Signal::kMetric, .message = message}, resource, {}, settings, {}, lines);
    std::string_view rest = lines;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      items.push_back(Json::parse(rest.substr(0, end)));
      rest.remove_prefix(end + 1);
    }
  }
  return items;
}

TEST(StandardMetrics, AggregatesByDimensions) {
  StandardMetrics metrics("role", "instance");
  for (const double ms : {5.0, 1.0, 9.0}) metrics.Add({.duration = Measures::Duration::kRequest, .duration_ms = ms, .result_code = "200"});
  metrics.Add({.duration = Measures::Duration::kRequest, .duration_ms = 2, .result_code = "200", .success = false, .is_synthetic = true});
  const auto items = Items(metrics);
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0]["time"], "1970-01-01T00:01:01.000Z");
  EXPECT_EQ(items[0]["data"]["baseData"], Json::parse(R"({"ver":2,
    "metrics":[{"name":"requests/duration","kind":"Aggregation","value":15,"count":3,"min":1,"max":9}],
    "properties":{"_MS.MetricId":"requests/duration","_MS.IsAutocollected":"True","cloud/roleName":"role","cloud/roleInstance":"instance",
                  "request/resultCode":"200","Request.Success":"True"}})"));
  EXPECT_EQ(items[1]["data"]["baseData"]["properties"]["Request.Success"], "False");
  EXPECT_EQ(items[1]["data"]["baseData"]["properties"]["operation/synthetic"], "True");
}

TEST(StandardMetrics, CountsExceptionsAndTracesBesideTheDuration) {
  StandardMetrics metrics("", "");
  metrics.Add({.duration = Measures::Duration::kDependency, .duration_ms = 1, .result_code = "0", .type = "SQL", .exceptions = 2, .traces = 3});
  metrics.Add({.traces = 1, .severity_level = "Error"});
  const auto items = Items(metrics);
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0]["data"]["baseData"]["properties"], Json::parse(R"({"_MS.MetricId":"dependencies/duration","_MS.IsAutocollected":"True",
    "dependency/resultCode":"0","Dependency.Success":"True","Dependency.Type":"SQL"})"));
  EXPECT_EQ(items[1]["data"]["baseData"]["metrics"], Json::parse(R"([{"name":"exceptions/count","kind":"Aggregation","value":2,"count":1}])"));
  EXPECT_EQ(items[2]["data"]["baseData"]["metrics"][0]["value"], 3);
  EXPECT_EQ(items[3]["data"]["baseData"]["properties"]["trace/severityLevel"], "Error");
}

TEST(StandardMetrics, IntervalsAreSeparate) {
  StandardMetrics metrics("r", "i");
  EXPECT_TRUE(Items(metrics).empty());
  metrics.Add({.exceptions = 1});
  EXPECT_EQ(Items(metrics).size(), 1U);
  EXPECT_TRUE(Items(metrics).empty());
}

TEST(StandardMetrics, CombinationsOverTheLimitAreFoldedAndNothingIsLost) {
  StandardMetrics metrics("r", "i");
  constexpr int kAdded = 5000;
  for (int i = 0; i < kAdded; ++i) {
    const std::string text = std::to_string(i);
    metrics.Add({.duration = Measures::Duration::kDependency, .duration_ms = 1, .result_code = i < 4000 ? std::string_view("0") : text, .type = "Http", .target = text});
  }
  const auto items = Items(metrics);
  EXPECT_LE(items.size(), kStandardMetricSeriesMax * 11 / 10 + 1);
  std::uint64_t count = 0;
  std::uint64_t overflow = 0;
  for (const Json& item : items) {
    const Json& data = item["data"]["baseData"];
    count += data["metrics"][0]["count"].get<std::uint64_t>();
    if (data["properties"]["dependency/target"] == "_overflow") overflow += data["metrics"][0]["count"].get<std::uint64_t>();
  }
  EXPECT_EQ(count, static_cast<std::uint64_t>(kAdded));
  EXPECT_EQ(overflow, kAdded - kStandardMetricSeriesMax);
}

TEST(StandardMetrics, MessagesStayFarUnderTheLimitOfARecord) {
  StandardMetrics metrics("r", "i");
  for (std::size_t i = 0; i < kStandardMetricSeriesMax; ++i) {
    const std::string target = std::to_string(i) + std::string(1000, 't');
    metrics.Add({.duration = Measures::Duration::kDependency, .duration_ms = 1, .target = target});
  }
  for (const std::string& message : metrics.Take({}, kEnd)) EXPECT_LT(message.size(), 512U * 1024);
}

}  // namespace
}  // namespace azmon::meter
