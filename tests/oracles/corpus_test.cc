// SPDX-License-Identifier: MIT
// The corpus through our encoder and back through the official protobuf classes: nothing missing, nothing added, nothing changed.
#include <gtest/gtest.h>
#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/message_differencer.h>
#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <vector>

#include "base/text.h"
#include "deliver/deliver_test_support.h"
#include "deliver/otlp_destination.h"
#include "tests/oracles/expected_messages.h"
#include "transport/fake_transport.h"

namespace azmon::oracles {
namespace {

using google::protobuf::Message;
namespace collector = opentelemetry::proto::collector;

const std::filesystem::path kCases = std::filesystem::path(AZMON_SOURCE_DIR) / "tests/conformance/cases";

/// What a program writes to standard output; the test fails where it does not end well.
std::string OutputOf(const std::string& command) {
  std::string output;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), [](FILE* file) {
    const int status = pclose(file);
    EXPECT_EQ(status, 0);
    return status;
  });
  char piece[65536];
  while (const std::size_t bytes = std::fread(piece, 1, sizeof piece, pipe.get())) output.append(piece, bytes);
  return output;
}

struct Record {
  std::string signal;
  std::string message;
};

/// Case → its records, in order.
std::map<std::string, std::vector<Record>> Records() {
  std::map<std::string, std::vector<Record>> records;
  const std::string output = OutputOf(std::string(AZMON_CONFORMANCE) + " --records '" + kCases.string() + "'");
  for (const std::string_view line : base::Split(output, '\n')) {
    if (line.empty()) continue;
    const Json json = Json::parse(line);
    records[json["name"]].push_back({json["signal"], base::ParseBase64(json["message"].get<std::string>()).value()});
  }
  return records;
}

/// Case → its input.
std::map<std::string, Json> Inputs() {
  std::map<std::string, Json> inputs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kCases)) {
    if (entry.path().extension() != ".json") continue;
    inputs[entry.path().parent_path().filename().string() + "/" + entry.path().stem().string()] =
        Json::parse(std::ifstream(entry.path()))["input"];
  }
  return inputs;
}

/// Members that both lack are equal; so are NaN and NaN. Unknown fields are a difference.
testing::AssertionResult Equal(const Message& expected, const Message& decoded) {
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  google::protobuf::util::MessageDifferencer differencer;
  differencer.set_field_comparator(&comparator);
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(expected, decoded)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << differences.substr(0, 2000);
}

using Expectations = std::vector<std::pair<std::string, std::unique_ptr<Message>>>;

template <typename Type>
void Add(const char* signal, Type message, Expectations& expectations) {
  expectations.emplace_back(signal, std::make_unique<Type>(std::move(message)));
}

Expectations ExpectationsOf(const Json& input) {
  Expectations expected;
  if (input.contains("resource")) Add("resource", ExpectedResource(input["resource"]), expected);
  if (input.contains("scope")) Add("scope", ExpectedScope(input["scope"]), expected);
  for (const Json& span : input.value("spans", Json::array())) Add("span", ExpectedSpan(span), expected);
  for (const Json& log : input.value("logRecords", Json::array())) Add("log", ExpectedLog(log), expected);
  for (const Json& metric : input.value("metrics", Json::array())) Add("metric", ExpectedMetric(metric), expected);
  return expected;
}

TEST(Corpus, EveryRecordIsFieldByFieldWhatItsCaseSays) {
  const auto records = Records();
  const auto inputs = Inputs();
  ASSERT_GT(inputs.size(), 500U);
  std::size_t compared = 0;
  for (const auto& [name, input] : inputs) {
    SCOPED_TRACE(name);
    const Expectations expected = ExpectationsOf(input);
    const auto found = records.find(name);
    ASSERT_EQ(found == records.end() ? 0 : found->second.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Record& record = found->second[i];
      EXPECT_EQ(record.signal, expected[i].first);
      const std::unique_ptr<Message> decoded(expected[i].second->New());
      if (!decoded->ParseFromString(record.message)) {
        ADD_FAILURE() << "record " << i << " is no message of its kind";
        continue;
      }
      EXPECT_TRUE(Equal(*expected[i].second, *decoded)) << "record " << i << ", a " << record.signal;
      ++compared;
    }
  }
  std::printf("%zu records of %zu cases\n", compared, inputs.size());
  EXPECT_GT(compared, 1000U);
}

/// The OTLP destination with a journal of its own; nothing leaves the process.
class Sender {
 public:
  Sender() {
    static constexpr const char* kUrls[] = {"span", "log", "metric"};
    for (std::size_t i = 0; i < settings_.endpoints.size(); ++i) {
      settings_.endpoints[i] = deliver::OtlpEndpoint{.url = kUrls[i], .protocol = OtlpProtocol::kGrpc, .headers = {}, .tls = {}};
    }
    destination_ = std::make_unique<deliver::OtlpDestination>(
        deliver::Workshop{journal_, transport_, clock_, log_, std::chrono::milliseconds(1), base::Random(1)}, settings_);
  }

