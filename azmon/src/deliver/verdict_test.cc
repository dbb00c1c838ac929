// SPDX-License-Identifier: MIT
// What answers mean: the status tables of both destinations, partial answers, redirects, URLs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "deliver/ingestion_answer.h"
#include "deliver/otlp_verdict.h"
#include "deliver/redirect.h"
#include "deliver/track_verdict.h"
#include "transport/url.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::deliver {
namespace {

using journal::DropReason;
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr base::WallTime kNow{seconds(784'111'777)};

struct TrackRow {
  int status;
  std::string_view body;
  TrackAction action;
};

TEST(TrackVerdict, FollowsTheStatusTable) {
  using enum TrackAction;
  constexpr std::string_view kErrors = R"({"itemsReceived":2,"itemsAccepted":1,"errors":[{"index":1,"statusCode":500,"message":"x"}]})";
  const std::vector<TrackRow> rows = {
      {200, R"({"itemsReceived":1,"itemsAccepted":1,"errors":[]})", kAccepted},
      {200, "", kAccepted}, {200, "ok", kAccepted}, {200, "{", kAccepted}, {204, "", kAccepted},
      {200, kErrors, kPartial}, {206, kErrors, kPartial},
      {206, "", kRetry}, {206, "nonsense", kRetry}, {206, R"({"itemsReceived":1,"itemsAccepted":1,"errors":[]})", kAccepted},
      {300, "", kDrop}, {301, "", kDrop}, {302, "", kDrop}, {304, "", kDrop}, {307, "", kRedirect}, {308, "", kRedirect},
      {400, "", kDrop}, {400, kErrors, kDrop}, {401, "", kRetry}, {402, "", kDrop}, {403, "", kRetry}, {404, "", kDrop}, {405, "", kDrop}, {408, "", kRetry},
      {411, "", kDrop}, {413, "", kSplit}, {418, "", kDrop}, {429, "", kRetry}, {439, "", kRetry},
      {500, "", kRetry}, {501, "", kDrop}, {502, "", kRetry}, {503, "", kRetry}, {504, "", kRetry}, {505, "", kDrop}, {599, "", kDrop},
  };
  for (const TrackRow& row : rows) {
    const TrackVerdict verdict = ClassifyTrack({.status = row.status, .body = std::string(row.body)}, kNow);
    EXPECT_EQ(verdict.action, row.action) << row.status << " " << row.body;
    EXPECT_EQ(verdict.cause.empty(), row.action == kAccepted || row.action == kPartial) << row.status;
  }
}

TEST(TrackVerdict, EveryFailureOfTheTransportIsTriedAgain) {
  using enum transport::TransportError;
  for (const transport::TransportError error : {kResolve, kConnect, kTls, kTimeout, kBroken, kNotHttp2, kLocal}) {
    for (const int status : {0, 200, 400}) {
      const TrackVerdict verdict = ClassifyTrack({.error = error, .error_text = "text", .status = status}, kNow);
      EXPECT_EQ(verdict.action, TrackAction::kRetry) << Name(error) << status;
      EXPECT_TRUE(verdict.is_transport);
      EXPECT_FALSE(verdict.cause.empty());
      EXPECT_FALSE(verdict.advice.empty());
    }
  }
}

TEST(TrackVerdict, RetryAfterCountsWhereTheWholeOrPartIsTriedAgain) {
  for (const int status : {408, 429, 439, 500, 503}) {
    EXPECT_EQ(ClassifyTrack({.status = status, .headers = {{"retry-after", "7"}}}, kNow).wait, seconds(7)) << status;
  }
  EXPECT_EQ(ClassifyTrack({.status = 206, .headers = {{"retry-after", "7"}}, .body = R"({"errors":[{"index":0,"statusCode":429}]})"}, kNow).wait, seconds(7));
  EXPECT_EQ(ClassifyTrack({.status = 429, .headers = {{"retry-after", "garbage"}}}, kNow).wait, std::nullopt);
  EXPECT_EQ(ClassifyTrack({.status = 400, .headers = {{"retry-after", "7"}}}, kNow).wait, std::nullopt);
}

TEST(TrackVerdict, ItemsAreRetriedByStatusUnlessSampledOut) {
  for (const int status : {401, 403, 408, 429, 439, 500, 502, 503, 504}) {
    EXPECT_TRUE(IsRetryable({.status = status, .message = ""})) << status;
    EXPECT_FALSE(IsRetryable({.status = status, .message = "telemetry SAMPLED out."})) << status;
  }
  for (const int status : {0, 200, 206, 307, 400, 402, 404, 413, 501, 505}) EXPECT_FALSE(IsRetryable({.status = status, .message = ""})) << status;
  EXPECT_EQ(DropReasonOf({.status = 500, .message = "Telemetry sampled out."}), DropReason::kSampledOut);
  EXPECT_EQ(DropReasonOf({.status = 413, .message = ""}), DropReason::kTooLarge);
  EXPECT_EQ(DropReasonOf({.status = 400, .message = ""}), DropReason::kRefused);
}

TEST(TrackVerdict, CauseShowsTheServicesTextCutAndPrintable) {
  const std::string body = R"({"errors":[{"index":0,"statusCode":400,"message":"Invalid\u0007 key)" + std::string(400, 'x') + "\"}]}";
  const std::string cause = ClassifyTrack({.status = 400, .body = body}, kNow).cause;
  EXPECT_THAT(cause, testing::StartsWith("HTTP 400 bad request: Invalid  key"));
  EXPECT_LT(cause.size(), 200U);
}

