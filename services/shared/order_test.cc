// SPDX-License-Identifier: MIT
#include "services/shared/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/shared/limits.h"

namespace services {
namespace {

using testing::ElementsAre;

std::string Receipt(std::string_view body) {
  const OrderParse parsed = ParseOrder(body);
  return parsed.order ? ReceiptOf(*parsed.order) : "refused: " + parsed.problems.front().pointer + " " + parsed.problems.front().detail;
}

std::vector<std::string> BadMembers(std::string_view body) {
  const OrderParse parsed = ParseOrder(body);
  std::vector<std::string> pointers;
  for (const FieldProblem& problem : parsed.problems) pointers.push_back(problem.pointer);
  EXPECT_EQ(parsed.order.has_value(), pointers.empty()) << body;
  return pointers;
}

TEST(Order, AnIdAloneIsAnOrder) { EXPECT_EQ(Receipt(R"({"orderId":42})"), R"({"orderId":42})"); }

TEST(Order, NumberAndStringOfTheSameIdAreTheSameOrder) {
  EXPECT_EQ(Receipt(R"({"orderId":"42"})"), Receipt(R"({"orderId":42})"));
  EXPECT_EQ(ParseOrder(R"({"orderId":"42"})").order->id, ParseOrder(R"({ "orderId" : 42 })").order->id);
  EXPECT_EQ(Receipt(R"({"orderId":"042"})"), R"({"orderId":"042"})");
  EXPECT_EQ(Receipt(R"({"orderId":"9007199254740992"})"), R"({"orderId":"9007199254740992"})");
}

TEST(Order, IdsInsideTheContractAreTaken) {
  const std::string longest(limits::kOrderIdCharsMax, 'a');
  for (const std::string& id : {std::string("1"), std::string("9007199254740991"), std::string("\"a-Z0\""), "\"" + longest + "\""}) {
    EXPECT_EQ(Receipt("{\"orderId\":" + id + "}"), "{\"orderId\":" + id + "}");
  }
}

TEST(Order, IdsOutsideTheContractAreRefused) {
  const std::string too_long(limits::kOrderIdCharsMax + 1, 'a');
  for (const std::string& id : {std::string("0"), std::string("-1"), std::string("9007199254740992"), std::string("1.5"), std::string("null"),
                                std::string("true"), std::string("[1]"), std::string("{}"), std::string("\"\""), std::string("\"a b\""),
                                std::string("\"../x\""), std::string("\"a_b\""), std::string("\"\\u0000\""), std::string("\"\u00e9\""),
                                "\"" + too_long + "\"", std::string("1e300")}) {
    EXPECT_THAT(BadMembers("{\"orderId\":" + id + "}"), ElementsAre("/orderId")) << id;
  }
  EXPECT_THAT(BadMembers("{}"), ElementsAre("/orderId"));
}

TEST(Order, WhatIsNoObjectIsRefused) {
  for (const std::string_view body : {"", "[]", "42", "null", "\"x\"", "{\"orderId\":42", "{\"orderId\":42}}", "{\"orderId\":1,\"orderId\":2}"}) {
    EXPECT_THAT(BadMembers(body), ElementsAre("")) << body;
  }
}

TEST(Order, ReceiptDependsOnValuesNotOnSpelling) {
  const std::string_view canonical =
      R"({"orderId":7,"customerReference":"PO-1","currency":"EUR","lines":[{"sku":"a","quantity":2,"unitPriceMinor":1250,"gift":true}],"a":[1,{"x":2,"y":1}],"z":1.5})";
  EXPECT_EQ(Receipt(canonical), canonical);
  EXPECT_EQ(Receipt(R"( { "z" : 1.50, "lines" : [ { "gift":true, "unitPriceMinor":1250, "quantity":2.0, "sku":"\u0061" } ],
                        "a" : [ 1, { "y":1, "x":2 } ], "currency":"EUR", "customerReference":"PO\u002d1", "orderId":"7" } )"),
            canonical);
}

TEST(Order, ReceiptsOfDifferentOrdersDiffer) {
  EXPECT_NE(Receipt(R"({"orderId":7,"a":[1,2]})"), Receipt(R"({"orderId":7,"a":[2,1]})"));
  EXPECT_NE(Receipt(R"({"orderId":7,"a":"1"})"), Receipt(R"({"orderId":7,"a":1})"));
  EXPECT_NE(Receipt(R"({"orderId":7,"a":null})"), Receipt(R"({"orderId":7})"));
}

TEST(Order, ReceiptIsAnOrderAgainWithTheSameReceipt) {
  const std::string once = Receipt(R"({"lines":[{"unitPriceMinor":0,"quantity":1,"note":"\u0007\"\\"}],"currency":"JPY","orderId":"x-1","n":1e21})");
  EXPECT_EQ(Receipt(once), once);
}

