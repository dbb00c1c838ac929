// SPDX-License-Identifier: MIT
#include "azmon/http.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <utility>

#include <opentelemetry/common/key_value_iterable.h>
#include <opentelemetry/context/propagation/global_propagator.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/provider.h>
#include <opentelemetry/semconv/client_attributes.h>
#include <opentelemetry/semconv/error_attributes.h>
#include <opentelemetry/semconv/http_attributes.h>
#include <opentelemetry/semconv/network_attributes.h>
#include <opentelemetry/semconv/server_attributes.h>
#include <opentelemetry/semconv/url_attributes.h>
#include <opentelemetry/semconv/user_agent_attributes.h>
#include <opentelemetry/trace/context.h>
#include <opentelemetry/trace/provider.h>
#include <opentelemetry/trace/span_startoptions.h>

#include "base/text.h"

namespace azmon::http {
namespace {

namespace otel = opentelemetry;
namespace semconv = opentelemetry::semconv;
namespace propagation = opentelemetry::context::propagation;
using otel::common::AttributeValue;

otel::nostd::string_view View(std::string_view text) { return {text.data(), text.size()}; }

/// Not a semconv attribute of the stable set in every supported version of the package's headers.
constexpr const char* kUrlTemplate = "url.template";

// Limits on what is taken over from strangers. Sources: W3C Trace Context ("at least 512 characters"), W3C Baggage ("at most 8192 bytes").
constexpr std::size_t kTracestateBytesMax = 1024;
constexpr std::size_t kBaggageBytesMax = 8192;
constexpr std::size_t kTraceparentBytes = 55;
/// A longer one is no good for reading, and paths are an attacker's to choose.
constexpr std::size_t kUrlBytesMax = 2048;

/// Attributes on the stack: the count is small and known.
class Attributes final : public otel::common::KeyValueIterable {
 public:
  void Add(const char* key, std::string_view value) {
    if (!value.empty()) Put(key, View(value));
  }
  void Add(const char* key, std::int64_t value) { Put(key, value); }

  bool ForEachKeyValue(otel::nostd::function_ref<bool(otel::nostd::string_view, AttributeValue)> callback) const noexcept override {
    for (std::size_t index = 0; index < size_; ++index) {
      if (!callback(entries_[index].first, entries_[index].second)) return false;
    }
    return true;
  }
  std::size_t size() const noexcept override { return size_; }

