// SPDX-License-Identifier: MIT
// The delivery thread and libcurl against real servers on this machine: HTTP/1.1, OTLP/gRPC by grpc++, and peers that misbehave.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h>

#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "deliver/deliver_test_support.h"
#include "deliver/delivery.h"
#include "transport/test_fetch.h"
#include "transport/test_http_server.h"
#include "transport/transport.h"

namespace azmon::deliver {
namespace {

using journal::Destination;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

/// Longest wait of a test for what must happen; far above what it takes.
constexpr seconds kWatchdog{20};

milliseconds Since(steady_clock::time_point start) { return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start); }

TEST(CurlTransport, PostsBodyAndHeadersAndReadsTheAnswer) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(206, "{}", "X-One: a\r\nRetry-After: 7\r\n"); });
  const auto transport = transport::MakeTestTransport();
  const std::string body(300'000, 'x');
  const transport::HttpResponse response = transport::Fetch(*transport, {.url = server.Url() + "/v2.1/track", .headers = {{"X-Own", "v"}}, .body = std::make_shared<std::string>(body)});
  EXPECT_EQ(response.error, transport::TransportError::kNone);
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(response.body, "{}");
  EXPECT_EQ(response.Header("retry-after"), "7");
  const auto requests = server.Requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_THAT(requests[0].head, testing::StartsWith("POST /v2.1/track HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("X-Own: v\r\n"));
  EXPECT_THAT(requests[0].head, testing::Not(HasSubstr("Expect:")));
  EXPECT_EQ(requests[0].body, body);
}

TEST(CurlTransport, KeepsTheConnectionAndDoesNotFollowRedirects) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(307, "", "Location: /elsewhere\r\n"); });
  const auto transport = transport::MakeTestTransport();
  for (int i = 0; i < 3; ++i) {
    const transport::HttpResponse response = transport::Fetch(*transport, {.url = server.Url()});
    EXPECT_EQ(response.status, 307);
    EXPECT_EQ(response.Header("location"), "/elsewhere");
  }
  ASSERT_EQ(server.Requests().size(), 3U);
  EXPECT_EQ(server.Requests().back().connection, 1);
}

TEST(CurlTransport, ConnectionThatTheServerClosedWhileIdleCostsNoFailure) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200) + "RESET"; });
  const auto transport = transport::MakeTestTransport();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(transport::Fetch(*transport, {.url = server.Url()}).status, 200) << i;
  EXPECT_EQ(server.Requests().size(), 5U);
}

TEST(CurlTransport, RefusedIsNoConnection) {
  const auto transport = transport::MakeTestTransport();
  EXPECT_EQ(transport::Fetch(*transport, {.url = transport::RefusingUrl()}).error, transport::TransportError::kConnect);
}

TEST(CurlTransport, UnknownHostIsNotResolved) {
  const auto transport = transport::MakeTestTransport();
  EXPECT_EQ(transport::Fetch(*transport, {.url = "http://no-such-host.invalid/"}).error, transport::TransportError::kResolve);
}

TEST(CurlTransport, ResetBeforeAndInsideTheAnswerIsBroken) {
  for (const std::string& head : {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")}) {
    transport::TestHttpServer server([&](const auto&) { return head + "RESET"; });
    const auto transport = transport::MakeTestTransport();
    EXPECT_EQ(transport::Fetch(*transport, {.url = server.Url()}).error, transport::TransportError::kBroken) << head;
  }
}

TEST(CurlTransport, AnswerThatNeverComesEndsAtTheTimeout) {
  transport::TestHttpServer server([](const auto&) { return std::string(); });
  const auto transport = transport::MakeTestTransport();
  const auto start = steady_clock::now();
  EXPECT_EQ(transport::Fetch(*transport, {.url = server.Url(), .timeout = milliseconds(300)}).error, transport::TransportError::kTimeout);
  EXPECT_GE(Since(start), milliseconds(290));
  EXPECT_LT(Since(start), milliseconds(1500));
}

TEST(CurlTransport, LongAnswerIsCutNotRead) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200, std::string(100'000, 'x')); });
  const auto transport = transport::MakeTestTransport();
  const transport::HttpResponse response = transport::Fetch(*transport, {.url = server.Url(), .answer_bytes_max = 1000});
  EXPECT_EQ(response.error, transport::TransportError::kNone);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.is_cut);
  EXPECT_EQ(response.body.size(), 1000U);
}