  void Append(const std::vector<Record>& records) {
    std::uint32_t resource = 0;
    std::uint32_t scope = 0;
    for (const Record& record : records) {
      if (record.signal == "resource") resource = journal_.AddResource(record.message, "https://schema/resource");
      if (record.signal == "scope") scope = journal_.AddScope(resource, record.message, "https://schema/scope");
      const auto signal = record.signal == "span"  ? otlp::Signal::kSpan
                          : record.signal == "log" ? otlp::Signal::kLog
                                                   : otlp::Signal::kMetric;
      if (record.signal == "resource" || record.signal == "scope") continue;
      const std::uint8_t flags = otlp::kSampled | otlp::kForOtlp;
      ASSERT_TRUE(journal_.Append({.signal = signal, .flags = flags, .owner = scope, .annotations = {}, .message = record.message}).ok());
    }
  }

  /// The bodies of all requests until nothing is left, by signal, without gRPC's prefix.
  std::map<std::string, std::vector<std::string>> Bodies() {
    std::map<std::string, std::vector<std::string>> bodies;
    for (int idle = 0; idle < 3; ++idle) {
      clock_.Advance(std::chrono::seconds(1));
      for (int step = 0; step < 100 && destination_->Step(clock_.Now()) <= clock_.Now(); ++step) {
      }
      while (transport_.InFlight() > 0) {
        idle = 0;
        const transport::HttpRequest& request = transport_.Request();
        bodies[request.url].push_back(request.body->substr(5));
        transport_.Answer({.status = 200, .headers = {{"grpc-status", "0"}}, .body = {}});
      }
    }
    EXPECT_EQ(journal_.LedgerOf(journal::Destination::kOtlp).in_journal, 0U);
    EXPECT_EQ(journal_.LedgerOf(journal::Destination::kOtlp).DroppedTotal(), 0U);
    return bodies;
  }

 private:
  deliver::FakeClock clock_;
  transport::FakeTransport transport_;
  deliver::LogLimiter log_{[](Severity, std::string_view) {}};
  journal::Journal journal_;
  deliver::OtlpSettings settings_;
  std::unique_ptr<deliver::OtlpDestination> destination_;
};

/// Reads the bodies of one signal as one request; a case may need several, each with the whole resource and scope.
template <typename Request>
Request OneRequest(const std::vector<std::string>& bodies) {
  Request all;
  for (const std::string& body : bodies) {
    Request part;
    EXPECT_TRUE(part.ParseFromString(body));
    all.MergeFrom(part);
  }
  return all;
}

struct Expected {
  collector::trace::v1::ExportTraceServiceRequest traces;
  collector::logs::v1::ExportLogsServiceRequest logs;
  collector::metrics::v1::ExportMetricsServiceRequest metrics;
};

template <typename ResourceSignals, typename ScopeSignals>
void SetOwners(const Json& input, ResourceSignals& resource, ScopeSignals& scope) {
  *resource.mutable_resource() = ExpectedResource(input["resource"]);
  resource.set_schema_url("https://schema/resource");
  *scope.mutable_scope() = ExpectedScope(input["scope"]);
  scope.set_schema_url("https://schema/scope");
}

Expected ExpectedRequests(const Json& input) {
  Expected expected;
  if (input.contains("spans") && !input["spans"].empty()) {
    auto& resource = *expected.traces.add_resource_spans();
    auto& scope = *resource.add_scope_spans();
    SetOwners(input, resource, scope);
    for (const Json& span : input["spans"]) *scope.add_spans() = ExpectedSpan(span);
  }
  if (input.contains("logRecords") && !input["logRecords"].empty()) {
    auto& resource = *expected.logs.add_resource_logs();
    auto& scope = *resource.add_scope_logs();
    SetOwners(input, resource, scope);
    for (const Json& log : input["logRecords"]) *scope.add_log_records() = ExpectedLog(log);
  }
  if (input.contains("metrics") && !input["metrics"].empty()) {
    auto& resource = *expected.metrics.add_resource_metrics();
    auto& scope = *resource.add_scope_metrics();
    SetOwners(input, resource, scope);
    for (const Json& metric : input["metrics"]) *scope.add_metrics() = ExpectedMetric(metric);
  }
  return expected;
}

TEST(Corpus, ExportRequestsAreFieldByFieldWhatTheirCasesSay) {
  const auto records = Records();
  std::size_t requests = 0;
  for (const auto& [name, input] : Inputs()) {
    SCOPED_TRACE(name);
    const auto found = records.find(name);
    if (found == records.end() || !input.contains("resource") || !input.contains("scope")) continue;
    Sender sender;
    sender.Append(found->second);
    auto bodies = sender.Bodies();
    const Expected expected = ExpectedRequests(input);
    EXPECT_TRUE(Equal(expected.traces, OneRequest<collector::trace::v1::ExportTraceServiceRequest>(bodies["span"])));
    EXPECT_TRUE(Equal(expected.logs, OneRequest<collector::logs::v1::ExportLogsServiceRequest>(bodies["log"])));
    EXPECT_TRUE(Equal(expected.metrics, OneRequest<collector::metrics::v1::ExportMetricsServiceRequest>(bodies["metric"])));
    requests += bodies["span"].size() + bodies["log"].size() + bodies["metric"].size();
  }
  std::printf("%zu requests\n", requests);
  EXPECT_GT(requests, 500U);
}

}  // namespace
}  // namespace azmon::oracles
