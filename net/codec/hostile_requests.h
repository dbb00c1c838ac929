// SPDX-License-Identifier: MIT
// Requests that a strict server refuses, with the status it gives. Used over a real socket and against the parser alone.
#pragma once

#include <string>
#include <vector>

namespace net::testing {

struct HostileRequest {
  const char* name;
  int status;
  std::string bytes;
};

/// The body limit that these are written for: 1 MiB.
inline std::vector<HostileRequest> HostileRequests() {
  const auto get = [](const std::string& fields) { return "GET / HTTP/1.1\r\n" + fields + "\r\n"; };
  const auto post = [](const std::string& fields, const std::string& body) { return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body; };
  std::string many_fields;
  for (int i = 0; i < 101; ++i) many_fields += "X-" + std::to_string(i) + ": 1\r\n";
  std::string very_many_fields;
  for (int i = 0; i < 20'000; ++i) very_many_fields += "A: 1\r\n";
  return {
      // Two ways to tell where the body ends
      {"length and coding", 400, post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"coding and length", 400, post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
      {"differing lengths", 400, post("Content-Length: 2\r\nContent-Length: 3\r\n", "abc")},
      {"equal lengths", 400, post("Content-Length: 2\r\nContent-Length: 2\r\n", "ab")},
      {"length with a plus", 400, post("Content-Length: +2\r\n", "ab")},
      {"length with a minus", 400, post("Content-Length: -2\r\n", "ab")},
      {"length list", 400, post("Content-Length: 2,2\r\n", "ab")},
      {"length with a blank", 400, post("Content-Length: 2 2\r\n", "ab")},
      {"length in hexadecimal", 400, post("Content-Length: 0x2\r\n", "ab")},
      {"length over 64 bits", 400, post("Content-Length: 99999999999999999999\r\n", "ab")},
      {"empty length", 400, post("Content-Length:\r\n", "ab")},
      {"coding xchunked", 400, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
      {"coding gzip, chunked", 400, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
      {"coding chunked, identity", 400, post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")},
      {"coding identity", 400, post("Transfer-Encoding: identity\r\n", "")},
      {"two codings", 400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"two codings, one foreign", 400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", "0\r\n\r\n")},
      {"empty coding", 400, post("Transfer-Encoding:\r\n", "0\r\n\r\n")},
      {"coding with a vertical tab", 400, post("Transfer-Encoding: \x0b" "chunked\r\n", "0\r\n\r\n")},
      {"blank before the colon", 400, post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")},
      {"coding on HTTP/1.0", 400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      // Host and target
      {"no host", 400, get("")},
      {"two hosts", 400, get("Host: a\r\nHost: a\r\n")},
      {"empty host", 400, get("Host:\r\n")},
      {"host with a path", 400, get("Host: a/b\r\n")},
      {"host with a user", 400, get("Host: u@a\r\n")},
      {"host list", 400, get("Host: a, b\r\n")},
      {"host with a bad port", 400, get("Host: a:8x\r\n")},
      {"foreign absolute-form", 400, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"absolute-form with another port", 400, "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"absolute-form with a user", 400, "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"},
      {"absolute-form of another scheme", 400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"authority-form", 400, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"asterisk for GET", 400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"relative target", 400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"fragment", 400, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"non-ASCII target", 400, "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"blank in the target", 400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"no target", 400, "GET HTTP/1.1\r\nHost: a\r\n\r\n"},
      // Lines and characters
      {"folded field", 400, get("Host: a\r\nX: a\r\n b\r\n")},
      {"folded field by a tab", 400, get("Host: a\r\nX: a\r\n\tb\r\n")},
      {"folded first field", 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {"bare LF after the request line", 400, "GET / HTTP/1.1\nHost: a\r\n\r\n"},
      {"bare LF after a field", 400, get("Host: a\nX: b\r\n")},
      {"only bare LF", 400, "GET / HTTP/1.1\nHost: a\n\n"},
      {"bare CR in a value", 400, get("Host: a\r\nX: a\rb\r\n")},
      {"bare CR in the request line", 400, "GET /\rHTTP/1.1\r\nHost: a\r\n\r\n"},
      {"NUL in a value", 400, get(std::string("Host: a\r\nX: a\0b\r\n", 17))},
      {"NUL in a name", 400, get(std::string("Host: a\r\nX\0: b\r\n", 16))},
      {"control character in a value", 400, get("Host: a\r\nX: a\x01" "b\r\n")},
      {"DEL in a value", 400, get("Host: a\r\nX: a\x7f" "b\r\n")},
      {"field without a colon", 400, get("Host: a\r\nX\r\n")},
      {"field without a name", 400, get("Host: a\r\n: x\r\n")},
      {"bad character in a name", 400, get("Host: a\r\nX(y): b\r\n")},
      {"bad character in the method", 400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"garbage", 400, "\x16\x03\x01\x02garbage\r\n\r\n"},
      {"no version", 400, "GET /\r\nHost: a\r\n\r\n"},
      {"HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"version 1.2", 505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
      {"version 0.9", 505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
      {"lower-case version", 400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {"two blanks before the version", 400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"},
      // Chunks
      {"chunk size over 64 bits", 400, post("Transfer-Encoding: chunked\r\n", "10000000000000000\r\nab\r\n0\r\n\r\n")},
      {"chunk size over the limit", 413, post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nab\r\n0\r\n\r\n")},
      {"negative chunk size", 400, post("Transfer-Encoding: chunked\r\n", "-2\r\nab\r\n0\r\n\r\n")},
      {"chunk size with a plus", 400, post("Transfer-Encoding: chunked\r\n", "+2\r\nab\r\n0\r\n\r\n")},
      {"chunk size 0x2", 400, post("Transfer-Encoding: chunked\r\n", "0x2\r\nab\r\n0\r\n\r\n")},
      {"no chunk size", 400, post("Transfer-Encoding: chunked\r\n", "\r\nab\r\n0\r\n\r\n")},
      {"LF in a chunk extension", 400, post("Transfer-Encoding: chunked\r\n", "2;a\nb\r\nab\r\n0\r\n\r\n")},
      {"bare LF after the chunk size", 400, post("Transfer-Encoding: chunked\r\n", "2\nab\r\n0\r\n\r\n")},
      {"chunk longer than its size", 400, post("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n0\r\n\r\n")},
      {"garbage as a chunk", 400, post("Transfer-Encoding: chunked\r\n", "zz\r\nab\r\n0\r\n\r\n")},
      {"chunk size that does not end", 400, post("Transfer-Encoding: chunked\r\n", "1;" + std::string(200'000, 'x'))},
      {"second coding as a trailer", 400, post("Transfer-Encoding: chunked\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n")},
      {"length as a trailer", 400, post("Transfer-Encoding: chunked\r\n", "0\r\nContent-Length: 5\r\n\r\n")},
      // Sizes
      {"101 fields", 431, get("Host: a\r\n" + many_fields)},
      {"20,000 fields", 431, get("Host: a\r\n" + very_many_fields)},
      {"100 KB field", 431, get("Host: a\r\nX: " + std::string(100'000, 'x') + "\r\n")},
      {"17 KB field that does not end", 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17'000, 'x')},
      {"9 KB target", 414, "GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"100 KB target", 414, "GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"target that does not end", 414, "GET /" + std::string(9'000, 'x')},
      {"2 MB body", 413, post("Content-Length: 2000000\r\n", std::string(2'000'000, 'x'))},
      {"2 MB chunk", 413, post("Transfer-Encoding: chunked\r\n", "1e8480\r\n" + std::string(2'000'000, 'x') + "\r\n0\r\n\r\n")},
      {"unknown expectation", 417, post("Expect: a-miracle\r\nContent-Length: 0\r\n", "")},
  };
}

/// Requests of the same kind that are good.
inline std::vector<std::pair<const char*, std::string>> UnusualRequests() {
  const auto post = [](const std::string& fields, const std::string& body) { return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body; };
  std::string hundred_fields;
  for (int i = 0; i < 99; ++i) hundred_fields += "X-" + std::to_string(i) + ": 1\r\n";
  return {
      {"plain", post("Content-Length: 2\r\n", "ab")},
      {"no body", post("", "")},
      {"chunks", post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n")},
      {"chunks with extension and trailer", post("Transfer-Encoding: Chunked\r\n", "2;x=\"y\"\r\nab\r\n0;z\r\nX-Sum: 1\r\n\r\n")},
      {"empty line first", "\r\n" + post("Content-Length: 2\r\n", "ab")},
      {"absolute-form", "POST http://A:80/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"},
      {"absolute-form without a path", "POST http://a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"},
      {"IPv6 host", "POST / HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 2\r\n\r\nab"},
      {"HTTP/1.0 without host", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab"},
      {"100 fields", post(hundred_fields, "")},
      {"tab and UTF-8 in a value", post("X: a\tb \xc3\xa9\r\n", "")},
      {"8 KB target", "POST /?" + std::string(8'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
  };
}

}  // namespace net::testing
