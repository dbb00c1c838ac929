// SPDX-License-Identifier: MIT
// OTLP over gRPC with gRPC's own client, against a real store.
#include "local/api/otlp_grpc.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <vector>

#include "local/cli/local_ca.h"
#include "local/ingest/otlp_schema.h"
#include "net/runtime.h"

namespace azmon::local {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kTraceMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr const char* kLogsMethod = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr const char* kMetricsMethod = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

constexpr const char* kTraces = R"({"resourceSpans":[{"scopeSpans":[{"spans":[
  {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"work","kind":1,"startTimeUnixNano":"1700000000000000000"}]}]}]})";
constexpr const char* kBadTraces = R"({"resourceSpans":[{"scopeSpans":[{"spans":[
  {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"work"},{"name":"no ids"}]}]}]})";
constexpr const char* kLogs = R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]})";
constexpr const char* kMetrics = R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]})";

class OtlpGrpcTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(StoreOptions options) {
    server_.reset();
    service_.reset();
    store_.reset();
    std::string name = (fs::temp_directory_path() / "azmon-local-test-XXXXXX").string();
    options.directory = ::mkdtemp(name.data());
    options.is_temporary = true;
    auto opened = Store::Open(options);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    store_ = std::move(*opened);
    service_ = std::make_shared<Service>(ServiceOptions{}, *store_, base::SystemClock());
    auto tls = MakeLocalTls(options.directory, {});
    ASSERT_TRUE(tls.ok()) << tls.error().ToString();
    ca_file_ = tls->ca_file;
    tls_ = {.certificate_chain = tls->certificate_chain, .private_key = tls->private_key};
    auto listening = OtlpGrpcServer::Listen(runtime_, service_, "127.0.0.1", 0, tls_);
    ASSERT_TRUE(listening.ok()) << listening.error().ToString();
    server_ = std::move(*listening);
  }

  void TearDown() override {
    server_.reset();
    service_.reset();
    store_.reset();
  }

  struct Answer {
    grpc::Status status;
    std::string body;
  };

  Answer Call(const char* method, const std::string& body, grpc_compression_algorithm compression = GRPC_COMPRESS_NONE,
              const std::shared_ptr<grpc::ChannelCredentials>& credentials = grpc::InsecureChannelCredentials()) {
    grpc::ChannelArguments arguments;
    arguments.SetCompressionAlgorithm(compression);
    arguments.SetMaxSendMessageSize(-1);
    grpc::GenericStub stub(grpc::CreateCustomChannel("localhost:" + std::to_string(server_->port()), credentials, arguments));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::CompletionQueue queue;
    const grpc::Slice slice(body);
    const grpc::ByteBuffer request(&slice, 1);
    auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
    call->StartCall();
    Answer answer;
    grpc::ByteBuffer response;
    call->Finish(&response, &answer.status, this);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    std::vector<grpc::Slice> slices;
    if (answer.status.ok() && response.Dump(&slices).ok()) {
      for (const grpc::Slice& part : slices) answer.body.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
    return answer;
  }

  static std::string Protobuf(const char* json, const OtlpMessage& message) { return *OtlpFromJson(json, message); }

  net::Runtime runtime_{{.threads = 1}};
  std::string ca_file_;
  net::ServerTls tls_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Service> service_;
  std::unique_ptr<OtlpGrpcServer> server_;
};

TEST_F(OtlpGrpcTest, TakesTheThreeSignals) {
  for (const auto& [method, body] : {std::pair(kTraceMethod, Protobuf(kTraces, kTracesRequest)), std::pair(kLogsMethod, Protobuf(kLogs, kLogsRequest)),
                                     std::pair(kMetricsMethod, Protobuf(kMetrics, kMetricsRequest))}) {
    const auto answer = Call(method, body);
    EXPECT_TRUE(answer.status.ok()) << method << ": " << answer.status.error_message();
    EXPECT_EQ(answer.body, "");
  }
  // What was answered is committed: no waiting here.
  EXPECT_EQ(store_->stats().otlp, 3U);
  EXPECT_EQ(store_->ReadOperation("0af7651916cd43dd8448eb211c80319c")->items[0].name, "work");
}

