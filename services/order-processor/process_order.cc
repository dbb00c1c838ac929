// SPDX-License-Identifier: MIT
#include "services/order-processor/process_order.h"

#include <utility>

#include "services/shared/counts.h"
#include "services/shared/log.h"
#include "services/shared/order.h"
#include "services/shared/span.h"

namespace order_processor {

using boost::asio::awaitable;
using services::Problem;
using services::Span;

awaitable<std::optional<Problem>> ProcessOrder(std::string id, std::string body, services::OrderPeer& peer, net::Deadline deadline) {
  Span span("process order");
  span.Set("order.id", id);
  auto problem = co_await peer.Send(std::move(body), deadline, 0);
  services::Add(problem ? services::Count::kOrderNotProcessed : services::Count::kOrderProcessed);
  if (problem) {
    span.Fail(*problem);
    services::Log(services::LogLevel::kWarn, "an order was not processed", {{"order.id", id}, {"error.type", problem->code}});
  }
  co_return problem;
}

awaitable<std::variant<std::string, Problem>> StateOfOrder(std::string id, services::OrderPeer& peer, net::Deadline deadline) {
  auto has_receipt = co_await peer.HasReceipt(id, deadline);
  if (auto* const problem = std::get_if<Problem>(&has_receipt)) co_return std::move(*problem);
  if (std::get<bool>(has_receipt)) co_return R"({"orderId":)" + services::OrderIdJson(id) + R"(,"state":"completed"})";
  co_return Problem{
      .status = 404, .code = "order_not_found", .detail = "Order " + id + " has not been completed.", .fields = {}, .retry_after = {}};
}

}  // namespace order_processor
