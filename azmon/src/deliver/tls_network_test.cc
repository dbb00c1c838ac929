// SPDX-License-Identifier: MIT
// TLS, proxies and Azure Monitor's own OTLP ingestion against real servers on this machine. The double of the ingestion keeps its rules; it
// is reached under its real host name through a proxy, because a token goes to no other host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <map>
#include <set>

#include "deliver/deliver_test_support.h"
#include "deliver/delivery.h"
#include "identity/credentials.h"
#include "identity/token_cache.h"
#include "transport/test_fetch.h"
#include "transport/test_http_server.h"
#include "transport/test_tls.h"

namespace azmon::deliver {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using transport::TestCa;
using transport::TestHttpServer;
using transport::TestTlsFront;
using transport::TransportError;
using Variables = std::map<std::string, std::string, std::less<>>;

/// Longest wait of a test for what must happen; far above what it takes.
constexpr seconds kWatchdog{60};

transport::HttpResponse Fetch(transport::HttpRequest request, Variables variables = {}) {
  const auto transport = transport::MakeTestTransport(std::move(variables));
  return transport::Fetch(*transport, std::move(request));
}

class TlsTest : public testing::Test {
 protected:
  TestCa ca_;
  TestHttpServer server_{[](const auto&) { return TestHttpServer::Answer(200, "{}"); }};
};

TEST_F(TlsTest, CertificateOfAPrivateAuthorityIsTakenWhereTheAuthorityIsNamed) {
  TestTlsFront front({.files = ca_.Issue("DNS:localhost,IP:127.0.0.1"), .to_port = server_.Port()});
  EXPECT_EQ(Fetch({.url = front.Url(), .tls = {.ca_file = ca_.File()}}).status, 200);
  EXPECT_EQ(Fetch({.url = front.Url()}, {{"SSL_CERT_FILE", ca_.File()}}).status, 200);
  EXPECT_EQ(Fetch({.url = front.Url()}).error, TransportError::kTls);
  EXPECT_EQ(server_.Requests().size(), 2U);
}

TEST_F(TlsTest, BadCertificatesAreRefusedBeforeAnythingIsSent) {
  TestCa other;
  const struct {
    const char* what;
    TestCa::Files files;
  } cases[] = {{"expired", ca_.Issue("IP:127.0.0.1", -7200, -3600)},
               {"not yet valid", ca_.Issue("IP:127.0.0.1", 3600, 7200)},
               {"another host", ca_.Issue("DNS:other.example,IP:127.0.0.2")},
               {"no name", ca_.Issue("")},
               {"another authority", other.Issue("IP:127.0.0.1")}};
  for (const auto& one : cases) {
    TestTlsFront front({.files = one.files, .to_port = server_.Port()});
    const auto response = Fetch({.url = front.Url(), .tls = {.ca_file = ca_.File()}});
    EXPECT_EQ(response.error, TransportError::kTls) << one.what;
    EXPECT_EQ(response.status, 0) << one.what;
  }
  EXPECT_TRUE(server_.Requests().empty());
}

TEST_F(TlsTest, OldProtocolsAreRefused) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TestTlsFront front({.files = ca_.Issue("IP:127.0.0.1"), .to_port = server_.Port(), .protocol_max = version});
    EXPECT_EQ(Fetch({.url = front.Url(), .tls = {.ca_file = ca_.File()}}).error, TransportError::kTls);
  }
  EXPECT_TRUE(server_.Requests().empty());
}

TEST_F(TlsTest, ClientCertificateIsShownAndItsAbsenceIsATlsFailure) {
  TestTlsFront front({.files = ca_.Issue("IP:127.0.0.1"), .to_port = server_.Port(), .client_ca_file = ca_.File()});
  const TestCa::Files client = ca_.Issue("DNS:client");
  EXPECT_EQ(Fetch({.url = front.Url(), .tls = {.ca_file = ca_.File(), .client_certificate_file = client.certificate, .client_key_file = client.key}}).status, 200);
  EXPECT_NE(Fetch({.url = front.Url(), .tls = {.ca_file = ca_.File()}}).error, TransportError::kNone);
  EXPECT_EQ(Fetch({.url = front.Url(), .tls = {.ca_file = ca_.File(), .client_certificate_file = "/nonexistent.pem"}}).error, TransportError::kTls);
  EXPECT_EQ(server_.Requests().size(), 1U);
}

TEST_F(TlsTest, HandshakeThatStallsEndsAtTheConnectTimeout) {
  TestHttpServer silent([](const auto&) { return std::string(); });
  const auto response = Fetch({.url = "https://127.0.0.1:" + std::to_string(silent.Port()), .connect_timeout = milliseconds(200)});
  EXPECT_EQ(response.error, TransportError::kTimeout);
}

