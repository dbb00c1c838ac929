// SPDX-License-Identifier: MIT
#include "local/store/operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace azmon::local {
namespace {

using ::testing::ElementsAre;

struct SpanArguments {
  std::string id, parent, role, name;
  std::int64_t time = 0, duration = 10;
  std::int8_t success = 1;
  Source source = Source::kBreeze;
  std::uint64_t seq = 1;
};

Item Span(SpanArguments arguments) {
  Item item;
  item.type = arguments.parent.empty() ? ItemType::kRequest : ItemType::kDependency;
  item.id = arguments.id;
  item.parent_id = arguments.parent;
  item.role = arguments.role;
  item.name = arguments.name;
  item.time = arguments.time;
  item.duration = arguments.duration;
  item.success = arguments.success;
  item.source = arguments.source;
  item.seq = arguments.seq;
  item.i_key = "k";
  return item;
}

TEST(Operation, TakesNameAndResultOfTheRoot) {
  Operation operation;
  operation.Add(Span({.id = "b", .parent = "a", .role = "two", .name = "child", .time = 5, .success = 0, .seq = 3}));
  operation.Add(Span({.id = "a", .role = "one", .name = "root", .time = 6, .duration = 30, .seq = 4}));
  const auto summary = operation.Summarise("op");
  EXPECT_EQ(summary.name, "root");
  EXPECT_TRUE(summary.success);
  EXPECT_EQ(summary.errors, 1U);
  EXPECT_EQ(summary.start, 5);
  EXPECT_EQ(summary.end, 36);
  EXPECT_EQ(summary.first_seq, 3U);
  EXPECT_EQ(summary.last_seq, 4U);
}

TEST(Operation, ASpanReceivedBothWaysIsOneItem) {
  Operation operation;
  for (const Source source : {Source::kBreeze, Source::kOtlp}) {
    operation.Add(Span({.id = "a", .name = "root", .success = 0, .source = source}));
  }
  const auto summary = operation.Summarise("op");
  EXPECT_EQ(summary.items, 1U);
  EXPECT_EQ(summary.errors, 1U);
  EXPECT_EQ(summary.sources, 3U);
}

TEST(Operation, ALogReceivedBothWaysIsOneItemAndOtherLogsAreNot) {
  Operation operation;
  Item log;
  log.type = ItemType::kTrace;
  log.message = "hello";
  log.time = 7;
  operation.Add(log);
  log.source = Source::kOtlp;
  operation.Add(log);
  log.time = 8;
  operation.Add(log);
  EXPECT_EQ(operation.Summarise("op").items, 2U);
  EXPECT_EQ(operation.Summarise("op").name, "hello");
}

TEST(Operation, RolesStandInCallOrderDespiteClockSkew) {
  Operation operation;
  operation.Add(Span({.id = "c", .parent = "b", .role = "receipt", .time = -1000}));
  operation.Add(Span({.id = "b", .parent = "a", .role = "order", .time = -500}));
  operation.Add(Span({.id = "a", .role = "checkout", .time = 0}));
  EXPECT_THAT(operation.Summarise("op").roles, ElementsAre("checkout", "order", "receipt"));
}

TEST(Operation, CirclesOfParentsEnd) {
  Operation operation;
  operation.Add(Span({.id = "a", .parent = "b", .role = "x", .name = "first", .time = 1}));
  operation.Add(Span({.id = "b", .parent = "a", .role = "y", .name = "second", .time = 2, .success = 0}));
  operation.Add(Span({.id = "c", .parent = "c", .role = "z", .name = "self", .time = 3}));
  const auto summary = operation.Summarise("op");
  EXPECT_EQ(summary.items, 3U);
  EXPECT_EQ(summary.roles.size(), 3U);
  EXPECT_EQ(summary.name, "self");
}

TEST(Operation, ManyItemsOfOneOperationStayQuick) {
  Operation operation;
  for (int i = 0; i < 20'000; ++i) {
    operation.Add(Span({.id = std::to_string(i), .parent = i == 0 ? "" : std::to_string(i - 1), .role = i % 2 == 0 ? "even" : "odd", .time = i}));
  }
  const auto summary = operation.Summarise("op");
  EXPECT_EQ(summary.items, 20'000U);
  EXPECT_THAT(summary.roles, ElementsAre("even", "odd"));
}

}  // namespace
}  // namespace azmon::local
