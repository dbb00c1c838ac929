// SPDX-License-Identifier: MIT
// azmon-conformance: what the library would send for the cases of the corpus, tests/conformance/README.md.
//
//   azmon-conformance [--family NAME] CASES_DIR    one line {"name", "envelopes"} a case, of all families or of one
//   azmon-conformance --records CASES_DIR          the cases' OTLP messages, one line {"name", "signal", "message": base64} each
//   azmon-conformance --mapping                    docs/reference/mapping.md, from the tables of the mapping
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/utf8.h"
#include "envelope/envelope.h"
#include "envelope/measure.h"
#include "meter/standard_metrics.h"
#include "otlp/annotations.h"
#include "otlp/record.h"
#include "sampling/fixed_percentage.h"
#include "tools/conformance/mapping_page.h"
#include "tools/conformance/neutral.h"

namespace azmon::conformance {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("localhost");
}

envelope::Settings SettingsOf(const Json& config) {
  envelope::Settings settings;
  settings.instrumentation_key = "00000000-0000-0000-0000-000000000001";
  settings.application_id = config.value("applicationId", "");
  settings.resource_metric = config.value("resourceMetric", true);
  settings.metric_namespace = config.value("metricNamespace", false);
  settings.sdk_version = "ulm_cpp20:otel1.19.0:dst0.1.0";
  settings.host_name = HostName();
  return settings;
}

/// A record goes through its stored form and back, as in the journal.
class Exporter {
 public:
  Exporter(const Json& input, base::WallTime now)
      : settings_(SettingsOf(input.value("config", Json::object()))),
        resource_(envelope::ResourceContext::Make(ResourceMessage(input["resource"]), settings_)),
        scope_message_(ScopeMessage(input["scope"])),
        scope_(envelope::ScopeContext::Parse(scope_message_)),
        now_(now) {}

  void ResourceMetric() { envelope::AppendResourceMetric(resource_, settings_, now_, lines_); }

  void Add(otlp::Signal signal, std::string_view message, const otlp::Annotations& annotations = {}) {
    std::string annotation_bytes;
    otlp::AppendAnnotations(annotations, annotation_bytes);
    std::string bytes;
    otlp::AppendRecord({.signal = signal, .annotations = annotation_bytes, .message = message}, bytes);
    const auto record = otlp::ReadRecord(bytes);
    if (!record.ok()) throw std::runtime_error(record.error().ToString());
    envelope::AppendItems(*record, resource_, scope_, settings_, now_, lines_);
  }

  const envelope::Settings& settings() const { return settings_; }
  const envelope::ResourceContext& resource() const { return resource_; }
  base::WallTime now() const { return now_; }