TEST(IngestionAnswer, ReadsWhatIsThereAndSkipsTheRest) {
  const auto answer = ParseIngestionAnswer(
      R"({"appId":"x","itemsReceived":4,"itemsAccepted":"no","errors":[1,{"statusCode":400},{"index":3,"statusCode":439,"message":"m"},{"index":-1},{"index":2,"statusCode":"429"}]})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->items_received, 4U);
  EXPECT_EQ(answer->items_accepted, std::nullopt);
  ASSERT_EQ(answer->errors.size(), 2U);
  EXPECT_EQ(answer->errors[0].index, 3U);
  EXPECT_EQ(answer->errors[0].status, 439);
  EXPECT_EQ(answer->errors[0].message, "m");
  EXPECT_EQ(answer->errors[1].status, 0);
  for (const char* body : {"", "[]", "1", "{\"a\":", "\xFF", "{}}"}) EXPECT_FALSE(ParseIngestionAnswer(body)) << body;
  EXPECT_TRUE(ParseIngestionAnswer("{}"));
}

struct RedirectRow {
  std::string_view base, location, target;
};

TEST(Redirect, LeadsOnlyToTheServicesOwnHosts) {
  constexpr std::string_view kAzure = "https://westeurope-1.in.applicationinsights.azure.com/v2.1/track";
  const std::vector<RedirectRow> rows = {
      {kAzure, "https://westeurope-5.in.applicationinsights.azure.com/v2.1/track", "https://westeurope-5.in.applicationinsights.azure.com/v2.1/track"},
      {kAzure, "/v2.2/track", "https://westeurope-1.in.applicationinsights.azure.com/v2.2/track"},
      {kAzure, "https://WESTEUROPE-1.in.applicationinsights.azure.com:443/x", "https://westeurope-1.in.applicationinsights.azure.com:443/x"},
      {kAzure, "http://westeurope-5.in.applicationinsights.azure.com/v2.1/track", ""},
      {kAzure, "https://evil.example/v2.1/track", ""},
      {kAzure, "https://dc.services.visualstudio.com/v2.1/track", ""},  // both the service's, but not of one domain
      {kAzure, "https://applicationinsights.azure.com.evil.example/", ""},
      {kAzure, "https://evilapplicationinsights.azure.com/", ""},
      {kAzure, "https://user@westeurope-5.in.applicationinsights.azure.com/", ""},
      {kAzure, "https://westeurope-1.in.applicationinsights.azure.com:8443/x", "https://westeurope-1.in.applicationinsights.azure.com:8443/x"},
      {kAzure, "//evil.example/", ""},
      {kAzure, "", ""},
      {kAzure, "track", ""},
      {"https://own.example/v2.1/track", "https://own.example/other", "https://own.example/other"},
      {"https://own.example/v2.1/track", "https://own.example:444/other", ""},
      {"https://own.example/v2.1/track", "https://a.monitor.azure.com/", ""},
      {"http://localhost:4380/v2.1/track", "http://localhost:4380/x", "http://localhost:4380/x"},
      {"http://localhost:4380/v2.1/track", "http://localhost:4381/x", ""},
      {"http://own.example/v2.1/track", "http://own.example/x", ""},
  };
  for (const RedirectRow& row : rows) {
    const auto target = RedirectTarget(row.base, row.base, row.location);
    EXPECT_EQ(target.ok() ? *target : "", row.target) << row.base << " → " << row.location;
  }
  EXPECT_FALSE(RedirectTarget(kAzure, kAzure, "https://a.monitor.azure.com/" + std::string(10000, 'x')).ok());
  // The trusted host is the connection string's, not the last hop's.
  EXPECT_FALSE(RedirectTarget("https://a.monitor.azure.com/", "https://own.example/", "https://b.monitor.azure.com/").ok());
}

TEST(Redirect, IsRememberedForMaxAgeButHalfADayAtMost) {
  EXPECT_EQ(RedirectLifetime(""), std::chrono::hours(12));
  EXPECT_EQ(RedirectLifetime("private, Max-Age=60"), seconds(60));
  EXPECT_EQ(RedirectLifetime("max-age=999999"), std::chrono::hours(12));
  EXPECT_EQ(RedirectLifetime("max-age=x"), std::chrono::hours(12));
  EXPECT_EQ(RedirectLifetime("no-store"), seconds(0));
}

TEST(Url, PartsAreReadAndOddOnesRefused) {
  const auto url = transport::ParseUrl("HTTPS://u:p@Host.Example:8443/a?b#c");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->userinfo, "u:p");
  EXPECT_EQ(url->host, "host.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a?b");
  EXPECT_EQ(transport::ParseUrl("http://[::1]:80/")->Origin(), "http://[::1]:80");
  EXPECT_EQ(transport::ParseUrl("https://h")->port, 443);
  for (const char* text : {"", "h", "://h", "ftp://h", "http://", "http:///p", "http://h:", "http://h:0", "http://h:65536", "http://h:8a", "http://-h",
                           "http://.h", "http://a..b", "http://[::1", "http://[::1]x", "http://[h]", "http://h h", "http://h\r\nx", "http://\xC3\xA9"}) {
    EXPECT_FALSE(transport::ParseUrl(text)) << text;
  }
}

