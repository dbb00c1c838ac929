// SPDX-License-Identifier: MIT
// Spans of real exchanges through net/'s server and client.
#include "azmon/instrumentation/http/net_hooks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <thread>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <opentelemetry/trace/scope.h>

#include "azmon/asio.h"
#include "azmon/http.h"
#include "azmon/instrumentation/http/test_support.h"
#include "net/client.h"
#include "net/server.h"
#include "net/test_support.h"

namespace azmon::http {
namespace {

namespace otel = opentelemetry;
using boost::asio::awaitable;
using testing::Attribute;
using testing::Hex;

net::Deadline Soon() { return std::chrono::steady_clock::now() + net::testing::kWatchdog; }

net::ClientRequest To(std::uint16_t port, const std::string& target, const std::string& method = "GET") {
  net::ClientRequest request;
  request.method = method;
  request.url = *net::Url::Parse("http://127.0.0.1:" + std::to_string(port) + target);
  return request;
}

class NetHooks : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(asio::InstallContext(), asio::Installed::kYes); }

  std::unique_ptr<net::Server> Listen(net::Router router) {
    net::ServerOptions options;
    options.hooks = MakeServerHooks();
    auto server = net::Server::Listen(runtime_, options, std::move(router));
    EXPECT_TRUE(server.ok());
    return std::move(server).value();
  }
  /// The spans of all exchanges so far; servers end theirs a moment after the client has its answer.
  testing::Spans Spans(std::size_t count) {
    testing::Spans all;
    const auto until = Soon();
    while (all.size() < count && std::chrono::steady_clock::now() < until) {
      for (auto& span : telemetry_.Take()) all.push_back(std::move(span));
      if (all.size() < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return all;
  }

  testing::Telemetry telemetry_{100'000};
  net::Runtime runtime_{{.threads = 2, .bind_executor = ContextBinding()}};
};

const otel::sdk::trace::SpanData* Find(const testing::Spans& spans, const std::string& name) {
  const auto found = std::find_if(spans.begin(), spans.end(), [&](const auto& span) { return span->GetName() == name; });
  return found == spans.end() ? nullptr : found->get();
}

TEST_F(NetHooks, AServerSpanHasWhatTheServerKnows) {
  net::Router router;
  router.Add("GET", "/orders/{id}", [](net::RequestContext&) -> awaitable<net::Response> { co_return net::Response::Text(200, "x"); });
  const auto server = Listen(std::move(router));
  auto socket = net::testing::RawSocket::Connect(server->port());
  socket.Send("GET /orders/42?sig=s HTTP/1.1\r\nHost: shop:81\r\nUser-Agent: raw/1\r\nConnection: close\r\n\r\n");
  socket.ReadAll();
  const auto spans = Spans(1);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0]->GetName(), "GET /orders/{id}");
  const std::map<std::string, std::string> expected{{"url.path", "/orders/42"},          {"url.query", "sig=REDACTED"},
                                                    {"server.address", "shop"},          {"server.port", "81"},
                                                    {"client.address", "127.0.0.1"},     {"network.peer.address", "127.0.0.1"},
                                                    {"network.protocol.version", "1.1"}, {"user_agent.original", "raw/1"},
                                                    {"http.response.status_code", "200"}};
  for (const auto& [key, value] : expected) EXPECT_EQ(Attribute(*spans[0], key), value) << key;
}

TEST_F(NetHooks, OutcomesOfAllKindsHaveTheirStatus) {
  net::Router router;
  router.Add("GET", "/throw", [](net::RequestContext&) -> awaitable<net::Response> {
    throw std::out_of_range("x");
    co_return net::Response();
  });
  router.Add("POST", "/small", [](net::RequestContext&) -> awaitable<net::Response> { co_return net::Response(); }, {.body_bytes_max = 1});
  const auto server = Listen(std::move(router));
  struct Row {
    std::string request;
    const char* name;
    const char* status;
    otel::trace::StatusCode code;
    const char* error_type;
  };
  using otel::trace::StatusCode;
  for (const Row& row : {Row{"GET /throw", "GET /throw", "500", StatusCode::kError, "std::out_of_range"}, Row{"GET /none/1", "GET", "404", StatusCode::kUnset, "-"},
                         Row{"BREW /throw", "HTTP /throw", "405", StatusCode::kUnset, "-"}, Row{"POST /small", "POST /small", "413", StatusCode::kUnset, "-"}}) {
    auto socket = net::testing::RawSocket::Connect(server->port());
    socket.Send(row.request + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab");
    socket.ReadAll();
    const auto spans = Spans(1);
    ASSERT_EQ(spans.size(), 1u) << row.request;
    EXPECT_EQ(spans[0]->GetName(), row.name);
    EXPECT_EQ(Attribute(*spans[0], "http.response.status_code"), row.status) << row.request;
    EXPECT_EQ(spans[0]->GetStatus(), row.code) << row.request;
    EXPECT_EQ(Attribute(*spans[0], "error.type"), row.error_type) << row.request;
  }
}

TEST_F(NetHooks, AnExceptionOfAHandlerIsRecordedInItsSpan) {
  net::Router router;
  router.Add("GET", "/throw", [](net::RequestContext&) -> awaitable<net::Response> {
    throw std::out_of_range("what went wrong");
    co_return net::Response();
  });
  const auto server = Listen(std::move(router));
  auto socket = net::testing::RawSocket::Connect(server->port());
  socket.Send("GET /throw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(socket.ReadAll().find("what went wrong"), std::string::npos) << "the caller is not told";
  const auto spans = Spans(1);
  ASSERT_EQ(spans.size(), 1u);
  ASSERT_EQ(spans[0]->GetEvents().size(), 1u);
  EXPECT_EQ(spans[0]->GetEvents()[0].GetName(), "exception");
  const auto& attributes = spans[0]->GetEvents()[0].GetAttributes();
  EXPECT_EQ(otel::nostd::get<std::string>(attributes.at("exception.type")), "std::out_of_range");
  EXPECT_EQ(otel::nostd::get<std::string>(attributes.at("exception.message")), "what went wrong");
}

TEST_F(NetHooks, RefusedMessagesMakeNoSpan) {
  const auto server = Listen({});
  auto refused = net::testing::RawSocket::Connect(server->port());
  refused.Send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_NE(refused.ReadAll(), "");
  auto good = net::testing::RawSocket::Connect(server->port());
  good.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  good.ReadAll();
  EXPECT_EQ(Spans(1).size(), 1u);
  EXPECT_TRUE(server->Drain(Soon()));
  EXPECT_EQ(telemetry_.Take().size(), 0u);
}

TEST_F(NetHooks, ARequestSentAgainIsASecondSpanWithItsCountAndItsOwnHeader) {
  net::testing::RawListener listener;
  std::vector<std::string> seen;
  std::thread peer([&] {
    {
      auto socket = listener.Accept();
      seen.push_back(socket.ReadUntil("\r\n\r\n"));
      socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      seen.push_back(socket.ReadUntil("\r\n\r\n"));
    }
    auto socket = listener.Accept();
    seen.push_back(socket.ReadUntil("\r\n\r\n"));
    socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  net::Runtime single({.threads = 1});
  net::ClientOptions options;
  options.hooks = MakeClientHooks();
  net::Client client(single, options);
  EXPECT_TRUE(client.SendBlocking(To(listener.port(), "/a", "PUT"), Soon()).ok());
  EXPECT_TRUE(client.SendBlocking(To(listener.port(), "/a", "PUT"), Soon()).ok());
  peer.join();
  const auto spans = Spans(3);
  ASSERT_EQ(spans.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NE(seen[i].find("traceparent: 00-" + Hex(spans[i]->GetTraceId()) + "-" + Hex(spans[i]->GetSpanId()) + "-01\r\n"), std::string::npos) << seen[i];
    EXPECT_EQ(spans[i]->GetSpanKind(), otel::trace::SpanKind::kClient);
    EXPECT_EQ(Attribute(*spans[i], "network.peer.port"), std::to_string(listener.port()));
  }
  EXPECT_EQ(Attribute(*spans[1], "error.type"), "unavailable");
  EXPECT_EQ(spans[1]->GetStatus(), otel::trace::StatusCode::kError);
  EXPECT_EQ(Attribute(*spans[1], "http.request.resend_count"), "-");
  EXPECT_EQ(Attribute(*spans[2], "http.request.resend_count"), "1");
  EXPECT_EQ(Attribute(*spans[2], "http.response.status_code"), "200");
}

TEST_F(NetHooks, AnAttemptThatNeverConnectedHasNoPeerAndItsReason) {
  std::uint16_t port = 0;
  {
    net::testing::RawListener gone;
    port = gone.port();
  }
  net::ClientOptions options;
  options.hooks = MakeClientHooks();
  net::Client client(runtime_, options);
  EXPECT_FALSE(client.SendBlocking(To(port, "/"), Soon()).ok());
  const auto spans = Spans(1);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(Attribute(*spans[0], "error.type"), "unavailable");
  EXPECT_EQ(Attribute(*spans[0], "network.peer.address"), "-");
  EXPECT_EQ(Attribute(*spans[0], "http.response.status_code"), "-");
  EXPECT_EQ(Attribute(*spans[0], "url.full"), "http://127.0.0.1:" + std::to_string(port) + "/");
}

TEST_F(NetHooks, OneTraceGoesThroughTwoServicesHoweverManyAreUnderWay) {
  // front: SERVER -> "work" INTERNAL (over a timer) -> two CLIENT at once -> back: SERVER. 500 requests, half of them with hostile headers.
  net::Router back_router;
  back_router.Add("GET", "/back/{n}", [](net::RequestContext& context) -> awaitable<net::Response> {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::microseconds(std::stoi(std::string(context.Param("n"))) % 700));
    co_await timer.async_wait(boost::asio::use_awaitable);
    const auto leaf = DefaultTracer()->StartSpan("leaf " + std::string(context.Param("n")));
    leaf->End();
    co_return net::Response::Text(200, "ok");
  });
  const auto back = Listen(std::move(back_router));
  net::ClientOptions options;
  options.hooks = MakeClientHooks();
  net::Client client(runtime_, options);
  const std::uint16_t back_port = back->port();
  net::Router front_router;
  front_router.Add("GET", "/front/{n}", [&client, back_port](net::RequestContext& context) -> awaitable<net::Response> {
    const std::string n(context.Param("n"));
    const auto work = DefaultTracer()->StartSpan("work " + n);
    const otel::trace::Scope scope(work);
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::microseconds(std::stoi(n) % 500));
    co_await timer.async_wait(boost::asio::use_awaitable);
    auto both = co_await asio::when_all(client.Send(To(back_port, "/back/" + n), Soon()), client.Send(To(back_port, "/back/" + n), Soon()));
    co_return net::Response::Text(std::get<0>(both).ok() && std::get<1>(both).ok() ? 200 : 502, "");
  });
  const auto front = Listen(std::move(front_router));

  constexpr int kRequests = 500;
  constexpr std::size_t kSpansOfRequest = 1 + 1 + 2 * 3;
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      auto socket = net::testing::RawSocket::Connect(front->port());
      for (int n = caller; n < kRequests; n += 4) {
        static const char* const kHostile[] = {"traceparent: junk\r\n", "traceparent: 00-00000000000000000000000000000000-0000000000000000-00\r\n",
                                               "tracestate: ,,,=\r\nbaggage: %%%=;;\r\n"};
        const std::string fields = n % 2 == 0 ? kHostile[n % 3] : "";
        socket.Send("GET /front/" + std::to_string(n) + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
        if (socket.ReadUntil("\r\n\r\n").find(" 200 ") != std::string::npos) ++good;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(good, kRequests);

  const auto spans = Spans(kRequests * kSpansOfRequest);
  ASSERT_EQ(spans.size(), kRequests * kSpansOfRequest);
  std::map<std::string, const otel::sdk::trace::SpanData*> by_id;
  for (const auto& span : spans) by_id[Hex(span->GetSpanId())] = span.get();
  std::size_t wrong = 0;
  const auto expect_parent = [&](const otel::sdk::trace::SpanData& span, const std::string& name, const std::string& path) {
    const auto parent = by_id.find(Hex(span.GetParentSpanId()));
    const bool is_right = parent != by_id.end() && parent->second->GetTraceId() == span.GetTraceId() && parent->second->GetName() == name &&
                          (path.empty() || Attribute(*parent->second, "url.path") == path || Attribute(*parent->second, "url.full").find(path) != std::string::npos);
    if (!is_right) ++wrong;
  };
  for (const auto& span : spans) {
    const std::string name(span->GetName());
    const std::string path = Attribute(*span, "url.path");
    if (name == "GET /front/{n}") {
      if (span->GetParentSpanId().IsValid()) ++wrong;
    } else if (name.rfind("work ", 0) == 0) {
      expect_parent(*span, "GET /front/{n}", "/front/" + name.substr(5));
    } else if (span->GetSpanKind() == otel::trace::SpanKind::kClient) {
      const std::string url = Attribute(*span, "url.full");
      expect_parent(*span, "work " + url.substr(url.rfind('/') + 1), "");
    } else if (name == "GET /back/{n}") {
      expect_parent(*span, "GET", path);
    } else if (name.rfind("leaf ", 0) == 0) {
      expect_parent(*span, "GET /back/{n}", "/back/" + name.substr(5));
    } else {
      ++wrong;
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_NE(Find(spans, "work 499"), nullptr);
}

}  // namespace
}  // namespace azmon::http