  /// The items as a JSON array.
  std::string Items() const {
    std::string items = "[";
    std::string_view rest = lines_;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (items.size() > 1) items.push_back(',');
      items.append(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    return items.append("]");
  }

 private:
  envelope::Settings settings_;
  envelope::ResourceContext resource_;
  std::string scope_message_;
  envelope::ScopeContext scope_;
  base::WallTime now_;
  std::string lines_;
};

struct Message {
  otlp::Signal signal;
  std::string bytes;
};

std::vector<Message> MessagesOf(const Json& input) {
  std::vector<Message> messages;
  for (const Json& span : input.value("spans", Json::array())) messages.push_back({otlp::Signal::kSpan, SpanMessage(span)});
  for (const Json& log : input.value("logRecords", Json::array())) messages.push_back({otlp::Signal::kLog, LogMessage(log)});
  for (const Json& metric : input.value("metrics", Json::array())) messages.push_back({otlp::Signal::kMetric, MetricMessage(metric)});
  return messages;
}

std::string RunStandardMetrics(const Json& input, base::WallTime now) {
  Exporter exporter(input, now);
  meter::StandardMetrics metrics(exporter.resource().Role(), exporter.resource().RoleInstance());
  const std::vector<Message> messages = MessagesOf(input);
  for (const Message& message : messages) {
    envelope::TextArena arena;
    metrics.Add(envelope::MeasureRecord({.signal = message.signal, .message = message.bytes}, exporter.settings(), arena));
  }
  for (const std::string& metric : metrics.Take(now, now)) exporter.Add(otlp::Signal::kMetric, metric);
  if (input.value("config", Json::object()).value("alsoItems", false)) {
    for (const Message& message : messages) exporter.Add(message.signal, message.bytes, {.processed_by_metric_extractors = true});
  }
  return exporter.Items();
}

std::string RunSampling(const Json& input) {
  const sampling::FixedPercentage sampler(input["samplingRatio"].get<double>());
  std::string out;
  base::JsonWriter json(out);
  json.OpenArray();
  for (const Json& trace_id : input["traceIds"]) {
    const std::string digits = trace_id.get<std::string>();
    const sampling::Decision decision = sampler.Decide(base::ParseHex(digits).value());
    json.OpenObject().Member("traceId", digits).Member("sampled", decision.is_sampled);
    if (decision.sample_rate) json.Member("sampleRate", *decision.sample_rate);
    json.CloseObject();
  }
  json.CloseArray();
  return out;
}

std::string Run(const Json& input, base::WallTime now) {
  const std::string signal = input["signal"].get<std::string>();
  if (signal == "sampling") return RunSampling(input);
  if (signal == "standard-metrics") return RunStandardMetrics(input, now);
  Exporter exporter(input, now);
  const std::vector<Message> messages = MessagesOf(input);
  if (signal == "trace" && !messages.empty()) exporter.ResourceMetric();
  for (const Message& message : messages) exporter.Add(message.signal, message.bytes);
  return exporter.Items();
}

/// The lines of one case.
using RunCase = std::string (*)(const std::string& name, const Json& input);

std::string EnvelopesLine(const std::string& name, const Json& input) {
  return "{\"name\":" + Json(name).dump() + ",\"envelopes\":" + Run(input, base::SystemClock().WallNow()) + "}\n";
}

/// Texts that are no valid UTF-8, as capture stores them: a receiver that finds such a text in a message refuses the whole request.
void RepairTexts(Json& value) {
  if (value.is_object() && value.contains("stringBytesHex")) {
    std::string repaired;
    base::AppendValidUtf8(base::ParseHex(value["stringBytesHex"].get<std::string>()).value(), repaired);
    value["stringBytesHex"] = base::Hex(repaired);
  } else if (value.is_structured()) {
    for (Json& member : value) RepairTexts(member);
  }
}

std::string RecordLines(const std::string& name, const Json& raw_input) {
  Json input = raw_input;
  RepairTexts(input);
  std::string lines;
  const auto add = [&](std::string_view signal, std::string_view message) {
    base::JsonWriter(lines).OpenObject().Member("name", name).Member("signal", signal).Member("message", base::Base64(message)).CloseObject();
    lines.push_back('\n');
  };
  if (input.contains("resource")) add("resource", ResourceMessage(input["resource"]));
  if (input.contains("scope")) add("scope", ScopeMessage(input["scope"]));
  for (const Message& message : MessagesOf(input)) {
    add(message.signal == otlp::Signal::kSpan ? "span" : (message.signal == otlp::Signal::kLog ? "log" : "metric"), message.bytes);
  }
  return lines;
}

/// @param family  "" for all
int RunCases(const std::filesystem::path& folder, std::string_view family, RunCase run) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const bool is_wanted = family.empty() || entry.path().parent_path().filename() == family;
    if (is_wanted && entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  int status = 0;
  for (const std::filesystem::path& file : files) {
    const std::string name = file.parent_path().filename().string() + "/" + file.stem().string();
    try {
      const Json document = Json::parse(std::ifstream(file));
      std::cout << run(name, document.at("input"));
    } catch (const std::exception& error) {
      // The others are still worth running.
      std::cerr << name << ": " << error.what() << '\n';
      status = 1;
    }
  }
  return status;
}

}  // namespace
}  // namespace azmon::conformance

int main(int argc, char** argv) {
  using namespace azmon::conformance;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--mapping") {
    std::cout << MappingPage();
    return 0;
  }
  const bool has_family = arguments.size() == 3 && arguments[0] == "--family";
  const bool has_records = arguments.size() == 2 && arguments[0] == "--records";
  if (!has_family && !has_records && (arguments.size() != 1 || arguments[0].starts_with('-'))) {
    std::cerr << "usage: azmon-conformance [--family NAME | --records] CASES_DIR\n       azmon-conformance --mapping\n";
    return 2;
  }
  try {
    return RunCases(arguments.back(), has_family ? arguments[1] : std::string_view{}, has_records ? RecordLines : EnvelopesLine);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