TEST_F(TlsTest, HttpsGoesThroughTheProxyByConnectWithItsPassword) {
  TestTlsFront front({.files = ca_.Issue("DNS:service.example"), .to_port = server_.Port(), .is_proxy = true});
  const Variables proxy = {{"HTTPS_PROXY", front.ProxyUrl("user:pass@")}, {"SSL_CERT_FILE", ca_.File()}};
  EXPECT_EQ(Fetch({.url = "https://service.example/v2.1/track", .headers = {{"Authorization", "Bearer secret"}}}, proxy).status, 200);
  ASSERT_EQ(front.Connects().size(), 1U);
  EXPECT_THAT(front.Connects()[0], HasSubstr("CONNECT service.example:443"));
  EXPECT_THAT(front.Connects()[0], HasSubstr("Proxy-Authorization: Basic dXNlcjpwYXNz"));
  EXPECT_THAT(front.Connects()[0], testing::Not(HasSubstr("secret")));
  EXPECT_THAT(server_.Requests().at(0).head, testing::Not(HasSubstr("Proxy-Authorization")));
  // A proxy that stands in the middle and shows a certificate of its own gets nothing.
  EXPECT_EQ(Fetch({.url = "https://other.example/"}, proxy).error, TransportError::kTls);
  EXPECT_EQ(server_.Requests().size(), 1U);
}

/// Azure Monitor's OTLP ingestion as far as its rules are known: OTLP ingestion spec sections 3 to 5.
class IngestionDouble {
 public:
  std::string Handle(const TestHttpServer::Request& request) {
    const std::lock_guard lock(mutex_);
    const std::string head = base::ToLower(request.head);
    const auto has = [&](std::string_view text) { return head.find(text) != std::string::npos; };
    ++requests_;
    if (requests_ <= 2) return TestHttpServer::Answer(503, "", "Retry-After: 1\r\n");
    if (!has("content-length:")) return Error(400, "MissingContentLengthHeader");
    const std::size_t bearer = head.find("authorization: bearer token-");
    if (bearer == std::string::npos) return TestHttpServer::Answer(401);
    const int token = std::atoi(head.c_str() + bearer + 28);
    if (token != token_) {
      ++refused_tokens_;
      return TestHttpServer::Answer(401);
    }
    // A token ends in the middle of everything.
    if (++uses_ % 5 == 0) ++token_;
    if (!has("content-type: application/x-protobuf")) return TestHttpServer::Answer(415);
    const std::string body = has("content-encoding: gzip") ? Gunzip(request.body) : request.body;
    if (request.body.size() > 1'048'576 || body.size() > 1'048'576) return TestHttpServer::Answer(413);
    if (has("/streams/custom-metrics-otel/otlp/v1/metrics ")) return TestHttpServer::Answer(429, "", "Retry-After: 3600\r\n");
    if (!has("/streams/microsoft-otlp-traces/otlp/v1/traces ")) return Error(400, "InvalidStream");
    opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest decoded;
    if (body.empty() || !decoded.ParseFromString(body)) return Error(400, "InvalidRequest");
    // The smallest receiver wins: some of what is below the limit is still too much for it.
    int spans = 0;
    for (const auto& resource : decoded.resource_spans()) {
      for (const auto& scope : resource.scope_spans()) spans += scope.spans_size();
    }
    if (spans > 300) {
      ++halved_;
      return TestHttpServer::Answer(413);
    }
    for (const auto& resource : decoded.resource_spans()) {
      for (const auto& scope : resource.scope_spans()) {
        for (const auto& span : scope.spans()) ++names_[span.name()];
      }
    }
    return "HTTP/1.1 204 x\r\n\r\n";
  }
  /// The identity endpoint: gives the token that is valid now.
  std::string Token() {
    const std::lock_guard lock(mutex_);
    ++issued_;
    return TestHttpServer::Answer(200, "{\"access_token\":\"token-" + std::to_string(token_) + "\",\"expires_in\":\"3600\"}");
  }

  std::map<std::string, int> Names() const { return Locked(names_); }
  int Halved() const { return Locked(halved_); }
  int RefusedTokens() const { return Locked(refused_tokens_); }
  int Issued() const { return Locked(issued_); }