TEST_F(OtlpGrpcTest, TakesGzip) {
  EXPECT_TRUE(Call(kTraceMethod, Protobuf(kTraces, kTracesRequest), GRPC_COMPRESS_GZIP).status.ok());
  EXPECT_EQ(store_->stats().otlp, 1U);
}

TEST_F(OtlpGrpcTest, OnePortTakesTlsAndClearText) {
  std::stringstream ca;
  ca << std::ifstream(ca_file_).rdbuf();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ca.str();
  const std::string body = Protobuf(kTraces, kTracesRequest);
  const auto by_tls = Call(kTraceMethod, body, GRPC_COMPRESS_NONE, grpc::SslCredentials(options));
  EXPECT_TRUE(by_tls.status.ok()) << by_tls.status.error_message();
  EXPECT_TRUE(Call(kTraceMethod, body).status.ok());
  EXPECT_EQ(store_->stats().otlp, 2U);
}

TEST_F(OtlpGrpcTest, WhoSaysNothingKeepsNobodyWaiting) {
  boost::asio::io_context context;
  std::vector<boost::asio::ip::tcp::socket> silent;
  for (std::size_t i = 0; i < limits::kFirstBytesMax / 2; ++i) {
    silent.emplace_back(context).connect({boost::asio::ip::make_address("127.0.0.1"), server_->port()});
  }
  EXPECT_TRUE(Call(kTraceMethod, Protobuf(kTraces, kTracesRequest)).status.ok());
  server_.reset();  // does not wait for them either
}

TEST_F(OtlpGrpcTest, TellsPartialSuccess) {
  const auto answer = Call(kTraceMethod, Protobuf(kBadTraces, kTracesRequest));
  EXPECT_TRUE(answer.status.ok());
  ASSERT_GT(answer.body.size(), 4U);
  EXPECT_EQ(answer.body[0], '\x0a');                 // partial_success
  EXPECT_EQ(answer.body.substr(2, 2), "\x08\x01");   // rejected_spans = 1
  EXPECT_THAT(answer.body, HasSubstr("trace_id"));
  EXPECT_EQ(store_->stats().otlp, 1U);
}

TEST_F(OtlpGrpcTest, RefusesWhatIsNoMessageAndUnknownMethods) {
  EXPECT_EQ(Call(kTraceMethod, "\x0a\xff").status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Call("/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", "").status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Call(kTraceMethod, std::string(limits::kBodyBytesMax + 1, 'x')).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Call(kTraceMethod, "").status.ok());
}

TEST_F(OtlpGrpcTest, AFullQueueAsksToComeAgain) {
  StoreOptions options;
  options.queue_items_max = 1;
  Start(options);
  std::mutex mutex;
  std::condition_variable wake;
  bool is_held = false;
  bool is_released = false;
  store_->OnChange([&](Store::Change, std::uint64_t) {
    std::unique_lock guard(mutex);
    is_held = true;
    wake.notify_all();
    wake.wait(guard, [&] { return is_released; });
  });
  const std::string body = Protobuf(kTraces, kTracesRequest);
  EXPECT_TRUE(Call(kTraceMethod, body).status.ok());
  {
    std::unique_lock guard(mutex);
    wake.wait(guard, [&] { return is_held; });
  }
  // The writer is held in the listener: one request fits into the queue, the next one does not.
  auto parsed = ParseOtlp(body, OtlpSignal::kTraces, "key", 0);
  ASSERT_TRUE(store_->Submit(std::move(parsed->batch), nullptr).ok());
  const auto answer = Call(kTraceMethod, body);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(answer.status.error_details(), HasSubstr("google.rpc.RetryInfo"));
  {
    const std::lock_guard guard(mutex);
    is_released = true;
  }
  wake.notify_all();
  TearDown();  // while what the listener uses is still here
}

TEST_F(OtlpGrpcTest, APortInUseIsAnError) {
  const auto second = OtlpGrpcServer::Listen(runtime_, service_, "127.0.0.1", server_->port(), tls_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace azmon::local
