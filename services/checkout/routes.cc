// SPDX-License-Identifier: MIT
#include "services/checkout/routes.h"

#include <boost/asio/awaitable.hpp>
#include <utility>

#include "base/json_writer.h"
#include "services/checkout/status_page.h"
#include "services/shared/http.h"
#include "services/shared/ids.h"
#include "services/shared/json.h"
#include "services/shared/limits.h"
#include "services/shared/order.h"

namespace checkout {
namespace {

using boost::asio::awaitable;
using services::Problem;
using services::ToResponse;

awaitable<net::Response> PostCheckout(std::shared_ptr<services::OrderPeer> peer, std::shared_ptr<RecentOrders> recent, net::RequestContext& context) {
  if (const auto problem = services::CheckOrderHeaders(context.request)) co_return ToResponse(*problem);
  // Without JSON the order's own check says what is wrong.
  std::string order = WithId(context.request.body, services::ProcessIds().Make()).value_or(context.request.body);
  auto parsed = services::ParseOrder(order);
  if (!parsed.order) co_return ToResponse(services::InvalidOrder(std::move(parsed.problems)));
  const Placed placed = co_await PlaceOrder(parsed.order->id, std::move(order), *peer, services::DeadlineOf(context));
  recent->Add(placed);
  if (placed.problem) {
    Problem problem = *placed.problem;
    problem.detail += " Its id is " + placed.id + ": a repetition must carry it as orderId.";
    co_return ToResponse(problem);
  }
  std::string answer;
  azmon::base::JsonWriter json(answer);
  json.OpenObject().Member("success", true).Member("orderId", placed.id).Member("traceId", placed.trace_id).CloseObject();
  co_return net::Response::Json(200, std::move(answer));
}

}  // namespace

std::optional<std::string> WithId(std::string_view body, std::string_view otherwise) {
  auto document = services::ParseJson(body);
  if (!document.ok() || document->kind != services::JsonValue::Kind::kObject) return std::nullopt;
  if (document->Find("orderId") != nullptr) return std::string(body);
  document->members.push_back(
      {"orderId", {.kind = services::JsonValue::Kind::kString, .text = std::string(otherwise), .items = {}, .members = {}}});
  std::string out;
  services::AppendCanonicalJson(*document, out);
  return out;
}

net::Router Routes(std::shared_ptr<services::OrderPeer> peer, std::shared_ptr<RecentOrders> recent) {
  net::Router router;
  router.Add("POST", "/checkout", [peer, recent](net::RequestContext& context) { return PostCheckout(peer, recent, context); },
             {.body_bytes_max = services::limits::kOrderBodyBytesMax});
  router.Add("GET", "/", [recent](net::RequestContext&) -> awaitable<net::Response> { co_return StatusPageResponse(recent->Now()); });
  router.Add("GET", "/style.css", [](net::RequestContext&) -> awaitable<net::Response> { co_return StyleResponse(); });
  return router;
}

}  // namespace checkout
