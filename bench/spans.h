// SPDX-License-Identifier: MIT
// The spans that the benchmarks of export and delivery send: ids, times and order numbers differ, as they decide how well items compress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/trace/span_startoptions.h>
#include <opentelemetry/trace/tracer.h>

namespace bench {

namespace trace = opentelemetry::trace;
namespace nostd = opentelemetry::nostd;

inline nostd::shared_ptr<trace::Span> ServerSpan(trace::Tracer& tracer, std::string_view host, std::uint32_t port, trace::StartSpanOptions options) {
  options.kind = trace::SpanKind::kServer;
  return tracer.StartSpan("POST /orders",
                          {{"http.request.method", "POST"},
                           {"url.path", "/orders"},
                           {"url.scheme", "http"},
                           {"http.route", "/orders"},
                           {"server.address", nostd::string_view(host.data(), host.size())},
                           {"server.port", port},
                           {"network.protocol.version", "1.1"},
                           {"user_agent.original", "azmon-checkout/0.1"}},
                          options);
}

inline nostd::shared_ptr<trace::Span> ClientSpan(trace::Tracer& tracer, const std::string& method, const std::string& url, trace::StartSpanOptions options) {
  options.kind = trace::SpanKind::kClient;
  return tracer.StartSpan(method,
                          {{"http.request.method", method},
                           {"url.full", url},
                           {"server.address", "receipt.internal"},
                           {"server.port", 8002},
                           {"network.peer.address", "10.0.0.7"},
                           {"network.peer.port", 8002}},
                          options);
}

/// Makes so many spans: of a server with ten attributes each, or the seven of an order in two services.
/// @param order  the number of the last order; goes on
inline void MakeSpans(trace::Tracer& tracer, bool is_order_case, std::size_t count, std::uint64_t& order) {
  for (std::size_t i = 0; i < count;) {
    const std::string id = std::to_string(++order * 7919);
    const auto end = [&](const nostd::shared_ptr<trace::Span>& span, int status) {
      if (status != 0) span->SetAttribute("http.response.status_code", status);
      span->SetAttribute("order.id", id);
      span->End();
      ++i;
    };
    const auto server = ServerSpan(tracer, "order-processor.internal", 8001, {});
    if (is_order_case) {
      trace::StartSpanOptions under;
      under.parent = server->GetContext();
      const auto process = tracer.StartSpan("process order", under);
      under.parent = process->GetContext();
      const auto post = ClientSpan(tracer, "POST", "http://receipt.internal:8002/orders", under);
      under.parent = post->GetContext();
      const auto receipt = ServerSpan(tracer, "receipt.internal", 8002, under);
      under.parent = receipt->GetContext();
      const auto write = tracer.StartSpan("write receipt", under);
      under.parent = write->GetContext();
      const auto blob = tracer.StartSpan("BlobClient.PutBlob", under);
      under.parent = blob->GetContext();
      const auto put = ClientSpan(tracer, "PUT", "http://store.internal:10000/account/orders/order-" + id + ".json", under);
      for (const auto& [span, status] : {std::pair(put, 201), std::pair(blob, 0), std::pair(write, 0), std::pair(receipt, 200), std::pair(post, 200),
                                         std::pair(process, 0)}) {
        if (i + 1 < count) end(span, status);
      }
    }
    server->SetStatus(trace::StatusCode::kOk);
    end(server, 200);
  }
}

inline opentelemetry::sdk::resource::Resource Resource() {
  return opentelemetry::sdk::resource::Resource::Create({{"service.name", "order-processor"},
                                          {"service.namespace", "shop"},
                                          {"service.instance.id", "order-processor--abc123-7d9f8b6c5-x2x4z"},
                                          {"service.version", "0.1.0"}});
}

}  // namespace bench
