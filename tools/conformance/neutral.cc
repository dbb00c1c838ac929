// SPDX-License-Identifier: MIT
#include "tools/conformance/neutral.h"

#include <limits>
#include <map>
#include <stdexcept>

#include "base/text.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::conformance {
namespace {

std::string Bytes(const Json& hex) {
  const auto bytes = base::ParseHex(hex.get<std::string>());
  if (!bytes) throw std::runtime_error("not hexadecimal: " + hex.dump());
  return *bytes;
}

std::uint64_t Unsigned(const Json& value) {
  return value.is_string() ? std::stoull(value.get<std::string>()) : value.get<std::uint64_t>();
}

std::int64_t Signed(const Json& value) { return value.is_string() ? std::stoll(value.get<std::string>()) : value.get<std::int64_t>(); }

double Double(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  throw std::runtime_error("not a number: " + text);
}

void AppendFixed64(std::uint32_t field, const Json& object, const char* member, std::string& out) {
  if (object.contains(member)) otlp::AppendFixed64Field(field, Unsigned(object[member]), out);
}

void AppendBytes(std::uint32_t field, const Json& object, const char* member, std::string& out) {
  if (object.contains(member)) otlp::AppendBytesField(field, Bytes(object[member]), out);
}

void AppendText(std::uint32_t field, const Json& object, const char* member, std::string& out) {
  if (object.contains(member)) otlp::AppendBytesField(field, Text(object[member]), out);
}

std::string AnyValue(const Json& value);

std::string KeyValue(const Json& attribute) {
  std::string out;
  otlp::AppendBytesField(otlp::key_value::kKey, Text(attribute["key"]), out);
  otlp::AppendBytesField(otlp::key_value::kValue, AnyValue(attribute["value"]), out);
  return out;
}

void AppendAttributes(std::uint32_t field, const Json& owner, std::string& out) {
  if (!owner.contains("attributes")) return;
  for (const Json& attribute : owner["attributes"]) otlp::AppendBytesField(field, KeyValue(attribute), out);
}

/// null gives an AnyValue without a value.
std::string AnyValue(const Json& value) {
  std::string out;
  if (value.is_null() || value.empty()) return out;
  const auto& [form, content] = *value.items().begin();
  if (form == "stringValue" || form == "stringRepeat" || form == "stringBytesHex") {
    otlp::AppendBytesField(otlp::any_value::kString, Text(form == "stringValue" ? content : value), out);
  } else if (form == "boolValue") {
    otlp::AppendVarintField(otlp::any_value::kBool, content.get<bool>() ? 1 : 0, out);
  } else if (form == "intValue") {
    otlp::AppendVarintField(otlp::any_value::kInt, static_cast<std::uint64_t>(Signed(content)), out);
  } else if (form == "doubleValue") {
    otlp::AppendDoubleField(otlp::any_value::kDouble, Double(content), out);
  } else if (form == "bytesValue") {
    otlp::AppendBytesField(otlp::any_value::kBytes, base::ParseBase64(content.get<std::string>()).value(), out);
  } else if (form == "arrayValue") {
    std::string inner;
    for (const Json& element : content["values"]) otlp::AppendBytesField(otlp::array_value::kValues, AnyValue(element), inner);
    otlp::AppendBytesField(otlp::any_value::kArray, inner, out);
  } else if (form == "kvlistValue") {
    std::string inner;
    for (const Json& entry : content["values"]) otlp::AppendBytesField(otlp::key_value_list::kValues, KeyValue(entry), inner);
    otlp::AppendBytesField(otlp::any_value::kKeyValueList, inner, out);
  } else {
    throw std::runtime_error("unknown value: " + form);
  }
  return out;
}

std::uint32_t Enum(const std::map<std::string, std::uint32_t>& names, const Json& name) {
  const auto found = names.find(name.get<std::string>());
  if (found == names.end()) throw std::runtime_error("unknown name: " + name.dump());
  return found->second;
}

std::string NumberPoint(const Json& point) {
  namespace field = otlp::number_point;
  std::string out;
  AppendFixed64(field::kStartTime, point, "startTimeUnixNano", out);
  AppendFixed64(field::kTime, point, "timeUnixNano", out);
  const Json& value = point["value"];
  if (value.is_number_integer()) {
    otlp::AppendFixed64Field(field::kAsInt, static_cast<std::uint64_t>(value.get<std::int64_t>()), out);
  } else {
    otlp::AppendDoubleField(field::kAsDouble, Double(value), out);
  }
  AppendAttributes(field::kAttributes, point, out);
  return out;
}

void AppendDouble(std::uint32_t field, const Json& object, const char* member, std::string& out) {
  if (object.contains(member)) otlp::AppendDoubleField(field, Double(object[member]), out);
}

std::string HistogramPoint(const Json& point) {
  namespace field = otlp::histogram_point;
  std::string out;
  AppendFixed64(field::kStartTime, point, "startTimeUnixNano", out);
  AppendFixed64(field::kTime, point, "timeUnixNano", out);
  AppendFixed64(field::kCount, point, "count", out);
  AppendDouble(field::kSum, point, "sum", out);
  for (const Json& count : point.value("bucketCounts", Json::array())) otlp::AppendFixed64Field(field::kBucketCounts, Unsigned(count), out);
  for (const Json& bound : point.value("explicitBounds", Json::array())) otlp::AppendDoubleField(field::kExplicitBounds, Double(bound), out);
  AppendDouble(field::kMin, point, "min", out);
  AppendDouble(field::kMax, point, "max", out);
  AppendAttributes(field::kAttributes, point, out);
  return out;
}

std::string ExponentialPoint(const Json& point) {
  namespace field = otlp::exponential_point;
  std::string out;
  AppendAttributes(field::kAttributes, point, out);
  AppendFixed64(field::kStartTime, point, "startTimeUnixNano", out);
  AppendFixed64(field::kTime, point, "timeUnixNano", out);
  AppendFixed64(field::kCount, point, "count", out);
  AppendDouble(field::kSum, point, "sum", out);
  AppendDouble(field::kMin, point, "min", out);
  AppendDouble(field::kMax, point, "max", out);
  return out;
}

}  // namespace

