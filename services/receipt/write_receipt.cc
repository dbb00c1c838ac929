// SPDX-License-Identifier: MIT
#include "services/receipt/write_receipt.h"

#include <utility>

#include "services/shared/counts.h"
#include "services/shared/http.h"
#include "services/shared/log.h"
#include "services/shared/span.h"

namespace receipt {
namespace {

using boost::asio::awaitable;
using services::BlobAnswer;
using services::BlobStatus;
using services::Count;
using services::LogLevel;
using services::Problem;
using services::Span;

/// What a caller is told of a store that failed. The store's own words stay in its span: they are for the operator.
Problem StoreProblem(BlobStatus status) {
  switch (status) {
    case BlobStatus::kTimeout: return services::TooLate("The receipt store did not answer in time.");
    case BlobStatus::kRefused:
      return services::Unavailable(std::string(Name(status)), "The receipt store refuses this service; its operator has to act.");
    default:
      return services::Unavailable("storage_unavailable", "The receipt store is not available now. Send the same order again.");
  }
}

Problem Conflict(const std::string& id) {
  return {.status = 409,
          .code = "order_conflict",
          .detail = "Order " + id + " has a receipt already, and its content differs from this order. An order's content never changes: use a new id.",
          .fields = {},
          .retry_after = {}};
}

}  // namespace

awaitable<std::optional<Problem>> WriteReceipt(services::Order order, services::ReceiptStore& store, net::Deadline deadline) {
  Span span("write receipt");
  span.Set("order.id", order.id);
  const std::string name = services::ReceiptName(order.id);
  const std::string bytes = services::ReceiptOf(order);
  const BlobAnswer created = co_await store.Create(name, bytes, deadline);
  std::optional<Problem> problem;
  if (created.status == BlobStatus::kExists) {
    const BlobAnswer found = co_await store.Read(name, deadline);
    if (found.status == BlobStatus::kDone) {
      if (found.body != bytes) problem = Conflict(order.id);
    } else {
      problem = StoreProblem(found.status);
    }
  } else if (created.status != BlobStatus::kDone) {
    problem = StoreProblem(created.status);
  }
  if (problem) {
    const bool is_conflict = problem->status == 409;
    services::Add(is_conflict ? Count::kReceiptConflict : Count::kReceiptFailed);
    span.Fail(*problem);
    if (is_conflict) {
      services::Log(LogLevel::kWarn, "an order came again with another content", {{"order.id", order.id}});
    } else {
      services::Log(LogLevel::kError, "a receipt was not written", {{"order.id", order.id}, {"error.type", problem->code}, {"detail", created.detail}});
    }
  } else {
    const bool is_new = created.status == BlobStatus::kDone;
    services::Add(is_new ? Count::kReceiptWritten : Count::kReceiptRepeated);
    span.Set("receipt.outcome", is_new ? "written" : "repeated");
    if (!is_new) services::Log(LogLevel::kDebug, "an order came again and has its receipt already", {{"order.id", order.id}});
  }
  co_return problem;
}

awaitable<std::variant<std::string, Problem>> ReadReceipt(std::string order_id, services::ReceiptStore& store, net::Deadline deadline) {
  Span span("read receipt");
  span.Set("order.id", order_id);
  BlobAnswer found = co_await store.Read(services::ReceiptName(order_id), deadline);
  if (found.status == BlobStatus::kDone) co_return std::move(found.body);
  if (found.status == BlobStatus::kNotFound) {
    co_return Problem{
        .status = 404, .code = "receipt_not_found", .detail = "There is no receipt of order " + order_id + ".", .fields = {}, .retry_after = {}};
  }
  Problem problem = StoreProblem(found.status);
  span.Fail(problem);
  co_return problem;
}

}  // namespace receipt