TEST(Url, LoopbackIsKnownByNameAndAddress) {
  for (const char* host : {"localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"}) EXPECT_TRUE(transport::IsLoopback(host)) << host;
  for (const char* host : {"127.example.com", "localhost.example.com", "10.0.0.1", "::2", "notlocalhost"}) EXPECT_FALSE(transport::IsLoopback(host)) << host;
}

// OTLP

std::string Frame(std::string_view message) {
  std::string out("\0\0\0\0", 4);
  out.push_back(static_cast<char>(message.size()));
  return out + std::string(message);
}

std::string PartialSuccess(std::uint64_t rejected, std::string_view text) {
  std::string partial;
  otlp::AppendVarintField(otlp::partial_success::kRejected, rejected, partial);
  otlp::AppendBytesField(otlp::partial_success::kErrorMessage, text, partial);
  std::string out;
  otlp::AppendBytesField(otlp::response::kPartialSuccess, partial, out);
  return out;
}

std::string RetryInfo(std::int64_t delay_s, std::int64_t delay_ns) {
  std::string duration;
  otlp::AppendVarintField(1, static_cast<std::uint64_t>(delay_s), duration);
  otlp::AppendVarintField(2, static_cast<std::uint64_t>(delay_ns), duration);
  std::string info;
  otlp::AppendBytesField(1, duration, info);
  std::string any;
  otlp::AppendBytesField(1, "type.googleapis.com/google.rpc.RetryInfo", any);
  otlp::AppendBytesField(2, info, any);
  std::string status;
  otlp::AppendVarintField(1, 14, status);
  otlp::AppendBytesField(2, "later", status);
  otlp::AppendBytesField(3, any, status);
  std::string text = base::Base64(status);
  while (text.ends_with('=')) text.pop_back();  // gRPC sends it without padding
  return text;
}

