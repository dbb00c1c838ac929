// SPDX-License-Identifier: MIT
#include "net/http.h"

#include <gtest/gtest.h>

#include "net/codec/gzip.h"
#include "net/codec/serializer.h"
#include "net/test_support.h"

namespace net {
namespace {

TEST(Headers, NamesAreComparedWithoutRegardToCaseAndKeepTheirOrder) {
  Headers headers;
  headers.Add("X-One", "1");
  headers.Add("Accept", "a");
  headers.Add("x-one", "2");
  EXPECT_EQ(headers.Get("X-ONE"), "1");
  EXPECT_EQ(headers.Count("x-One"), 2u);
  EXPECT_FALSE(headers.Get("x-on").has_value());
  std::string all;
  for (const Header header : headers) all += std::string(header.name) + "=" + std::string(header.value) + ";";
  EXPECT_EQ(all, "X-One=1;Accept=a;x-one=2;");
}

TEST(Headers, SetReplacesAllOfThatNameAlsoWithItsOwnValue) {
  Headers headers;
  headers.Add("A", "a value that is longer than any small string keeps inside itself");
  headers.Add("a", "2");
  headers.Set("A", *headers.Get("a"));
  EXPECT_EQ(headers.Count("A"), 1u);
  headers.Set("A", *headers.Get("A"));
  EXPECT_EQ(headers.Get("A"), "a value that is longer than any small string keeps inside itself");
  headers.Remove("A");
  EXPECT_TRUE(headers.empty());
}

TEST(Headers, TokensAreFoundInListsAndInSeveralFields) {
  Headers headers;
  headers.Add("Connection", "Upgrade , CLOSE");
  headers.Add("connection", "keep-alive");
  EXPECT_TRUE(headers.HasToken("Connection", "close"));
  EXPECT_TRUE(headers.HasToken("Connection", "Keep-Alive"));
  EXPECT_FALSE(headers.HasToken("Connection", "clos"));
}

TEST(Headers, OnlyTokensAndControlFreeValuesAreSendable) {
  EXPECT_TRUE(IsSendable({"X-A", "caf\xc3\xa9\ttab"}));
  EXPECT_FALSE(IsSendable({"", "x"}));
  EXPECT_FALSE(IsSendable({"X A", "x"}));
  EXPECT_FALSE(IsSendable({"X:", "x"}));
  EXPECT_FALSE(IsSendable({"X", "a\r\nSet-Cookie: b"}));
  EXPECT_FALSE(IsSendable({"X", std::string_view("a\0b", 3)}));
  EXPECT_FALSE(IsSendable({"X", "\x7f"}));
}

TEST(Body, SharedBytesAreNotCopied) {
  const auto text = std::make_shared<const std::string>("static");
  const Body body = Body::Shared(text);
  EXPECT_EQ(body.view().data(), text->data());
  const Body copy = body;
  EXPECT_EQ(copy.view().data(), text->data());
  EXPECT_EQ(std::move(Body(body)).Take(), "static");
  Body owned(std::string("a text that is longer than any small string keeps inside"));
  const Body moved = std::move(owned);
  EXPECT_EQ(moved.view(), "a text that is longer than any small string keeps inside");
}

TEST(Request, QueryValuesAreDecoded) {
  Request request;
  request.target = "/a%20b?x=1&name=a+b%2Bc&flag&bad=%zz&x=2";
  EXPECT_EQ(request.path(), "/a%20b");
  EXPECT_EQ(request.query(), "x=1&name=a+b%2Bc&flag&bad=%zz&x=2");
  EXPECT_EQ(request.QueryValue("x"), "1");
  EXPECT_EQ(request.QueryValue("name"), "a b+c");
  EXPECT_EQ(request.QueryValue("flag"), "");
  EXPECT_FALSE(request.QueryValue("bad").has_value());
  EXPECT_FALSE(request.QueryValue("none").has_value());
}

TEST(Url, IsTakenApartAndPutTogether) {
  struct Row {
    const char* text;
    const char* host;
    std::uint16_t port;
    const char* target;
    const char* host_header;
  };
  for (const Row& row : {Row{"http://Example.ORG", "example.org", 80, "/", "example.org"},
                         Row{"http://a:8080/x?y=1", "a", 8080, "/x?y=1", "a:8080"},
                         Row{"HTTPS://a:443/", "a", 443, "/", "a"},
                         Row{"http://[::1]:4380/p", "::1", 4380, "/p", "[::1]:4380"},
                         Row{"http://a?q", "a", 80, "/?q", "a"},
                         Row{"http://a:/x", "a", 80, "/x", "a"}}) {
    const auto url = Url::Parse(row.text);
    ASSERT_TRUE(url.ok()) << row.text;
    EXPECT_EQ(url->host, row.host) << row.text;
    EXPECT_EQ(url->port, row.port) << row.text;
    EXPECT_EQ(url->target, row.target) << row.text;
    EXPECT_EQ(url->HostHeader(), row.host_header) << row.text;
  }
  EXPECT_EQ(Url::Parse("https://a:8443/x?y")->ToString(), "https://a:8443/x?y");
}

TEST(Url, WhatIsNoneIsRefused) {
  for (const char* text : {"", "a", "/x", "ftp://a", "http://", "http:///x", "http://a:0", "http://a:70000", "http://a:x", "http://u@a", "http://u:p@a/",
                           "http://a/#f", "http://a b", "http://a/\x01", "http://a/\xc3\xa9", "http://[::1", "http://[x]", "http://[::1]x"}) {
    EXPECT_FALSE(Url::Parse(text).ok()) << text;
  }
}

TEST(Serializer, DatesAreThoseOfTheRfc) {
  EXPECT_EQ(HttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(951782399), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Serializer, FieldsThatWouldBreakTheMessageAreLeftOutOfAnswers) {
  Response response = Response::Text(200, "x");
  response.headers.Add("X-Evil", "a\r\nSet-Cookie: b=c");
  response.headers.Add("Content-Length", "999");
  response.headers.Add("Transfer-Encoding", "chunked");
  response.headers.Add("X-Good", "yes");
  std::string text;
  AppendResponseHead(response, {.length = 1}, "D", text);
  EXPECT_EQ(text, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 1\r\nContent-Type: text/plain; charset=utf-8\r\nX-Good: yes\r\n\r\n");
}

TEST(Serializer, RequestsThatCannotBeSentAsTheyAreAreRefused) {
  ClientRequest request;
  request.url = *Url::Parse("http://a:81/x");
  std::string text;
  ASSERT_TRUE(AppendRequestHead(request, {}, text).ok());
  EXPECT_EQ(text, "GET /x HTTP/1.1\r\nHost: a:81\r\n\r\n");

  ClientRequest bad_method = request;
  bad_method.method = "GET /y HTTP/1.1\r\nX:";
  EXPECT_FALSE(AppendRequestHead(bad_method, {}, text).ok());
  ClientRequest bad_target = request;
  bad_target.url.target = "/x HTTP/1.1\r\nX: y";
  EXPECT_FALSE(AppendRequestHead(bad_target, {}, text).ok());
  ClientRequest bad_field = request;
  bad_field.headers.Add("X", "a\r\nY: b");
  EXPECT_FALSE(AppendRequestHead(bad_field, {}, text).ok());
}

TEST(Serializer, FieldsOfTheHooksReplaceThoseOfTheRequest) {
  ClientRequest request;
  request.method = "POST";
  request.url = *Url::Parse("http://a/x");
  request.headers.Add("traceparent", "old");
  request.body = "12";
  Headers extra;
  extra.Add("Traceparent", "new");
  std::string text;
  ASSERT_TRUE(AppendRequestHead(request, extra, text).ok());
  EXPECT_EQ(text, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTraceparent: new\r\n\r\n");
}

TEST(Gunzip, GivesBackWhatWasCompressedAlsoInSeveralMembers) {
  EXPECT_EQ(*Gunzip(testing::Gzip("hello"), 5), "hello");
  EXPECT_EQ(*Gunzip(testing::Gzip("hello ") + testing::Gzip("") + testing::Gzip("world"), 100), "hello world");
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(*Gunzip(testing::Gzip(large), large.size()), large);
}

TEST(Gunzip, MoreThanTheLimitIsTooLargeHoweverSmallItWas) {
  const std::string bomb = testing::Gzip(std::string(5'000'000, '\0'));
  ASSERT_LT(bomb.size(), 10'000u);
  EXPECT_EQ(Gunzip(bomb, 4'999'999).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Gunzip(bomb, 1).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Gunzip(testing::Gzip("ab") + testing::Gzip("cd"), 3).error().code, ErrorCode::kTooLarge);
}

TEST(Gunzip, BrokenBodiesAreMalformed) {
  EXPECT_EQ(Gunzip("", 10).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(Gunzip("not gzip at all", 100).error().code, ErrorCode::kMalformed);
  const std::string whole = testing::Gzip("hello hello hello hello");
  EXPECT_EQ(Gunzip(whole.substr(0, whole.size() / 2), 100).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(Gunzip(whole + "rest", 100).error().code, ErrorCode::kMalformed);
  std::string wrong_sum = whole;
  wrong_sum[wrong_sum.size() - 6] = static_cast<char>(wrong_sum[wrong_sum.size() - 6] ^ 1);
  EXPECT_EQ(Gunzip(wrong_sum, 100).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace net
