// SPDX-License-Identifier: MIT
#include "services/shared/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace services {
namespace {

TEST(Problem, IsWrittenAsRfc9457AsksFor) {
  const Problem problem{.status = 400, .code = "invalid_order", .detail = "no", .fields = {{"/lines/0/a b", "must be \"x\""}}, .retry_after = {}};
  EXPECT_EQ(nlohmann::json::parse(ToJson(problem)), nlohmann::json::parse(R"({"type":"about:blank","title":"Bad Request","status":400,
            "code":"invalid_order","detail":"no","errors":[{"pointer":"#/lines/0/a%20b","detail":"must be \"x\""}]})"));
}

TEST(Problem, ReadsBackWhatItWrote) {
  const Problem problem{.status = 409, .code = "order_conflict", .detail = "d\u00e9", .fields = {{"/a%b", "x"}, {"", "y"}}, .retry_after = {}};
  EXPECT_EQ(ParseProblem(409, ToJson(problem)), problem);
}

TEST(Problem, OfAPeerThatSendsAnythingElseHasTheStatusAlone) {
  const Problem expected{.status = 502, .code = {}, .detail = "Bad Gateway", .fields = {}, .retry_after = {}};
  for (const std::string_view body : {"", "<html>", "[]", "42", "{\"detail\":5,\"code\":null,\"errors\":7}", "{\"errors\":[1,{\"pointer\":\"x\"}]}"}) {
    EXPECT_EQ(ParseProblem(502, body), expected) << body;
  }
}

TEST(Problem, OfAPeerIsBounded) {
  const Problem problem = ParseProblem(400, "{\"detail\":\"" + std::string(100000, 'x') + "\"}");
  EXPECT_EQ(problem.detail.size(), 512u);
}

}  // namespace
}  // namespace services