transport::HttpResponse Grpc(std::string_view status, std::string_view message = {}) {
  transport::HttpResponse response{.status = 200, .headers = {{"content-type", "application/grpc"}, {"grpc-status", std::string(status)}}};
  if (!message.empty()) response.headers.emplace_back("grpc-message", message);
  return response;
}

TEST(OtlpVerdict, GrpcStatusDecidesByTheSpecification) {
  using enum OtlpAction;
  const std::vector<OtlpAction> actions = {kAccepted, kRetry, kDrop, kDrop, kRetry, kDrop, kDrop, kDrop, kDrop, kDrop, kRetry, kRetry, kDrop, kDrop, kRetry, kRetry, kDrop};
  for (std::size_t code = 0; code < actions.size(); ++code) EXPECT_EQ(ClassifyOtlpGrpc(Grpc(std::to_string(code)), kNow).action, actions[code]) << code;
  EXPECT_EQ(ClassifyOtlpGrpc(Grpc("17"), kNow).action, kDrop);
  EXPECT_EQ(ClassifyOtlpGrpc(Grpc("x"), kNow).action, kDrop);
}

TEST(OtlpVerdict, GrpcStatusWinsOverTheEndOfTheConnection) {
  transport::HttpResponse response = Grpc("8", "Received message larger than max (5000000 vs. 4194304)");
  response.error = transport::TransportError::kBroken;
  EXPECT_EQ(ClassifyOtlpGrpc(response, kNow).action, OtlpAction::kSplit);
  transport::HttpResponse accepted = Grpc("0");
  accepted.error = transport::TransportError::kBroken;
  EXPECT_EQ(ClassifyOtlpGrpc(accepted, kNow).action, OtlpAction::kAccepted);
}

TEST(OtlpVerdict, ResourceExhaustedIsRetriedOnlyWithRetryInfo) {
  EXPECT_EQ(ClassifyOtlpGrpc(Grpc("8", "quota"), kNow).action, OtlpAction::kDrop);
  transport::HttpResponse response = Grpc("8", "quota");
  response.headers.emplace_back("grpc-status-details-bin", RetryInfo(7, 500'000'000));
  const OtlpVerdict verdict = ClassifyOtlpGrpc(response, kNow);
  EXPECT_EQ(verdict.action, OtlpAction::kRetry);
  EXPECT_EQ(verdict.wait, milliseconds(7500));
}

TEST(OtlpVerdict, RetryInfoIsReadFromUntrustedBytes) {
  EXPECT_EQ(ParseRetryInfo(RetryInfo(0, 0)), std::chrono::nanoseconds(0));
  EXPECT_EQ(ParseRetryInfo(RetryInfo(-5, -5)), std::chrono::nanoseconds(0));
  for (const std::string& text : {std::string(), std::string("!"), std::string("AAAA"), std::string(20000, 'A')}) EXPECT_EQ(ParseRetryInfo(text), std::nullopt);
  const std::string whole = RetryInfo(7, 0);
  for (std::size_t n = 0; n < whole.size(); ++n) ParseRetryInfo(whole.substr(0, n));
}

