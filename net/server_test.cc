// SPDX-License-Identifier: MIT
// The server over real sockets. Waits have the watchdog of test_support.h; timeouts under test are short ones of ServerOptions.
#include "net/server.h"

#include <atomic>
#include <future>
#include <thread>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "net/codec/hostile_requests.h"
#include "net/test_support.h"

namespace net {
namespace {

using std::chrono::milliseconds;
using testing::RawSocket;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Deadline Soon() { return std::chrono::steady_clock::now() + testing::kWatchdog; }

boost::asio::awaitable<Response> Echo(RequestContext& context) {
  Response response = Response::Text(200, std::move(context.request.body));
  response.headers.Add("X-Target", context.request.target);
  co_return response;
}

/// A server with an echo on "/" and whatever the test adds.
class ServerTest : public ::testing::Test {
 protected:
  void Start() {
    router_.Add("GET", "/", Echo);
    router_.Add("POST", "/", Echo);
    auto listening = Server::Listen(runtime_, options_, std::move(router_));
    ASSERT_TRUE(listening.ok()) << listening.error().ToString();
    server_ = std::move(listening).value();
  }
  RawSocket Connect() { return RawSocket::Connect(server_->port()); }

  Runtime runtime_{{.threads = 2}};
  ServerOptions options_;
  Router router_;
  std::unique_ptr<Server> server_;
};

std::string Get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string Post(const std::string& target, const std::string& body, const std::string& fields = "") {
  return "POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

TEST_F(ServerTest, EveryHostileRequestIsRefusedWithItsStatusAndTheConnectionClosed) {
  Start();
  for (const auto& hostile : testing::HostileRequests()) {
    RawSocket socket = Connect();
    socket.Send(hostile.bytes);  // may fail in the middle: the server answers before the end
    const std::string answer = socket.ReadAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(hostile.status) + " ")) << hostile.name;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << hostile.name;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n")) << hostile.name;
    const auto body = nlohmann::json::parse(answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4)), nullptr, false);
    EXPECT_EQ(body.value("status", 0), hostile.status) << hostile.name << ": " << answer;
  }
  // And the server still serves.
  RawSocket socket = Connect();
  socket.Send(Post("/", "alive", "Connection: close\r\n"));
  EXPECT_THAT(socket.ReadAll(), HasSubstr("alive"));
}

TEST_F(ServerTest, UnusualButGoodRequestsAreAnswered) {
  Start();
  for (const auto& [name, bytes] : testing::UnusualRequests()) {
    RawSocket socket = Connect();
    ASSERT_TRUE(socket.Send(bytes));
    socket.ShutdownSend();
    EXPECT_THAT(socket.ReadAll(), StartsWith("HTTP/1.1 200 OK\r\n")) << name;
  }
}