TEST(CurlTransport, Http1ServerIsToldAsNotHttp2) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200); });
  const auto transport = transport::MakeTestTransport();
  const transport::HttpResponse response = transport::Fetch(*transport, {.url = server.Url(), .http2 = true, .timeout = milliseconds(3000)});
  EXPECT_NE(response.error, transport::TransportError::kNone);
}

TEST(CurlTransport, TlsAgainstAClearTextServerIsATlsFailure) {
  transport::TestHttpServer server([](const auto&) { return std::string("HTTP/1.1 400 x\r\n\r\n"); });
  const auto transport = transport::MakeTestTransport();
  // The server waits for the end of a request that never looks like one; the time-out ends it, or its answer fails the handshake.
  const transport::HttpResponse response = transport::Fetch(*transport, {.url = "https" + server.Url().substr(4), .timeout = milliseconds(500)});
  EXPECT_TRUE(response.error == transport::TransportError::kTls || response.error == transport::TransportError::kTimeout) << Name(response.error);
}

TEST(CurlTransport, BadUrlFailsByItsCompletion) {
  const auto transport = transport::MakeTestTransport();
  EXPECT_EQ(transport::Fetch(*transport, {.url = "nonsense"}).error, transport::TransportError::kLocal);
}

TEST(CurlTransport, ProxyIsUsedUnlessTheHostIsExcluded) {
  transport::TestHttpServer proxy([](const auto&) { return transport::TestHttpServer::Answer(200, "by proxy"); });
  const auto transport = transport::MakeTestTransport({{"http_proxy", proxy.Url()}, {"NO_PROXY", "direct.invalid"}});
  EXPECT_EQ(transport::Fetch(*transport, {.url = "http://some.invalid/x"}).body, "by proxy");
  EXPECT_THAT(proxy.Requests().back().head, testing::StartsWith("POST http://some.invalid/x HTTP/1.1"));
  EXPECT_EQ(transport::Fetch(*transport, {.url = "http://direct.invalid/x"}).error, transport::TransportError::kResolve);
  transport::TestHttpServer local([](const auto&) { return transport::TestHttpServer::Answer(200, "local"); });
  EXPECT_EQ(transport::Fetch(*transport, {.url = local.Url()}).body, "local");
}

TEST(CurlTransport, CancelledRequestNeverCompletes) {
  transport::TestHttpServer server([](const auto&) { return std::string(); });
  const auto transport = transport::MakeTestTransport();
  const auto id = transport->Start({.url = server.Url(), .body = std::make_shared<std::string>("x")}, [](transport::HttpResponse) { FAIL(); });
  transport->Poll(steady_clock::now() + milliseconds(50));
  transport->Cancel(id);
  transport->Poll(steady_clock::now() + milliseconds(50));
}

TEST(CurlTransport, WakeEndsAPollAtOnce) {
  const auto transport = transport::MakeTestTransport();
  const auto start = steady_clock::now();
  std::thread waker([&] { transport->Wake(); });
  transport->Poll(start + kWatchdog);
  waker.join();
  EXPECT_LT(Since(start), seconds(5));
}

// gRPC

namespace trace_v1 = opentelemetry::proto::collector::trace::v1;

class TraceService final : public trace_v1::TraceService::Service {
 public:
  grpc::Status Export(grpc::ServerContext*, const trace_v1::ExportTraceServiceRequest* request, trace_v1::ExportTraceServiceResponse* response) override {
    const int call = ++calls;
    if (call <= failures) return {static_cast<grpc::StatusCode>(failure), "as asked"};
    for (const auto& resource : request->resource_spans()) {
      for (const auto& scope : resource.scope_spans()) spans += scope.spans_size();
    }
    if (rejects > 0) response->mutable_partial_success()->set_rejected_spans(rejects);
    return grpc::Status::OK;
  }
  std::atomic<int> calls{0};
  std::atomic<int> spans{0};
  int failures = 0;
  int failure = 14;
  int rejects = 0;
};

