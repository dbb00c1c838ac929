// SPDX-License-Identifier: MIT
#include "services/order-processor/routes.h"

#include <boost/asio/awaitable.hpp>
#include <utility>

#include "services/order-processor/process_order.h"
#include "services/shared/http.h"
#include "services/shared/limits.h"
#include "services/shared/order.h"

namespace order_processor {
namespace {

using boost::asio::awaitable;
using services::Problem;
using services::ToResponse;

awaitable<net::Response> PostOrder(std::shared_ptr<services::OrderPeer> peer, net::RequestContext& context) {
  if (const auto problem = services::CheckOrderHeaders(context.request)) co_return ToResponse(*problem);
  auto parsed = services::ParseOrder(context.request.body);
  if (!parsed.order) co_return ToResponse(services::InvalidOrder(std::move(parsed.problems)));
  const auto problem =
      co_await ProcessOrder(std::move(parsed.order->id), std::move(context.request.body), *peer, services::DeadlineOf(context));
  if (problem) co_return ToResponse(*problem);
  co_return services::Success();
}

awaitable<net::Response> GetOrder(std::shared_ptr<services::OrderPeer> peer, net::RequestContext& context) {
  const std::string id(context.Param("id"));
  if (!services::IsOrderId(id)) {
    co_return ToResponse(
        Problem{.status = 404, .code = "order_not_found", .detail = "No order has such an id.", .fields = {}, .retry_after = {}});
  }
  auto state = co_await StateOfOrder(id, *peer, services::DeadlineOf(context));
  if (const auto* const problem = std::get_if<Problem>(&state)) co_return ToResponse(*problem);
  co_return net::Response::Json(200, std::move(std::get<std::string>(state)));
}

}  // namespace

net::Router Routes(std::shared_ptr<services::OrderPeer> peer) {
  net::Router router;
  router.Add("POST", "/orders", [peer](net::RequestContext& context) { return PostOrder(peer, context); },
             {.body_bytes_max = services::limits::kOrderBodyBytesMax});
  router.Add("GET", "/orders/{id}", [peer](net::RequestContext& context) { return GetOrder(peer, context); });
  return router;
}

}  // namespace order_processor