std::string Text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.contains("stringBytesHex")) return Bytes(value["stringBytesHex"]);
  std::string text;
  for (const Json& piece : value.at("stringRepeat")) {
    for (std::size_t i = 0; i < piece[1].get<std::size_t>(); ++i) text += piece[0].get<std::string>();
  }
  return text;
}

std::string ResourceMessage(const Json& resource) {
  std::string out;
  AppendAttributes(otlp::resource::kAttributes, resource, out);
  return out;
}

std::string ScopeMessage(const Json& scope) {
  std::string out;
  AppendText(otlp::scope::kName, scope, "name", out);
  AppendText(otlp::scope::kVersion, scope, "version", out);
  return out;
}

std::string SpanMessage(const Json& span) {
  namespace field = otlp::span;
  static const std::map<std::string, std::uint32_t> kKinds{{"INTERNAL", otlp::span::kInternal}, {"SERVER", otlp::span::kServer},
                                                           {"CLIENT", otlp::span::kClient},     {"PRODUCER", otlp::span::kProducer},
                                                           {"CONSUMER", otlp::span::kConsumer}};
  static const std::map<std::string, std::uint32_t> kCodes{
      {"UNSET", otlp::status::kUnset}, {"OK", otlp::status::kOk}, {"ERROR", otlp::status::kError}};
  std::string out;
  AppendBytes(field::kTraceId, span, "traceId", out);
  AppendBytes(field::kSpanId, span, "spanId", out);
  AppendText(field::kTraceState, span, "traceState", out);
  AppendBytes(field::kParentSpanId, span, "parentSpanId", out);
  AppendText(field::kName, span, "name", out);
  if (span.contains("kind")) otlp::AppendVarintField(field::kKind, Enum(kKinds, span["kind"]), out);
  AppendFixed64(field::kStartTime, span, "startTimeUnixNano", out);
  AppendFixed64(field::kEndTime, span, "endTimeUnixNano", out);
  AppendAttributes(field::kAttributes, span, out);
  for (const Json& event : span.value("events", Json::array())) {
    const std::size_t mark = otlp::OpenMessage(field::kEvents, out);
    AppendFixed64(otlp::event::kTime, event, "timeUnixNano", out);
    AppendText(otlp::event::kName, event, "name", out);
    AppendAttributes(otlp::event::kAttributes, event, out);
    otlp::CloseMessage(mark, out);
  }
  for (const Json& link : span.value("links", Json::array())) {
    const std::size_t mark = otlp::OpenMessage(field::kLinks, out);
    AppendBytes(otlp::link::kTraceId, link, "traceId", out);
    AppendBytes(otlp::link::kSpanId, link, "spanId", out);
    AppendAttributes(otlp::link::kAttributes, link, out);
    otlp::CloseMessage(mark, out);
  }
  if (span.contains("status")) {
    const Json& status = span["status"];
    const std::size_t mark = otlp::OpenMessage(field::kStatus, out);
    AppendText(otlp::status::kMessage, status, "message", out);
    if (status.contains("code")) otlp::AppendVarintField(otlp::status::kCode, Enum(kCodes, status["code"]), out);
    otlp::CloseMessage(mark, out);
  }
  return out;
}