 private:
  static std::string Error(int status, const std::string& code) { return TestHttpServer::Answer(status, "{\"error\":{\"code\":\"" + code + "\"}}"); }
  template <typename T>
  T Locked(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  mutable std::mutex mutex_;
  int requests_ = 0;
  int token_ = 1;
  int uses_ = 0;
  int issued_ = 0;
  int refused_tokens_ = 0;
  int halved_ = 0;
  std::map<std::string, int> names_;
};

TEST(OtlpAzureNetwork, NothingIsLostOverEndingTokensThrottlingAndAFreshEndpointAndTheSumsAgree) {
  constexpr int kSpans = 5000;
  IngestionDouble ingestion;
  TestHttpServer server([&](const auto& request) { return ingestion.Handle(request); });
  TestHttpServer identity_server([&](const auto&) { return ingestion.Token(); });
  TestCa ca;
  TestTlsFront front({.files = ca.Issue("DNS:*.eastus-1.ingest.monitor.azure.com"), .to_port = server.Port(), .is_proxy = true});
  const base::MapEnvironment environment({{"HTTPS_PROXY", front.ProxyUrl()}, {"SSL_CERT_FILE", ca.File()}, {"IDENTITY_ENDPOINT", identity_server.Url() + "/msi/token"}, {"IDENTITY_HEADER", "h"},
                                          {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://x.eastus-1.ingest.monitor.azure.com/dataCollectionRules/dcr-0/streams/Microsoft-OTLP-Traces/otlp/v1/traces"},
                                          {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://x.eastus-1.ingest.monitor.azure.com/dataCollectionRules/dcr-0/streams/Custom-Metrics-Otel/otlp/v1/metrics"}});
  const auto settings = ReadOtlpSettings({}, environment, false);
  ASSERT_TRUE(settings.value && settings.value->HasAzure());
  OtlpSettings otlp = *settings.value;
  identity::Surroundings around = identity::Surroundings::Real();
  around.environment = &environment;
  otlp.tokens = identity::MakeTokenCache(identity::MakeManagedIdentity(around, ""), "https://monitor.azure.com/.default");

  journal::Journal journal;
  const std::uint32_t scope = journal.AddScope(journal.AddResource(ResourceMessage("service.name", "shop"), ""), ScopeMessage("scope"), "");
  std::mutex mutex;
  std::string log;
  auto delivery = Delivery::Start(journal, std::nullopt, otlp, {.export_interval = milliseconds(20),
                                                                .log = [&](Severity, std::string_view line) {
                                                                  const std::lock_guard lock(mutex);
                                                                  log.append(line).append("\n");
                                                                },
                                                                .environment = &environment});
  ASSERT_TRUE(delivery.ok());
  ASSERT_TRUE(journal.Append({.signal = otlp::Signal::kMetric, .flags = kForBoth, .owner = scope, .message = SpanMessage("metric")}).ok());
  const auto deadline = steady_clock::now() + kWatchdog;
  const auto delivered = [&] { return journal.LedgerOf(journal::Destination::kOtlp).delivered; };
  for (int i = 0; i < kSpans; ++i) {
    ASSERT_TRUE(journal.Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope, .message = SpanMessage("s" + std::to_string(i), 0, std::string(1000, 'x'))}).ok());
    // Many requests rather than one: tokens end between them.
    if (i % 250 == 249) {
      while (steady_clock::now() < deadline && delivered() + 250 < static_cast<std::uint64_t>(i)) std::this_thread::yield();
    }
  }
  while (steady_clock::now() < deadline && delivered() < kSpans) std::this_thread::sleep_for(milliseconds(5));
  const auto has_said = [&](std::string_view text) {
    const std::lock_guard lock(mutex);
    return log.find(text) != std::string::npos;
  };
  while (steady_clock::now() < deadline && !has_said("OTLP endpoint for metrics does not take telemetry: HTTP 429")) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_FALSE((*delivery)->Flush(milliseconds(0))) << "the metric waits for its URL";
  ExpectSumHolds(journal);
  const journal::Ledger ledger = journal.LedgerOf(journal::Destination::kOtlp);
  EXPECT_EQ(ledger.delivered, static_cast<std::uint64_t>(kSpans));
  EXPECT_EQ(ledger.in_journal, 1U);
  EXPECT_EQ(ledger.DroppedTotal(), 0U);
  const auto names = ingestion.Names();
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kSpans));
  for (const auto& [name, times] : names) EXPECT_EQ(times, 1) << name;
  EXPECT_GT(ingestion.RefusedTokens(), 1);
  EXPECT_GT(ingestion.Issued(), 2);
  EXPECT_GT(ingestion.Halved(), 0);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(log, testing::Not(HasSubstr("token-")));
  EXPECT_THAT(log, HasSubstr("OTLP endpoint for metrics does not take telemetry: HTTP 429"));
}

}  // namespace
}  // namespace azmon::deliver
