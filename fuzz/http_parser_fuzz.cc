// SPDX-License-Identifier: MIT
// Bytes from strangers into both parsers of net/, whole and in pieces: what is accepted must not depend on how it arrives, and what is
// accepted must be unambiguous.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "net/codec/gzip.h"
#include "net/codec/read_requests.h"
#include "net/codec/response_parser.h"
#include "net/http.h"
#include "net/router.h"

namespace {

constexpr std::size_t kBodyMax = 1000;
constexpr std::size_t kRequestsMax = 20;

struct Outcome {
  std::vector<std::string> accepted;  ///< a text for each whole request
  bool is_refused = false;
};

std::string Describe(const net::Request& request) {
  std::string text = request.method + " " + request.target + "\n";
  for (const net::Header field : request.headers) text.append(field.name).append(":").append(field.value).append("\n");
  return text + "\n" + request.body;
}

void CheckAccepted(const net::Request& request) {
  const net::Headers& headers = request.headers;
  AZMON_CHECK(headers.Count("Host") == 1 || (headers.Count("Host") == 0 && request.version_minor == 0));
  AZMON_CHECK(headers.Count("Content-Length") + headers.Count("Transfer-Encoding") <= 1);
  AZMON_CHECK(!headers.Has("Transfer-Encoding") || request.version_minor == 1);
  AZMON_CHECK(!request.target.empty() && (request.target.front() == '/' || request.target == "*"));
  AZMON_CHECK(headers.size() <= net::limits::kHeaderFieldsMax && request.body.size() <= kBodyMax);
  for (const net::Header field : headers) AZMON_CHECK(net::IsSendable(field));
  static_cast<void>(request.QueryValue("x"));
}

Outcome ReadRequests(std::string_view bytes, std::size_t step) {
  Outcome outcome;
  const auto refusal = net::testing::ReadRequests(bytes, step, kBodyMax, kRequestsMax, [&](net::RequestParser& parser) {
    CheckAccepted(parser.request());
    outcome.accepted.push_back(Describe(parser.request()));
    return true;
  });
  outcome.is_refused = refusal.has_value();
  if (refusal) AZMON_CHECK(refusal->status >= 400 && !refusal->reason.empty());
  return outcome;
}

std::string ReadResponse(std::string_view bytes, std::size_t step, bool is_head) {
  net::ResponseParser parser({.header_bytes_max = 4096, .body_bytes_max = kBodyMax}, is_head);
  std::size_t begin = 0;
  for (std::size_t end = 0; end < bytes.size() && !parser.IsDone();) {
    end = std::min(bytes.size(), end + step);
    const auto fed = parser.Feed(bytes.substr(begin, end - begin));
    if (!fed.ok()) return "refused";
    AZMON_CHECK(*fed <= end - begin);
    begin += *fed;
  }
  if (!parser.IsDone() && !parser.FeedEnd().ok()) return "refused";
  AZMON_CHECK(parser.response().body.size() <= kBodyMax);
  return std::to_string(parser.response().status) + std::string(parser.response().body.view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 32;
  const std::uint8_t kind = data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

  // A first byte of its own kind each, so that the corpora of both parsers live side by side.
  if (kind == 'R') {
    const bool is_head = data[0] >= 128;
    AZMON_CHECK(ReadResponse(bytes, bytes.size(), is_head) == ReadResponse(bytes, step, is_head));
  } else if (kind == 'U') {
    if (const auto url = net::Url::Parse(bytes); url.ok()) {
      const auto again = net::Url::Parse(url->ToString());
      AZMON_CHECK(again.ok() && again->ToString() == url->ToString());
    }
  } else if (kind == 'Z') {
    const auto inflated = net::Gunzip(bytes, 4096);
    AZMON_CHECK(!inflated.ok() || inflated->size() <= 4096);
  } else {
    const Outcome whole = ReadRequests(bytes, bytes.size());
    const Outcome pieces = ReadRequests(bytes, step);
    AZMON_CHECK(whole.accepted == pieces.accepted);
    AZMON_CHECK(whole.is_refused == pieces.is_refused);
  }
  return 0;
}