class GrpcServer {
 public:
  explicit GrpcServer(TraceService& service) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
    AZMON_CHECK(server_ != nullptr);
  }
  ~GrpcServer() { server_->Shutdown(std::chrono::system_clock::now() + seconds(1)); }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/opentelemetry.proto.collector.trace.v1.TraceService/Export"; }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// The whole

class DeliveryTest : public testing::Test {
 protected:
  void Start(std::optional<std::string> azure, std::optional<OtlpEndpoint> otlp, milliseconds interval = milliseconds(50)) {
    std::optional<AzureSettings> azure_settings;
    if (azure) {
      azure_settings.emplace();
      azure_settings->connection = {.instrumentation_key = "key", .ingestion_endpoint = *azure};
      azure_settings->envelope.resource_metric = false;
      flags_ |= otlp::kForAzure;
    }
    std::optional<OtlpSettings> otlp_settings;
    if (otlp) {
      otlp_settings.emplace();
      otlp_settings->endpoints[0] = std::move(otlp);
      flags_ |= otlp::kForOtlp;
    }
    DeliveryOptions options{.export_interval = interval};
    options.environment = &environment_;
    options.log = [this](Severity, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
    };
    options.on_loss = [this] { ++losses_told_; };
    auto started = Delivery::Start(journal_, std::move(azure_settings), std::move(otlp_settings), std::move(options));
    ASSERT_TRUE(started.ok());
    delivery_ = std::move(started).value();
    scope_ = journal_.AddScope(journal_.AddResource(ResourceMessage("service.name", "shop"), ""), ScopeMessage("s"), "");
  }
  void Append(int count, std::string_view attribute = {}) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(journal_.Append({.signal = otlp::Signal::kSpan, .flags = flags_, .owner = scope_, .message = SpanMessage("s", 0, attribute)}).ok());
    }
  }
  std::vector<std::string> Lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  journal::Ledger Ledger(Destination destination) const { return journal_.LedgerOf(destination); }
  void TearDown() override {
    delivery_.reset();
    ExpectSumHolds(journal_);
  }

  base::MapEnvironment environment_{{}};
  journal::Journal journal_;
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::atomic<int> losses_told_{0};
  std::uint8_t flags_ = otlp::kSampled;
  std::uint32_t scope_ = 0;
  std::unique_ptr<Delivery> delivery_;
};

TEST_F(DeliveryTest, RecordsLeaveByThemselvesAfterTheInterval) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200); });
  Start(server.Url(), std::nullopt);
  Append(3);
  const auto deadline = steady_clock::now() + kWatchdog;
  while (Ledger(Destination::kAzure).delivered < 3 && steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(Ledger(Destination::kAzure).delivered, 3U);
  EXPECT_EQ(server.Requests().size(), 1U);
}

TEST_F(DeliveryTest, FlushReachesBothDestinations) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200); });
  TraceService service;
  GrpcServer grpc(service);
  Start(server.Url(), OtlpEndpoint{.url = grpc.Url(), .protocol = OtlpProtocol::kGrpc}, seconds(60));
  Append(100);
  EXPECT_TRUE(delivery_->Flush(kWatchdog));
  EXPECT_EQ(service.spans, 100);
  EXPECT_EQ(Ledger(Destination::kAzure).delivered, 100U);
  EXPECT_EQ(Ledger(Destination::kOtlp).delivered, 100U);
  EXPECT_TRUE(delivery_->Shutdown(kWatchdog));
  EXPECT_TRUE(delivery_->Shutdown(kWatchdog));  // idempotent
}

TEST_F(DeliveryTest, LossesAreToldByTheCallbackAndOnceMoreAtTheEnd) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(400); });
  Start(server.Url(), std::nullopt);
  Append(1);
  EXPECT_TRUE(delivery_->Flush(kWatchdog));
  const auto deadline = steady_clock::now() + kWatchdog;
  while (losses_told_ == 0 && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(losses_told_, 1);
  Append(1);
  EXPECT_TRUE(delivery_->Shutdown(kWatchdog));
  EXPECT_EQ(losses_told_, 2);
  EXPECT_EQ(Ledger(Destination::kAzure).DroppedTotal(), 2U);
}

