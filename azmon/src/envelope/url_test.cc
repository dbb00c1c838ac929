// SPDX-License-Identifier: MIT
#include "envelope/url.h"

#include <gtest/gtest.h>

namespace azmon::envelope {
namespace {

TEST(Url, ParsesHttpAsBrowsersDo) {
  struct Row {
    const char* url;
    const char* host;
    int port;  ///< -1: none
    const char* path;
  };
  const Row rows[] = {
      {"https://h", "h", -1, ""},
      {"HTTP://H.Example:080/P?q#f", "h.example", 80, "/P"},
      {" \thttp://h/a\tb ", "h", -1, "/ab"},
      {"http:\\\\h\\p", "h", -1, "\\p"},
      {"http:h/p", "h", -1, "/p"},
      {"http:////h/p", "h", -1, "/p"},
      {"http://u:p@ss@h:1/p@x", "h", 1, "/p@x"},
      {"http://h:/p", "h", -1, "/p"},
      {"http://h:65535?x", "h", 65535, ""},
      {"http://[::1]:81/", "[::1]", 81, "/"},
      {"http://[2001:DB8::1]", "[2001:db8::1]", -1, ""},
      {"http://b\xC3\xBC" "cher.example/", "b\xC3\xBC" "cher.example", -1, "/"},
  };
  TextArena arena;
  for (const Row& row : rows) {
    const auto url = ParseHttpUrl(row.url, arena);
    ASSERT_TRUE(url) << row.url;
    EXPECT_EQ(url->host, row.host) << row.url;
    EXPECT_EQ(url->port ? static_cast<int>(*url->port) : -1, row.port) << row.url;
    EXPECT_EQ(url->path, row.path) << row.url;
  }
}

TEST(Url, RefusesWhatIsNoHttpUrl) {
  TextArena arena;
  for (const char* url : {"", "h", "/p", "ftp://h/", "urn:x", "unix://h/", "http://", "http:///", "http://?q", "http://a b/", "http://h:99999/", "http://h:x/",
                          "http://h:-1/", "http://[::1", "http://[::1]x/", "http://[zz]/", "http://a%20b/", "http://a|b/", "http://a<b/", "http://u@/", "https",
                          "http://h:1:2/", "http://a^b/"}) {
    EXPECT_FALSE(ParseHttpUrl(url, arena)) << url;
  }
}

TEST(Url, NormalisesPaths) {
  struct Row {
    const char* path;
    const char* expected;
  };
  const Row rows[] = {
      {"", "/"}, {"/", "/"}, {"/a/b", "/a/b"}, {"/a/./b/../c", "/a/c"}, {"/a/..", "/"}, {"/a/.", "/a/"}, {"/..", "/"}, {"/../a", "/a"},
      {"/a/%2E%2e/b", "/b"}, {"/a/.%2e/b", "/b"}, {"/a/%2e/b", "/a/b"}, {"/a//b", "/a//b"}, {"//a", "//a"}, {"\\a\\b", "/a/b"}, {"/%41 b", "/%41%20b"},
      {"/a{b}`\"<>", "/a%7Bb%7D%60%22%3C%3E"}, {"/\xC3\xA9", "/%C3%A9"}, {"/\xFF", "/%EF%BF%BD"}, {"/a\x7F" "b\x01", "/a%7Fb%01"}, {"/a\nb", "/ab"},
      {"/...", "/..."}, {"/.a", "/.a"}, {"/a^|~'()", "/a^|~'()"}, {"/a/%", "/a/%"}, {"/100%", "/100%"},
  };
  TextArena arena;
  for (const Row& row : rows) EXPECT_EQ(NormalisePath(row.path, arena), row.expected) << row.path;
}

TEST(Url, RemovesUserInformationWhetherTheRestParsesOrNot) {
  TextArena arena;
  EXPECT_EQ(RemoveUserInfo("https://u:p@h/p@q", arena), "https://h/p@q");
  EXPECT_EQ(RemoveUserInfo("amqps://u:p@ss@h:1", arena), "amqps://h:1");
  EXPECT_EQ(RemoveUserInfo("https://u@\\x@y", arena), "https://\\x@y");
  EXPECT_EQ(RemoveUserInfo("https://h/u@x", arena), "https://h/u@x");
  EXPECT_EQ(RemoveUserInfo("/login?from=http://u@h", arena), "/login?from=http://u@h");
  EXPECT_EQ(RemoveUserInfo("u@h", arena), "u@h");
}

TEST(Url, SchemeStandsBeforeTwoSlashes) {
  EXPECT_EQ(SchemeOf("https://h"), "https");
  EXPECT_EQ(SchemeOf("unix://h"), "unix");
  EXPECT_EQ(SchemeOf("localhost:80/x"), "");
  EXPECT_EQ(SchemeOf("not a url://x"), "");
  EXPECT_EQ(SchemeOf("://x"), "");
}

}  // namespace
}  // namespace azmon::envelope
