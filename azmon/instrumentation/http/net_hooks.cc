// SPDX-License-Identifier: MIT
#include "azmon/instrumentation/http/net_hooks.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "azmon/asio.h"
#include "azmon/http.h"
#include "base/text.h"

namespace azmon::http {
namespace {

namespace propagation = opentelemetry::context::propagation;
using opentelemetry::nostd::string_view;
using Tracer = opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer>;
using SharedDurations = std::shared_ptr<const Durations>;

std::string_view Std(string_view text) { return {text.data(), text.size()}; }

/// A request's fields. Several of one name read as one list (RFC 9110 section 5.3), so a second traceparent makes both unreadable, as the W3C asks.
class IncomingCarrier final : public propagation::TextMapCarrier {
 public:
  explicit IncomingCarrier(const net::Headers& headers) : headers_(headers) {}
  string_view Get(string_view key) const noexcept override {
    const auto value = headers_.Get(Std(key));
    if (!value) return {};
    if (headers_.Count(Std(key)) == 1) return {value->data(), value->size()};
    joined_.push_back(std::make_unique<std::string>());
    std::string& text = *joined_.back();
    for (const net::Header header : headers_) {
      if (!base::EqualsIgnoreCase(header.name, Std(key))) continue;
      if (!text.empty()) text += ", ";
      text += header.value;
    }
    return {text.data(), text.size()};
  }
  void Set(string_view, string_view) noexcept override {}
  bool Keys(opentelemetry::nostd::function_ref<bool(string_view)> callback) const noexcept override {
    for (const net::Header header : headers_) {
      if (!callback({header.name.data(), header.name.size()})) return false;
    }
    return true;
  }

 private:
  const net::Headers& headers_;
  mutable std::vector<std::unique_ptr<std::string>> joined_;  // views into them are given out
};

class OutgoingCarrier final : public propagation::TextMapCarrier {
 public:
  explicit OutgoingCarrier(net::Headers& headers) : headers_(headers) {}
  string_view Get(string_view) const noexcept override { return {}; }
  void Set(string_view key, string_view value) noexcept override { headers_.Set(Std(key), Std(value)); }

 private:
  net::Headers& headers_;
};

ServerRequest Describe(const net::RequestContext& context) {
  const net::Request& request = context.request;
  ServerRequest described;
  described.method = request.method;
  described.scheme = request.is_tls ? "https" : "http";
  described.path = request.path();
  described.query = request.query();
  described.route = context.route;
  described.host = request.headers.Get("Host").value_or("");
  described.user_agent = request.headers.Get("User-Agent").value_or("");
  described.peer_address = request.remote.address;
  described.peer_port = request.remote.port;
  described.protocol_version = request.version_minor == 0 ? "1.0" : "1.1";
  return described;
}

class TracedRequest final : public net::ServerObserver {
 public:
  TracedRequest(const net::RequestContext& context, const Tracer& tracer, const SharedDurations& durations)
      : span_(Describe(context), IncomingCarrier(context.request.headers), tracer, durations) {}

  void OnResponse(const net::RequestContext&, net::Response& response) override { span_.SetResponseStatus(response.status); }
  void OnEnd(const net::ExchangeEnd& end) override {
    // A refusal (4xx) is the client's fault and none of the server's, as its status says.
    const bool is_clients_fault = end.status >= 400 && end.status < 500;
    if (end.is_exception) {
      span_.RecordException(end.error_type, end.error_detail);
    } else if (!end.error_type.empty() && !is_clients_fault) {
      span_.SetError(end.error_type, end.error_detail);
    }
    span_.End();
  }

 private:
  ServerSpan span_;
};

class TracedAttempt final : public net::ClientObserver {
 public:
  TracedAttempt(const net::Attempt& attempt, net::Headers& fields, const Tracer& tracer, const SharedDurations& durations)
      : carrier_(fields), span_(Describe(attempt, url_ = attempt.request.url.ToString()), carrier_, tracer, durations) {}

  void OnConnected(const net::Endpoint& peer) override { span_.SetPeer(peer.address, peer.port); }
  void OnEnd(const net::ExchangeEnd& end) override {
    if (end.status != 0) {
      span_.SetProtocolVersion("1.1");
      span_.SetResponseStatus(end.status);
    }
    if (!end.error_type.empty()) span_.SetError(end.error_type, end.error_detail);
    span_.End();
  }

 private:
  static ClientRequest Describe(const net::Attempt& attempt, std::string_view url) {
    ClientRequest described;
    described.method = attempt.request.method;
    described.url = url;
    described.server_address = attempt.request.url.host;
    described.server_port = attempt.request.url.port;
    described.url_template = attempt.request.url_template;
    described.resend_count = attempt.resend_count;
    return described;
  }

  std::string url_;
  OutgoingCarrier carrier_;
  ClientSpan span_;
};

}  // namespace

net::BindExecutor ContextBinding() {
  return [](boost::asio::any_io_executor executor) { return asio::ForkExecutor(std::move(executor)); };
}

net::ServerHooks MakeServerHooks() {
  net::ServerHooks hooks;
  hooks.bind_executor = ContextBinding();
  hooks.on_request = [tracer = DefaultTracer(), durations = DefaultDurations()](
                         const net::RequestContext& context) -> std::unique_ptr<net::ServerObserver> {
    return std::make_unique<TracedRequest>(context, tracer, durations);
  };
  return hooks;
}

net::ClientHooks MakeClientHooks() {
  net::ClientHooks hooks;
  hooks.bind_executor = ContextBinding();
  hooks.on_attempt = [tracer = DefaultTracer(), durations = DefaultDurations()](const net::Attempt& attempt,
                                                                                net::Headers& fields) -> std::unique_ptr<net::ClientObserver> {
    return std::make_unique<TracedAttempt>(attempt, fields, tracer, durations);
  };
  return hooks;
}

}  // namespace azmon::http
