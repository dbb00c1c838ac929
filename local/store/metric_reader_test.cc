// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include "local/model/time.h"
#include "local/store/rows.h"
#include "local/store/sqlite.h"
#include "local/store/store.h"

namespace azmon::local {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class MetricReader : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "azmon-local-metrics-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(directory_);
  }

  void OpenStore() {
    StoreOptions options;
    options.directory = directory_;
    auto opened = Store::Open(options);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    store_ = std::move(*opened);
  }

  void Write(std::vector<Item> items) {
    std::promise<Result<void>> done;
    ASSERT_TRUE(store_->Submit({RawKind::kOtlpMetrics, "x", std::move(items)}, [&](Result<void> result) { done.set_value(std::move(result)); }).ok());
    ASSERT_TRUE(done.get_future().get().ok());
  }

  static Item Point(std::string name, Source source, std::string role, std::int64_t second, double value = 1) {
    Item item;
    item.type = ItemType::kMetric;
    item.source = source;
    item.name = std::move(name);
    item.role = std::move(role);
    item.kind = source == Source::kOtlp ? "gauge" : "Aggregation";
    item.time = second * kTicksPerSecond;
    item.i_key = "key";
    item.measurements = R"({"value":)" + std::to_string(value) + R"(,"count":1})";
    item.point = source == Source::kOtlp ? R"({"unit":"s)" + std::to_string(second) + R"("})" : "";
    return item;
  }

  std::string directory_;
  std::unique_ptr<Store> store_;
};

TEST_F(MetricReader, ListsEachMetricOnceWithItsRolesAndItsNewestFacts) {
  OpenStore();
  Item request;
  request.type = ItemType::kRequest;
  request.name = "orders.placed";
  Write({Point("orders.placed", Source::kOtlp, "receipt", 20), Point("orders.placed", Source::kOtlp, "checkout", 10),
         Point("orders.placed", Source::kBreeze, "checkout", 30), Point("queue", Source::kOtlp, "checkout", 5), request});
  const auto list = store_->ListMetrics({});
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->metrics.size(), 3U);
  EXPECT_EQ(list->total, 3U);
  EXPECT_EQ(list->metrics[0].source, Source::kBreeze);
  EXPECT_EQ(list->metrics[1].name, "orders.placed");
  EXPECT_THAT(list->metrics[1].roles, ElementsAre("checkout", "receipt"));
  EXPECT_EQ(list->metrics[1].point, R"({"unit":"s20"})");
  EXPECT_EQ(list->metrics[1].points, 2U);
  EXPECT_EQ(list->metrics[1].first, 10 * kTicksPerSecond);
  EXPECT_EQ(list->metrics[1].last, 20 * kTicksPerSecond);
}

TEST_F(MetricReader, FiltersTheListByNameRoleTimeAndApplication) {
  OpenStore();
  Write({Point("Orders.Placed", Source::kOtlp, "receipt", 20), Point("queue", Source::kOtlp, "checkout", 5)});
  const auto names = [&](const MetricQuery& query) {
    std::vector<std::string> found;
    const auto list = store_->ListMetrics(query);
    for (const MetricSummary& metric : list->metrics) found.push_back(metric.name);
    return found;
  };
  EXPECT_THAT(names({.search = "S.PLA"}), ElementsAre("Orders.Placed"));
  EXPECT_THAT(names({.role = "checkout"}), ElementsAre("queue"));
  EXPECT_THAT(names({.since = 10 * kTicksPerSecond}), ElementsAre("Orders.Placed"));
  EXPECT_THAT(names({.until = 20 * kTicksPerSecond}), ElementsAre("queue"));
  EXPECT_THAT(names({.i_key = "other"}), ElementsAre());
  const auto cut = store_->ListMetrics({.limit = 1});
  EXPECT_EQ(cut->metrics.size(), 1U);
  EXPECT_EQ(cut->total, 2U);
}

TEST_F(MetricReader, AChartHasThePointsOfItsRangeAlone) {
  OpenStore();
  Write({Point("m", Source::kOtlp, "a", 1000, 1), Point("m", Source::kOtlp, "b", 1100, 2), Point("m", Source::kOtlp, "a", 2000, 4),
         Point("m", Source::kBreeze, "a", 1100, 100), Point("other", Source::kOtlp, "a", 1100, 1000)});
  ChartQuery query{.name = "m", .source = Source::kOtlp, .since = 1000 * kTicksPerSecond, .until = 1500 * kTicksPerSecond, .split_by = "cloud_RoleName"};
  const auto chart = store_->ReadChart(query);
  ASSERT_TRUE(chart.ok());
  ASSERT_EQ(chart->series.size(), 2U);
  double sum = 0;
  for (const ChartSeries& series : chart->series) sum += series.steps.at(0).sum;
  EXPECT_EQ(sum, 3);
  query.role = "b";
  EXPECT_EQ(store_->ReadChart(query)->points, 1U);
  query.role.clear();
  query.where = {*Condition::Parse("cloud_RoleName=a")};
  EXPECT_EQ(store_->ReadChart(query)->points, 1U);
  query.since = query.until = std::nullopt;
  EXPECT_EQ(store_->ReadChart(query)->points, 2U) << "without a range all of them";
}

TEST_F(MetricReader, AnUnknownMetricIsNotFoundAndAnEmptyRangeIsEmpty) {
  OpenStore();
  Write({Point("m", Source::kOtlp, "a", 1000)});
  EXPECT_EQ(store_->ReadChart({.name = "n", .source = Source::kOtlp}).error().code, ErrorCode::kNotFound);
  const auto later = store_->ReadChart({.name = "m", .source = Source::kOtlp, .since = 5000 * kTicksPerSecond, .until = 6000 * kTicksPerSecond});
  ASSERT_TRUE(later.ok());
  EXPECT_TRUE(later->series.empty());
  EXPECT_EQ(store_->ReadChart({.name = "m", .source = Source::kOtlp, .since = 7, .until = 7}).error().code, ErrorCode::kMalformed);
}

TEST_F(MetricReader, AStoreOfTheFirstVersionIsBroughtUpToDate) {
  fs::create_directories(directory_);
  {
    auto database = Database::Open(directory_ + "/azmon-local.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok());
    const std::string sql = std::string(kSchema) + "PRAGMA application_id=" + std::to_string(kApplicationId) + ";PRAGMA user_version=1;" +
                            "INSERT INTO batches(id,first_seq,received,kind,bytes,body) VALUES(1,7,9000000000000000000,0,0,0);"  // received far from any retention
                            "INSERT INTO items VALUES(7,1,5,10000000,-1,-1,-1,1,'key',NULL,NULL,NULL,'checkout',NULL,'queue',NULL,'gauge',NULL,NULL,NULL,NULL,NULL,NULL,NULL,"
                            "'{\"value\":3,\"count\":1}',NULL,1,x'')";
    ASSERT_TRUE((*database)->Execute(sql.c_str()).ok());
  }
  for (int open = 0; open < 2; ++open) {
    OpenStore();
    const auto list = store_->ListMetrics({});
    ASSERT_TRUE(list.ok()) << list.error().ToString();
    ASSERT_EQ(list->metrics.size(), 1U);
    EXPECT_EQ(list->metrics[0].name, "queue");
    store_.reset();
  }
}

}  // namespace
}  // namespace azmon::local
