// SPDX-License-Identifier: MIT
// The OTLP destination over a scripted transport; what it sends is read by the official protobuf classes.
#include "deliver/otlp_destination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include "deliver/deliver_test_support.h"
#include "deliver/otlp_encode.h"

namespace azmon::deliver {
namespace {

namespace collector = opentelemetry::proto::collector;
using journal::Destination;
using journal::DropReason;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Strings = std::vector<std::string>;

class OtlpDestinationTest : public DestinationTest {
 protected:
  OtlpDestinationTest() { Start(OtlpProtocol::kHttpProtobuf, false); }

  void Start(OtlpProtocol protocol, bool gzip) {
    destination_.reset();
    MakeJournal({}, "https://schema/resource", "https://schema/scope");
    OtlpSettings settings;
    settings.endpoints[0] = OtlpEndpoint{.url = "http://h/v1/traces", .protocol = protocol, .headers = {{"api-key", "k"}}, .timeout = milliseconds(7000), .gzip = gzip};
    settings.endpoints[1] = OtlpEndpoint{.url = "http://h/v1/logs", .protocol = protocol, .gzip = gzip};
    settings.endpoints[2] = OtlpEndpoint{.url = "http://h/v1/metrics", .protocol = protocol, .gzip = gzip};
    settings_ = settings;
    Make();
  }
  void Make() {
    destination_.reset();
    destination_ = std::make_unique<OtlpDestination>(Shop(), settings_);
  }
  void Append(std::string_view message, otlp::Signal signal = otlp::Signal::kSpan, std::uint32_t scope = 0) {
    ASSERT_TRUE(journal_->Append({.signal = signal, .flags = kForBoth, .owner = scope == 0 ? scope_ : scope, .message = message}).ok());
  }
  void AppendSpans(int count) {
    for (int i = 0; i < count; ++i) Append(SpanMessage("s" + std::to_string(i)));
  }
  void Leave() {
    Step();
    clock_.Advance(milliseconds(1000));
    Step();
  }
  void Send(int spans) {
    AppendSpans(spans);
    Leave();
  }
  void Answer(transport::HttpResponse response, std::size_t index = 0) {
    transport_.Answer(std::move(response), index);
    next_ = Step();
  }
  void AnswerHttp(int status) { Answer({.status = status}); }
  static transport::HttpResponse Grpc(int code, std::string message = {}) {
    return {.status = 200, .headers = {{"grpc-status", std::to_string(code)}, {"grpc-message", std::move(message)}}};
  }
  template <typename Request = collector::trace::v1::ExportTraceServiceRequest>
  Request Decode(std::size_t index = 0) {
    const transport::HttpRequest& request = transport_.Request(index);
    std::string body = *request.body;
    if (request.http2) {
      EXPECT_GE(body.size(), 5U);
      const bool is_compressed = body[0] == '\1';
      EXPECT_EQ(is_compressed, RequestHeader(request, "grpc-encoding") == "gzip");
      std::uint32_t length = 0;
      for (int i = 1; i < 5; ++i) length = length << 8 | static_cast<std::uint8_t>(body[static_cast<std::size_t>(i)]);
      EXPECT_EQ(length, body.size() - 5);
      body.erase(0, 5);
      if (is_compressed) body = Gunzip(body);
    } else if (RequestHeader(request, "content-encoding")) {
      body = Gunzip(body);
    }
    Request decoded;
    EXPECT_TRUE(decoded.ParseFromString(body));
    EXPECT_EQ(decoded.SerializeAsString(), body);  // nothing unknown, nothing out of order
    return decoded;
  }
  Strings Names(std::size_t index = 0) {
    Strings names;
    const auto request = Decode(index);
    for (const auto& resource : request.resource_spans()) {
      for (const auto& scope : resource.scope_spans()) {
        for (const auto& span : scope.spans()) names.push_back(span.name());
      }
    }
    return names;
  }
  journal::Ledger Ledger() const { return journal_->LedgerOf(Destination::kOtlp); }
  std::uint64_t DroppedItems(DropReason reason) const { return Ledger().dropped_items[static_cast<std::size_t>(reason)]; }
  std::uint64_t Dropped(DropReason reason) const { return Ledger().dropped[static_cast<std::size_t>(reason)]; }

