// SPDX-License-Identifier: MIT
// The Service's doors for telemetry: track requests, Live Metrics, OTLP over HTTP and (for otlp_grpc.cc) of any transport.
#include <functional>
#include <utility>

#include "base/json_writer.h"
#include "base/text.h"
#include "local/api/offload.h"
#include "local/api/service.h"
#include "local/ingest/otlp_schema.h"
#include "local/model/limits.h"

namespace azmon::local {
namespace {

/// Bodies above this size are parsed beside the event loop.
constexpr std::size_t kInlineParseBytes = 128 * 1024;

std::int64_t NowTicks(const base::Clock& clock) { return clock.WallNow().time_since_epoch().count() / 100; }

/// The service answers any origin: browser SDKs send from wherever their page is.
void AllowAnyOrigin(net::Response& response) { response.headers.Set("Access-Control-Allow-Origin", "*"); }

net::Response Preflight(const net::Request& request) {
  net::Response response;
  AllowAnyOrigin(response);
  response.headers.Set("Access-Control-Allow-Methods", "POST");
  const auto asked = request.headers.Get("Access-Control-Request-Headers");
  response.headers.Set("Access-Control-Allow-Headers", asked.value_or("Content-Type, Content-Encoding, Accept, Authorization, Sdk-Context"));
  response.headers.Set("Access-Control-Max-Age", "3600");
  return response;
}

/// google.rpc.Code
constexpr int kInvalidArgument = 3;
constexpr int kUnavailableCode = 14;
constexpr int kResourceExhausted = 8;

const OtlpMessage& RequestOf(OtlpSignal signal) {
  switch (signal) {
    case OtlpSignal::kTraces: return kTracesRequest;
    case OtlpSignal::kLogs: return kLogsRequest;
    case OtlpSignal::kMetrics: return kMetricsRequest;
  }
  return kTracesRequest;
}

/// An error as OTLP/HTTP wants it: a google.rpc.Status in the encoding of the request.
net::Response OtlpProblem(int status, int code, std::string_view message, bool is_json) {
  net::Response response;
  response.status = status;
  if (is_json) {
    std::string text;
    base::JsonWriter(text).OpenObject().Member("code", code).Member("message", message).CloseObject();
    response.headers.Set("Content-Type", "application/json");
    response.body = std::move(text);
  } else {
    response.headers.Set("Content-Type", "application/x-protobuf");
    response.body = RpcStatus(code, message);
  }
  if (status == 429 || status == 503) response.headers.Set("Retry-After", "1");
  return response;
}

}  // namespace

void Service::AddIngestion(net::Router& router) {
  const auto self = shared_from_this();
  const net::RouteOptions body{.body_bytes_max = limits::kBodyBytesMax, .inflate = true, .inflated_bytes_max = limits::kBodyBytesMax};
  const auto preflight = [](net::RequestContext& context) -> boost::asio::awaitable<net::Response> { co_return Preflight(context.request); };
  for (const char* path : {"/v2.1/track", "/v2/track"}) {
    router.Add("POST", path, [self](net::RequestContext& context) { return self->Track(context); }, body);
    router.Add("OPTIONS", path, preflight);
  }
  for (const bool is_post : {false, true}) {
    const char* path = is_post ? "/QuickPulseService.svc/post" : "/QuickPulseService.svc/ping";
    router.Add("POST", path, [self, is_post](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
      co_return self->QuickPulse(context.request, is_post);
    }, body);
    router.Add("OPTIONS", path, preflight);
  }
}

/// Live Metrics: SDKs ask whether somebody looks, and send only then.
net::Response Service::QuickPulse(const net::Request& request, bool is_post) {
  const std::int64_t now = NowTicks(clock_);
  if (is_post) {
    if (const auto taken = live_metrics_.Post(request.body, now); !taken) {
      ++counters_.bad_bodies;
      net::Response refusal = net::Response::Problem(400, taken.error().detail);
      AllowAnyOrigin(refusal);
      return refusal;
    }
  }
  const bool is_watched = live_metrics_.IsWatched(now);
  net::Response response = net::Response::Json(200, std::string(is_watched ? kLiveConfiguration : kNoLiveConfiguration));
  AllowAnyOrigin(response);
  response.headers.Set("x-ms-qps-subscribed", is_watched ? "true" : "false");
  if (is_watched) response.headers.Set("x-ms-qps-configuration-etag", kLiveConfigurationEtag);
  // Soon enough that the page does not look empty for long after it was opened.
  else response.headers.Set("x-ms-qps-service-polling-interval-hint", "2000");
  return response;
}

void Service::AddOtlp(net::Router& router) {
  const auto self = shared_from_this();
  const net::RouteOptions body{.body_bytes_max = limits::kBodyBytesMax, .inflate = true, .inflated_bytes_max = limits::kBodyBytesMax};
  router.Add("POST", "/v1/traces", [self](net::RequestContext& context) { return self->Otlp(context, OtlpSignal::kTraces); }, body);
  router.Add("POST", "/v1/logs", [self](net::RequestContext& context) { return self->Otlp(context, OtlpSignal::kLogs); }, body);
  router.Add("POST", "/v1/metrics", [self](net::RequestContext& context) { return self->Otlp(context, OtlpSignal::kMetrics); }, body);
}

boost::asio::awaitable<net::Response> Service::Track(net::RequestContext& context) {
  using Parsed = Result<TrackResult>;
  ++counters_.requests;
  const Strictness strictness = options_.strictness;
  const std::function<Parsed()> parse = [&context, strictness] { return ParseTrack(std::move(context.request.body), strictness); };
  Parsed parsed = Error{};
  if (context.request.body.size() > kInlineParseBytes) parsed = co_await Offload<Parsed>(pool_, parse);
  else parsed = parse();

  net::Response response;
  if (!parsed) {
    ++counters_.bad_bodies;
    response = net::Response::Problem(413, parsed.error().detail);
    AllowAnyOrigin(response);
    co_return response;
  }
  TrackResult& result = parsed.value();
  counters_.rejected += result.rejected;
  const int status = result.status();
  const std::string answer = TrackAnswer(result);
  Result<void> committed;
  bool is_full = false;
  if (!result.batch.items.empty()) {
    auto* batch = &result.batch;
    live_metrics_.Count(batch->items, NowTicks(clock_));
    committed = co_await AwaitCall<Result<void>>([this, batch, &is_full](std::function<void(Result<void>)> done) {
      if (auto queued = store_.Submit(std::move(*batch), done); !queued) {
        is_full = true;
        done(queued.error());
      }
    });
  }
  if (committed) {
    response = net::Response::Json(status, answer);
  } else {
    // Nothing of the request was kept: the sender repeats all of it.
    response = net::Response::Problem(is_full ? 429 : 503, committed.error().detail);
    response.headers.Set("Retry-After", "1");
  }
  AllowAnyOrigin(response);
  co_return response;
}

void Service::ReceiveOtlp(std::string body, OtlpSignal signal, std::function<void(OtlpOutcome)> done) {
  ++counters_.requests;
  auto parsed = ParseOtlp(std::move(body), signal, kInstrumentationKey, NowTicks(clock_));
  if (!parsed) {
    ++counters_.bad_bodies;
    done({parsed.error()});
    return;
  }
  counters_.rejected += parsed->rejected;
  auto kept = std::make_shared<OtlpResult>(std::move(*parsed));
  Batch batch = std::move(kept->batch);
  live_metrics_.Count(batch.items, NowTicks(clock_));
  const auto queued = store_.Submit(std::move(batch), [kept, done](Result<void> committed) {
    if (committed) done({std::move(*kept)});
    else done({Error{ErrorCode::kStorageFull, committed.error().detail}});
  });
  if (!queued) done({queued.error()});
}

boost::asio::awaitable<net::Response> Service::Otlp(net::RequestContext& context, OtlpSignal signal) {
  const std::string type = base::ToLower(context.request.headers.Get("Content-Type").value_or(""));
  const std::string_view media = base::Trim(std::string_view(type).substr(0, type.find(';')));
  const bool is_json = media == "application/json";
  if (!is_json && media != "application/x-protobuf") {
    co_return net::Response::Problem(415, "OTLP comes as application/x-protobuf or application/json");
  }
  if (is_json) {
    const std::function<Result<std::string>()> convert = [&context, signal] { return OtlpFromJson(context.request.body, RequestOf(signal)); };
    Result<std::string> converted = Error{};
    if (context.request.body.size() > kInlineParseBytes) converted = co_await Offload<Result<std::string>>(pool_, convert);
    else converted = convert();
    if (!converted) {
      ++counters_.requests;
      ++counters_.bad_bodies;
      co_return OtlpProblem(400, kInvalidArgument, converted.error().detail, true);
    }
    context.request.body = std::move(*converted);
  }
  std::string body = std::move(context.request.body);
  const bool is_large = body.size() > kInlineParseBytes;
  auto* text = &body;
  OtlpOutcome outcome = co_await AwaitCall<OtlpOutcome>([this, text, signal, is_large](std::function<void(OtlpOutcome)> done) {
    if (!is_large) {
      ReceiveOtlp(std::move(*text), signal, std::move(done));
      return;
    }
    boost::asio::post(pool_, [this, text, signal, done = std::move(done)]() mutable { ReceiveOtlp(std::move(*text), signal, std::move(done)); });
  });
  if (!outcome.result) {
    const Error& error = outcome.result.error();
    switch (error.code) {
      case ErrorCode::kUnavailable: co_return OtlpProblem(429, kResourceExhausted, error.detail, is_json);
      case ErrorCode::kStorageFull: co_return OtlpProblem(503, kUnavailableCode, error.detail, is_json);
      case ErrorCode::kTooLarge: co_return OtlpProblem(413, kInvalidArgument, error.detail, is_json);
      default: co_return OtlpProblem(400, kInvalidArgument, error.detail, is_json);
    }
  }
  net::Response response;
  response.headers.Set("Content-Type", is_json ? "application/json" : "application/x-protobuf");
  response.body = is_json ? OtlpAnswerJson(*outcome.result, signal) : OtlpAnswer(*outcome.result);
  co_return response;
}

}  // namespace azmon::local
