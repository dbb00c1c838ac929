// SPDX-License-Identifier: MIT
// A server that plays both destinations, for tests of the library as a program sees it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>
#include <opentelemetry/trace/provider.h>

#include "azmon/azmon.h"
#include "net/server.h"

namespace azmon {

/// Longer than anything here takes on a loaded machine; only a hang reaches it.
inline constexpr auto kWatchdog = std::chrono::seconds(20);

/// Application Insights ingestion and an OTLP/HTTP endpoint on one port.
class Destinations {
 public:
  Destinations() {
    net::Router router;
    router.Add("POST", "/v2.1/track", Answer([this](net::RequestContext& context) { OnTrack(context.request.body); }), {.inflate = true});
    router.Add("POST", "/v1/traces", Answer([this](net::RequestContext& context) { OnTraces(context.request.body); }), {.inflate = true});
    router.Add("POST", "/v1/metrics", Answer([this](net::RequestContext& context) { OnMetrics(context.request.body); }), {.inflate = true});
    router.Add("POST", "/v1/logs", Answer([this](net::RequestContext& context) { OnLogs(context.request.body); }), {.inflate = true});
    auto server = net::Server::Listen(runtime_, {}, std::move(router));
    EXPECT_TRUE(server.ok());
    server_ = std::move(*server);
  }

  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  std::string ConnectionString() const {
    return "InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=" + Url() + "/";
  }

  /// Items by Application Insights, in order of arrival.
  std::vector<nlohmann::json> Items() {
    const std::lock_guard lock(mutex_);
    return items_;
  }
  std::vector<std::string> BaseTypes() {
    std::vector<std::string> types;
    for (const nlohmann::json& item : Items()) types.push_back(item["data"]["baseType"]);
    return types;
  }
  std::vector<std::string> OtlpSpanNames() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& request : traces_) {
      for (const auto& resource : request.resource_spans()) {
        for (const auto& scope : resource.scope_spans()) {
          for (const auto& span : scope.spans()) names.push_back(span.name());
        }
      }
    }
    return names;
  }

  /// The spans' requests as bytes.
  std::vector<std::string> OtlpMessages() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> messages;
    for (const auto& request : traces_) messages.push_back(request.SerializeAsString());
    return messages;
  }
  /// Every byte that came by OTLP, and by Application Insights' way.
  std::string AllOtlp() {
    const std::lock_guard lock(mutex_);
    return all_otlp_;
  }
  std::string AllAzure() {
    const std::lock_guard lock(mutex_);
    return all_azure_;
  }
  std::vector<opentelemetry::proto::trace::v1::Span> OtlpSpans() {
    const std::lock_guard lock(mutex_);
    std::vector<opentelemetry::proto::trace::v1::Span> found;
    for (const auto& request : traces_) {
      for (const auto& resource : request.resource_spans()) {
        for (const auto& scope : resource.scope_spans()) found.insert(found.end(), scope.spans().begin(), scope.spans().end());
      }
    }
    return found;
  }
  std::vector<opentelemetry::proto::metrics::v1::Metric> OtlpMetrics() {
    const std::lock_guard lock(mutex_);
    std::vector<opentelemetry::proto::metrics::v1::Metric> found;
    for (const auto& request : metrics_) {
      for (const auto& resource : request.resource_metrics()) {
        for (const auto& scope : resource.scope_metrics()) found.insert(found.end(), scope.metrics().begin(), scope.metrics().end());
      }
    }
    return found;
  }

  /// The resources of everything that came by OTLP, a request's after the other's: their text attributes.
  struct OtlpResources {
    std::vector<std::map<std::string, std::string>> traces, metrics, logs;
  };
  OtlpResources Resources() {
    const std::lock_guard lock(mutex_);
    OtlpResources found;
    const auto add = [](const opentelemetry::proto::resource::v1::Resource& resource, auto& to) {
      auto& attributes = to.emplace_back();
      for (const auto& attribute : resource.attributes()) attributes[attribute.key()] = attribute.value().string_value();
    };
    for (const auto& request : traces_) {
      for (const auto& part : request.resource_spans()) add(part.resource(), found.traces);
    }
    for (const auto& request : metrics_) {
      for (const auto& part : request.resource_metrics()) add(part.resource(), found.metrics);
    }
    for (const auto& request : logs_) {
      for (const auto& part : request.resource_logs()) add(part.resource(), found.logs);
    }
    return found;
  }

  /// Requests wait until it is false again.
  void Hang(bool hangs) { hangs_ = hangs; }

 private:
  template <typename Record>
  net::Handler Answer(Record record) {
    return [this, record](net::RequestContext& context) -> boost::asio::awaitable<net::Response> {
      record(context);
      while (hangs_) co_await Pause();
      net::Response response;
      response.headers.Set("Content-Type", "application/json");
      response.body = "{}";
      co_return response;
    };
  }
  static boost::asio::awaitable<void> Pause() {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(10));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }

  void OnTrack(const std::string& body) {
    const std::lock_guard lock(mutex_);
    all_azure_.append(body);
    std::size_t begin = 0;
    while (begin < body.size()) {
      const std::size_t end = std::min(body.find('\n', begin), body.size());
      if (end > begin) items_.push_back(nlohmann::json::parse(body.substr(begin, end - begin)));
      begin = end + 1;
    }
  }
  void OnTraces(const std::string& body) {
    const std::lock_guard lock(mutex_);
    all_otlp_.append(body);
    opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest request;
    EXPECT_TRUE(request.ParseFromString(body));
    traces_.push_back(std::move(request));
  }

  void OnMetrics(const std::string& body) {
    const std::lock_guard lock(mutex_);
    all_otlp_.append(body);
    EXPECT_TRUE(metrics_.emplace_back().ParseFromString(body));
  }

  void OnLogs(const std::string& body) {
    const std::lock_guard lock(mutex_);
    all_otlp_.append(body);
    EXPECT_TRUE(logs_.emplace_back().ParseFromString(body));
  }

  std::mutex mutex_;
  std::string all_otlp_;
  std::string all_azure_;
  std::vector<nlohmann::json> items_;
  std::vector<opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest> metrics_;
  std::vector<opentelemetry::proto::collector::logs::v1::ExportLogsServiceRequest> logs_;
  std::vector<opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest> traces_;
  std::atomic<bool> hangs_{false};
  net::Runtime runtime_{{.threads = 1}};
  std::unique_ptr<net::Server> server_;
};

inline Options Quiet(Options options) {
  options.on_log = [](Severity, std::string_view) {};
  options.storage_directory = testing::TempDir() + "azmon-library-tests";
  return options;
}

inline Options For(const Destinations& destinations) {
  Options options;
  options.connection_string = destinations.ConnectionString();
  options.otlp.endpoint = destinations.Url();
  options.otlp.protocol = OtlpProtocol::kHttpProtobuf;
  options.resource["service.name"] = "shop";
  options.sampling_ratio = 1;
  return Quiet(std::move(options));
}

inline void MakeSpan(const char* name) { opentelemetry::trace::Provider::GetTracerProvider()->GetTracer("test")->StartSpan(name)->End(); }

}  // namespace azmon
