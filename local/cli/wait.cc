// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <simdjson.h>

#include "base/result.h"
#include "local/cli/commands.h"
#include "local/model/limits.h"
#include "net/client.h"
#include "net/http.h"

namespace azmon::local {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Between two looks: a tenth of what a person notices as waiting.
constexpr milliseconds kPoll{50};
constexpr milliseconds kRequestTimeout{25'000};
/// Items that are told when too few came.
constexpr std::size_t kItemsTold = 20;

std::string Encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
    }
  }
  return out;
}

struct Seen {
  std::size_t count = 0;
  std::vector<std::string> lines;  ///< the newest ones
};

std::string Line(simdjson::dom::element item) {
  std::string line;
  for (const char* name : {"itemType", "source", "name", "message", "resultCode", "cloud_RoleName", "operation_Id"}) {
    std::string_view text;
    if (item[name].get(text) == simdjson::SUCCESS) line.append(line.empty() ? "  " : "  ").append(text.substr(0, 80));
  }
  return line;
}

Result<std::string> Get(const net::Url& url) {
  net::ClientRequest request;
  request.url = url;
  request.response_bytes_max = std::size_t{256} << 20;
  auto response = net::Fetch(std::move(request), kRequestTimeout);
  if (!response) return response.error();
  const std::string body = std::move(response->body).Take();
  if (response->status != 200) return Error{ErrorCode::kRefused, "HTTP " + std::to_string(response->status) + " " + body};
  return body;
}

/// Counts matching items, page by page, up to `wanted`; with 0 wanted only whether azmon-local answers.
Result<Seen> Look(const net::Url& base, const std::string& filters, std::size_t wanted) {
  Seen seen;
  if (wanted == 0) {
    net::Url url = base;
    url.target = "/api/v1/health";
    if (auto body = Get(url); !body) return body.error();
    return seen;
  }
  std::string cursor;
  while (seen.count < wanted) {
    net::Url url = base;
    url.target = "/api/v1/items?limit=" + std::to_string(std::min(wanted - seen.count, limits::kPageRowsMax)) + filters;
    if (!cursor.empty()) url.target += "&cursor=" + Encode(cursor);
    auto body = Get(url);
    if (!body) return body.error();
    simdjson::dom::parser parser;
    simdjson::dom::element answer;
    simdjson::dom::array items;
    if (parser.parse(*body).get(answer) != simdjson::SUCCESS || answer["items"].get(items) != simdjson::SUCCESS) {
      return Error{ErrorCode::kMalformed, "the answer is not azmon-local's"};
    }
    for (const simdjson::dom::element item : items) {
      ++seen.count;
      if (seen.lines.size() < kItemsTold) seen.lines.push_back(Line(item));
    }
    std::string_view next;
    if (answer["next"].get(next) != simdjson::SUCCESS) break;
    cursor = next;
  }
  return seen;
}

void Tell(const WaitOptions& options, const net::Url& base, const Result<Seen>& seen) {
  if (!seen) {
    std::fprintf(stderr, "azmon-local wait: %s\n", seen.error().ToString().c_str());
    return;
  }
  std::fprintf(stderr, "azmon-local wait: %zu of %zu items after %.1f s\n", seen->count, options.count, static_cast<double>(options.timeout.count()) / 1000.0);
  for (const std::string& line : seen->lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (seen->count > 0) return;
  // Nothing matched: what else came shows whether the filter or the sender is wrong.
  if (const auto all = Look(base, "", kItemsTold); all.ok()) {
    std::fprintf(stderr, "%s\n", all->count == 0 ? "nothing has arrived at all" : "the newest items, whatever they are:");
    for (const std::string& line : all->lines) std::fprintf(stderr, "%s\n", line.c_str());
  }
}

}  // namespace

int Wait(const WaitOptions& options) {
  const auto url = net::Url::Parse(options.url);
  if (!url) {
    std::fprintf(stderr, "azmon-local wait: --url: %s\n", url.error().ToString().c_str());
    return 2;
  }
  std::string filters;
  if (options.operation_id) filters += "&operation_Id=" + Encode(*options.operation_id);
  for (const std::string& where : options.where) filters += "&where=" + Encode(where);
  const auto deadline = steady_clock::now() + options.timeout;
  for (;;) {
    const auto seen = Look(*url, filters, options.count);
    if (seen.ok() && seen->count >= options.count) return 0;
    // A wrong question does not get right by waiting; a server that starts does.
    const bool is_refused = !seen.ok() && seen.error().code == ErrorCode::kRefused;
    if (is_refused || steady_clock::now() >= deadline) {
      Tell(options, *url, seen);
      return 1;
    }
    std::this_thread::sleep_for(std::min<steady_clock::duration>(kPoll, std::max<steady_clock::duration>(deadline - steady_clock::now(), milliseconds(1))));
  }
}

}  // namespace azmon::local
