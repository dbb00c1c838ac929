// SPDX-License-Identifier: MIT
#include "local/api/service.h"

#include <functional>
#include <optional>
#include <utility>

#include "base/json_writer.h"
#include "base/text.h"
#include "local/api/answers.h"
#include "local/api/assets.h"
#include "local/api/offload.h"
#include "local/api/query_string.h"
#include "local/model/limits.h"
#include "local/model/time.h"
#include "local/query/item_json.h"

namespace azmon::local {
namespace {

/// Queries at a time: two, so that a slow search does not stop the list.
constexpr std::size_t kQueryThreads = 2;

std::int64_t NowTicks(const base::Clock& clock) { return clock.WallNow().time_since_epoch().count() / 100; }

void WriteSummary(const OperationSummary& summary, base::JsonWriter& json) {
  json.OpenObject().Member("operation_Id", summary.operation_id).Member("start", FormatTime(summary.start));
  json.Member("duration", TicksToMs(summary.end - summary.start)).Member("name", summary.name).Member("success", summary.success);
  json.Key("roles").OpenArray();
  for (const std::string& role : summary.roles) json.String(role);
  json.CloseArray().Member("items", summary.items).Member("errors", summary.errors);
  json.Key("sources").OpenArray();
  for (const Source source : {Source::kBreeze, Source::kOtlp}) {
    if ((summary.sources >> static_cast<unsigned>(source) & 1U) != 0) json.String(Name(source));
  }
  json.CloseArray().CloseObject();
}

}  // namespace

Service::Service(ServiceOptions options, Store& store, const base::Clock& clock)
    : options_(std::move(options)), store_(store), clock_(clock), started_(NowTicks(clock)), pool_(kQueryThreads) {
  store_.OnChange([live = live_](Store::Change change, std::uint64_t last_seq) { live->Notify(change, last_seq); });
}

Service::~Service() { pool_.join(); }

void Service::SetAddresses(Addresses addresses) {
  const std::lock_guard guard(addresses_mutex_);
  addresses_ = std::move(addresses);
}

net::Router Service::MainRouter() {
  net::Router router;
  AddApi(router);
  AddIngestion(router);
  AddOtlp(router);
  router.Add("GET", "/{path*}", [self = shared_from_this()](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
    if (auto refusal = self->Refuse(context.request, false)) co_return std::move(*refusal);
    const std::string_view path = context.request.path();
    if (path == "/api" || path.starts_with("/api/")) co_return net::Response::Problem(404, "the API has no such path; see /api/v1/health");
    co_return ServeAsset(path, context.request.headers, self->options_.ui_directory);
  });
  return router;
}

net::Router Service::OtlpRouter() {
  net::Router router;
  AddOtlp(router);
  return router;
}

std::optional<net::Response> Service::Refuse(const net::Request& request, bool is_change) const {
  const auto host = request.headers.Get("Host").value_or("");
  if (options_.check_host && !IsOwnHost(host, options_.allowed_hosts)) {
    return net::Response::Problem(403, "the Host '" + std::string(host) + "' is not this machine; --allowed-host NAME lets azmon-local answer to a name");
  }
  if (!is_change) return std::nullopt;
  if (request.headers.Get("X-Azmon-Local") != "1") return net::Response::Problem(403, "calls that change something need the header X-Azmon-Local: 1");
  if (const auto origin = request.headers.Get("Origin"); origin && !IsSameOrigin(*origin, host)) {
    return net::Response::Problem(403, "calls that change something are not taken from the pages of others");
  }
  return std::nullopt;
}

net::Handler Service::OnPool(Answer answer) {
  return [self = shared_from_this(), answer = std::move(answer)](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
    if (auto refusal = self->Refuse(context.request, false)) co_return std::move(*refusal);
    const std::function<net::Response()> work = [&context, &answer] { return answer(context); };
    net::Response response = co_await Offload<net::Response>(self->pool_, work);
    co_return response;
  };
}

void Service::AddApi(net::Router& router) {
  const auto self = shared_from_this();
  router.Add("GET", "/api/v1/health", [self](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
    if (auto refusal = self->Refuse(context.request, false)) co_return std::move(*refusal);
    std::string text;
    base::JsonWriter(text).OpenObject().Member("status", "ok").Member("version", kVersion).CloseObject();
    co_return JsonAnswer(std::move(text));
  });
  router.Add("GET", "/api/v1/stats", OnPool([self](net::RequestContext&) { return self->Stats(); }));
  router.Add("GET", "/api/v1/transactions", OnPool([self](net::RequestContext& context) { return self->Transactions(context.request); }));
  router.Add("GET", "/api/v1/transactions/{id}", OnPool([self](net::RequestContext& context) { return self->Transaction(context.Param("id")); }));
  router.Add("GET", "/api/v1/items", OnPool([self](net::RequestContext& context) { return self->Items(context.request); }));
  router.Add("GET", "/api/v1/items/{seq}/raw", OnPool([self](net::RequestContext& context) { return self->Raw(context.Param("seq")); }));
  router.Add("GET", "/api/v1/metrics", OnPool([self](net::RequestContext& context) { return self->Metrics(context.request); }));
  router.Add("GET", "/api/v1/metrics/series", OnPool([self](net::RequestContext& context) { return self->MetricSeries(context.request); }));
  router.Add("GET", "/api/v1/live", [self](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
    if (auto refusal = self->Refuse(context.request, false)) co_return std::move(*refusal);
    co_return self->live_->Open();
  });
  router.Add("GET", "/api/v1/live/metrics", [self](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
    if (auto refusal = self->Refuse(context.request, false)) co_return std::move(*refusal);
    const std::int64_t now = NowTicks(self->clock_);
    self->live_metrics_.Watch(now);
    co_return JsonAnswer(self->live_metrics_.Snapshot(now));
  });
  router.Add("POST", "/api/v1/reset", [self](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
    if (auto refusal = self->Refuse(context.request, true)) co_return std::move(*refusal);
    const std::function<net::Response()> work = [self] { return self->Reset(); };
    net::Response response = co_await Offload<net::Response>(self->pool_, work);
    co_return response;
  });
}

net::Response Service::Stats() const {
  const StoreStats stats = store_.stats();
  Addresses addresses;
  {
    const std::lock_guard guard(addresses_mutex_);
    addresses = addresses_;
  }
  std::string text;
  base::JsonWriter json(text);
  json.OpenObject().Member("items", stats.items).Member("transactions", stats.transactions);
  json.Key("bySource").OpenObject().Member("breeze", stats.breeze).Member("otlp", stats.otlp).CloseObject();
  json.Member("rejected", counters_.rejected.load());
  json.Member("connectionString", addresses.connection_string).Member("otlpGrpc", addresses.otlp_grpc).Member("otlpHttp", addresses.otlp_http);
  json.Member("version", kVersion).Member("startedAt", FormatTime(started_));
  json.Key("applications").OpenArray();
  for (const auto& [key, items] : stats.applications) json.OpenObject().Member("iKey", key).Member("items", items).CloseObject();
  json.CloseArray();
  json.Member("requests", counters_.requests.load()).Member("badBodies", counters_.bad_bodies.load());
  json.Key("refused").OpenObject().Member("queueFull", stats.refused_queue_full).Member("writeError", stats.refused_write_error).CloseObject();
  json.Key("expired").OpenObject().Member("bySize", stats.expired_by_size).Member("byAge", stats.expired_by_age).CloseObject();
  json.Member("queueItems", stats.queue_items).Member("storeBytes", stats.bytes).Member("lastSeq", stats.last_seq);
  json.Member("listeners", live_->listeners());
  json.CloseObject();
  return JsonAnswer(std::move(text));
}

net::Response Service::Transactions(const net::Request& request) const {
  const auto query = ReadTransactionQuery(request.query());
  if (!query) return ProblemAnswer(query.error());
  const auto list = store_.ListTransactions(*query);
  if (!list) return ProblemAnswer(list.error());
  std::string text;
  base::JsonWriter json(text);
  json.OpenObject().Key("transactions").OpenArray();
  for (const OperationSummary& summary : list->transactions) WriteSummary(summary, json);
  json.CloseArray().Key("next");
  if (list->has_more) json.String(EncodeCursor({list->transactions.back().start, list->transactions.back().operation_id}));
  else json.Null();
  json.Member("total", list->total).Key("histogram");
  if (list->histogram_step == 0) {
    json.Null();
  } else {
    json.OpenObject().Member("from", FormatTime(list->histogram_from)).Member("stepMs", TicksToMs(list->histogram_step)).Key("counts").OpenArray();
    for (const auto& bucket : list->histogram) json.OpenObject().Member("ok", bucket.ok).Member("failed", bucket.failed).CloseObject();
    json.CloseArray().CloseObject();
  }
  json.CloseObject();
  return JsonAnswer(std::move(text));
}

net::Response Service::Transaction(std::string_view operation_id) const {
  const auto operation = store_.ReadOperation(operation_id);
  if (!operation) return ProblemAnswer(operation.error());
  std::string text;
  text.reserve(operation->items.size() * 1024);
  base::JsonWriter json(text);
  const OperationSummary& summary = operation->summary;
  json.OpenObject().Member("operation_Id", summary.operation_id).Member("start", FormatTime(summary.start));
  json.Member("duration", TicksToMs(summary.end - summary.start)).Key("roles").OpenArray();
  for (const std::string& role : summary.roles) json.String(role);
  json.CloseArray().Key("items").OpenArray();
  for (const Item& item : operation->items) WriteItem(item, json);
  json.CloseArray().CloseObject();
  return JsonAnswer(std::move(text));
}

net::Response Service::Items(const net::Request& request) const {
  const auto query = ReadItemQuery(request.query());
  if (!query) return ProblemAnswer(query.error());
  const auto list = store_.ListItems(*query);
  if (!list) return ProblemAnswer(list.error());
  std::string text;
  base::JsonWriter json(text);
  json.OpenObject().Key("items").OpenArray();
  for (const Item& item : list->items) WriteItem(item, json);
  json.CloseArray().Key("next");
  if (list->has_more) json.String(EncodeCursor(list->items.back().seq));
  else json.Null();
  json.CloseObject();
  return JsonAnswer(std::move(text));
}

net::Response Service::Raw(std::string_view text) const {
  const auto seq = base::ParseInteger<std::uint64_t>(text);
  if (!seq) return net::Response::Problem(404, "an item's number is expected");
  const auto raw = store_.ReadRaw(*seq);
  if (!raw) return ProblemAnswer(raw.error());
  if (raw->kind == RawKind::kEnvelopes) return JsonAnswer(raw->body.substr(raw->parts.item.at, raw->parts.item.bytes));
  return JsonAnswer(OtlpItemJson(raw->kind, raw->body, raw->parts));
}

net::Response Service::Reset() {
  const auto done = store_.Reset();
  if (!done) return ProblemAnswer(done.error());
  live_metrics_.Reset();
  counters_.requests = counters_.rejected = counters_.bad_bodies = 0;
  return JsonAnswer("{\"status\":\"ok\"}");
}

}  // namespace azmon::local
