// SPDX-License-Identifier: MIT
// Peers and a name server that misbehave: answers that break off at every byte, answers made to hurt, a resolver that hangs.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "deliver/deliver_test_support.h"
#include "deliver/delivery.h"
#include "deliver/otlp_verdict.h"
#include "deliver/track_verdict.h"
#include "transport/test_fetch.h"
#include "transport/test_http_server.h"

namespace {

/// What the resolver of this program does with names below ".hangs": it waits until the test lets it go.
struct HangingResolver {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_released = false;
  int waiting = 0;
};
HangingResolver& Resolver() {
  static auto* const resolver = new HangingResolver;  // its last thread may outlive the test
  return *resolver;
}

}  // namespace

/// Stands before libc's for the whole program, libcurl included.
extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  if (node != nullptr && std::strstr(node, ".hangs") != nullptr) {
    std::unique_lock lock(Resolver().mutex);
    ++Resolver().waiting;
    Resolver().changed.notify_all();
    Resolver().changed.wait_for(lock, std::chrono::seconds(60), [] { return Resolver().is_released; });
    return EAI_AGAIN;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(node, service, hints, result);
}

namespace azmon::deliver {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using transport::TestHttpServer;

constexpr seconds kWatchdog{30};

TEST(HostileNetwork, ResolverThatHangsStopsNeitherTheOtherDestinationNorShutdown) {
  TestHttpServer server([](const auto&) { return TestHttpServer::Answer(200); });
  journal::Journal journal;
  const std::uint32_t scope = journal.AddScope(journal.AddResource(ResourceMessage("service.name", "shop"), ""), ScopeMessage("s"), "");
  AzureSettings azure;
  azure.connection = {.instrumentation_key = "key", .ingestion_endpoint = "http://name.hangs"};
  OtlpSettings otlp;
  otlp.endpoints[0] = OtlpEndpoint{.url = server.Url() + "/v1/traces"};
  const base::MapEnvironment environment({});
  auto delivery = Delivery::Start(journal, azure, otlp, {.export_interval = milliseconds(10), .environment = &environment});
  ASSERT_TRUE(delivery.ok());
  const auto append = [&] { ASSERT_TRUE(journal.Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope, .message = SpanMessage("s")}).ok()); };
  append();
  {
    std::unique_lock lock(Resolver().mutex);
    ASSERT_TRUE(Resolver().changed.wait_for(lock, kWatchdog, [] { return Resolver().waiting > 0; })) << "libcurl did not ask the resolver of this program";
  }
  const auto deadline = steady_clock::now() + kWatchdog;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    while (journal.LedgerOf(journal::Destination::kOtlp).delivered < i && steady_clock::now() < deadline) std::this_thread::yield();
    append();
  }
  EXPECT_GE(journal.LedgerOf(journal::Destination::kOtlp).delivered, 5U);
  EXPECT_EQ(journal.LedgerOf(journal::Destination::kAzure).delivered, 0U);
  const auto start = steady_clock::now();
  EXPECT_FALSE((*delivery)->Shutdown(milliseconds(300)));
  EXPECT_LT(steady_clock::now() - start, seconds(10)) << "it waited for the resolver";
  delivery->reset();
  ExpectSumHolds(journal);
  const std::lock_guard lock(Resolver().mutex);
  Resolver().is_released = true;
  Resolver().changed.notify_all();
}

TEST(HostileNetwork, AnswerThatBreaksOffAtAnyByteIsNeverTakenForSuccess) {
  const std::string body = R"({"itemsReceived":1,"itemsAccepted":0,"errors":[{"index":0,"statusCode":500,"message":"x"}]})";
  const std::string whole = TestHttpServer::Answer(206, body, "X-Filler: " + std::string(200, 'x') + "\r\n");
  std::size_t length = 0;
  TestHttpServer server([&](const auto&) { return whole.substr(0, length) + (length < whole.size() ? "RESET" : ""); });
  const auto transport = transport::MakeTestTransport();
  for (length = 0; length < whole.size(); ++length) {
    const auto response = transport::Fetch(*transport, {.url = server.Url() + "/v2.1/track"});
    ASSERT_NE(response.error, transport::TransportError::kNone) << "after " << length << " bytes";
    ASSERT_EQ(ClassifyTrack(response, {}).action, TrackAction::kRetry) << "after " << length << " bytes";
    ASSERT_EQ(ClassifyOtlpHttp(response, {}).action, OtlpAction::kRetry) << "after " << length << " bytes";
    ASSERT_EQ(ClassifyOtlpAzure(response, {}).action, OtlpAction::kRetry) << "after " << length << " bytes";
  }
  // Service is restored.
  EXPECT_EQ(ClassifyTrack(transport::Fetch(*transport, {.url = server.Url() + "/v2.1/track"}), {}).action, TrackAction::kPartial);
}