TEST_F(DeliveryTest, FiftyExportsInARowByGrpcWithoutTlsDoNotFail) {
  TraceService service;
  GrpcServer grpc(service);
  Start(std::nullopt, OtlpEndpoint{.url = grpc.Url(), .protocol = OtlpProtocol::kGrpc}, seconds(60));
  for (int i = 0; i < 50; ++i) {
    Append(10);
    ASSERT_TRUE(delivery_->Flush(kWatchdog)) << i;
  }
  EXPECT_EQ(service.calls, 50);
  EXPECT_EQ(service.spans, 500);
  EXPECT_TRUE(Lines().empty());
}

TEST_F(DeliveryTest, CompressedAndLargeGrpcMessagesArrive) {
  TraceService service;
  GrpcServer grpc(service);
  Start(std::nullopt, OtlpEndpoint{.url = grpc.Url(), .protocol = OtlpProtocol::kGrpc, .gzip = true}, seconds(60));
  Append(400, std::string(30'000, 'x'));  // 12 MB
  EXPECT_TRUE(delivery_->Flush(kWatchdog));
  EXPECT_EQ(service.spans, 400);
  EXPECT_GE(service.calls, 3);
}

TEST_F(DeliveryTest, GrpcFailureIsRetriedAndThenDelivered) {
  TraceService service;
  service.failures = 1;
  GrpcServer grpc(service);
  Start(std::nullopt, OtlpEndpoint{.url = grpc.Url(), .protocol = OtlpProtocol::kGrpc});
  Append(5);
  EXPECT_TRUE(delivery_->Flush(kWatchdog));
  EXPECT_EQ(service.calls, 2);
  EXPECT_EQ(service.spans, 5);
  const auto deadline = steady_clock::now() + kWatchdog;
  while (Lines().size() < 2 && steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(5));
  ASSERT_EQ(Lines().size(), 2U);
  EXPECT_THAT(Lines()[0], HasSubstr("gRPC UNAVAILABLE: as asked"));
  EXPECT_THAT(Lines()[1], HasSubstr("takes telemetry again"));
}

TEST_F(DeliveryTest, PartialSuccessOfGrpcIsCounted) {
  TraceService service;
  service.rejects = 2;
  GrpcServer grpc(service);
  Start(std::nullopt, OtlpEndpoint{.url = grpc.Url(), .protocol = OtlpProtocol::kGrpc});
  Append(5);
  EXPECT_TRUE(delivery_->Flush(kWatchdog));
  EXPECT_EQ(Ledger(Destination::kOtlp).delivered, 3U);
  EXPECT_EQ(Ledger(Destination::kOtlp).DroppedTotal(), 2U);
}

TEST_F(DeliveryTest, OneDestinationInTroubleDoesNotHoldTheOther) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200); });
  Start(server.Url(), OtlpEndpoint{.url = transport::RefusingUrl() + "/v1/traces"});
  Append(10);
  EXPECT_FALSE(delivery_->Flush(milliseconds(700)));
  EXPECT_EQ(Ledger(Destination::kAzure).delivered, 10U);
  EXPECT_EQ(Ledger(Destination::kOtlp).in_journal, 10U);
}

TEST_F(DeliveryTest, FlushTellsTheTruthWhenNobodyAnswers) {
  Start(transport::RefusingUrl(), std::nullopt);
  Append(1);
  EXPECT_FALSE(delivery_->Flush(milliseconds(300)));
  EXPECT_EQ(Ledger(Destination::kAzure).in_journal, 1U);
}