std::string LogMessage(const Json& log) {
  namespace field = otlp::log_record;
  std::string out;
  AppendFixed64(field::kTime, log, "timeUnixNano", out);
  AppendFixed64(field::kObservedTime, log, "observedTimeUnixNano", out);
  if (log.contains("severityNumber")) otlp::AppendVarintField(field::kSeverityNumber, Unsigned(log["severityNumber"]), out);
  AppendText(field::kSeverityText, log, "severityText", out);
  if (log.contains("body")) otlp::AppendBytesField(field::kBody, AnyValue(log["body"]), out);
  AppendAttributes(field::kAttributes, log, out);
  AppendBytes(field::kTraceId, log, "traceId", out);
  AppendBytes(field::kSpanId, log, "spanId", out);
  AppendText(field::kEventName, log, "eventName", out);
  return out;
}

std::string MetricMessage(const Json& metric) {
  const std::string instrument = metric["instrument"].get<std::string>();
  const std::uint32_t temporality = metric.value("temporality", "") == "CUMULATIVE" ? otlp::kCumulative : otlp::kDelta;
  std::string out;
  AppendText(otlp::metric::kName, metric, "name", out);
  AppendText(otlp::metric::kDescription, metric, "description", out);
  AppendText(otlp::metric::kUnit, metric, "unit", out);
  const bool is_gauge = instrument.ends_with("GAUGE");
  const bool is_exponential = instrument == "EXPONENTIAL_HISTOGRAM";
  const bool is_histogram = instrument == "HISTOGRAM";
  const std::uint32_t field = is_gauge         ? otlp::metric::kGauge
                              : is_exponential ? otlp::metric::kExponentialHistogram
                              : is_histogram   ? otlp::metric::kHistogram
                                               : otlp::metric::kSum;
  const std::size_t mark = otlp::OpenMessage(field, out);
  for (const Json& point : metric["dataPoints"]) {
    otlp::AppendBytesField(otlp::sum::kDataPoints,
                           is_exponential ? ExponentialPoint(point) : (is_histogram ? HistogramPoint(point) : NumberPoint(point)), out);
  }
  if (!is_gauge) otlp::AppendVarintField(otlp::sum::kAggregationTemporality, temporality, out);
  if (field == otlp::metric::kSum && !instrument.ends_with("UP_DOWN_COUNTER")) otlp::AppendVarintField(otlp::sum::kIsMonotonic, 1, out);
  otlp::CloseMessage(mark, out);
  return out;
}

}  // namespace azmon::conformance
