// SPDX-License-Identifier: MIT
#include "net/router.h"

#include <gtest/gtest.h>

namespace net {
namespace {

Handler Nothing() {
  return [](RequestContext&) -> boost::asio::awaitable<Response> { co_return Response(); };
}

TEST(Router, LiteralsWinOverParametersAndParametersOverTheRest) {
  Router router;
  router.Add("GET", "/orders/{id}", Nothing());
  router.Add("GET", "/orders/mine", Nothing());
  router.Add("GET", "/orders/{id}/lines/{line}", Nothing());
  router.Add("GET", "/{rest*}", Nothing());
  struct Row {
    const char* path;
    const char* route;
  };
  for (const Row& row : {Row{"/orders/42", "/orders/{id}"}, Row{"/orders/mine", "/orders/mine"}, Row{"/orders/mine/lines/1", "/orders/{id}/lines/{line}"},
                         Row{"/orders/1/lines/2", "/orders/{id}/lines/{line}"}, Row{"/orders/", "/{rest*}"}, Row{"/orders/1/", "/{rest*}"},
                         Row{"/orders", "/{rest*}"}, Row{"/", "/{rest*}"}, Row{"/a/b/c", "/{rest*}"}}) {
    const auto match = router.Find("GET", row.path);
    EXPECT_NE(match.handler, nullptr) << row.path;
    EXPECT_EQ(match.route, row.route) << row.path;
  }
}

TEST(Router, ParametersAreDecoded) {
  Router router;
  router.Add("GET", "/a/{one}/{two}", Nothing());
  router.Add("GET", "/files/{path*}", Nothing());
  const auto match = router.Find("GET", "/a/x%2Fy/%C3%A9");
  ASSERT_EQ(match.params.size(), 2u);
  EXPECT_EQ(match.params[0].first, "one");
  EXPECT_EQ(match.params[0].second, "x/y");
  EXPECT_EQ(match.params[1].second, "\xc3\xa9");
  EXPECT_EQ(router.Find("GET", "/files/a/b%20c").params[0].second, "a/b c");
  EXPECT_EQ(router.Find("GET", "/a/%4/x").status, 400);
  EXPECT_EQ(router.Find("GET", "/a/%4/x").handler, nullptr);
}

TEST(Router, AParameterNeverMatchesAnEmptySegment) {
  Router router;
  router.Add("GET", "/orders/{id}", Nothing());
  EXPECT_EQ(router.Find("GET", "/orders/").status, 404);
  EXPECT_EQ(router.Find("GET", "/orders").status, 404);
  EXPECT_EQ(router.Find("GET", "/orders/1/").status, 404);
  EXPECT_EQ(router.Find("GET", "").status, 404);
  EXPECT_EQ(router.Find("GET", "*").status, 404);
}

TEST(Router, AnotherMethodIsA405ThatSaysWhichAreAllowed) {
  Router router;
  router.Add("GET", "/orders/{id}", Nothing());
  router.Add("DELETE", "/orders/{id}", Nothing());
  const auto match = router.Find("POST", "/orders/1");
  EXPECT_EQ(match.status, 405);
  EXPECT_EQ(match.allow, "DELETE, GET, HEAD");
  EXPECT_EQ(match.route, "/orders/{id}");
  EXPECT_EQ(router.Find("get", "/orders/1").status, 405);
}

TEST(Router, GetAnswersHeadUnlessHeadHasItsOwnHandler) {
  Router router;
  router.Add("GET", "/a", Nothing());
  router.Add("GET", "/b", Nothing(), {.body_bytes_max = 1});
  router.Add("HEAD", "/b", Nothing(), {.body_bytes_max = 2});
  EXPECT_NE(router.Find("HEAD", "/a").handler, nullptr);
  EXPECT_EQ(router.Find("HEAD", "/b").options.body_bytes_max, 2u);
  EXPECT_EQ(router.Find("GET", "/b").options.body_bytes_max, 1u);
}

}  // namespace
}  // namespace net