TEST(HostileNetwork, OverloadIsCountedToTheRecordAndTheRestArrives) {
  constexpr int kThreads = 4;
  constexpr int kSpansEach = 10'000;
  std::mutex mutex;
  std::uint64_t received = 0;
  TestHttpServer server([&](const auto& request) {
    const std::string body = Gunzip(request.body);
    const std::lock_guard lock(mutex);
    received += static_cast<std::uint64_t>(std::ranges::count(body, '\n'));
    return TestHttpServer::Answer(200);
  });
  journal::Journal journal({.bytes_max = 1 << 20, .segment_bytes = 128 * 1024});
  const std::uint32_t scope = journal.AddScope(journal.AddResource(ResourceMessage("service.name", "shop"), ""), ScopeMessage("s"), "");
  AzureSettings azure;
  azure.connection = {.instrumentation_key = "key", .ingestion_endpoint = server.Url()};
  azure.envelope.resource_metric = false;
  azure.sdk_stats.interval = seconds(0);
  const base::MapEnvironment environment({});
  auto delivery = Delivery::Start(journal, azure, std::nullopt, {.export_interval = milliseconds(10), .environment = &environment});
  ASSERT_TRUE(delivery.ok());
  const std::string message = SpanMessage("s", 0, std::string(300, 'x'));
  std::vector<std::thread> producers;
  for (int i = 0; i < kThreads; ++i) {
    producers.emplace_back([&] {
      for (int n = 0; n < kSpansEach; ++n) {
        static_cast<void>(journal.Append({.signal = otlp::Signal::kSpan, .flags = otlp::kSampled | otlp::kForAzure, .owner = scope, .message = message}));
      }
    });
  }
  while (journal.LedgerOf(journal::Destination::kAzure).accepted < kThreads * kSpansEach) {
    const journal::Ledger now = journal.LedgerOf(journal::Destination::kAzure);
    ASSERT_EQ(now.accepted, now.delivered + now.DroppedTotal() + now.in_journal);
    std::this_thread::yield();
  }
  for (auto& thread : producers) thread.join();
  (*delivery)->Flush(kWatchdog);
  const journal::Ledger end = journal.LedgerOf(journal::Destination::kAzure);
  EXPECT_EQ(end.in_journal, 0U);
  EXPECT_EQ(end.accepted, static_cast<std::uint64_t>(kThreads * kSpansEach));
  EXPECT_GT(end.DroppedTotal(), 0U) << "this was no overload";
  EXPECT_EQ(end.DroppedTotal(), end.dropped[static_cast<std::size_t>(journal::DropReason::kStorageCapacity)]);
  // What was recycled while its request was in flight is counted as dropped and has arrived all the same.
  const std::lock_guard lock(mutex);
  EXPECT_GE(received, end.delivered);
  EXPECT_LE(received, end.accepted);
}

TEST(HostileNetwork, AnswersMadeToHurtEndInAVerdict) {
  const struct {
    const char* what;
    std::string answer;
    TrackAction action;
  } cases[] = {
      {"deep JSON", TestHttpServer::Answer(200, std::string(100'000, '[')), TrackAction::kAccepted},
      {"deep JSON in a partial answer", TestHttpServer::Answer(206, std::string(100'000, '[')), TrackAction::kRetry},
      {"a chunk that is none", "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nRESET", TrackAction::kRetry},
      {"a length that is none", "HTTP/1.1 200 x\r\nContent-Length: 18446744073709551616\r\n\r\nRESET", TrackAction::kRetry},
      {"no HTTP", "SSH-2.0-OpenSSH\r\nRESET", TrackAction::kRetry},
      {"an endless header", "HTTP/1.1 200 x\r\nX: " + std::string(200'000, 'x') + "RESET", TrackAction::kRetry},
      {"many headers", "HTTP/1.1 200 x\r\n" + [] { std::string all; for (int i = 0; i < 10'000; ++i) all += "X: yyyyyyyyyy\r\n"; return all; }() + "\r\nRESET", TrackAction::kRetry},
      {"gzip that nobody asked for", TestHttpServer::Answer(206, std::string("\x1f\x8b\x08\0\0\0\0\0", 8), "Content-Encoding: gzip\r\n"), TrackAction::kRetry},
      {"a body without end", "HTTP/1.1 200 x\r\n\r\n" + std::string(2'000'000, 'x'), TrackAction::kAccepted},
  };
  for (const auto& one : cases) {
    TestHttpServer server([&](const auto&) { return one.answer; });
    const auto transport = transport::MakeTestTransport();
    const auto response = transport::Fetch(*transport, {.url = server.Url() + "/v2.1/track"});
    EXPECT_LE(response.body.size(), limits::kAnswerBytesMax) << one.what;
    EXPECT_EQ(ClassifyTrack(response, {}).action, one.action) << one.what << ": " << Name(response.error) << " " << response.status;
  }
}

}  // namespace
}  // namespace azmon::deliver