TEST_F(ServerTest, TheConnectionIsKeptAndPipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawSocket socket = Connect();
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += Post("/", "body-" + std::to_string(i) + ";");
  ASSERT_TRUE(socket.Send(requests + Get("/last", "Connection: close\r\n")));
  const std::string answers = socket.ReadAll();
  std::size_t at = 0;
  for (int i = 0; i < 20; ++i) {
    at = answers.find("body-" + std::to_string(i) + ";", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_THAT(answers.substr(at), HasSubstr("HTTP/1.1 404 Not Found\r\n"));
}

TEST_F(ServerTest, ChunkedBodiesInAreJoinedAndLargeBodiesOutAreWhole) {
  options_.body_bytes_max = 8 << 20;
  Start();
  std::string body(3 << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
  std::string chunks;
  for (std::size_t i = 0; i < body.size(); i += 70'001) {
    const std::string part = body.substr(i, 70'001);
    char head[32];
    std::snprintf(head, sizeof head, "%zx\r\n", part.size());
    chunks += head + part + "\r\n";
  }
  RawSocket socket = Connect();
  std::thread sender([&] {
    socket.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks + "0\r\n\r\n");
  });
  const std::string answer = socket.ReadAll();
  sender.join();
  ASSERT_THAT(answer.substr(0, 200), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer.substr(answer.find("\r\n\r\n") + 4) == body);
}

TEST_F(ServerTest, HeadHasTheHeaderOfGetAndNoBody) {
  router_.Add("GET", "/text", [](RequestContext&) -> boost::asio::awaitable<Response> { co_return Response::Text(200, "twelve bytes"); });
  Start();
  RawSocket socket = Connect();
  socket.Send("HEAD /text HTTP/1.1\r\nHost: a\r\n\r\n" + Get("/", "Connection: close\r\n"));
  const std::string answers = socket.ReadAll();
  EXPECT_THAT(answers, HasSubstr("Content-Length: 12\r\n"));
  EXPECT_THAT(answers, Not(HasSubstr("twelve")));
  EXPECT_THAT(answers.substr(5), HasSubstr("HTTP/1.1 200 OK\r\n")) << "the second answer";
}

TEST_F(ServerTest, NotFoundAndMethodNotAllowedSayWhatIsThere) {
  router_.Add("POST", "/orders", Echo);
  Start();
  RawSocket socket = Connect();
  socket.Send(Get("/none") + Get("/orders") + "BREW /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answers = socket.ReadAll();
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(answers, HasSubstr("Allow: POST\r\n"));
}

TEST_F(ServerTest, ContinueIsSentOnlyWhenTheBodyIsWanted) {
  router_.Add("POST", "/small", Echo, {.body_bytes_max = 4});
  Start();
  RawSocket socket = Connect();
  socket.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.Send("hello");
  EXPECT_THAT(socket.ReadUntil("hello"), StartsWith("HTTP/1.1 200 OK\r\n"));

  socket.Send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(socket.ReadAll(), StartsWith("HTTP/1.1 413 Content Too Large\r\n"));

  RawSocket nowhere = Connect();
  nowhere.Send("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  const std::string answer = nowhere.ReadAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(ServerTest, BodyLimitsAreThoseOfTheRoute) {
  router_.Add("POST", "/small", Echo, {.body_bytes_max = 4});
  router_.Add("POST", "/large", Echo, {.body_bytes_max = 3'000'000});
  Start();
  RawSocket small = Connect();
  small.Send(Post("/small", "1234") + Post("/small", "12345"));
  const std::string answers = small.ReadAll();
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 413 Content Too Large\r\n"));
  RawSocket large = Connect();
  std::thread sender([&] { large.Send(Post("/large", std::string(2'900'000, 'x'), "Connection: close\r\n")); });
  EXPECT_GT(large.ReadAll().size(), 2'900'000u);
  sender.join();
}

TEST_F(ServerTest, GzippedBodiesAreInflatedWhereTheRouteWantsIt) {
  router_.Add("POST", "/in", Echo, {.body_bytes_max = 10'000, .inflate = true, .inflated_bytes_max = 100'000});
  Start();
  RawSocket socket = Connect();
  const std::string gzip = "Content-Encoding: gzip\r\n";
  socket.Send(Post("/in", testing::Gzip("hello inflated"), gzip));
  EXPECT_THAT(socket.ReadUntil("inflated"), StartsWith("HTTP/1.1 200 OK\r\n"));
  socket.Send(Post("/in", "plain"));
  EXPECT_THAT(socket.ReadUntil("plain\0"), HasSubstr("200 OK"));
  const auto status = [&](const std::string& request) {
    RawSocket other = Connect();
    other.Send(request);
    return other.ReadUntil("\r\n").substr(9, 3);
  };
  EXPECT_EQ(status(Post("/in", "no gzip", gzip)), "400");
  EXPECT_EQ(status(Post("/in", testing::Gzip(std::string(100'001, '\0')), gzip)), "413");
  EXPECT_EQ(status(Post("/in", testing::Gzip(std::string(100'000, '\0')), gzip)), "200");
  EXPECT_EQ(status(Post("/in", "x", "Content-Encoding: br\r\n")), "415");
  EXPECT_EQ(status(Post("/", testing::Gzip("raw"), gzip)), "200") << "left to the handler where the route does not inflate";
}

TEST_F(ServerTest, AHandlersExceptionIsA500WithoutDetails) {
  router_.Add("GET", "/throw", [](RequestContext&) -> boost::asio::awaitable<Response> {
    throw std::runtime_error("secret");
    co_return Response();
  });
  Start();
  RawSocket socket = Connect();
  socket.Send(Get("/throw") + Get("/", "Connection: close\r\n"));
  const std::string answers = socket.ReadAll();
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_THAT(answers, Not(HasSubstr("secret")));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, LeadingSlashesAreMergedOnlyIfAsked) {
  options_.merge_leading_slashes = true;
  router_.Add("GET", "/v2/track", Echo);
  Start();
  RawSocket socket = Connect();
  socket.Send(Get("///v2/track?x=//y") + Get("//", "Connection: close\r\n"));
  const std::string answers = socket.ReadAll();
  EXPECT_THAT(answers, HasSubstr("X-Target: /v2/track?x=//y\r\n"));
  EXPECT_THAT(answers, HasSubstr("X-Target: /\r\n"));
}

TEST_F(ServerTest, AHeaderThatTricklesIsA408) {
  options_.header_timeout = milliseconds(200);
  Start();
  RawSocket socket = Connect();
  const auto begun = std::chrono::steady_clock::now();
  std::string answer;
  for (const char c : Get("/")) {
    socket.Send(std::string(1, c));
    answer = socket.Read(milliseconds(50));
    if (!answer.empty()) break;
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(200));
  EXPECT_TRUE(socket.IsClosedByPeer());
}

TEST_F(ServerTest, ABodyBelowTheMinimumRateIsA408AndOneAboveItIsNot) {
  options_.body_grace = milliseconds(150);
  options_.body_bytes_per_second_min = 100;
  Start();
  RawSocket stalled = Connect();
  stalled.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx");
  EXPECT_THAT(stalled.ReadUntil("}"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(stalled.IsClosedByPeer());

  // 60 bytes at once pay for 600 ms.
  RawSocket slow = Connect();
  slow.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 61\r\n\r\n" + std::string(60, 'x'));
  EXPECT_EQ(slow.Read(milliseconds(400)), "");
  slow.Send("x");
  EXPECT_THAT(slow.ReadUntil("x"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, AnIdleConnectionIsClosedInSilence) {
  options_.keep_alive_idle = milliseconds(150);
  Start();
  RawSocket unused = Connect();
  EXPECT_EQ(unused.ReadAll(), "");
  RawSocket used = Connect();
  used.Send(Get("/"));
  EXPECT_THAT(used.ReadUntil("X-Target"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(used.IsClosedByPeer());
}

TEST_F(ServerTest, AClientThatDoesNotReadIsCutOff) {
  options_.write_stall = milliseconds(200);
  std::promise<std::string> ended;
  struct Observer : ServerObserver {
    explicit Observer(std::promise<std::string>& e) : ended(e) {}
    void OnResponse(const RequestContext&, Response&) override {}
    void OnEnd(const ExchangeEnd& end) override { ended.set_value(std::string(end.error_type)); }
    std::promise<std::string>& ended;
  };
  options_.hooks.on_request = [&](const RequestContext&) { return std::make_unique<Observer>(ended); };
  const auto large = std::make_shared<const std::string>(std::string(32 << 20, 'x'));
  router_.Add("GET", "/large", [large](RequestContext&) -> boost::asio::awaitable<Response> {
    Response response;
    response.body = Body::Shared(large);
    co_return response;
  });
  Start();
  RawSocket socket = RawSocket::Connect(server_->port(), 4096);
  socket.Send(Get("/large"));
  EXPECT_EQ(ended.get_future().get(), "write_timeout");
  EXPECT_TRUE(socket.IsClosedByPeer());
}

TEST_F(ServerTest, ConnectionsOverTheLimitGetA503) {
  options_.connections_max = 2;
  Start();
  RawSocket first = Connect();
  RawSocket second = Connect();
  first.Send(Get("/"));
  second.Send(Get("/"));
  ASSERT_THAT(first.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
  ASSERT_THAT(second.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
  RawSocket third = Connect();
  EXPECT_THAT(third.ReadAll(), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  first.Close();
  const auto until = Soon();
  while (server_->connections() > 1 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(5));
  RawSocket fourth = Connect();
  fourth.Send(Get("/"));
  EXPECT_THAT(fourth.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
}

TEST_F(ServerTest, DrainClosesIdleConnectionsAndLetsRequestsFinish) {
  std::promise<void> entered;
  std::promise<void> release;
  const auto may_go = release.get_future().share();
  router_.Add("GET", "/slow", [&entered, may_go](RequestContext& context) -> boost::asio::awaitable<Response> {
    entered.set_value();
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    while (may_go.wait_for(milliseconds(0)) != std::future_status::ready) {
      timer.expires_after(milliseconds(5));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    co_return Response::Text(200, context.IsStopping() ? "stopping" : "running");
  });
  Start();
  RawSocket idle = Connect();
  idle.Send(Get("/"));
  ASSERT_THAT(idle.ReadUntil("X-Target"), HasSubstr("200 OK"));
  RawSocket busy = Connect();
  busy.Send(Get("/slow"));
  entered.get_future().wait();

  auto drained = std::async(std::launch::async, [&] { return server_->Drain(Soon()); });
  EXPECT_TRUE(idle.IsClosedByPeer());
  EXPECT_EQ(drained.wait_for(milliseconds(50)), std::future_status::timeout) << "a request is still under way";
  RawSocket late = Connect();
  EXPECT_TRUE(!late.IsOpen() || late.IsClosedByPeer());
  release.set_value();
  const std::string answer = busy.ReadAll();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("stopping"));
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerTest, DrainCutsOffWhatIsNotDoneByTheDeadline) {
  Start();
  RawSocket socket = Connect();
  socket.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  const auto until = Soon();
  while (server_->connections() == 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(1));
  // The first bytes must have been read: an idle connection would be closed at once and rightly so.
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(server_->Drain(std::chrono::steady_clock::now() + milliseconds(100)));
  EXPECT_TRUE(socket.IsClosedByPeer());
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerTest, APortThatIsTakenIsAnErrorNotShared) {
  Start();
  ServerOptions options;
  options.port = server_->port();
  const auto second = Server::Listen(runtime_, options, Router());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(second.error().os_error, EADDRINUSE);
  options.host = "no such host";
  EXPECT_EQ(Server::Listen(runtime_, options, Router()).error().code, ErrorCode::kBadSetting);
}

// --- Streams

TEST_F(ServerTest, AStreamIsChunkedAndTheConnectionServesOn) {
  router_.Add("GET", "/stream", [](RequestContext&) -> boost::asio::awaitable<Response> {
    co_return Response::Events([](BodyWriter& writer) -> boost::asio::awaitable<void> {
      for (int i = 0; i < 3; ++i) {
        const std::string event = "data: " + std::to_string(i) + "\n\n";
        const auto written = co_await writer.Write(event);
        EXPECT_TRUE(written.ok());
      }
      const std::string large(100'000, 'y');
      const auto written = co_await writer.Write(large);
      EXPECT_TRUE(written.ok());
    });
  });
  Start();
  RawSocket socket = Connect();
  socket.Send(Get("/stream"));
  const std::string answer = socket.ReadUntil("0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\n9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n186a0\r\nyyy"));
  EXPECT_THAT(answer.substr(answer.size() - 8), ::testing::StrEq("y\r\n0\r\n\r\n"));
  socket.Send(Get("/", "Connection: close\r\n"));
  EXPECT_THAT(socket.ReadAll(), StartsWith("HTTP/1.1 200 OK\r\n"));
  RawSocket old = Connect();
  old.Send("GET /stream HTTP/1.0\r\n\r\n");
  const std::string unframed = old.ReadAll();
  EXPECT_THAT(unframed, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(unframed, HasSubstr("\r\n\r\ndata: 0\n\ndata: 1\n\ndata: 2\n\nyyy"));
}

/// A stream that waits to be woken and reports its end.
struct Subscription {
  std::promise<std::function<void()>> waker;
  std::promise<std::string> end;
  std::atomic<int> writes{0};

  Handler MakeHandler() {
    return [this](RequestContext&) -> boost::asio::awaitable<Response> {
      co_return Response::Events([this](BodyWriter& writer) -> boost::asio::awaitable<void> {
        waker.set_value(writer.Waker());
        while (writer.IsOpen()) {
          co_await writer.Wait(testing::kWatchdog * 6);
          if (!writer.IsOpen()) break;
          const auto written = co_await writer.Write("data: event\n\n");
          if (written.ok()) ++writes;
        }
        const auto written = co_await writer.Write("x");
        end.set_value(written.ok() ? "open" : std::string(Name(written.error().code)));
      });
    };
  }
};

TEST_F(ServerTest, AWaitingStreamIsWokenFromAnotherThread) {
  Subscription subscription;
  router_.Add("GET", "/events", subscription.MakeHandler());
  Start();
  {
    RawSocket socket = Connect();
    socket.Send(Get("/events"));
    const auto wake = subscription.waker.get_future().get();
    wake();
    EXPECT_THAT(socket.ReadUntil("data: event"), HasSubstr("data: event"));
    wake();
    EXPECT_THAT(socket.ReadUntil("data: event"), HasSubstr("data: event"));
  }
  EXPECT_EQ(subscription.end.get_future().get(), "unavailable");
}

TEST_F(ServerTest, AWaitingStreamLearnsAtOnceThatItsClientLeft) {
  Subscription subscription;
  router_.Add("GET", "/events", subscription.MakeHandler());
  Start();
  auto wake = [&] {
    RawSocket socket = Connect();
    socket.Send(Get("/events"));
    return subscription.waker.get_future().get();
  }();
  auto end = subscription.end.get_future();
  ASSERT_EQ(end.wait_for(testing::kWatchdog), std::future_status::ready);
  EXPECT_EQ(end.get(), "unavailable");
  EXPECT_EQ(subscription.writes, 0);
  const auto until = Soon();
  while (server_->connections() > 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(1));
  wake();  // long after the end: does nothing
}

TEST_F(ServerTest, DrainEndsStreamsAsWholeResponses) {
  Subscription subscription;
  router_.Add("GET", "/events", subscription.MakeHandler());
  Start();
  RawSocket socket = Connect();
  socket.Send(Get("/events"));
  subscription.waker.get_future().wait();
  EXPECT_TRUE(server_->Drain(Soon()));
  EXPECT_EQ(subscription.end.get_future().get(), "cancelled");
  EXPECT_THAT(socket.ReadAll(), HasSubstr("0\r\n\r\n"));
}

TEST_F(ServerTest, AStreamThatThrowsIsNotEndedAsIfItWereWhole) {
  router_.Add("GET", "/throw", [](RequestContext&) -> boost::asio::awaitable<Response> {
    co_return Response::Events([](BodyWriter& writer) -> boost::asio::awaitable<void> {
      const auto written = co_await writer.Write("part");
      EXPECT_TRUE(written.ok());
      throw std::runtime_error("broken");
    });
  });
  Start();
  RawSocket socket = Connect();
  socket.Send(Get("/throw"));
  const std::string answer = socket.ReadAll();
  EXPECT_THAT(answer, HasSubstr("part"));
  EXPECT_THAT(answer, Not(HasSubstr("0\r\n\r\n")));
}

// --- Hooks

TEST_F(ServerTest, TheObserverSeesRouteResponseAndEndAndMayAddFields) {
  struct Seen {
    std::string route, target, param, error;
    int response = 0, end = 0;
  };
  std::promise<Seen> done;
  struct Observer : ServerObserver {
    Observer(Seen s, std::promise<Seen>& d) : seen(std::move(s)), done(d) {}
    void OnResponse(const RequestContext&, Response& response) override {
      seen.response = response.status;
      response.headers.Add("X-Observed", "yes");
    }
    void OnEnd(const ExchangeEnd& end) override {
      seen.end = end.status;
      seen.error = end.error_type;
      done.set_value(seen);
    }
    Seen seen;
    std::promise<Seen>& done;
  };
  options_.hooks.on_request = [&](const RequestContext& context) {
    return std::make_unique<Observer>(Seen{std::string(context.route), context.request.target, std::string(context.Param("id")), "", 0, 0}, done);
  };
  router_.Add("GET", "/orders/{id}", [](RequestContext&) -> boost::asio::awaitable<Response> {
    throw std::invalid_argument("x");
    co_return Response();
  });
  Start();
  RawSocket socket = Connect();
  socket.Send(Get("/orders/4%32?a=b", "Connection: close\r\n"));
  EXPECT_THAT(socket.ReadAll(), HasSubstr("X-Observed: yes\r\n"));
  const Seen seen = done.get_future().get();
  EXPECT_EQ(seen.route, "/orders/{id}");
  EXPECT_EQ(seen.target, "/orders/4%32?a=b");
  EXPECT_EQ(seen.param, "42");
  EXPECT_EQ(seen.response, 500);
  EXPECT_EQ(seen.end, 500);
  EXPECT_EQ(seen.error, "std::invalid_argument");
}

TEST_F(ServerTest, RefusalsAreReportedWithTheirReason) {
  std::promise<std::pair<int, std::string>> refused;
  options_.hooks.on_refused = [&](int status, std::string_view reason) { refused.set_value({status, std::string(reason)}); };
  Start();
  RawSocket socket = Connect();
  socket.Send("GET / HTTP/1.1\r\n\r\n");
  socket.ReadAll();
  EXPECT_EQ(refused.get_future().get(), std::make_pair(400, std::string("bad_host")));
}

TEST_F(ServerTest, ARequestThatIsNotAdmittedIsAnsweredBeforeItsBodyIsRead) {
  std::atomic<std::size_t> taken{0};
  options_.admit = [&](RequestContext& context) -> std::optional<Response> {
    if (context.request.headers.Has("Refused")) return Response::Problem(503);
    ++taken;
    context.permit = Permit(taken);
    return std::nullopt;
  };
  Start();
  RawSocket kept = Connect();
  kept.Send(Post("/", "whole body", "Refused: yes\r\n") + Post("/", "next", "Connection: close\r\n"));
  const std::string answers = kept.ReadAll();
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answers, HasSubstr("next")) << "a small body that is here already does not cost the connection";
  RawSocket large = Connect();
  large.Send("POST / HTTP/1.1\r\nHost: a\r\nRefused: yes\r\nContent-Length: 500000\r\n\r\n");
  const std::string refused = large.ReadAll();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(server_->Drain(Soon()));
  EXPECT_EQ(taken, 0u) << "every permit was given back";
}

}  // namespace
}  // namespace net