  OtlpSettings settings_;
};

TEST_F(OtlpDestinationTest, WithNothingToDoItNeverWakes) { EXPECT_EQ(Step(), kNever); }

TEST_F(OtlpDestinationTest, RecordsStandUnderTheirScopeAndResource) {
  const std::uint32_t scope_b = journal_->AddScope(resource_, ScopeMessage("b"), "");
  const std::uint32_t other = journal_->AddScope(journal_->AddResource(ResourceMessage("service.name", "other"), ""), ScopeMessage("c"), "");
  Append(SpanMessage("1"));
  Append(SpanMessage("2"), otlp::Signal::kSpan, scope_b);
  Append(SpanMessage("3"));
  Append(SpanMessage("4"), otlp::Signal::kSpan, other);
  Append(SpanMessage("5", 2), otlp::Signal::kSpan, scope_b);
  Leave();
  ASSERT_EQ(transport_.InFlight(), 1U);
  const auto request = Decode();
  ASSERT_EQ(request.resource_spans_size(), 2);
  const auto& shop = request.resource_spans(0);
  EXPECT_EQ(shop.resource().attributes(0).value().string_value(), "shop");
  EXPECT_EQ(shop.schema_url(), "https://schema/resource");
  ASSERT_EQ(shop.scope_spans_size(), 2);
  EXPECT_EQ(shop.scope_spans(0).scope().name(), "scope");
  EXPECT_EQ(shop.scope_spans(0).schema_url(), "https://schema/scope");
  ASSERT_EQ(shop.scope_spans(0).spans_size(), 2);
  EXPECT_EQ(shop.scope_spans(0).spans(1).name(), "3");
  EXPECT_EQ(shop.scope_spans(1).scope().name(), "b");
  EXPECT_EQ(shop.scope_spans(1).schema_url(), "");
  EXPECT_EQ(shop.scope_spans(1).spans(1).events(1).name(), "5-event1");
  EXPECT_EQ(request.resource_spans(1).resource().attributes(0).value().string_value(), "other");
  EXPECT_EQ(request.resource_spans(1).scope_spans(0).spans(0).name(), "4");
}

TEST_F(OtlpDestinationTest, EachSignalIsARequestOfItsOwn) {
  opentelemetry::proto::logs::v1::LogRecord log;
  log.mutable_body()->set_string_value("line");
  opentelemetry::proto::metrics::v1::Metric metric;
  metric.set_name("m");
  metric.mutable_gauge()->add_data_points()->set_as_int(7);
  Append(metric.SerializeAsString(), otlp::Signal::kMetric);
  Append(SpanMessage("a"));
  Append(log.SerializeAsString(), otlp::Signal::kLog);
  Leave();
  ASSERT_EQ(transport_.InFlight(), 3U);
  EXPECT_EQ(transport_.Request(0).url, "http://h/v1/traces");
  EXPECT_EQ(transport_.Request(1).url, "http://h/v1/logs");
  EXPECT_EQ(transport_.Request(2).url, "http://h/v1/metrics");
  EXPECT_EQ(Decode<collector::logs::v1::ExportLogsServiceRequest>(1).resource_logs(0).scope_logs(0).log_records(0).body().string_value(), "line");
  EXPECT_EQ(Decode<collector::metrics::v1::ExportMetricsServiceRequest>(2).resource_metrics(0).scope_metrics(0).metrics(0).name(), "m");
  AnswerHttp(200);
  EXPECT_EQ(Ledger().delivered, 0U);  // settled together
  AnswerHttp(503);
  AnswerHttp(200);
  EXPECT_EQ(Ledger().in_journal, 3U);
  clock_.Advance(seconds(2));
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_EQ(transport_.Request().url, "http://h/v1/logs");
  AnswerHttp(200);
  EXPECT_EQ(Ledger().delivered, 3U);
}

TEST_F(OtlpDestinationTest, RecordsOfASignalWithoutEndpointAreCounted) {
  settings_.endpoints[1].reset();
  Make();
  Append("log", otlp::Signal::kLog);
  Leave();
  EXPECT_EQ(transport_.Started(), 0U);
  EXPECT_EQ(Dropped(DropReason::kNotDelivered), 1U);
}

TEST_F(OtlpDestinationTest, HttpRequestIsTheOneOfTheSpecification) {
  Send(1);
  const transport::HttpRequest& request = transport_.Request();
  EXPECT_FALSE(request.http2);
  EXPECT_EQ(request.timeout, milliseconds(7000));
  EXPECT_EQ(RequestHeader(request, "content-type"), "application/x-protobuf");
  EXPECT_EQ(RequestHeader(request, "api-key"), "k");
  EXPECT_EQ(RequestHeader(request, "content-encoding"), std::nullopt);
  EXPECT_THAT(RequestHeader(request, "user-agent").value_or(""), testing::StartsWith("OTel-OTLP-Exporter-"));
  EXPECT_THAT(Names(), ElementsAre("s0"));
}

TEST_F(OtlpDestinationTest, GrpcRequestIsOneFrameOverHttp2) {
  Start(OtlpProtocol::kGrpc, false);
  Send(2);
  const transport::HttpRequest& request = transport_.Request();
  EXPECT_TRUE(request.http2);
  EXPECT_EQ(RequestHeader(request, "content-type"), "application/grpc");
  EXPECT_EQ(RequestHeader(request, "te"), "trailers");
  EXPECT_EQ(RequestHeader(request, "grpc-timeout"), "7000m");
  EXPECT_EQ(RequestHeader(request, "grpc-encoding"), std::nullopt);
  EXPECT_THAT(Names(), ElementsAre("s0", "s1"));
  Answer(Grpc(0));
  EXPECT_EQ(Ledger().delivered, 2U);
}

TEST_F(OtlpDestinationTest, BothProtocolsCompress) {
  for (const OtlpProtocol protocol : {OtlpProtocol::kGrpc, OtlpProtocol::kHttpProtobuf}) {
    Start(protocol, true);
    Send(2);
    EXPECT_EQ(RequestHeader(transport_.Request(), protocol == OtlpProtocol::kGrpc ? "grpc-encoding" : "content-encoding"), "gzip");
    EXPECT_THAT(Names(), ElementsAre("s0", "s1"));
    Answer(protocol == OtlpProtocol::kGrpc ? Grpc(0) : transport::HttpResponse{.status = 200});
  }
}

TEST_F(OtlpDestinationTest, RequestStaysBelowFourMebibytesAndOneIsInFlight) {
  const std::string filler(30'000, 'x');
  for (int i = 0; i < 300; ++i) Append(SpanMessage("s" + std::to_string(i), 0, filler));
  Step();
  std::size_t spans = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(transport_.InFlight(), 1U);
    EXPECT_LE(transport_.Request().body->size(), limits::kOtlpBodyBytesMax);
    spans += Names().size();
    AnswerHttp(200);
    clock_.Advance(seconds(1));
    Step();
  }
  EXPECT_EQ(spans, 300U);
  EXPECT_EQ(Ledger().delivered, 300U);
}

TEST_F(OtlpDestinationTest, MessageThatIsTooLargeWithItsScopesIsHalvedBeforeItIsSent) {
  // A hundred scopes whose names alone fill what the records leave.
  const std::string filler(30'000, 'x');
  const std::string name(30'000, 'n');
  for (int i = 0; i < 130; ++i) Append(SpanMessage("s", 0, filler), otlp::Signal::kSpan, journal_->AddScope(resource_, ScopeMessage(name + std::to_string(i)), ""));
  Leave();
  ASSERT_EQ(transport_.InFlight(), 2U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_LE(transport_.Request(i).body->size(), limits::kOtlpBodyBytesMax);
  EXPECT_EQ(Names(0).size() + Names(1).size(), 130U);
  AnswerHttp(200);
  AnswerHttp(200);
  EXPECT_EQ(Ledger().delivered, 130U);
}

TEST_F(OtlpDestinationTest, EachHttpStatusEndsInTheRightCounter) {
  for (const int status : {200, 202, 400, 401, 403, 404, 405, 408, 415, 429, 500, 502, 503, 504}) {
    SCOPED_TRACE(status);
    Start(OtlpProtocol::kHttpProtobuf, false);
    Send(2);
    AnswerHttp(status);
    const bool is_accepted = status < 300;
    const bool is_retried = status == 429 || status == 502 || status == 503 || status == 504;
    EXPECT_EQ(Ledger().delivered, is_accepted ? 2U : 0U);
    EXPECT_EQ(Dropped(DropReason::kRefused), is_accepted || is_retried ? 0U : 2U);
    EXPECT_EQ(Ledger().in_journal, is_retried ? 2U : 0U);
    ExpectSumHolds(*journal_);
    if (!is_retried) continue;
    EXPECT_GE(next_, clock_.Now() + seconds(1));
    EXPECT_LE(next_, clock_.Now() + seconds(2));
    clock_.Advance(seconds(2));
    Step();
    AnswerHttp(200);
    EXPECT_EQ(Ledger().delivered, 2U);
    EXPECT_EQ(next_, kNever);
  }
}

TEST_F(OtlpDestinationTest, EachGrpcStatusEndsInTheRightCounter) {
  for (int code = 0; code <= 16; ++code) {
    SCOPED_TRACE(code);
    Start(OtlpProtocol::kGrpc, false);
    Send(1);
    Answer(Grpc(code));
    const bool is_retried = code == 1 || code == 4 || code == 10 || code == 11 || code == 14 || code == 15;
    EXPECT_EQ(Ledger().delivered, code == 0 ? 1U : 0U);
    EXPECT_EQ(Dropped(DropReason::kRefused), code == 0 || is_retried ? 0U : 1U);
    EXPECT_EQ(Ledger().in_journal, is_retried ? 1U : 0U);
    ExpectSumHolds(*journal_);
  }
}

TEST_F(OtlpDestinationTest, RetryAfterReplacesTheBackOff) {
  Send(1);
  Answer({.status = 429, .headers = {{"retry-after", "33"}}});
  EXPECT_EQ(UntilItSends(), seconds(33));
}

TEST_F(OtlpDestinationTest, BackOffNeverExceedsAMinute) {
  Send(1);
  for (int i = 0; i < 20; ++i) {
    Answer({.error = transport::TransportError::kConnect});
    const milliseconds wait = UntilItSends();
    EXPECT_GE(wait, seconds(1));
    EXPECT_LE(wait, seconds(60));
  }
  AnswerHttp(200);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(OtlpDestinationTest, PartialSuccessIsALossThatIsToldAndNotSentAgain) {
  Send(5);
  collector::trace::v1::ExportTraceServiceResponse response;
  response.mutable_partial_success()->set_rejected_spans(2);
  response.mutable_partial_success()->set_error_message("two are odd");
  Answer({.status = 200, .headers = {{"content-type", "application/x-protobuf"}}, .body = response.SerializeAsString()});
  EXPECT_EQ(Ledger().delivered, 3U);
  EXPECT_EQ(Dropped(DropReason::kRefused), 2U);
  EXPECT_EQ(DroppedItems(DropReason::kRefused), 2U);
  EXPECT_EQ(next_, kNever);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr("two are odd"));
}

TEST_F(OtlpDestinationTest, ReceiverThatRejectsMoreThanItGotIsNotBelieved) {
  Send(5);
  collector::trace::v1::ExportTraceServiceResponse response;
  response.mutable_partial_success()->set_rejected_spans(1'000'000);
  Answer({.status = 200, .headers = {{"content-type", "application/x-protobuf"}}, .body = response.SerializeAsString()});
  EXPECT_EQ(Dropped(DropReason::kRefused), 5U);
  EXPECT_EQ(DroppedItems(DropReason::kRefused), 5U);
}

TEST_F(OtlpDestinationTest, RejectedDataPointsAreCountedAsItemsAndNeverMoreRecordsThanThereAre) {
  const struct {
    int rejected;
    std::uint64_t records, items;
  } table[] = {{1, 1, 1}, {5, 2, 5}, {1'000, 2, 6}};
  for (const auto& row : table) {
    Start(OtlpProtocol::kHttpProtobuf, false);
    for (const std::uint32_t kind : {otlp::metric::kGauge, otlp::metric::kHistogram}) {
      std::string metric;
      otlp::AppendBytesField(otlp::metric::kName, "m", metric);
      const std::size_t data = otlp::OpenMessage(kind, metric);
      for (int i = 0; i < 3; ++i) otlp::AppendBytesField(otlp::gauge::kDataPoints, "", metric);
      otlp::CloseMessage(data, metric);
      Append(metric, otlp::Signal::kMetric);
    }
    Leave();
    collector::metrics::v1::ExportMetricsServiceResponse response;
    response.mutable_partial_success()->set_rejected_data_points(row.rejected);
    Answer({.status = 200, .headers = {{"content-type", "application/x-protobuf"}}, .body = response.SerializeAsString()});
    EXPECT_EQ(Dropped(DropReason::kRefused), row.records) << row.rejected;
    EXPECT_EQ(Ledger().delivered, 2 - row.records) << row.rejected;
    EXPECT_EQ(DroppedItems(DropReason::kRefused), row.items) << row.rejected;
  }
}

TEST_F(OtlpDestinationTest, TooLargeIsHalvedUntilASingleRecordIsDropped) {
  Start(OtlpProtocol::kGrpc, false);
  Send(4);
  transport::HttpResponse too_large = Grpc(8, "Received message larger than max (9 vs. 8)");
  too_large.error = transport::TransportError::kBroken;
  Answer(too_large);
  ASSERT_EQ(transport_.InFlight(), 2U);
  EXPECT_THAT(Names(0), ElementsAre("s0", "s1"));
  EXPECT_THAT(Names(1), ElementsAre("s2", "s3"));
  Answer(Grpc(0), 1);
  Answer(too_large);
  ASSERT_EQ(transport_.InFlight(), 2U);
  Answer(too_large);
  Answer(Grpc(0));
  EXPECT_EQ(Ledger().delivered, 3U);
  EXPECT_EQ(Dropped(DropReason::kTooLarge), 1U);
}

TEST_F(OtlpDestinationTest, FlushSendsAtOnce) {
  Append(SpanMessage("a"));
  destination_->Flush(journal_->End());
  Step();
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_FALSE(destination_->IsFlushed());
  AnswerHttp(200);
  EXPECT_TRUE(destination_->IsFlushed());
}

TEST_F(OtlpDestinationTest, StopSettlesWhatWasAnsweredAndKeepsTheRest) {
  Append(SpanMessage("a"));
  Append("log", otlp::Signal::kLog);
  Leave();
  ASSERT_EQ(transport_.InFlight(), 2U);
  transport_.Answer({.status = 200}, 0);
  destination_->Stop();
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(Ledger().delivered, 1U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  EXPECT_EQ(journal_->Read(Destination::kOtlp, 10, 1000).entries.front().record.message, "log");
}

TEST_F(OtlpDestinationTest, TroubleNamesTheWrongProtocol) {
  Start(OtlpProtocol::kGrpc, false);
  Send(1);
  Answer({.error = transport::TransportError::kNotHttp2, .error_text = "the server does not speak HTTP/2", .status = 404});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"));
}

}  // namespace
}  // namespace azmon::deliver