 private:
  void Put(const char* key, AttributeValue value) {
    if (size_ < entries_.size()) entries_[size_++] = {key, value};
  }
  std::array<std::pair<const char*, AttributeValue>, 20> entries_{};
  std::size_t size_ = 0;
};

bool IsKnownMethod(std::string_view method) {
  using namespace semconv::http::HttpRequestMethodValues;  // NOLINT: nine names of one enumeration
  static constexpr std::array<std::string_view, 9> kKnown{kConnect, kDelete, kGet, kHead, kOptions, kPatch, kPost, kPut, kTrace};
  return std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end();
}

void AddMethod(std::string_view method, Attributes& attributes) {
  if (IsKnownMethod(method)) {
    attributes.Add(semconv::http::kHttpRequestMethod, method);
  } else {
    attributes.Add(semconv::http::kHttpRequestMethod, semconv::http::HttpRequestMethodValues::kOther);
    attributes.Add(semconv::http::kHttpRequestMethodOriginal, method.substr(0, kUrlBytesMax));
  }
}

/// Unknown methods are strangers' text: they would make as many names.
std::string SpanName(std::string_view method, std::string_view route) {
  std::string name(IsKnownMethod(method) ? method : std::string_view("HTTP"));
  if (!route.empty()) name.append(" ").append(route);
  return name;
}

/// Host header: name and port. An IPv6 literal comes without its brackets.
std::pair<std::string_view, std::uint16_t> SplitHost(std::string_view host, std::string_view scheme) {
  const std::uint16_t usual = scheme == "https" ? 443 : 80;
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string_view name = has_port ? host.substr(0, colon) : host;
  if (name.size() >= 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  const auto port = has_port ? base::ParseInteger<std::uint16_t>(host.substr(colon + 1)) : std::nullopt;
  return {name, port.value_or(usual)};
}

bool IsAddress(std::string_view text) {
  const std::string copy(text.substr(0, 64));
  std::array<unsigned char, 16> bytes;
  return ::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1 || ::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1;
}

/// The first address of X-Forwarded-For, which is what the nearest ingress saw if it is well kept; empty if there is none.
std::string_view ForwardedFor(const propagation::TextMapCarrier& headers) {
  const auto value = headers.Get("x-forwarded-for");
  const std::string_view list(value.data(), value.size());
  std::string_view first = base::Trim(list.substr(0, list.find(',')));
  if (IsAddress(first)) return first;
  // Azure's ingress writes the port as well: "203.0.113.7:1234", "[2001:db8::1]:1234".
  if (!first.empty() && first.front() == '[') {
    first = first.substr(1, first.find(']') == std::string_view::npos ? 0 : first.find(']') - 1);
  } else {
    first = first.substr(0, first.find(':'));
  }
  return IsAddress(first) ? first : std::string_view();
}

/// Version 00 exactly as the W3C writes it, later versions by their first 55 bytes. The SDK's propagator is laxer (upper case).
bool IsTraceparent(std::string_view value) {
  if (value.size() < kTraceparentBytes) return false;
  if (value.size() > kTraceparentBytes && (value.substr(0, 2) == "00" || value[kTraceparentBytes] != '-')) return false;
  for (std::size_t index = 0; index < kTraceparentBytes; ++index) {
    const char c = value[index];
    if (index == 2 || index == 35 || index == 52) {
      if (c != '-') return false;
    } else if (!base::IsDigit(c) && (c < 'a' || c > 'f')) {
      return false;
    }
  }
  return value.substr(0, 2) != "ff";
}

/// Shows the propagators only what is fit to be read.
class CheckedCarrier final : public propagation::TextMapCarrier {
 public:
  explicit CheckedCarrier(const propagation::TextMapCarrier& inner) : inner_(inner) {}
  otel::nostd::string_view Get(otel::nostd::string_view key) const noexcept override {
    const auto raw = inner_.Get(key);
    const std::string_view name(key.data(), key.size());
    const std::string_view value(raw.data(), raw.size());
    if (name == "traceparent") return IsTraceparent(base::Trim(value)) ? View(base::Trim(value)) : otel::nostd::string_view();
    if (name == "tracestate" && value.size() > kTracestateBytesMax) return {};
    if (name == "baggage" && value.size() > kBaggageBytesMax) return {};
    return raw;
  }
  void Set(otel::nostd::string_view, otel::nostd::string_view) noexcept override {}
  bool Keys(otel::nostd::function_ref<bool(otel::nostd::string_view)> callback) const noexcept override { return inner_.Keys(callback); }

 private:
  const propagation::TextMapCarrier& inner_;
};

void SetErrorOn(otel::trace::Span& span, std::string_view type, std::string_view description) {
  span.SetAttribute(semconv::error::kErrorType, View(type));
  span.SetStatus(otel::trace::StatusCode::kError, View(description));
}

void Measure(otel::metrics::Histogram<double>& histogram, std::chrono::steady_clock::time_point begun, const Attributes& attributes) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  histogram.Record(took.count(), attributes, otel::context::Context());
}

/// As the conventions ask: the method is one of the known ones or _OTHER, so strangers make no new series.
std::string_view KnownMethod(std::string_view method) {
  return IsKnownMethod(method) ? method : std::string_view(semconv::http::HttpRequestMethodValues::kOther);
}

}  // namespace

otel::nostd::shared_ptr<otel::trace::Tracer> DefaultTracer() {
  return otel::trace::Provider::GetTracerProvider()->GetTracer("azmon.http");
}

std::shared_ptr<const Durations> DefaultDurations() {
  // One pair a provider: a second instrument of the same name would be a second series of the same metric.
  struct Last {
    std::mutex mutex;
    otel::nostd::shared_ptr<otel::metrics::MeterProvider> provider;
    std::shared_ptr<const Durations> durations;
  };
  static auto* const last = new Last;
  const auto provider = otel::metrics::Provider::GetMeterProvider();
  const std::lock_guard lock(last->mutex);
  if (!last->durations || last->provider.get() != provider.get()) {
    const auto meter = provider->GetMeter("azmon.http");
    auto made = std::make_shared<Durations>();
    made->server = meter->CreateDoubleHistogram("http.server.request.duration", "Duration of HTTP server requests.", "s");
    made->client = meter->CreateDoubleHistogram("http.client.request.duration", "Duration of HTTP client requests.", "s");
    last->provider = provider;
    last->durations = std::move(made);
  }
  return last->durations;
}

ServerSpan::ServerSpan(const ServerRequest& request, const propagation::TextMapCarrier& headers,
                       const otel::nostd::shared_ptr<otel::trace::Tracer>& tracer, std::shared_ptr<const Durations> durations)
    : durations_(durations ? std::move(durations) : DefaultDurations()),
      method_(request.method),
      scheme_(request.scheme),
      protocol_version_(request.protocol_version),
      route_(request.route) {
  // What is current here belongs to whoever runs the server, not to the request.
  otel::context::Context root;
  const CheckedCarrier checked(headers);
  otel::context::Context incoming = propagation::GlobalTextMapPropagator::GetGlobalPropagator()->Extract(checked, root);

  Attributes attributes;
  AddMethod(request.method, attributes);
  attributes.Add(semconv::url::kUrlScheme, request.scheme);
  attributes.Add(semconv::url::kUrlPath, request.path.substr(0, kUrlBytesMax));
  const std::string query = RedactQuery(request.query).substr(0, kUrlBytesMax);
  attributes.Add(semconv::url::kUrlQuery, query);
  attributes.Add(semconv::http::kHttpRoute, request.route);
  if (!request.host.empty()) {
    const auto [name, port] = SplitHost(request.host, request.scheme);
    attributes.Add(semconv::server::kServerAddress, name);
    attributes.Add(semconv::server::kServerPort, static_cast<std::int64_t>(port));
  }
  const std::string_view forwarded = ForwardedFor(headers);
  attributes.Add(semconv::client::kClientAddress, forwarded.empty() ? request.peer_address : forwarded);
  attributes.Add(semconv::network::kNetworkPeerAddress, request.peer_address);
  if (request.peer_port != 0) attributes.Add(semconv::network::kNetworkPeerPort, static_cast<std::int64_t>(request.peer_port));
  attributes.Add(semconv::network::kNetworkProtocolVersion, request.protocol_version);
  attributes.Add(semconv::user_agent::kUserAgentOriginal, request.user_agent.substr(0, kUrlBytesMax));

  otel::trace::StartSpanOptions options;
  options.kind = otel::trace::SpanKind::kServer;
  // Root context, or the remote parent: never the thread's current span.
  if (otel::trace::GetSpan(incoming)->GetContext().IsValid()) {
    options.parent = incoming;
  } else {
    options.parent = otel::context::Context(otel::trace::kIsRootSpanKey, true);
  }
  const otel::trace::NullSpanContext no_links;
  span_ = (tracer ? tracer : DefaultTracer())->StartSpan(View(SpanName(request.method, request.route)), attributes, no_links, options);
  token_ = otel::context::RuntimeContext::Attach(otel::trace::SetSpan(incoming, span_));
}

ServerSpan::~ServerSpan() { End(); }

void ServerSpan::SetRoute(std::string_view route) {
  route_ = route;
  span_->SetAttribute(semconv::http::kHttpRoute, View(route));
  span_->UpdateName(View(SpanName(method_, route)));
}

void ServerSpan::SetResponseStatus(int status) {
  status_ = status;
  span_->SetAttribute(semconv::http::kHttpResponseStatusCode, status);
  if (status < 500) return;
  span_->SetStatus(otel::trace::StatusCode::kError);
  if (!error_type_.empty()) return;
  error_type_ = std::to_string(status);
  span_->SetAttribute(semconv::error::kErrorType, View(error_type_));
}

void ServerSpan::SetError(std::string_view type, std::string_view description) {
  error_type_ = type;
  SetErrorOn(*span_, type, description);
}

void ServerSpan::RecordException(std::string_view type, std::string_view message) {
  SetError(type, message);
  span_->AddEvent("exception", {{"exception.type", View(type)}, {"exception.message", View(message)}});
}

void ServerSpan::End() {
  if (std::exchange(is_ended_, true)) return;
  span_->End();
  token_.reset();
  Attributes attributes;
  attributes.Add(semconv::http::kHttpRequestMethod, KnownMethod(method_));
  attributes.Add(semconv::url::kUrlScheme, scheme_);
  attributes.Add(semconv::http::kHttpRoute, route_);
  if (status_ != 0) attributes.Add(semconv::http::kHttpResponseStatusCode, static_cast<std::int64_t>(status_));
  attributes.Add(semconv::error::kErrorType, error_type_);
  attributes.Add(semconv::network::kNetworkProtocolVersion, protocol_version_);
  Measure(*durations_->server, begun_, attributes);
}

ClientSpan::ClientSpan(const ClientRequest& request, propagation::TextMapCarrier& headers,
                       const otel::nostd::shared_ptr<otel::trace::Tracer>& tracer, std::shared_ptr<const Durations> durations)
    : durations_(durations ? std::move(durations) : DefaultDurations()),
      method_(request.method),
      server_address_(request.server_address),
      server_port_(request.server_port) {
  Attributes attributes;
  AddMethod(request.method, attributes);
  const std::string url = RedactUrl(request.url).substr(0, kUrlBytesMax);
  attributes.Add(semconv::url::kUrlFull, url);
  attributes.Add(kUrlTemplate, request.url_template);
  attributes.Add(semconv::server::kServerAddress, request.server_address);
  if (request.server_port != 0) attributes.Add(semconv::server::kServerPort, static_cast<std::int64_t>(request.server_port));
  if (request.resend_count > 0) attributes.Add(semconv::http::kHttpRequestResendCount, static_cast<std::int64_t>(request.resend_count));

  otel::trace::StartSpanOptions options;
  options.kind = otel::trace::SpanKind::kClient;
  const otel::context::Context current = otel::context::RuntimeContext::GetCurrent();
  options.parent = current;
  const otel::trace::NullSpanContext no_links;
  span_ = (tracer ? tracer : DefaultTracer())->StartSpan(View(SpanName(request.method, request.url_template)), attributes, no_links, options);
  otel::context::Context outgoing = current;
  propagation::GlobalTextMapPropagator::GetGlobalPropagator()->Inject(headers, otel::trace::SetSpan(outgoing, span_));
}

ClientSpan::~ClientSpan() { End(); }

void ClientSpan::SetPeer(std::string_view address, std::uint16_t port) {
  span_->SetAttribute(semconv::network::kNetworkPeerAddress, View(address));
  span_->SetAttribute(semconv::network::kNetworkPeerPort, static_cast<std::int64_t>(port));
}

void ClientSpan::SetProtocolVersion(std::string_view version) {
  protocol_version_ = version;
  span_->SetAttribute(semconv::network::kNetworkProtocolVersion, View(version));
}

void ClientSpan::SetResponseStatus(int status) {
  status_ = status;
  span_->SetAttribute(semconv::http::kHttpResponseStatusCode, status);
  if (status < 400) return;
  span_->SetStatus(otel::trace::StatusCode::kError);
  if (!error_type_.empty()) return;
  error_type_ = std::to_string(status);
  span_->SetAttribute(semconv::error::kErrorType, View(error_type_));
}

void ClientSpan::SetError(std::string_view type, std::string_view description) {
  error_type_ = type;
  SetErrorOn(*span_, type, description);
}

void ClientSpan::End() {
  if (std::exchange(is_ended_, true)) return;
  span_->End();
  Attributes attributes;
  attributes.Add(semconv::http::kHttpRequestMethod, KnownMethod(method_));
  attributes.Add(semconv::server::kServerAddress, server_address_);
  if (server_port_ != 0) attributes.Add(semconv::server::kServerPort, static_cast<std::int64_t>(server_port_));
  if (status_ != 0) attributes.Add(semconv::http::kHttpResponseStatusCode, static_cast<std::int64_t>(status_));
  attributes.Add(semconv::error::kErrorType, error_type_);
  attributes.Add(semconv::network::kNetworkProtocolVersion, protocol_version_);
  Measure(*durations_->client, begun_, attributes);
}

std::string RedactQuery(std::string_view query) {
  static constexpr std::array<std::string_view, 4> kSecret{"sig", "signature", "awsaccesskeyid", "x-goog-signature"};
  std::string out;
  out.reserve(query.size());
  while (true) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    // The name may be written with escapes ("%73ig"), and the reader of the URL would decode it.
    const auto decoded = base::PercentDecode(pair.substr(0, equals));
    const std::string name = base::ToLower(decoded ? std::string_view(*decoded) : pair.substr(0, equals));
    if (equals != std::string_view::npos && std::find(kSecret.begin(), kSecret.end(), name) != kSecret.end()) {
      out.append(pair.substr(0, equals + 1)).append("REDACTED");
    } else {
      out.append(pair);
    }
    if (end == std::string_view::npos) return out;
    out += '&';
    query.remove_prefix(end + 1);
  }
}

std::string RedactUrl(std::string_view url) {
  std::string out;
  out.reserve(url.size());
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) {
    out.append(url.substr(0, scheme + 3));
    url.remove_prefix(scheme + 3);
    const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
      out.append(authority.substr(0, at).find(':') == std::string_view::npos ? "REDACTED@" : "REDACTED:REDACTED@");
      url.remove_prefix(at + 1);
    }
  }
  const std::size_t mark = url.find('?');
  out.append(url.substr(0, mark));
  if (mark == std::string_view::npos) return out;
  url.remove_prefix(mark + 1);
  const std::size_t fragment = url.find('#');
  out.append("?").append(RedactQuery(url.substr(0, fragment)));
  if (fragment != std::string_view::npos) out.append(url.substr(fragment));
  return out;
}

}  // namespace azmon::http
