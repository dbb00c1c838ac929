// SPDX-License-Identifier: MIT
#include "local/query/filter.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "local/model/time.h"
#include "local/query/item_json.h"

namespace azmon::local {
namespace {

Item Order() {
  Item item;
  item.seq = 7;
  item.type = ItemType::kRequest;
  item.time = *ParseTime("2026-11-24T10:00:00.1234567Z");
  item.duration = 15'000;
  item.success = 1;
  item.name = "POST /orders";
  item.operation_id = "0af7651916cd43dd8448eb211c80319c";
  item.id = "b7ad6b7169203331";
  item.role = "order-processor";
  item.result_code = "200";
  item.dimensions = R"({"order.id":"42","say \"hi\"":"x","n":3})";
  item.measurements = R"({"bytes":12.5})";
  return item;
}

bool Matches(std::string_view where, const Item& item) {
  auto condition = Condition::Parse(where);
  EXPECT_TRUE(condition.ok()) << where;
  return ConditionMatcher({*condition}).Matches(item);
}

TEST(Condition, ComparesColumnsAndBags) {
  const Item item = Order();
  EXPECT_TRUE(Matches("resultCode=200", item));
  EXPECT_FALSE(Matches("resultCode=20", item));
  EXPECT_TRUE(Matches("success=true", item));
  EXPECT_TRUE(Matches("duration=1.5", item));
  EXPECT_TRUE(Matches("message=", item));
  EXPECT_TRUE(Matches("customDimensions.order.id=42", item));
  EXPECT_FALSE(Matches("customDimensions.order.id=4", item));
  EXPECT_TRUE(Matches("customDimensions.say \"hi\"=x", item));
  EXPECT_TRUE(Matches("customDimensions.n=3", item));
  EXPECT_FALSE(Matches("customDimensions.order=42", item));
  EXPECT_TRUE(Matches("customMeasurements.bytes=12.5", item));
  EXPECT_TRUE(Matches("itemType=request", item));
}

TEST(Condition, RefusesUnknownColumnsAndMissingEquals) {
  for (const char* text : {"", "name", "=x", "order.id=42", "customdimensions.x=1"}) EXPECT_FALSE(Condition::Parse(text).ok()) << text;
}

TEST(Cursor, ComesBackAsItWas) {
  const auto cursor = DecodeTransactionCursor(EncodeCursor({.start = -5, .operation_id = "weird id \xff"}));
  ASSERT_TRUE(cursor);
  EXPECT_EQ(cursor->start, -5);
  EXPECT_EQ(cursor->operation_id, "weird id \xff");
  for (const char* text : {"", "5", "5.", "x.00", "5.0", "5.zz"}) {
    const auto decoded = DecodeTransactionCursor(text);
    EXPECT_TRUE(!decoded || decoded->operation_id.empty()) << text;
  }
  EXPECT_FALSE(DecodeItemCursor("-1"));
  EXPECT_EQ(DecodeItemCursor("12"), 12U);
}

TEST(ItemJson, HasTheNamesOfTheContract) {
  std::string text;
  base::JsonWriter writer(text);
  WriteItem(Order(), writer);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["seq"], 7);
  EXPECT_EQ(json["source"], "breeze");
  EXPECT_EQ(json["itemType"], "request");
  EXPECT_EQ(json["timestamp"], "2026-11-24T10:00:00.1234567Z");
  EXPECT_EQ(json["duration"], 1.5);
  EXPECT_EQ(json["success"], true);
  EXPECT_TRUE(json["operation_ParentId"].is_null());
  EXPECT_EQ(json["customDimensions"]["order.id"], "42");
  EXPECT_EQ(json["customMeasurements"]["bytes"], 12.5);
  EXPECT_FALSE(json.contains("severityLevel"));
  EXPECT_FALSE(json.contains("links"));
}

TEST(FindInItem, LooksIntoEveryText) {
  const Item item = Order();
  std::string scratch;
  for (const char* term : {"orders", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "processor", "200", "42", "\"order.id\"", "request", "bytes"}) {
    const auto search = Search::Parse(term);
    EXPECT_TRUE(search->Matches(FindInItem(*search, item, scratch))) << term;
  }
}

}  // namespace
}  // namespace azmon::local
