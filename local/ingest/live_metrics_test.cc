// SPDX-License-Identifier: MIT
#include "local/ingest/live_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "local/model/limits.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

using nlohmann::json;

constexpr std::int64_t kNow = 1'800'000'000 * kTicksPerSecond + 5;

json Snapshot(const LiveMetrics& live, std::int64_t now = kNow) { return json::parse(live.Snapshot(now)); }

/// A post as the JavaScript distro sends it.
std::string Post(const std::string& stream, double requests) {
  return json::array({{{"Version", "node20"}, {"Instance", "i-1"}, {"RoleName", "shop"}, {"MachineName", "vm"}, {"StreamId", stream},
                       {"Metrics", json::array({{{"Name", "\\ApplicationInsights\\Requests/Sec"}, {"Value", requests}, {"Weight", 1}},
                                                {{"Name", "\\ApplicationInsights\\Request Duration"}, {"Value", 26.5}, {"Weight", 10}},
                                                {{"Name", "\\Process\\Physical Bytes"}, {"Value", 81604608}, {"Weight", 1}},
                                                {{"Name", "\\% Process\\Processor Time Normalized"}, {"Value", 2.5}, {"Weight", 1}}})},
                       {"Documents", json::array({{{"DocumentType", "Request"}, {"Name", "GET /x"}, {"Url", "http://x/"}, {"ResponseCode", "500"}, {"Duration", "PT0.0276S"}},
                                                  {{"DocumentType", "Exception"}, {"ExceptionType", "Boom"}, {"ExceptionMessage", "it went"}}})}}})
      .dump();
}

Item Call(ItemType type, std::int64_t ago, double ms, bool success) {
  Item item;
  item.type = type;
  item.source = Source::kOtlp;
  item.role = "checkout";
  item.duration = static_cast<std::int64_t>(ms * kTicksPerMs);
  item.time = kNow - ago * kTicksPerSecond - item.duration;
  item.success = success ? 1 : 0;
  return item;
}

TEST(LiveMetrics, IsWatchedForAWhileAfterEachLook) {
  LiveMetrics live;
  EXPECT_FALSE(live.IsWatched(kNow));
  live.Watch(kNow);
  EXPECT_TRUE(live.IsWatched(kNow + (limits::kLiveWatch.count() - 1) * kTicksPerSecond));
  EXPECT_FALSE(live.IsWatched(kNow + limits::kLiveWatch.count() * kTicksPerSecond));
}

TEST(LiveMetrics, APostIsAPointOfItsServer) {
  LiveMetrics live;
  ASSERT_TRUE(live.Post(Post("s1", 10), kNow - 3 * kTicksPerSecond).ok());
  ASSERT_TRUE(live.Post(Post("s1", 12), kNow).ok());
  const json seen = Snapshot(live);
  ASSERT_EQ(seen["servers"].size(), 1U);
  const json& server = seen["servers"][0];
  EXPECT_EQ(server["source"], "live");
  EXPECT_EQ(server["role"], "shop");
  EXPECT_EQ(server["machine"], "vm");
  ASSERT_EQ(server["points"].size(), 2U);
  EXPECT_EQ(server["points"][0]["ago"], 3);
  EXPECT_EQ(server["points"][1]["requests"], 12);
  EXPECT_EQ(server["points"][1]["requestMs"], 26.5);
  EXPECT_EQ(server["points"][1]["memory"], 81604608);
  EXPECT_EQ(server["points"][1]["cpu"], 2.5);
}

TEST(LiveMetrics, DocumentsAreNewestFirstAndBounded) {
  LiveMetrics live;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(live.Post(Post("s1", i), kNow).ok());
  const json documents = Snapshot(live)["documents"];
  ASSERT_EQ(documents.size(), limits::kLiveDocumentsMax);
  EXPECT_EQ(documents[0]["type"], "Exception");
  EXPECT_EQ(documents[0]["name"], "Boom");
  EXPECT_EQ(documents[1]["result"], "500");
  EXPECT_DOUBLE_EQ(documents[1]["duration"].get<double>(), 27.6);
  EXPECT_GT(documents[0]["number"], documents[1]["number"]);
}

TEST(LiveMetrics, CountsWhatArrivesInTheSecondInWhichItEnded) {
  LiveMetrics live;
  live.Watch(kNow);
  live.Count({Call(ItemType::kRequest, 2, 10, true), Call(ItemType::kRequest, 2, 30, false), Call(ItemType::kDependency, 2, 5, true),
              Call(ItemType::kException, 0, 0, true), Call(ItemType::kTrace, 0, 0, true)}, kNow);
  const json points = Snapshot(live)["servers"][0]["points"];
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0]["ago"], 2);
  EXPECT_EQ(points[0]["requests"], 2);
  EXPECT_EQ(points[0]["requestsFailed"], 1);
  EXPECT_EQ(points[0]["requestMs"], 20);
  EXPECT_EQ(points[0]["dependencies"], 1);
  EXPECT_EQ(points[1]["exceptions"], 1);
}

TEST(LiveMetrics, CountsNothingWhileNobodyLooks) {
  LiveMetrics live;
  live.Count({Call(ItemType::kRequest, 0, 1, true)}, kNow);
  EXPECT_TRUE(Snapshot(live)["servers"].empty());
}

TEST(LiveMetrics, AWrongClockDoesNotHideACall) {
  LiveMetrics live;
  live.Watch(kNow);
  live.Count({Call(ItemType::kRequest, 100'000, 1, true), Call(ItemType::kRequest, -100'000, 1, true)}, kNow);
  EXPECT_EQ(Snapshot(live)["servers"][0]["points"][0]["requests"], 2);
}

TEST(LiveMetrics, SilentServersGoAndTheirNumberIsBounded) {
  LiveMetrics live;
  for (std::size_t i = 0; i < limits::kLiveServersMax + 10; ++i) ASSERT_TRUE(live.Post(Post("s" + std::to_string(i), 1), kNow).ok());
  EXPECT_EQ(Snapshot(live)["servers"].size(), limits::kLiveServersMax);
  EXPECT_TRUE(Snapshot(live, kNow + 61 * kTicksPerSecond)["servers"].empty());
  ASSERT_TRUE(live.Post(Post("new", 1), kNow + 61 * kTicksPerSecond).ok());
  EXPECT_EQ(Snapshot(live, kNow + 61 * kTicksPerSecond)["servers"].size(), 1U);
}

TEST(LiveMetrics, WhatIsNoPostIsRefused) {
  LiveMetrics live;
  for (const char* body : {"", "{}", "[1]", "[", "null"}) EXPECT_FALSE(live.Post(body, kNow).ok()) << body;
  EXPECT_TRUE(live.Post(R"([{"Metrics":[1,{"Name":5}],"Documents":[3,{}]}])", kNow).ok());
  EXPECT_TRUE(live.Post("[]", kNow).ok());
}

TEST(LiveMetrics, TheConfigurationIsJsonWithItsEtag) {
  EXPECT_EQ(json::parse(kLiveConfiguration)["ETag"], kLiveConfigurationEtag);
  EXPECT_EQ(json::parse(kLiveConfiguration)["DocumentStreams"][0]["DocumentFilterGroups"].size(), 4U);
  EXPECT_EQ(json::parse(kNoLiveConfiguration)["ETag"], "");
}

}  // namespace
}  // namespace azmon::local
