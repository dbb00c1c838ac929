// SPDX-License-Identifier: MIT
#include "net/codec/request_parser.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "net/codec/hostile_requests.h"

namespace net {
namespace {

using State = RequestParser::State;

/// Feeds as a connection does: in pieces of `step` bytes, what was not consumed again with the next piece.
void FeedAll(RequestParser& parser, std::string_view bytes, std::size_t step, std::size_t body_bytes_max = limits::kBodyBytesMax) {
  std::size_t begin = 0;
  bool is_limited = false;
  for (std::size_t end = 0; end < bytes.size() && parser.state() != State::kDone && parser.state() != State::kRefused;) {
    end = std::min(bytes.size(), end + step);
    for (std::size_t consumed = 1; consumed > 0 && begin < end;) {
      consumed = parser.Feed(bytes.substr(begin, end - begin));
      begin += consumed;
      if (!is_limited && parser.state() == State::kBody) {
        is_limited = true;
        parser.LimitBody(body_bytes_max);
      }
      if (parser.state() == State::kDone || parser.state() == State::kRefused) return;
    }
  }
}

TEST(RequestParser, RefusesEveryHostileShapeHoweverItArrives) {
  for (const auto& hostile : testing::HostileRequests()) {
    for (const std::size_t step : {hostile.bytes.size(), std::size_t{1}, std::size_t{4096}}) {
      if (step == 1 && hostile.bytes.size() > 5'000) continue;  // quadratic, and equal to 4096 in what it shows
      RequestParser parser({});
      FeedAll(parser, hostile.bytes, step);
      ASSERT_EQ(parser.state(), State::kRefused) << hostile.name << " by " << step;
      EXPECT_EQ(parser.refusal().status, hostile.status) << hostile.name << " by " << step << ": " << parser.refusal().reason;
    }
  }
}

TEST(RequestParser, TakesEveryUnusualShapeHoweverItArrives) {
  for (const auto& [name, bytes] : testing::UnusualRequests()) {
    for (const std::size_t step : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
      RequestParser parser({});
      FeedAll(parser, bytes, step);
      ASSERT_EQ(parser.state(), State::kDone) << name << " by " << step;
      EXPECT_EQ(parser.request().method, "POST") << name;
      EXPECT_EQ(parser.request().path(), "/") << name;
      EXPECT_TRUE(parser.request().body.empty() || parser.request().body == "ab") << name;
    }
  }
}

TEST(RequestParser, StopsAtTheEndOfTheRequest) {
  const std::string first = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
  const std::string bytes = first + "GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestParser parser({});
  std::size_t used = parser.Feed(bytes);
  ASSERT_EQ(parser.state(), State::kBody);
  parser.LimitBody(2);
  used += parser.Feed(std::string_view(bytes).substr(used));
  EXPECT_EQ(parser.state(), State::kDone);
  EXPECT_EQ(used, first.size());
  EXPECT_EQ(parser.Feed("more"), 0u);
}

TEST(RequestParser, TrailersDoNotBecomeFields) {
  RequestParser parser({});
  FeedAll(parser, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Admin: yes\r\nHost: b\r\n\r\n", 9);
  ASSERT_EQ(parser.state(), State::kDone);
  EXPECT_FALSE(parser.request().headers.Has("X-Admin"));
  EXPECT_EQ(parser.request().headers.Count("Host"), 1u);
}

TEST(RequestParser, TheBodyLimitIsExactForBothFramings) {
  for (const std::string& framed : {std::string("Content-Length: 5\r\n\r\nabcde"), std::string("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")}) {
    const std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\n" + framed;
    RequestParser enough({});
    FeedAll(enough, bytes, bytes.size(), 5);
    EXPECT_EQ(enough.state(), State::kDone) << framed;
    RequestParser short_by_one({});
    FeedAll(short_by_one, bytes, bytes.size(), 4);
    EXPECT_EQ(short_by_one.state(), State::kRefused) << framed;
    EXPECT_EQ(short_by_one.refusal().status, 413) << framed;
  }
}

TEST(RequestParser, KeepAliveFollowsVersionAndConnection) {
  struct Row {
    const char* line;
    const char* field;
    bool keeps;
  };
  for (const Row& row : {Row{"HTTP/1.1", "", true}, Row{"HTTP/1.1", "Connection: close\r\n", false}, Row{"HTTP/1.1", "Connection: x, Close\r\n", false},
                         Row{"HTTP/1.0", "", false}, Row{"HTTP/1.0", "Connection: keep-alive\r\n", true},
                         Row{"HTTP/1.0", "Connection: keep-alive, close\r\n", false}}) {
    RequestParser parser({});
    FeedAll(parser, std::string("GET / ") + row.line + "\r\nHost: a\r\n" + row.field + "\r\n", 1000);
    ASSERT_EQ(parser.state(), State::kDone);
    EXPECT_EQ(parser.keep_alive(), row.keeps) << row.line << " " << row.field;
  }
}

}  // namespace
}  // namespace net