TEST(OtlpVerdict, AnswersWithoutAGrpcStatusAreMappedFromHttp) {
  using enum OtlpAction;
  for (const int status : {429, 502, 503, 504}) EXPECT_EQ(ClassifyOtlpGrpc({.status = status}, kNow).action, kRetry) << status;
  for (const int status : {302, 400, 401, 403, 404, 500}) EXPECT_EQ(ClassifyOtlpGrpc({.status = status}, kNow).action, kDrop) << status;
  EXPECT_EQ(ClassifyOtlpGrpc({.status = 503, .headers = {{"retry-after", "9"}}}, kNow).wait, seconds(9));
  // A connection that closes right behind the answer swallows the trailers: success is not assumed.
  EXPECT_EQ(ClassifyOtlpGrpc({.status = 200}, kNow).action, kRetry);
  EXPECT_EQ(ClassifyOtlpGrpc({.error = transport::TransportError::kBroken}, kNow).action, kRetry);
  const OtlpVerdict wrong_protocol = ClassifyOtlpGrpc({.error = transport::TransportError::kNotHttp2, .status = 404}, kNow);
  EXPECT_EQ(wrong_protocol.action, kRetry);
  EXPECT_THAT(wrong_protocol.advice, testing::HasSubstr("http/protobuf"));
}

TEST(OtlpVerdict, GrpcMessageIsDecodedAndOddSequencesStay) {
  EXPECT_THAT(ClassifyOtlpGrpc(Grpc("3", "a%20b%zz%4"), kNow).cause, testing::HasSubstr("INVALID_ARGUMENT: a b%zz%4"));
}

TEST(OtlpVerdict, PartialSuccessIsCountedForBothProtocols) {
  transport::HttpResponse grpc = Grpc("0");
  grpc.body = Frame(PartialSuccess(3, "why"));
  EXPECT_EQ(ClassifyOtlpGrpc(grpc, kNow).rejected, 3U);
  EXPECT_THAT(ClassifyOtlpGrpc(grpc, kNow).cause, testing::HasSubstr("why"));
  const transport::HttpResponse http{.status = 200, .headers = {{"content-type", "application/x-protobuf"}}, .body = PartialSuccess(2, "why")};
  EXPECT_EQ(ClassifyOtlpHttp(http, kNow).rejected, 2U);
  transport::HttpResponse text = http;
  text.headers = {{"content-type", "text/html"}};
  EXPECT_EQ(ClassifyOtlpHttp(text, kNow).rejected, 0U);
  transport::HttpResponse torn = http;
  torn.body.resize(torn.body.size() - 1);
  EXPECT_EQ(ClassifyOtlpHttp(torn, kNow).action, OtlpAction::kAccepted);
}

TEST(OtlpVerdict, HttpStatusDecidesByTheSpecification) {
  using enum OtlpAction;
  for (const int status : {200, 202, 204}) EXPECT_EQ(ClassifyOtlpHttp({.status = status}, kNow).action, kAccepted) << status;
  for (const int status : {429, 502, 503, 504}) {
    const OtlpVerdict verdict = ClassifyOtlpHttp({.status = status, .headers = {{"retry-after", "5"}}}, kNow);
    EXPECT_EQ(verdict.action, kRetry) << status;
    EXPECT_EQ(verdict.wait, seconds(5)) << status;
  }
  for (const int status : {301, 307, 400, 401, 403, 404, 405, 408, 415, 500, 501}) EXPECT_EQ(ClassifyOtlpHttp({.status = status}, kNow).action, kDrop) << status;
  EXPECT_EQ(ClassifyOtlpHttp({.status = 413}, kNow).action, kSplit);
  EXPECT_EQ(ClassifyOtlpHttp({.error = transport::TransportError::kTimeout}, kNow).action, kRetry);
}

}  // namespace
}  // namespace azmon::deliver
