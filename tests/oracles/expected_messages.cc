// SPDX-License-Identifier: MIT
#include "tests/oracles/expected_messages.h"

#include <limits>
#include <stdexcept>
#include <type_traits>

namespace azmon::oracles {
namespace {

/// The code point that `length` bytes spell, or -1 where their shape is not that of a sequence.
long CodePoint(std::string_view bytes) {
  static constexpr unsigned kLeadMask[] = {0x7F, 0x1F, 0x0F, 0x07};
  static constexpr unsigned kLeadBits[] = {0x00, 0xC0, 0xE0, 0xF0};
  const unsigned lead = static_cast<unsigned char>(bytes[0]);
  const std::size_t tails = bytes.size() - 1;
  if ((lead & ~kLeadMask[tails] & 0xFFU) != kLeadBits[tails]) return -1;
  long code = static_cast<long>(lead & kLeadMask[tails]);
  for (const char tail : bytes.substr(1)) {
    if ((static_cast<unsigned char>(tail) & 0xC0U) != 0x80U) return -1;
    code = code * 64 + (static_cast<unsigned char>(tail) & 0x3F);
  }
  return code;
}

/// A code point has one spelling, the shortest; surrogates have none.
bool IsSequence(std::string_view bytes) {
  static constexpr long kLeast[] = {0, 0x80, 0x800, 0x10000};
  const long code = CodePoint(bytes);
  return code >= kLeast[bytes.size() - 1] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

std::string BytesOfHex(const Json& hex) {
  const std::string digits = hex.get<std::string>();
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string BytesOfBase64(std::string_view text) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int have = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6U | static_cast<unsigned>(kAlphabet.find(c));
    have += 6;
    if (have >= 8) {
      have -= 8;
      bytes.push_back(static_cast<char>(bits >> static_cast<unsigned>(have) & 0xFFU));
    }
  }
  return bytes;
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.contains("stringBytesHex")) return Repaired(BytesOfHex(value["stringBytesHex"]));
  std::string text;
  for (const Json& piece : value.at("stringRepeat")) {
    for (int i = 0; i < piece[1].get<int>(); ++i) text += piece[0].get<std::string>();
  }
  return text;
}

template <typename Integer>
Integer IntegerOf(const Json& value) {
  if (!value.is_string()) return value.get<Integer>();
  if constexpr (std::is_signed_v<Integer>) return std::stoll(value.get<std::string>());
  return static_cast<Integer>(std::stoull(value.get<std::string>()));
}

double DoubleOf(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity" || text == "-Infinity") return (text[0] == '-' ? -1 : 1) * std::numeric_limits<double>::infinity();
  throw std::runtime_error("not a number: " + text);
}

proto::common::v1::AnyValue ValueOf(const Json& value);

proto::common::v1::KeyValue PairOf(const Json& attribute) {
  proto::common::v1::KeyValue pair;
  pair.set_key(TextOf(attribute["key"]));
  *pair.mutable_value() = ValueOf(attribute["value"]);
  return pair;
}

template <typename Message>
void AddAttributes(const Json& owner, Message& message) {
  for (const Json& attribute : owner.value("attributes", Json::array())) *message.add_attributes() = PairOf(attribute);
}

proto::common::v1::AnyValue ValueOf(const Json& value) {
  proto::common::v1::AnyValue any;
  if (value.is_null()) return any;
  if (value.contains("stringValue")) {
    any.set_string_value(TextOf(value["stringValue"]));
  } else if (value.contains("stringRepeat") || value.contains("stringBytesHex")) {
    any.set_string_value(TextOf(value));
  } else if (value.contains("boolValue")) {
    any.set_bool_value(value["boolValue"].get<bool>());
  } else if (value.contains("intValue")) {
    any.set_int_value(IntegerOf<std::int64_t>(value["intValue"]));
  } else if (value.contains("doubleValue")) {
    any.set_double_value(DoubleOf(value["doubleValue"]));
  } else if (value.contains("bytesValue")) {
    any.set_bytes_value(BytesOfBase64(value["bytesValue"].get<std::string>()));
  } else if (value.contains("arrayValue")) {
    any.mutable_array_value();
    for (const Json& element : value["arrayValue"]["values"]) *any.mutable_array_value()->add_values() = ValueOf(element);
  } else if (value.contains("kvlistValue")) {
    any.mutable_kvlist_value();
    for (const Json& entry : value["kvlistValue"]["values"]) *any.mutable_kvlist_value()->add_values() = PairOf(entry);
  } else if (!value.empty()) {
    throw std::runtime_error("unknown value: " + value.dump());
  }
  return any;
}

/// Calls `set` with the member where there is one.
template <typename Set>
void With(const Json& object, const char* member, const Set& set) {
  if (object.contains(member)) set(object[member]);
}

template <typename Point>
void SetTimes(const Json& json, Point& point) {
  With(json, "startTimeUnixNano", [&](const Json& time) { point.set_start_time_unix_nano(IntegerOf<std::uint64_t>(time)); });
  With(json, "timeUnixNano", [&](const Json& time) { point.set_time_unix_nano(IntegerOf<std::uint64_t>(time)); });
  AddAttributes(json, point);
}

template <typename Point>
void SetSummary(const Json& json, Point& point) {
  SetTimes(json, point);
  With(json, "count", [&](const Json& count) { point.set_count(IntegerOf<std::uint64_t>(count)); });
  With(json, "sum", [&](const Json& sum) { point.set_sum(DoubleOf(sum)); });
  With(json, "min", [&](const Json& min) { point.set_min(DoubleOf(min)); });
  With(json, "max", [&](const Json& max) { point.set_max(DoubleOf(max)); });
}

template <typename Data>
void AddNumbers(const Json& metric, Data& data) {
  for (const Json& json : metric["dataPoints"]) {
    auto& point = *data.add_data_points();
    SetTimes(json, point);
    if (json["value"].is_number_integer()) {
      point.set_as_int(json["value"].get<std::int64_t>());
    } else {
      point.set_as_double(DoubleOf(json["value"]));
    }
  }
}

void AddHistogram(const Json& metric, proto::metrics::v1::Histogram& histogram) {
  for (const Json& json : metric["dataPoints"]) {
    auto& point = *histogram.add_data_points();
    SetSummary(json, point);
    for (const Json& count : json.value("bucketCounts", Json::array())) point.add_bucket_counts(IntegerOf<std::uint64_t>(count));
    for (const Json& bound : json.value("explicitBounds", Json::array())) point.add_explicit_bounds(DoubleOf(bound));
  }
}

}  // namespace

