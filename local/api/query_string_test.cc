// SPDX-License-Identifier: MIT
#include "local/api/query_string.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "local/model/time.h"

namespace azmon::local {
namespace {

using ::testing::HasSubstr;

TEST(QueryString, ReadsTransactionFilters) {
  const auto query = ReadTransactionQuery("search=a+b%20%22c%22&role=r%26d&since=2026-11-24T10:00:00Z&result=failed&itemType=exception&iKey=k&limit=7&until=");
  ASSERT_TRUE(query.ok()) << query.error().ToString();
  EXPECT_FALSE(query->search.IsEmpty());
  EXPECT_EQ(query->role, "r&d");
  EXPECT_EQ(query->since, ParseTime("2026-11-24T10:00:00Z"));
  EXPECT_FALSE(query->until);
  EXPECT_EQ(query->success, false);
  EXPECT_EQ(query->item_type, ItemType::kException);
  EXPECT_EQ(query->i_key, "k");
  EXPECT_EQ(query->limit, 7U);
}

TEST(QueryString, SaysWhatIsWrong) {
  struct Case {
    const char *query, *text;
  };
  for (const Case& at : {Case{"limit=0", "limit"}, {"limit=x", "limit"}, {"limit=1001", "limit"}, {"since=monday", "since"}, {"result=maybe", "result"},
                         {"itemType=Request", "itemType"}, {"cursor=zz", "cursor"}, {"serach=x", "serach"}, {"search=%zz", "%"}, {"search=(", "parenthes"}}) {
    const auto query = ReadTransactionQuery(at.query);
    ASSERT_FALSE(query.ok()) << at.query;
    EXPECT_THAT(query.error().detail, HasSubstr(at.text)) << at.query;
  }
  EXPECT_FALSE(ReadItemQuery("where=nonsense").ok());
  EXPECT_FALSE(ReadItemQuery("cursor=-1").ok());
}

TEST(QueryString, ConditionsRepeat) {
  const auto query = ReadItemQuery("where=resultCode=200&where=customDimensions.order.id%3D42&operation_Id=o");
  ASSERT_TRUE(query.ok()) << query.error().ToString();
  ASSERT_EQ(query->where.size(), 2U);
  EXPECT_EQ(query->where[1].name, "order.id");
  EXPECT_EQ(query->where[1].value, "42");
  EXPECT_EQ(query->operation_id, "o");
}

TEST(QueryString, AChartNeedsToKnowWhichWayItsMetricCame) {
  const auto query = ReadChartQuery("name=a+b&source=otlp&namespace=n&splitBy=http.route&where=customDimensions.x=1&since=2026-11-24T10:00:00Z");
  ASSERT_TRUE(query.ok()) << query.error().ToString();
  EXPECT_EQ(query->name, "a b");
  EXPECT_EQ(query->source, Source::kOtlp);
  EXPECT_EQ(query->split_by, "http.route");
  EXPECT_EQ(query->where.size(), 1U);
  EXPECT_TRUE(query->since.has_value());
  EXPECT_FALSE(ReadChartQuery("name=a").ok());
  EXPECT_FALSE(ReadChartQuery("name=a&source=both").ok());
  EXPECT_FALSE(ReadMetricQuery("limit=0").ok());
  EXPECT_EQ(ReadMetricQuery("search=X&role=r&limit=7")->limit, 7U);
}

TEST(OwnHost, IsLoopbackOrAllowed) {
  for (const char* host : {"localhost", "localhost:4380", "LOCALHOST", "127.0.0.1:4380", "127.1.2.3", "[::1]", "[::1]:80", "x.localhost:1"}) {
    EXPECT_TRUE(IsOwnHost(host, {})) << host;
  }
  for (const char* host : {"", "evil.example", "evil.example:4380", "localhost.evil.example", "127.evil.example", "127.0.0.1.evil.example", "192.168.0.1", "[::2]", "[", "10.0.0.1:4380"}) {
    EXPECT_FALSE(IsOwnHost(host, {})) << host;
  }
  EXPECT_TRUE(IsOwnHost("dev-box:4380", {"DEV-BOX"}));
  EXPECT_FALSE(IsOwnHost("dev-box2:4380", {"dev-box"}));
}

TEST(SameOrigin, IsSchemeAndHostOfOurs) {
  EXPECT_TRUE(IsSameOrigin("http://localhost:4380", "localhost:4380"));
  EXPECT_TRUE(IsSameOrigin("https://localhost:4380", "localhost:4380"));
  for (const char* origin : {"null", "", "http://localhost:5173", "http://evil.example", "localhost:4380", "http://localhost:4380.evil.example"}) {
    EXPECT_FALSE(IsSameOrigin(origin, "localhost:4380")) << origin;
  }
}

}  // namespace
}  // namespace azmon::local
