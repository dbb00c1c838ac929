// SPDX-License-Identifier: MIT
// The durations of HTTP servers and clients, as the SDK's metrics see them.
#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <opentelemetry/metrics/provider.h>
#include <opentelemetry/sdk/metrics/meter_provider.h>
#include <opentelemetry/sdk/metrics/metric_reader.h>

#include "azmon/http.h"

namespace azmon::http {
namespace {

namespace otel = opentelemetry;
namespace metrics = opentelemetry::sdk::metrics;

class Reader final : public metrics::MetricReader {
 public:
  metrics::AggregationTemporality GetAggregationTemporality(metrics::InstrumentType) const noexcept override {
    return metrics::AggregationTemporality::kDelta;
  }
  bool OnForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool OnShutDown(std::chrono::microseconds) noexcept override { return true; }
};

class NoHeaders final : public otel::context::propagation::TextMapCarrier {
 public:
  otel::nostd::string_view Get(otel::nostd::string_view) const noexcept override { return {}; }
  void Set(otel::nostd::string_view, otel::nostd::string_view) noexcept override {}
};

class Durations : public ::testing::Test {
 protected:
  Durations() {
    auto provider = std::make_shared<metrics::MeterProvider>();
    provider->AddMetricReader(reader_);
    otel::metrics::Provider::SetMeterProvider(otel::nostd::shared_ptr<otel::metrics::MeterProvider>(std::shared_ptr<otel::metrics::MeterProvider>(provider)));
  }
  ~Durations() override { otel::metrics::Provider::SetMeterProvider(otel::nostd::shared_ptr<otel::metrics::MeterProvider>(new otel::metrics::NoopMeterProvider)); }

  /// Each series of a metric as "key=value,…" in the order of keys, with its number of measurements.
  std::map<std::string, std::uint64_t> Collect(const std::string& name) {
    std::map<std::string, std::uint64_t> series;
    unit_.clear();
    reader_->Collect([&](metrics::ResourceMetrics& resource) {
      for (const auto& scope : resource.scope_metric_data_) {
        for (const auto& metric : scope.metric_data_) {
          if (metric.instrument_descriptor.name_ != name) continue;
          unit_ = metric.instrument_descriptor.unit_;
          for (const auto& point : metric.point_data_attr_) series[Text(point.attributes)] += otel::nostd::get<metrics::HistogramPointData>(point.point_data).count_;
        }
      }
      return true;
    });
    return series;
  }
  static std::string Text(const metrics::PointAttributes& attributes) {
    std::string text;
    for (const auto& [key, value] : attributes) {
      text += (text.empty() ? "" : ",") + key + "=";
      if (const auto* const string = otel::nostd::get_if<std::string>(&value)) text += *string;
      if (const auto* const number = otel::nostd::get_if<std::int64_t>(&value)) text += std::to_string(*number);
    }
    return text;
  }

  const std::shared_ptr<Reader> reader_ = std::make_shared<Reader>();
  std::string unit_;
};

ServerRequest Request(std::string_view method, std::string_view route) {
  ServerRequest request;
  request.method = method;
  request.path = "/orders/42";
  request.query = "sig=secret";
  request.route = route;
  request.host = "shop:81";
  request.user_agent = "somebody";
  request.protocol_version = "1.1";
  return request;
}

TEST_F(Durations, AServerMeasuresEachRequestByItsRouteAndOutcome) {
  for (const int status : {200, 200, 503}) {
    ServerSpan span(Request("POST", "/orders/{id}"), NoHeaders());
    span.SetResponseStatus(status);
  }
  {
    ServerSpan span(Request("BREW", ""), NoHeaders());
    span.SetError("client_closed");
  }
  EXPECT_EQ(Collect("http.server.request.duration"),
            (std::map<std::string, std::uint64_t>{
                {"http.request.method=POST,http.response.status_code=200,http.route=/orders/{id},network.protocol.version=1.1,url.scheme=http", 2},
                {"error.type=503,http.request.method=POST,http.response.status_code=503,http.route=/orders/{id},network.protocol.version=1.1,url.scheme=http", 1},
                {"error.type=client_closed,http.request.method=_OTHER,network.protocol.version=1.1,url.scheme=http", 1}}))
      << "no path, no query, no client: a stranger makes no new series";
  EXPECT_EQ(unit_, "s");
}

TEST_F(Durations, AClientMeasuresEachTry) {
  NoHeaders headers;
  ClientRequest request;
  request.method = "PUT";
  request.url = "https://shop:443/orders/42?sig=secret";
  request.server_address = "shop";
  request.server_port = 443;
  {
    ClientSpan span(request, headers);
    span.SetError("timeout");
  }
  {
    ClientSpan span(request, headers);
    span.SetProtocolVersion("1.1");
    span.SetResponseStatus(201);
  }
  EXPECT_EQ(Collect("http.client.request.duration"),
            (std::map<std::string, std::uint64_t>{
                {"error.type=timeout,http.request.method=PUT,server.address=shop,server.port=443", 1},
                {"http.request.method=PUT,http.response.status_code=201,network.protocol.version=1.1,server.address=shop,server.port=443", 1}}));
}

TEST_F(Durations, InstrumentsAreLookedUpOncePerProvider) {
  EXPECT_EQ(DefaultDurations(), DefaultDurations());
  const auto before = DefaultDurations();
  otel::metrics::Provider::SetMeterProvider(otel::nostd::shared_ptr<otel::metrics::MeterProvider>(new otel::metrics::NoopMeterProvider));
  EXPECT_NE(DefaultDurations(), before);
}

}  // namespace
}  // namespace azmon::http
