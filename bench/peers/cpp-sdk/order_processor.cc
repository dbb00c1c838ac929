// SPDX-License-Identifier: MIT
#include <boost/json.hpp>
#include <cstdio>

#include "http.h"

class OrderProcessor {
 public:
  OrderProcessor(asio::io_context& io, otrace::Tracer& t) : receipt_(io, env("SERVICE_RECEIPT_API_NAME", "127.0.0.1:8002")), tracer_(t) {}
  Task<Response> orders(const Request& in, const otrace::SpanContext& parent) {
    auto order = boost::json::parse(in.body());
    std::string text = boost::json::serialize(order);
    std::printf("Order received : %s\n", text.c_str());
    otrace::StartSpanOptions o;
    o.parent = parent;
    SpanPtr span = tracer_.StartSpan("order", {{"order.id", order.at("orderId").to_number<std::int64_t>()}}, o);
    Request out(http::verb::post, "/orders", 11);
    out.set(http::field::content_type, "application/json");
    out.body() = std::move(text);
    Response answer = co_await receipt_.send(out, "POST", span->GetContext(), tracer_);
    span->End();
    std::printf("Request was sent to receipt: result = %u\n", answer.result_int());
    Response res(answer.result_int() == 200 ? http::status::ok : http::status::bad_gateway, 11);
    res.body() = answer.result_int() == 200 ? "{\"success\": true}" : "{\"success\": false}";
    co_return res;
  }

 private:
  Client receipt_;
  otrace::Tracer& tracer_;
};

int main() { return run_service<OrderProcessor>(); }
