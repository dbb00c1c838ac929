// SPDX-License-Identifier: MIT
#include "tests/kill/sink.h"

#include <algorithm>
#include <numeric>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/check.h"
#include "base/text.h"

namespace azmon::kill {
namespace {

/// The digits or the varint behind `mark` at or behind `at`; moves `at` behind them.
bool ReadNumber(std::string_view body, std::string_view mark, bool is_text, std::size_t& at, std::uint64_t& out) {
  const std::size_t found = body.find(mark, at);
  if (found == std::string_view::npos) return false;
  at = found + mark.size();
  out = 0;
  if (is_text) {
    for (; at < body.size() && base::IsDigit(body[at]); ++at) out = out * 10 + static_cast<std::uint64_t>(body[at] - '0');
    return true;
  }
  at += 2;  // the value's length, the tag of int_value
  for (unsigned shift = 0; at < body.size() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(body[at++]);
    out |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return true;
  }
  return false;
}

std::vector<SpanId> SpansInTrack(std::string_view body) {
  std::vector<SpanId> spans;
  for (const std::string_view line : base::Split(body, '\n')) {
    SpanId span;
    std::size_t run = 0;
    std::size_t producer = 0;
    std::size_t seq = 0;
    if (line.find("\"RequestData\"") == std::string_view::npos || !ReadNumber(line, "\"run\":\"", true, run, span.run)) continue;
    AZMON_CHECK(ReadNumber(line, "\"producer\":\"", true, producer, span.producer) && ReadNumber(line, "\"seq\":\"", true, seq, span.seq));
    spans.push_back(span);
  }
  return spans;
}

}  // namespace

std::vector<SpanId> SpansIn(Source source, std::string_view body) {
  if (source == kAzure) return SpansInTrack(body);
  // KeyValues in the order in which they were set: key, then AnyValue.
  std::vector<SpanId> spans;
  constexpr std::string_view kRun = "\x0a\x03run\x12";
  for (std::size_t at = body.find(kRun); at != std::string_view::npos; at = body.find(kRun, at)) {
    SpanId span;
    at += kRun.size() + 3;  // lengths and the tag of string_value
    for (; at < body.size() && base::IsDigit(body[at]); ++at) span.run = span.run * 10 + static_cast<std::uint64_t>(body[at] - '0');
    AZMON_CHECK(ReadNumber(body, "\x0a\x08producer\x12", false, at, span.producer) && ReadNumber(body, "\x0a\x03seq\x12", false, at, span.seq));
    spans.push_back(span);
  }
  return spans;
}

Sink::Sink() {
  net::Router router;
  router.Add("POST", "/v2.1/track", Handle(kAzure), {.inflate = true});
  router.Add("POST", "/v1/traces", Handle(kOtlp), {.inflate = true});
  // Of programs that have metrics, which nobody counts here.
  router.Add("POST", "/v1/metrics", [](net::RequestContext&) -> boost::asio::awaitable<net::Response> { co_return net::Response(); }, {.inflate = true});
  auto server = net::Server::Listen(runtime_, {}, std::move(router));
  AZMON_CHECK(server.ok());
  server_ = std::move(*server);
}

net::Handler Sink::Handle(Source source) {
  return [this, source](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
    if (refuses_) {
      ++refused_[source];
      net::Response refusal;
      refusal.status = 503;
      co_return refusal;
    }
    Take(source, context.request.body);
    while (hangs_) {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(10));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    net::Response response;
    response.headers.Set("Content-Type", "application/json");
    response.body = "{}";
    co_return response;
  };
}

void Sink::Take(Source source, std::string_view body) {
  const std::vector<SpanId> spans = SpansIn(source, body);
  const std::lock_guard lock(mutex_);
  PerSource& per = sources_[source];
  per.received += spans.size();
  ++per.requests;
  if (!spans.empty()) per.last_body = body;
  for (const SpanId& span : spans) {
    auto& times = per.times[{span.run, span.producer}];
    if (times.size() <= span.seq) times.resize(std::max<std::size_t>(span.seq + 1, times.size() * 2));
    if (times[span.seq]++ != 0) ++per.duplicates.spans;
  }
  per.last_requests.push_back(spans.size());
  if (per.last_requests.size() > kFlightsMax[source]) per.last_requests.pop_front();
}

std::uint64_t Sink::Missing(Source source, std::uint64_t run, std::uint64_t producer, std::uint64_t last) {
  const std::lock_guard lock(mutex_);
  const auto& times = sources_[source].times[{run, producer}];
  std::uint64_t missing = 0;
  for (std::uint64_t seq = 1; seq <= last; ++seq) missing += seq >= times.size() || times[seq] == 0 ? 1 : 0;
  return missing;
}

Sink::Duplicates Sink::DuplicatesOf(Source source) {
  const std::lock_guard lock(mutex_);
  return sources_[source].duplicates;
}

std::uint64_t Sink::Received(Source source) {
  const std::lock_guard lock(mutex_);
  return sources_[source].received;
}

std::uint64_t Sink::Repeated(Source source, std::uint64_t run, std::uint64_t producer) {
  const std::lock_guard lock(mutex_);
  std::uint64_t repeated = 0;
  for (const std::uint8_t times : sources_[source].times[{run, producer}]) repeated += times > 1 ? times - 1U : 0U;
  return repeated;
}

std::uint64_t Sink::Requests(Source source) {
  const std::lock_guard lock(mutex_);
  return sources_[source].requests;
}

std::string Sink::LastBody(Source source) {
  const std::lock_guard lock(mutex_);
  return sources_[source].last_body;
}

void Sink::Killed() {
  const std::lock_guard lock(mutex_);
  for (PerSource& per : sources_) {
    per.duplicates.allowed += std::accumulate(per.last_requests.begin(), per.last_requests.end(), std::uint64_t{0});
    per.last_requests.clear();
  }
}

}  // namespace azmon::kill