std::string Repaired(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    std::size_t length = 0;
    for (std::size_t tried = 1; tried <= 4 && tried <= bytes.size() && length == 0; ++tried) {
      if (IsSequence(bytes.substr(0, tried))) length = tried;
    }
    text += length == 0 ? "\xEF\xBF\xBD" : std::string(bytes.substr(0, length));
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

proto::resource::v1::Resource ExpectedResource(const Json& resource) {
  proto::resource::v1::Resource message;
  AddAttributes(resource, message);
  return message;
}

proto::common::v1::InstrumentationScope ExpectedScope(const Json& scope) {
  proto::common::v1::InstrumentationScope message;
  With(scope, "name", [&](const Json& name) { message.set_name(TextOf(name)); });
  With(scope, "version", [&](const Json& version) { message.set_version(TextOf(version)); });
  return message;
}

proto::trace::v1::Span ExpectedSpan(const Json& span) {
  proto::trace::v1::Span message;
  With(span, "traceId", [&](const Json& id) { message.set_trace_id(BytesOfHex(id)); });
  With(span, "spanId", [&](const Json& id) { message.set_span_id(BytesOfHex(id)); });
  With(span, "parentSpanId", [&](const Json& id) { message.set_parent_span_id(BytesOfHex(id)); });
  With(span, "traceState", [&](const Json& state) { message.set_trace_state(TextOf(state)); });
  With(span, "name", [&](const Json& name) { message.set_name(TextOf(name)); });
  With(span, "kind", [&](const Json& kind) {
    proto::trace::v1::Span::SpanKind value{};
    if (!proto::trace::v1::Span::SpanKind_Parse("SPAN_KIND_" + kind.get<std::string>(), &value)) throw std::runtime_error(kind.dump());
    message.set_kind(value);
  });
  With(span, "startTimeUnixNano", [&](const Json& time) { message.set_start_time_unix_nano(IntegerOf<std::uint64_t>(time)); });
  With(span, "endTimeUnixNano", [&](const Json& time) { message.set_end_time_unix_nano(IntegerOf<std::uint64_t>(time)); });
  AddAttributes(span, message);
  for (const Json& json : span.value("events", Json::array())) {
    auto& event = *message.add_events();
    With(json, "timeUnixNano", [&](const Json& time) { event.set_time_unix_nano(IntegerOf<std::uint64_t>(time)); });
    With(json, "name", [&](const Json& name) { event.set_name(TextOf(name)); });
    AddAttributes(json, event);
  }
  for (const Json& json : span.value("links", Json::array())) {
    auto& link = *message.add_links();
    With(json, "traceId", [&](const Json& id) { link.set_trace_id(BytesOfHex(id)); });
    With(json, "spanId", [&](const Json& id) { link.set_span_id(BytesOfHex(id)); });
    AddAttributes(json, link);
  }
  With(span, "status", [&](const Json& status) {
    message.mutable_status();
    With(status, "message", [&](const Json& text) { message.mutable_status()->set_message(TextOf(text)); });
    With(status, "code", [&](const Json& code) {
      proto::trace::v1::Status::StatusCode value{};
      if (!proto::trace::v1::Status::StatusCode_Parse("STATUS_CODE_" + code.get<std::string>(), &value)) throw std::runtime_error(code.dump());
      message.mutable_status()->set_code(value);
    });
  });
  return message;
}

proto::logs::v1::LogRecord ExpectedLog(const Json& log) {
  proto::logs::v1::LogRecord message;
  With(log, "timeUnixNano", [&](const Json& time) { message.set_time_unix_nano(IntegerOf<std::uint64_t>(time)); });
  With(log, "observedTimeUnixNano", [&](const Json& time) { message.set_observed_time_unix_nano(IntegerOf<std::uint64_t>(time)); });
  With(log, "severityNumber", [&](const Json& number) {
    message.set_severity_number(static_cast<proto::logs::v1::SeverityNumber>(number.get<int>()));
  });
  With(log, "severityText", [&](const Json& text) { message.set_severity_text(TextOf(text)); });
  With(log, "body", [&](const Json& body) { *message.mutable_body() = ValueOf(body); });
  AddAttributes(log, message);
  With(log, "traceId", [&](const Json& id) { message.set_trace_id(BytesOfHex(id)); });
  With(log, "spanId", [&](const Json& id) { message.set_span_id(BytesOfHex(id)); });
  With(log, "eventName", [&](const Json& name) { message.set_event_name(TextOf(name)); });
  return message;
}

proto::metrics::v1::Metric ExpectedMetric(const Json& metric) {
  proto::metrics::v1::Metric message;
  With(metric, "name", [&](const Json& text) { message.set_name(TextOf(text)); });
  With(metric, "description", [&](const Json& text) { message.set_description(TextOf(text)); });
  With(metric, "unit", [&](const Json& text) { message.set_unit(TextOf(text)); });
  const auto temporality = metric.value("temporality", "DELTA") == "CUMULATIVE" ? proto::metrics::v1::AGGREGATION_TEMPORALITY_CUMULATIVE
                                                                                : proto::metrics::v1::AGGREGATION_TEMPORALITY_DELTA;
  const std::string instrument = metric["instrument"].get<std::string>();
  if (instrument == "GAUGE" || instrument == "OBSERVABLE_GAUGE") {
    AddNumbers(metric, *message.mutable_gauge());
  } else if (instrument == "HISTOGRAM") {
    message.mutable_histogram()->set_aggregation_temporality(temporality);
    AddHistogram(metric, *message.mutable_histogram());
  } else if (instrument == "EXPONENTIAL_HISTOGRAM") {
    message.mutable_exponential_histogram()->set_aggregation_temporality(temporality);
    for (const Json& point : metric["dataPoints"]) SetSummary(point, *message.mutable_exponential_histogram()->add_data_points());
  } else {
    message.mutable_sum()->set_aggregation_temporality(temporality);
    message.mutable_sum()->set_is_monotonic(instrument == "COUNTER" || instrument == "OBSERVABLE_COUNTER");
    AddNumbers(metric, *message.mutable_sum());
  }
  return message;
}

}  // namespace azmon::oracles
