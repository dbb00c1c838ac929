// SPDX-License-Identifier: MIT
// The client against our own server, and against peers that misbehave.
#include "net/client.h"

#include <atomic>
#include <csignal>
#include <future>
#include <thread>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/server.h"
#include "net/test_support.h"

namespace net {
namespace {

using std::chrono::milliseconds;
using testing::RawListener;
using testing::RawSocket;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Deadline In(milliseconds duration) { return std::chrono::steady_clock::now() + duration; }
Deadline Soon() { return In(testing::kWatchdog); }

ClientRequest To(std::uint16_t port, const std::string& target = "/", const std::string& method = "GET") {
  ClientRequest request;
  request.method = method;
  request.url = *Url::Parse("http://127.0.0.1:" + std::to_string(port) + target);
  return request;
}

class ClientTest : public ::testing::Test {
 protected:
  Runtime runtime_{{.threads = 1}};
};

/// Plays a server in a thread: answers what the script says, connection by connection.
class Peer {
 public:
  template <typename Script>
  explicit Peer(Script script) : thread_([this, script] { script(listener_); }) {}
  ~Peer() { thread_.join(); }
  std::uint16_t port() const { return listener_.port(); }

 private:
  RawListener listener_;
  std::thread thread_;
};

TEST_F(ClientTest, SendsARequestAndReadsTheAnswer) {
  std::string seen;
  Peer peer([&](RawListener& listener) {
    RawSocket socket = listener.Accept();
    seen = socket.ReadUntil("the body");
    socket.Send("HTTP/1.1 201 Made\r\nX-One: 1\r\nContent-Length: 6\r\n\r\nanswer");
  });
  Client client(runtime_);
  ClientRequest request = To(peer.port(), "/a?b=c", "POST");
  request.headers.Add("Content-Type", "text/plain");
  request.body = "the body";
  const auto result = client.SendBlocking(std::move(request), Soon());
  ASSERT_TRUE(result.ok()) << result.error().ToString();
  EXPECT_EQ(result->status, 201);
  EXPECT_EQ(result->headers.Get("x-one"), "1");
  EXPECT_EQ(result->body.view(), "answer");
  EXPECT_THAT(seen, StartsWith("POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer.port()) + "\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Length: 8\r\n"));
}

TEST_F(ClientTest, ReadsEveryFramingOfAnAnswer) {
  struct Row {
    const char* name;
    const char* method;
    std::string bytes;
    int status;
    std::string body;
    bool keeps;
  };
  const std::vector<Row> rows{
      {"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", true},
      {"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n", 200, "ab", true},
      {"to the end", "GET", "HTTP/1.1 200 OK\r\n\r\nab", 200, "ab", false},
      {"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false},
      {"close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false},
      {"no content", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
      {"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", true},
      {"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200, "", true},
      {"after interim answers", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", true},
      {"redirect is not followed", "GET", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, "", true},
      {"bytes after the answer", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n", 200, "ab", false},
  };
  for (const Row& row : rows) {
    for (const std::size_t step : {row.bytes.size(), std::size_t{1}}) {
      std::promise<void> over;
      Client client(runtime_);
      Peer peer([&](RawListener& listener) {
        RawSocket socket = listener.Accept();
        socket.ReadUntil("\r\n\r\n");
        for (std::size_t at = 0; at < row.bytes.size(); at += step) {
          socket.Send(row.bytes.substr(at, step));
          // Lets the pieces arrive as pieces.
          if (step < row.bytes.size()) std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
        if (row.name == std::string("to the end")) socket.Close();
        over.get_future().wait_for(testing::kWatchdog);
      });
      const auto result = client.SendBlocking(To(peer.port(), "/", row.method), Soon());
      EXPECT_EQ(client.connections(), row.keeps || (step == 1 && row.name == std::string("bytes after the answer")) ? 1u : 0u) << row.name;
      over.set_value();
      ASSERT_TRUE(result.ok()) << row.name << ": " << result.error().ToString();
      EXPECT_EQ(result->status, row.status) << row.name;
      EXPECT_EQ(result->body.view(), row.body) << row.name;
    }
  }
}

TEST_F(ClientTest, AnswersThatBreakHttpOrALimitAreErrors) {
  struct Row {
    const char* name;
    std::string bytes;
    ErrorCode code;
  };
  std::string endless_interim;
  for (int i = 0; i < 20; ++i) endless_interim += "HTTP/1.1 102 Processing\r\n\r\n";
  for (const Row& row : std::vector<Row>{
           {"garbage", "SSH-2.0-OpenSSH\r\n\r\n", ErrorCode::kMalformed},
           {"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", ErrorCode::kMalformed},
           {"cut in the header", "HTTP/1.1 200 OK\r\nContent-Le", ErrorCode::kMalformed},
           {"chunks cut short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ErrorCode::kMalformed},
           {"length and coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", ErrorCode::kMalformed},
           {"foreign coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ErrorCode::kMalformed},
           {"upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ErrorCode::kMalformed},
           {"too many interim answers", endless_interim, ErrorCode::kMalformed},
           {"announced too large", "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", ErrorCode::kTooLarge},
           {"chunks too large", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x'), ErrorCode::kTooLarge},
           {"unannounced too large", "HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x'), ErrorCode::kTooLarge},
           {"header too large", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), ErrorCode::kTooLarge},
           {"silent end", "", ErrorCode::kUnavailable},
       }) {
    Peer peer([&](RawListener& listener) {
      RawSocket socket = listener.Accept();
      socket.ReadUntil("\r\n\r\n");
      socket.Send(row.bytes);
    });
    Client client(runtime_);
    ClientRequest request = To(peer.port());
    request.response_bytes_max = 1000;
    const auto result = client.SendBlocking(std::move(request), Soon());
    ASSERT_FALSE(result.ok()) << row.name;
    EXPECT_EQ(result.error().code, row.code) << row.name << ": " << result.error().ToString();
    EXPECT_EQ(client.connections(), 0u) << row.name;
  }
}

TEST_F(ClientTest, AConnectionIsReused) {
  std::atomic<int> accepted{0};
  Peer peer([&](RawListener& listener) {
    RawSocket socket = listener.Accept();
    ++accepted;
    for (int i = 0; i < 3; ++i) {
      socket.ReadUntil("\r\n\r\n");
      socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(i));
    }
  });
  Client client(runtime_);
  for (int i = 0; i < 3; ++i) {
    const auto result = client.SendBlocking(To(peer.port()), Soon());
    ASSERT_TRUE(result.ok()) << result.error().ToString();
    EXPECT_EQ(result->body.view(), std::to_string(i));
  }
  EXPECT_EQ(accepted, 1);
}

TEST_F(ClientTest, AReplayableRequestIsSentAgainWhenAKeptConnectionDies) {
  for (const std::string& method : {std::string("PUT"), std::string("POST")}) {
    std::promise<void> first_answered;
    std::atomic<int> requests{0};
    Peer peer([&](RawListener& listener) {
      {
        RawSocket socket = listener.Accept();
        socket.ReadUntil("\r\n\r\n");
        socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        // The second request arrives here and gets no answer.
        socket.ReadUntil("\r\n\r\n");
        ++requests;
      }
      RawSocket socket = listener.Accept();
      if (socket.ReadUntil("\r\n\r\n").empty()) return;
      ++requests;
      socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
    });
    std::vector<int> resends;
    std::vector<std::string> ends;
    struct Observer : ClientObserver {
      explicit Observer(std::vector<std::string>& e) : ends(e) {}
      void OnConnected(const Endpoint& peer_endpoint) override { EXPECT_EQ(peer_endpoint.address, "127.0.0.1"); }
      void OnEnd(const ExchangeEnd& end) override { ends.push_back(std::to_string(end.status) + std::string(end.error_type)); }
      std::vector<std::string>& ends;
    };
    ClientOptions options;
    options.hooks.on_attempt = [&](const Attempt& attempt, Headers& fields) {
      resends.push_back(attempt.resend_count);
      fields.Add("X-Attempt", std::to_string(attempt.resend_count));
      return std::make_unique<Observer>(ends);
    };
    Client client(runtime_, options);
    ASSERT_TRUE(client.SendBlocking(To(peer.port(), "/", method), Soon()).ok());
    const auto second = client.SendBlocking(To(peer.port(), "/", method), Soon());
    if (method == "PUT") {
      ASSERT_TRUE(second.ok()) << second.error().ToString();
      EXPECT_EQ(second->body.view(), "again");
      EXPECT_THAT(resends, ::testing::ElementsAre(0, 0, 1));
      EXPECT_THAT(ends, ::testing::ElementsAre("200", "0unavailable", "200"));
    } else {
      ASSERT_FALSE(second.ok());
      EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
      EXPECT_THAT(resends, ::testing::ElementsAre(0, 0));
      RawSocket::Connect(peer.port());  // ends the peer's second accept
    }
  }
}

TEST_F(ClientTest, ARequestOnAFreshConnectionIsNeverSentAgain) {
  std::atomic<int> requests{0};
  Peer peer([&](RawListener& listener) {
    for (int i = 0; i < 2; ++i) {
      RawSocket socket = listener.Accept();
      if (!socket.ReadUntil("\r\n\r\n").empty()) ++requests;
    }
  });
  Client client(runtime_);
  EXPECT_EQ(client.SendBlocking(To(peer.port()), Soon()).error().code, ErrorCode::kUnavailable);
  RawSocket::Connect(peer.port());
  EXPECT_EQ(requests, 1);
}

TEST_F(ClientTest, AKeptConnectionThatTheServerClosedIsNotUsedEvenForAPost) {
  std::promise<void> closed;
  Peer peer([&](RawListener& listener) {
    {
      RawSocket socket = listener.Accept();
      socket.ReadUntil("\r\n\r\n");
      socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    closed.set_value();
    RawSocket socket = listener.Accept();
    socket.ReadUntil("\r\n\r\n");
    socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Client client(runtime_);
  ASSERT_TRUE(client.SendBlocking(To(peer.port(), "/", "POST"), Soon()).ok());
  closed.get_future().wait();
  const auto result = client.SendBlocking(To(peer.port(), "/", "POST"), Soon());
  EXPECT_TRUE(result.ok()) << result.error().ToString();
}

TEST_F(ClientTest, IdleConnectionsAreClosed) {
  bool is_closed = false;
  Peer peer([&](RawListener& listener) {
    RawSocket socket = listener.Accept();
    socket.ReadUntil("\r\n\r\n");
    socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    is_closed = socket.IsClosedByPeer();
  });
  ClientOptions options;
  options.idle = milliseconds(100);
  Client client(runtime_, options);
  ASSERT_TRUE(client.SendBlocking(To(peer.port()), Soon()).ok());
  EXPECT_EQ(client.connections(), 1u);
  const auto until = Soon();
  while (client.connections() > 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(client.connections(), 0u);
}

TEST_F(ClientTest, TheDeadlineCoversEveryPhase) {
  Client client(runtime_);
  {  // accepted by the kernel, never answered
    RawListener listener;
    const auto begun = std::chrono::steady_clock::now();
    const auto result = client.SendBlocking(To(listener.port()), In(milliseconds(150)));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(150));
  }
  {  // an answer that trickles
    Peer peer([&](RawListener& listener) {
      RawSocket socket = listener.Accept();
      socket.ReadUntil("\r\n\r\n");
      socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
      while (socket.Send("x")) std::this_thread::sleep_for(milliseconds(10));
    });
    EXPECT_EQ(client.SendBlocking(To(peer.port()), In(milliseconds(200))).error().code, ErrorCode::kTimeout);
  }
  {  // a peer that does not read
    RawListener listener;
    ClientRequest request = To(listener.port(), "/", "POST");
    request.body = std::string(64 << 20, 'x');
    EXPECT_EQ(client.SendBlocking(std::move(request), In(milliseconds(200))).error().code, ErrorCode::kTimeout);
  }
  // nothing is even tried
  EXPECT_EQ(client.SendBlocking(To(1), In(milliseconds(-1))).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(client.connections(), 0u);
}

TEST_F(ClientTest, ARefusedConnectionSaysSo) {
  std::uint16_t port = 0;
  {
    RawListener gone;
    port = gone.port();
  }
  Client client(runtime_);
  const auto result = client.SendBlocking(To(port), Soon());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(result.error().os_error, ECONNREFUSED);
  ClientRequest nowhere;
  nowhere.url = *Url::Parse("http://does-not-exist.invalid/");
  EXPECT_EQ(client.SendBlocking(std::move(nowhere), Soon()).error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientTest, AnEarlyAnswerToALargeRequestIsRead) {
  ServerOptions options;
  options.body_bytes_max = 1000;
  Router router;
  router.Add("POST", "/", [](RequestContext&) -> boost::asio::awaitable<Response> { co_return Response(); });
  auto server = Server::Listen(runtime_, options, std::move(router));
  ASSERT_TRUE(server.ok());
  Client client(runtime_);
  ClientRequest request = To((*server)->port(), "/", "POST");
  request.body = std::string(2'000'000, 'x');
  const auto result = client.SendBlocking(std::move(request), Soon());
  ASSERT_TRUE(result.ok()) << result.error().ToString();
  EXPECT_EQ(result->status, 413);
  EXPECT_EQ(client.connections(), 0u);
}

/// A server that holds each request for a moment and counts how many it holds at once.
struct Crowd {
  std::atomic<int> now{0}, most{0};
  Handler MakeHandler() {
    return [this](RequestContext& context) -> boost::asio::awaitable<Response> {
      const int here = ++now;
      int seen = most.load();
      while (here > seen && !most.compare_exchange_weak(seen, here)) {
      }
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_after(milliseconds(5));
      co_await timer.async_wait(boost::asio::use_awaitable);
      --now;
      co_return Response::Text(200, std::string(context.Param("n")));
    };
  }
};

TEST(ClientPool, CallsOverTheLimitWaitForTheirTurn) {
  Runtime server_runtime({.threads = 1});
  Runtime client_runtime({.threads = 2});
  Crowd crowd;
  Router router;
  router.Add("GET", "/{n}", crowd.MakeHandler());
  auto server = Server::Listen(server_runtime, {}, std::move(router));
  ASSERT_TRUE(server.ok());
  ClientOptions options;
  options.connections_max = 4;
  Client client(client_runtime, options);
  std::atomic<int> good{0};
  std::promise<void> all;
  constexpr int kCalls = 200;
  std::atomic<int> left{kCalls};
  for (int i = 0; i < kCalls; ++i) {
    client_runtime.Spawn([&, i]() -> boost::asio::awaitable<void> {
      auto result = co_await client.Send(To((*server)->port(), "/" + std::to_string(i)), Soon());
      if (result.ok() && result->body.view() == std::to_string(i)) ++good;
      if (--left == 0) all.set_value();
    });
  }
  ASSERT_EQ(all.get_future().wait_for(testing::kWatchdog), std::future_status::ready);
  EXPECT_EQ(good, kCalls);
  EXPECT_LE(crowd.most, 8) << "4 for each of the 2 loops";
  EXPECT_GT(crowd.most, 1);
}

TEST(ClientPool, AWaitingCallGivesUpAtItsDeadlineAndTheNextOneGetsItsTurn) {
  Runtime runtime({.threads = 1});
  RawListener silent;
  ClientOptions options;
  options.connections_max = 1;
  options.waiters_max = 2;
  Client client(runtime, options);
  std::promise<ErrorCode> first, second, third, fourth;
  const auto call = [&](std::promise<ErrorCode>& promise, Deadline deadline) {
    runtime.Spawn([&, deadline]() -> boost::asio::awaitable<void> {
      auto result = co_await client.Send(To(silent.port()), deadline);
      promise.set_value(result.ok() ? ErrorCode::kInternal : result.error().code);
    });
  };
  call(first, In(milliseconds(300)));
  call(second, In(milliseconds(100)));
  call(third, In(milliseconds(450)));
  call(fourth, Soon());
  EXPECT_EQ(fourth.get_future().get(), ErrorCode::kUnavailable) << "too many wait";
  EXPECT_EQ(second.get_future().get(), ErrorCode::kTimeout);
  EXPECT_EQ(first.get_future().get(), ErrorCode::kTimeout);
  EXPECT_EQ(third.get_future().get(), ErrorCode::kTimeout);
  // The third one connected once the first was through.
  EXPECT_TRUE(silent.Accept().IsOpen());
  EXPECT_TRUE(silent.Accept().IsOpen());
}

TEST(ClientPool, ACallFromAForeignExecutorComesBackToIt) {
  Runtime runtime({.threads = 1});
  Router router;
  router.Add("GET", "/", [](RequestContext&) -> boost::asio::awaitable<Response> { co_return Response::Text(200, "x"); });
  auto server = Server::Listen(runtime, {}, std::move(router));
  ASSERT_TRUE(server.ok());
  Client client(runtime);
  boost::asio::thread_pool pool(1);
  auto done = boost::asio::co_spawn(
      pool,
      [&]() -> boost::asio::awaitable<bool> {
        const auto thread = std::this_thread::get_id();
        auto result = co_await client.Send(To((*server)->port()), Soon());
        co_return result.ok() && std::this_thread::get_id() == thread;
      },
      boost::asio::use_future);
  EXPECT_TRUE(done.get());
  pool.join();
}

TEST(Fetch, GetsOneAnswerWithoutARuntimeOfTheCaller) {
  Runtime runtime({.threads = 1});
  Router router;
  router.Add("GET", "/", [](RequestContext&) -> boost::asio::awaitable<Response> { co_return Response::Text(200, "fetched"); });
  auto server = Server::Listen(runtime, {}, std::move(router));
  ASSERT_TRUE(server.ok());
  const auto result = Fetch(To((*server)->port()));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->body.view(), "fetched");
}

TEST(Runtime, StopDestroysWhatStillWaits) {
  auto alive = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = alive;
  {
    Runtime runtime({.threads = 2});
    std::promise<void> running;
    runtime.Spawn([alive, &running]() -> boost::asio::awaitable<void> {
      const std::shared_ptr<int> kept = alive;
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_after(std::chrono::hours(1));
      running.set_value();
      co_await timer.async_wait(boost::asio::use_awaitable);
    });
    running.get_future().wait();
    alive.reset();
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
}

TEST(Runtime, RequestStopEndsTheWaitAlsoIfItCameBefore) {
  Runtime runtime({.threads = 1});
  runtime.RequestStop();
  EXPECT_EQ(runtime.WaitForStop(), 0);
}

TEST(Runtime, ASignalEndsTheWait) {
  Runtime runtime({.threads = 1, .handle_signals = true});
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(runtime.WaitForStop(), SIGTERM);
}

TEST(RuntimeDeathTest, ASecondSignalEndsTheProcessAtOnce) {
  // A process of its own: Asio's signal pipe would be shared with a forked one.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Runtime child({.threads = 1, .handle_signals = true});
        ::kill(::getpid(), SIGINT);
        child.WaitForStop();
        ::kill(::getpid(), SIGINT);
        std::this_thread::sleep_for(testing::kWatchdog);
      },
      ::testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(Runtime, RunRethrowsWhatTheCoroutineThrew) {
  Runtime runtime({.threads = 1});
  EXPECT_THROW(runtime.Run([]() -> boost::asio::awaitable<void> {
    throw std::runtime_error("x");
    co_return;
  }),
               std::runtime_error);
}

}  // namespace
}  // namespace net