TEST(Order, EveryBadMemberIsNamed) {
  EXPECT_THAT(BadMembers(R"({"orderId":0,"customerReference":"","currency":"eur","lines":[{"sku":5,"quantity":0},7,
                             {"quantity":1000001,"unitPriceMinor":-1},{"quantity":"2","unitPriceMinor":1.5}]})"),
              ElementsAre("/orderId", "/customerReference", "/currency", "/lines/0/sku", "/lines/0/quantity", "/lines/0/unitPriceMinor",
                          "/lines/1", "/lines/2/quantity", "/lines/2/unitPriceMinor", "/lines/3/quantity", "/lines/3/unitPriceMinor"));
}

TEST(Order, ProblemsAreBounded) {
  std::string body = R"({"orderId":1,"currency":"EUR","lines":[0)";
  for (int i = 1; i < 100; ++i) body += ",0";
  EXPECT_EQ(BadMembers(body + "]}").size(), limits::kFieldProblemsMax);
}

TEST(Order, LinesNeedACurrencyAndAreBounded) {
  EXPECT_THAT(BadMembers(R"({"orderId":1,"lines":[{"quantity":1,"unitPriceMinor":1}]})"), ElementsAre("/currency"));
  EXPECT_THAT(BadMembers(R"({"orderId":1,"currency":"EUR","lines":[]})"), ElementsAre("/lines"));
  EXPECT_THAT(BadMembers(R"({"orderId":1,"currency":"EUR","lines":{}})"), ElementsAre("/lines"));
  std::string body = R"({"orderId":1,"currency":"EUR","lines":[{"quantity":1,"unitPriceMinor":1})";
  for (int i = 1; i < 100; ++i) body += R"(,{"quantity":1,"unitPriceMinor":1})";
  EXPECT_EQ(ParseOrder(body + "]}").order->total_minor, 100);
  EXPECT_THAT(BadMembers(body + R"(,{"quantity":1,"unitPriceMinor":1}]})"), ElementsAre("/lines"));
}

TEST(Order, TotalIsTheSumAndIsBounded) {
  EXPECT_EQ(ParseOrder(R"({"orderId":1,"currency":"EUR","lines":[{"quantity":3,"unitPriceMinor":1250},{"quantity":1,"unitPriceMinor":1}]})")
                .order->total_minor,
            3751);
  EXPECT_THAT(BadMembers(R"({"orderId":1,"currency":"EUR","lines":[{"quantity":1000000,"unitPriceMinor":100000000000}]})"),
              ElementsAre("/lines/0"));
}

TEST(Order, TextsAreBoundedAndWithoutControls) {
  const std::string fits(limits::kCustomerReferenceBytesMax, 'x');
  EXPECT_THAT(BadMembers(R"({"orderId":1,"customerReference":")" + fits + "\"}"), ElementsAre());
  EXPECT_THAT(BadMembers(R"({"orderId":1,"customerReference":")" + fits + "x\"}"), ElementsAre("/customerReference"));
  EXPECT_THAT(BadMembers(R"({"orderId":1,"customerReference":"a\nb"})"), ElementsAre("/customerReference"));
}

TEST(Order, BodyIsBounded) {
  const std::string padding(limits::kOrderBodyBytesMax, ' ');
  EXPECT_THAT(BadMembers(R"({"orderId":1})" + padding), ElementsAre(""));
}

TEST(Order, RefusalNamesTheFirstMemberAndCountsTheRest) {
  const Problem problem = InvalidOrder(ParseOrder(R"({"orderId":0,"currency":1})").problems);
  EXPECT_EQ(problem.status, 400);
  EXPECT_EQ(problem.code, "invalid_order");
  EXPECT_THAT(problem.detail, testing::HasSubstr("orderId must be"));
  EXPECT_THAT(problem.detail, testing::HasSubstr("1 more"));
}

TEST(Order, ReceiptNameIsTheIdAlone) { EXPECT_EQ(ReceiptName("42"), "order-42.json"); }

}  // namespace
}  // namespace services