TEST_F(DeliveryTest, ShutdownKeepsItsDeadlineWhenAnAnswerNeverComes) {
  transport::TestHttpServer hanging([](const auto&) { return std::string(); });
  Start(hanging.Url(), OtlpEndpoint{.url = hanging.Url() + "/v1/traces"});
  Append(10);
  const auto deadline = steady_clock::now() + kWatchdog;
  while (hanging.Requests().empty() && steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(5));
  const auto start = steady_clock::now();
  EXPECT_FALSE(delivery_->Shutdown(milliseconds(300)));
  EXPECT_LT(Since(start), milliseconds(400));
  EXPECT_EQ(Ledger(Destination::kAzure).dropped[static_cast<std::size_t>(journal::DropReason::kNotDelivered)], 10U);
  EXPECT_EQ(Ledger(Destination::kAzure).in_journal, 0U);
}

TEST_F(DeliveryTest, ShutdownKeepsItsDeadlineWhenRefused) {
  const std::string url = transport::RefusingUrl();
  Start(url, OtlpEndpoint{.url = url + "/v1/traces"});
  Append(10);
  const auto start = steady_clock::now();
  EXPECT_FALSE(delivery_->Shutdown(milliseconds(300)));
  EXPECT_LT(Since(start), milliseconds(400));
}

TEST_F(DeliveryTest, ShutdownKeepsItsDeadlineInABlackHole) {
  Start("http://192.0.2.1:9", OtlpEndpoint{.url = "http://192.0.2.1:9/v1/traces"});
  Append(10);
  const auto start = steady_clock::now();
  EXPECT_FALSE(delivery_->Shutdown(milliseconds(300)));
  EXPECT_LT(Since(start), milliseconds(400));
}

TEST_F(DeliveryTest, ShutdownTriesOnceMoreDuringBackOff) {
  std::atomic<int> status{503};
  transport::TestHttpServer server([&](const auto&) { return transport::TestHttpServer::Answer(status); });
  Start(server.Url(), std::nullopt, milliseconds(10));
  Append(3);
  const auto deadline = steady_clock::now() + kWatchdog;
  while (server.Requests().empty() && steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(5));
  std::this_thread::sleep_for(milliseconds(50));
  status = 200;
  EXPECT_TRUE(delivery_->Shutdown(seconds(5)));
  EXPECT_EQ(Ledger(Destination::kAzure).delivered, 3U);
}

TEST_F(DeliveryTest, ForkedChildReturnsAtOnceAndSaysFalse) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200); });
  Start(server.Url(), std::nullopt, seconds(60));
  Append(1);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto start = steady_clock::now();
    const bool is_false = !delivery_->Flush(seconds(10)) && !delivery_->Shutdown(seconds(10));
    delivery_.reset();
    ::_exit(is_false && Since(start) < seconds(1) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(delivery_->Flush(kWatchdog));  // the parent's is not disturbed
  EXPECT_EQ(Ledger(Destination::kAzure).delivered, 1U);
}

/// Voluntary switches of the delivery thread, by its name.
long Switches() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (name != "azmon-deliver") continue;
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("voluntary_ctxt_switches:")) return std::atol(line.c_str() + 24);
    }
  }
  return -1;
}

TEST_F(DeliveryTest, IdleThreadDoesNotWakeUp) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200); });
  TraceService service;
  GrpcServer grpc(service);
  Start(server.Url(), OtlpEndpoint{.url = grpc.Url(), .protocol = OtlpProtocol::kGrpc});
  Append(10);
  ASSERT_TRUE(delivery_->Flush(kWatchdog));
  std::this_thread::sleep_for(milliseconds(300));  // what the flush left to do
  const long before = Switches();
  ASSERT_GE(before, 0);
  std::this_thread::sleep_for(seconds(1));
  EXPECT_EQ(Switches(), before);
}

TEST_F(DeliveryTest, ManyAppendingThreadsLoseNothing) {
  transport::TestHttpServer server([](const auto&) { return transport::TestHttpServer::Answer(200); });
  TraceService service;
  GrpcServer grpc(service);
  Start(server.Url(), OtlpEndpoint{.url = grpc.Url(), .protocol = OtlpProtocol::kGrpc});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back([this] { Append(5000); });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(delivery_->Flush(kWatchdog));
  EXPECT_EQ(service.spans, 20000);
  EXPECT_EQ(Ledger(Destination::kAzure).delivered, 20000U);
}

}  // namespace
}  // namespace azmon::deliver
