// SPDX-License-Identifier: MIT
// otlp_json traces|logs|metrics: an OTLP export request from standard input as JSON on standard output, by the official protobuf classes.
#include <google/protobuf/util/json_util.h>
#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <iostream>
#include <iterator>
#include <memory>
#include <string>

namespace collector = opentelemetry::proto::collector;

int main(int argc, char** argv) {
  const std::string signal = argc == 2 ? argv[1] : "";
  std::unique_ptr<google::protobuf::Message> request;
  if (signal == "traces") request = std::make_unique<collector::trace::v1::ExportTraceServiceRequest>();
  if (signal == "logs") request = std::make_unique<collector::logs::v1::ExportLogsServiceRequest>();
  if (signal == "metrics") request = std::make_unique<collector::metrics::v1::ExportMetricsServiceRequest>();
  if (!request) {
    std::cerr << "usage: otlp_json traces|logs|metrics\n";
    return 2;
  }
  const std::string bytes{std::istreambuf_iterator<char>(std::cin), {}};
  if (!request->ParseFromString(bytes)) {
    std::cerr << "no export request of " << signal << '\n';
    return 1;
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_enums_as_ints = true;
  if (!google::protobuf::util::MessageToJsonString(*request, &json, options).ok()) return 1;
  std::cout << json << '\n';
  return 0;
}
