// SPDX-License-Identifier: MIT
#include "services/receipt/routes.h"

#include <boost/asio/awaitable.hpp>
#include <utility>

#include "services/receipt/write_receipt.h"
#include "services/shared/http.h"
#include "services/shared/limits.h"
#include "services/shared/order.h"

namespace receipt {
namespace {

using boost::asio::awaitable;
using services::Problem;
using services::ToResponse;

awaitable<net::Response> PostOrder(std::shared_ptr<services::ReceiptStore> store, net::RequestContext& context) {
  if (const auto problem = services::CheckOrderHeaders(context.request)) co_return ToResponse(*problem);
  auto parsed = services::ParseOrder(context.request.body);
  if (!parsed.order) co_return ToResponse(services::InvalidOrder(std::move(parsed.problems)));
  const auto problem = co_await WriteReceipt(std::move(*parsed.order), *store, services::DeadlineOf(context));
  if (problem) co_return ToResponse(*problem);
  co_return services::Success();
}

awaitable<net::Response> GetReceipt(std::shared_ptr<services::ReceiptStore> store, net::RequestContext& context) {
  const std::string id(context.Param("id"));
  // What is no order id has no receipt; asking the store for it could only go wrong.
  if (!services::IsOrderId(id)) {
    co_return ToResponse(
        Problem{.status = 404, .code = "receipt_not_found", .detail = "No order has such an id.", .fields = {}, .retry_after = {}});
  }
  auto found = co_await ReadReceipt(id, *store, services::DeadlineOf(context));
  if (const auto* const problem = std::get_if<Problem>(&found)) co_return ToResponse(*problem);
  co_return net::Response::Json(200, std::move(std::get<std::string>(found)));
}

}  // namespace

net::Router Routes(std::shared_ptr<services::ReceiptStore> store) {
  net::Router router;
  router.Add("POST", "/orders", [store](net::RequestContext& context) { return PostOrder(store, context); },
             {.body_bytes_max = services::limits::kOrderBodyBytesMax});
  router.Add("GET", "/receipts/{id}", [store](net::RequestContext& context) { return GetReceipt(store, context); });
  return router;
}

}  // namespace receipt
