// SPDX-License-Identifier: MIT
#include "local/ingest/otlp_schema.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include <protozero/pbf_reader.hpp>
#include <simdjson.h>

#include "base/text.h"
#include "local/model/limits.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::local {

namespace {

namespace dom = simdjson::dom;

enum class Kind : std::uint8_t {
  kString, kBytes, kId, kBool, kInt32, kInt64, kUint32, kUint64, kSint32, kFixed32, kFixed64, kSfixed64, kDouble, kEnum, kMessage
};

constexpr bool kRepeated = true;

struct Field {
  std::string_view name;
  std::uint32_t number;
  Kind kind;
  bool is_repeated = false;
  const OtlpMessage* message = nullptr;
};

}  // namespace

struct OtlpMessage {
  std::span<const Field> fields;
};

namespace {

using enum Kind;

extern const OtlpMessage kAnyValue, kKeyValue;

constexpr Field kArrayFields[] = {{"values", 1, kMessage, kRepeated, &kAnyValue}};
constexpr OtlpMessage kArrayValue{kArrayFields};
constexpr Field kListFields[] = {{"values", 1, kMessage, kRepeated, &kKeyValue}};
constexpr OtlpMessage kKeyValueList{kListFields};
constexpr Field kAnyFields[] = {{"stringValue", 1, kString}, {"boolValue", 2, kBool}, {"intValue", 3, kInt64}, {"doubleValue", 4, kDouble},
                                {"arrayValue", 5, kMessage, false, &kArrayValue}, {"kvlistValue", 6, kMessage, false, &kKeyValueList},
                                {"bytesValue", 7, kBytes}};
constexpr OtlpMessage kAnyValue{kAnyFields};
constexpr Field kKeyValueFields[] = {{"key", 1, kString}, {"value", 2, kMessage, false, &kAnyValue}};
constexpr OtlpMessage kKeyValue{kKeyValueFields};

constexpr Field kResourceFields[] = {{"attributes", 1, kMessage, kRepeated, &kKeyValue}, {"droppedAttributesCount", 2, kUint32}};
constexpr Field kScopeFields[] = {{"name", 1, kString}, {"version", 2, kString}, {"attributes", 3, kMessage, kRepeated, &kKeyValue},
                                  {"droppedAttributesCount", 4, kUint32}};

constexpr Field kEventFields[] = {{"timeUnixNano", 1, kFixed64}, {"name", 2, kString}, {"attributes", 3, kMessage, kRepeated, &kKeyValue},
                                  {"droppedAttributesCount", 4, kUint32}};
constexpr OtlpMessage kEvent{kEventFields};
constexpr Field kLinkFields[] = {{"traceId", 1, kId}, {"spanId", 2, kId}, {"traceState", 3, kString},
                                 {"attributes", 4, kMessage, kRepeated, &kKeyValue}, {"droppedAttributesCount", 5, kUint32}, {"flags", 6, kFixed32}};
constexpr OtlpMessage kLink{kLinkFields};
constexpr Field kStatusFields[] = {{"message", 2, kString}, {"code", 3, kEnum}};
constexpr OtlpMessage kStatus{kStatusFields};
constexpr Field kSpanFields[] = {{"traceId", 1, kId}, {"spanId", 2, kId}, {"traceState", 3, kString}, {"parentSpanId", 4, kId},
                                 {"flags", 16, kFixed32}, {"name", 5, kString}, {"kind", 6, kEnum}, {"startTimeUnixNano", 7, kFixed64},
                                 {"endTimeUnixNano", 8, kFixed64}, {"attributes", 9, kMessage, kRepeated, &kKeyValue},
                                 {"droppedAttributesCount", 10, kUint32}, {"events", 11, kMessage, kRepeated, &kEvent},
                                 {"droppedEventsCount", 12, kUint32}, {"links", 13, kMessage, kRepeated, &kLink},
                                 {"droppedLinksCount", 14, kUint32}, {"status", 15, kMessage, false, &kStatus}};

constexpr Field kLogRecordFields[] = {{"timeUnixNano", 1, kFixed64}, {"observedTimeUnixNano", 11, kFixed64}, {"severityNumber", 2, kEnum},
                                      {"severityText", 3, kString}, {"body", 5, kMessage, false, &kAnyValue},
                                      {"attributes", 6, kMessage, kRepeated, &kKeyValue}, {"droppedAttributesCount", 7, kUint32},
                                      {"flags", 8, kFixed32}, {"traceId", 9, kId}, {"spanId", 10, kId}, {"eventName", 12, kString}};

constexpr Field kExemplarFields[] = {{"filteredAttributes", 7, kMessage, kRepeated, &kKeyValue}, {"timeUnixNano", 2, kFixed64},
                                     {"asDouble", 3, kDouble}, {"asInt", 6, kSfixed64}, {"spanId", 4, kId}, {"traceId", 5, kId}};
constexpr OtlpMessage kExemplar{kExemplarFields};
constexpr Field kNumberPointFields[] = {{"attributes", 7, kMessage, kRepeated, &kKeyValue}, {"startTimeUnixNano", 2, kFixed64},
                                        {"timeUnixNano", 3, kFixed64}, {"asDouble", 4, kDouble}, {"asInt", 6, kSfixed64},
                                        {"exemplars", 5, kMessage, kRepeated, &kExemplar}, {"flags", 8, kUint32}};
constexpr OtlpMessage kNumberPoint{kNumberPointFields};
constexpr Field kHistogramPointFields[] = {{"attributes", 9, kMessage, kRepeated, &kKeyValue}, {"startTimeUnixNano", 2, kFixed64},
                                           {"timeUnixNano", 3, kFixed64}, {"count", 4, kFixed64}, {"sum", 5, kDouble},
                                           {"bucketCounts", 6, kFixed64, kRepeated}, {"explicitBounds", 7, kDouble, kRepeated},
                                           {"exemplars", 8, kMessage, kRepeated, &kExemplar}, {"flags", 10, kUint32}, {"min", 11, kDouble},
                                           {"max", 12, kDouble}};
constexpr OtlpMessage kHistogramPoint{kHistogramPointFields};
constexpr Field kBucketsFields[] = {{"offset", 1, kSint32}, {"bucketCounts", 2, kUint64, kRepeated}};
constexpr OtlpMessage kBuckets{kBucketsFields};
constexpr Field kExponentialPointFields[] = {{"attributes", 1, kMessage, kRepeated, &kKeyValue}, {"startTimeUnixNano", 2, kFixed64},
                                             {"timeUnixNano", 3, kFixed64}, {"count", 4, kFixed64}, {"sum", 5, kDouble}, {"scale", 6, kSint32},
                                             {"zeroCount", 7, kFixed64}, {"positive", 8, kMessage, false, &kBuckets},
                                             {"negative", 9, kMessage, false, &kBuckets}, {"flags", 10, kUint32},
                                             {"exemplars", 11, kMessage, kRepeated, &kExemplar}, {"min", 12, kDouble}, {"max", 13, kDouble},
                                             {"zeroThreshold", 14, kDouble}};
constexpr OtlpMessage kExponentialPoint{kExponentialPointFields};
constexpr Field kQuantileFields[] = {{"quantile", 1, kDouble}, {"value", 2, kDouble}};
constexpr OtlpMessage kQuantile{kQuantileFields};
constexpr Field kSummaryPointFields[] = {{"attributes", 7, kMessage, kRepeated, &kKeyValue}, {"startTimeUnixNano", 2, kFixed64},
                                         {"timeUnixNano", 3, kFixed64}, {"count", 4, kFixed64}, {"sum", 5, kDouble},
                                         {"quantileValues", 6, kMessage, kRepeated, &kQuantile}, {"flags", 8, kUint32}};
constexpr OtlpMessage kSummaryPoint{kSummaryPointFields};
constexpr Field kGaugeFields[] = {{"dataPoints", 1, kMessage, kRepeated, &kNumberPoint}};
constexpr OtlpMessage kGauge{kGaugeFields};
constexpr Field kSumFields[] = {{"dataPoints", 1, kMessage, kRepeated, &kNumberPoint}, {"aggregationTemporality", 2, kEnum}, {"isMonotonic", 3, kBool}};
constexpr OtlpMessage kSum{kSumFields};
constexpr Field kHistogramFields[] = {{"dataPoints", 1, kMessage, kRepeated, &kHistogramPoint}, {"aggregationTemporality", 2, kEnum}};
constexpr OtlpMessage kHistogram{kHistogramFields};
constexpr Field kExponentialFields[] = {{"dataPoints", 1, kMessage, kRepeated, &kExponentialPoint}, {"aggregationTemporality", 2, kEnum}};
constexpr OtlpMessage kExponential{kExponentialFields};
constexpr Field kSummaryFields[] = {{"dataPoints", 1, kMessage, kRepeated, &kSummaryPoint}};
constexpr OtlpMessage kSummary{kSummaryFields};
constexpr Field kMetricFields[] = {{"name", 1, kString}, {"description", 2, kString}, {"unit", 3, kString},
                                   {"gauge", 5, kMessage, false, &kGauge}, {"sum", 7, kMessage, false, &kSum},
                                   {"histogram", 9, kMessage, false, &kHistogram},
                                   {"exponentialHistogram", 10, kMessage, false, &kExponential}, {"summary", 11, kMessage, false, &kSummary},
                                   {"metadata", 12, kMessage, kRepeated, &kKeyValue}};

constexpr Field kScopeSpansFields[] = {{"scope", 1, kMessage, false, &kScopeMessage}, {"spans", 2, kMessage, kRepeated, &kSpanMessage}, {"schemaUrl", 3, kString}};
constexpr OtlpMessage kScopeSpans{kScopeSpansFields};
constexpr Field kResourceSpansFields[] = {{"resource", 1, kMessage, false, &kResourceMessage}, {"scopeSpans", 2, kMessage, kRepeated, &kScopeSpans}, {"schemaUrl", 3, kString}};
constexpr OtlpMessage kResourceSpans{kResourceSpansFields};
constexpr Field kTracesRequestFields[] = {{"resourceSpans", 1, kMessage, kRepeated, &kResourceSpans}};
constexpr Field kScopeLogsFields[] = {{"scope", 1, kMessage, false, &kScopeMessage}, {"logRecords", 2, kMessage, kRepeated, &kLogRecordMessage}, {"schemaUrl", 3, kString}};
constexpr OtlpMessage kScopeLogs{kScopeLogsFields};
constexpr Field kResourceLogsFields[] = {{"resource", 1, kMessage, false, &kResourceMessage}, {"scopeLogs", 2, kMessage, kRepeated, &kScopeLogs}, {"schemaUrl", 3, kString}};
constexpr OtlpMessage kResourceLogs{kResourceLogsFields};
constexpr Field kLogsRequestFields[] = {{"resourceLogs", 1, kMessage, kRepeated, &kResourceLogs}};
constexpr Field kScopeMetricsFields[] = {{"scope", 1, kMessage, false, &kScopeMessage}, {"metrics", 2, kMessage, kRepeated, &kMetricMessage}, {"schemaUrl", 3, kString}};
constexpr OtlpMessage kScopeMetrics{kScopeMetricsFields};
constexpr Field kResourceMetricsFields[] = {{"resource", 1, kMessage, false, &kResourceMessage}, {"scopeMetrics", 2, kMessage, kRepeated, &kScopeMetrics}, {"schemaUrl", 3, kString}};
constexpr OtlpMessage kResourceMetrics{kResourceMetricsFields};
constexpr Field kMetricsRequestFields[] = {{"resourceMetrics", 1, kMessage, kRepeated, &kResourceMetrics}};

}  // namespace

constexpr OtlpMessage kResourceMessage{kResourceFields};
constexpr OtlpMessage kScopeMessage{kScopeFields};
constexpr OtlpMessage kSpanMessage{kSpanFields};
constexpr OtlpMessage kLogRecordMessage{kLogRecordFields};
constexpr OtlpMessage kMetricMessage{kMetricFields};
constexpr OtlpMessage kTracesRequest{kTracesRequestFields};
constexpr OtlpMessage kLogsRequest{kLogsRequestFields};
constexpr OtlpMessage kMetricsRequest{kMetricsRequestFields};

namespace {

/// Whether `name` is the field's name in lowerCamelCase or in snake_case.
bool IsNamed(std::string_view name, std::string_view camel) {
  std::size_t at = 0;
  for (const char c : camel) {
    if (c >= 'A' && c <= 'Z' && at < name.size() && name[at] == '_') {
      if (++at >= name.size() || name[at] != base::ToLower(c)) return false;
      ++at;
    } else if (at < name.size() && name[at] == c) {
      ++at;
    } else {
      return false;
    }
  }
  return at == name.size();
}

struct EnumName {
  std::string_view name;
  std::uint64_t value;
};
constexpr EnumName kEnumNames[] = {
    {"SPAN_KIND_UNSPECIFIED", 0}, {"SPAN_KIND_INTERNAL", 1}, {"SPAN_KIND_SERVER", 2}, {"SPAN_KIND_CLIENT", 3}, {"SPAN_KIND_PRODUCER", 4},
    {"SPAN_KIND_CONSUMER", 5}, {"STATUS_CODE_UNSET", 0}, {"STATUS_CODE_OK", 1}, {"STATUS_CODE_ERROR", 2},
    {"AGGREGATION_TEMPORALITY_UNSPECIFIED", 0}, {"AGGREGATION_TEMPORALITY_DELTA", 1}, {"AGGREGATION_TEMPORALITY_CUMULATIVE", 2}};

constexpr std::array<std::string_view, 6> kSeverityNames = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};

std::optional<std::uint64_t> ParseEnum(std::string_view name) {
  for (const EnumName& at : kEnumNames) {
    if (at.name == name) return at.value;
  }
  // SEVERITY_NUMBER_WARN, SEVERITY_NUMBER_WARN3
  constexpr std::string_view kPrefix = "SEVERITY_NUMBER_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  if (name == "UNSPECIFIED") return 0;
  for (std::size_t i = 0; i < kSeverityNames.size(); ++i) {
    if (!name.starts_with(kSeverityNames[i])) continue;
    const auto step = name.substr(kSeverityNames[i].size());
    if (step.empty()) return i * 4 + 1;
    if (step.size() == 1 && step[0] >= '2' && step[0] <= '4') return i * 4 + static_cast<std::uint64_t>(step[0] - '0');
  }
  return std::nullopt;
}

std::optional<double> DoubleOf(dom::element value) {
  if (double number = 0; value.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return base::ParseDouble(text);
}

/// An integer in [min, max], from a number, from a double without fraction, or from text.
template <typename Integer>
std::optional<Integer> IntegerOf(dom::element value) {
  if (std::int64_t number = 0; value.get(number) == simdjson::SUCCESS) {
    if constexpr (std::is_unsigned_v<Integer>) {
      if (number < 0 || static_cast<std::uint64_t>(number) > std::numeric_limits<Integer>::max()) return std::nullopt;
    } else {
      if (number < std::numeric_limits<Integer>::min() || number > std::numeric_limits<Integer>::max()) return std::nullopt;
    }
    return static_cast<Integer>(number);
  }
  if (std::uint64_t number = 0; value.get(number) == simdjson::SUCCESS) {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())) return std::nullopt;
    return static_cast<Integer>(number);
  }
  if (std::string_view text; value.get(text) == simdjson::SUCCESS) return base::ParseInteger<Integer>(text);
  if (double number = 0; value.get(number) == simdjson::SUCCESS) {
    if (number != std::floor(number) || std::fabs(number) > 9e15) return std::nullopt;
    const auto whole = static_cast<std::int64_t>(number);
    if constexpr (std::is_unsigned_v<Integer>) {
      if (whole < 0) return std::nullopt;
    }
    if (static_cast<std::int64_t>(static_cast<Integer>(whole)) != whole) return std::nullopt;
    return static_cast<Integer>(whole);
  }
  return std::nullopt;
}

class Encoder {
 public:
  /// @return false: `problem` says what
  bool Message(dom::object object, const OtlpMessage& message, int depth, std::string& out) {
    if (depth > kDepthMax) return Fail("is nested too deeply");
    for (const auto [name, value] : object) {
      const Field* field = nullptr;
      for (const Field& at : message.fields) {
        if (IsNamed(name, at.name)) field = &at;
      }
      if (field == nullptr || value.is_null()) continue;
      if (field->is_repeated) {
        dom::array array;
        if (value.get(array) != simdjson::SUCCESS) return Fail(*field, "is not an array");
        for (const dom::element element : array) {
          if (!One(*field, element, depth, out)) return false;
        }
      } else if (!One(*field, value, depth, out)) {
        return false;
      }
    }
    return true;
  }

  std::string problem;

 private:
  static constexpr int kDepthMax = limits::kValueDepthMax * 3 + 12;

  bool Fail(std::string_view what) {
    if (problem.empty()) problem = what;
    return false;
  }
  bool Fail(const Field& field, std::string_view what) { return Fail("'" + std::string(field.name) + "' " + std::string(what)); }

  bool Varint(const Field& field, std::optional<std::uint64_t> value, std::string& out) {
    if (!value) return Fail(field, "is not a whole number in range");
    otlp::AppendVarintField(field.number, *value, out);
    return true;
  }

  bool One(const Field& field, dom::element value, int depth, std::string& out) {
    switch (field.kind) {
      case kMessage: {
        dom::object object;
        if (value.get(object) != simdjson::SUCCESS) return Fail(field, "is not an object");
        const std::size_t mark = otlp::OpenMessage(field.number, out);
        if (!Message(object, *field.message, depth + 1, out)) return false;
        otlp::CloseMessage(mark, out);
        return true;
      }
      case kString: case kBytes: case kId: {
        std::string_view text;
        if (value.get(text) != simdjson::SUCCESS) return Fail(field, "is not a string");
        if (field.kind == kString) {
          otlp::AppendBytesField(field.number, text, out);
          return true;
        }
        const auto bytes = field.kind == kId ? base::ParseHex(text) : base::ParseBase64(text);
        if (!bytes) return Fail(field, field.kind == kId ? "is not hexadecimal" : "is not base64");
        otlp::AppendBytesField(field.number, *bytes, out);
        return true;
      }
      case kBool: {
        bool flag = false;
        if (value.get(flag) != simdjson::SUCCESS) return Fail(field, "is not a boolean");
        return Varint(field, flag ? 1 : 0, out);
      }
      case kEnum: {
        if (std::string_view text; value.get(text) == simdjson::SUCCESS) return Varint(field, ParseEnum(text), out);
        const auto number = IntegerOf<std::uint32_t>(value);
        return Varint(field, number ? std::optional<std::uint64_t>(*number) : std::nullopt, out);
      }
      case kInt32: case kInt64: {
        const auto number = IntegerOf<std::int64_t>(value);
        return Varint(field, number ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*number)) : std::nullopt, out);
      }
      case kUint32: {
        const auto number = IntegerOf<std::uint32_t>(value);
        return Varint(field, number ? std::optional<std::uint64_t>(*number) : std::nullopt, out);
      }
      case kUint64: return Varint(field, IntegerOf<std::uint64_t>(value), out);
      case kSint32: {
        const auto number = IntegerOf<std::int32_t>(value);
        if (!number) return Varint(field, std::nullopt, out);
        return Varint(field, protozero::encode_zigzag32(*number), out);
      }
      case kFixed32: {
        const auto number = IntegerOf<std::uint32_t>(value);
        if (!number) return Varint(field, std::nullopt, out);
        otlp::AppendFixed32Field(field.number, *number, out);
        return true;
      }
      case kFixed64: {
        const auto number = IntegerOf<std::uint64_t>(value);
        if (!number) return Varint(field, std::nullopt, out);
        otlp::AppendFixed64Field(field.number, *number, out);
        return true;
      }
      case kSfixed64: {
        const auto number = IntegerOf<std::int64_t>(value);
        if (!number) return Varint(field, std::nullopt, out);
        otlp::AppendFixed64Field(field.number, static_cast<std::uint64_t>(*number), out);
        return true;
      }
      case kDouble: {
        const auto number = DoubleOf(value);
        if (!number) return Fail(field, "is not a number");
        otlp::AppendDoubleField(field.number, *number, out);
        return true;
      }
    }
    return Fail(field, "is of no known kind");
  }
};

void WriteDouble(double number, base::JsonWriter& json) {
  if (std::isfinite(number)) {
    json.Double(number);
    return;
  }
  std::string text;
  base::AppendEcmaNumber(number, text);
  json.String(text);
}

void WriteMessage(std::string_view bytes, const OtlpMessage& message, int depth, base::JsonWriter& json);

/// Writes one value of a field that the reader stands on.
void WriteValue(const Field& field, protozero::pbf_reader& reader, int depth, base::JsonWriter& json) {
  switch (field.kind) {
    case kMessage: {
      const auto view = reader.get_view();
      WriteMessage({view.data(), view.size()}, *field.message, depth + 1, json);
      break;
    }
    case kString: case kBytes: case kId: {
      const auto view = reader.get_view();
      const std::string_view bytes(view.data(), view.size());
      json.String(field.kind == kString ? std::string(bytes) : field.kind == kId ? base::Hex(bytes) : base::Base64(bytes));
      break;
    }
    case kBool: json.Bool(reader.get_uint64() != 0); break;
    case kEnum: json.Integer(reader.get_enum()); break;
    case kInt32: json.Integer(reader.get_int32()); break;
    case kInt64: json.String(std::to_string(reader.get_int64())); break;
    case kUint32: json.Unsigned(reader.get_uint32()); break;
    case kUint64: json.String(std::to_string(reader.get_uint64())); break;
    case kSint32: json.Integer(reader.get_sint32()); break;
    case kFixed32: json.Unsigned(reader.get_fixed32()); break;
    case kFixed64: json.String(std::to_string(reader.get_fixed64())); break;
    case kSfixed64: json.String(std::to_string(reader.get_sfixed64())); break;
    case kDouble: WriteDouble(reader.get_double(), json); break;
  }
}

/// Repeated numbers come packed into one field.
void WritePacked(const Field& field, protozero::pbf_reader& reader, base::JsonWriter& json) {
  if (field.kind == kFixed64) {
    for (const std::uint64_t value : reader.get_packed_fixed64()) json.String(std::to_string(value));
  } else if (field.kind == kUint64) {
    for (const std::uint64_t value : reader.get_packed_uint64()) json.String(std::to_string(value));
  } else {
    for (const double value : reader.get_packed_double()) WriteDouble(value, json);
  }
}

bool IsExpected(const Field& field, protozero::pbf_wire_type type) {
  switch (field.kind) {
    case kMessage: case kString: case kBytes: case kId: return type == protozero::pbf_wire_type::length_delimited;
    case kFixed32: return type == protozero::pbf_wire_type::fixed32;
    case kFixed64: case kSfixed64: case kDouble: return type == protozero::pbf_wire_type::fixed64;
    default: return type == protozero::pbf_wire_type::varint;
  }
}

void WriteMessage(std::string_view bytes, const OtlpMessage& message, int depth, base::JsonWriter& json) {
  json.OpenObject();
  // A repeated field may be scattered over the message, JSON wants it in one place: one walk for each field that is there.
  std::uint64_t present = 0;
  try {
    protozero::pbf_reader reader(bytes.data(), bytes.size());
    while (depth <= 64 && reader.next()) {
      if (reader.tag() < 64) present |= std::uint64_t{1} << reader.tag();
      reader.skip();
    }
  } catch (const protozero::exception&) {
    // What was whole is written.
  }
  for (const Field& field : message.fields) {
    if ((present >> field.number & 1U) == 0) continue;
    json.Key(field.name);
    if (field.is_repeated) json.OpenArray();
    bool has_value = false;
    try {
      protozero::pbf_reader reader(bytes.data(), bytes.size());
      while (reader.next()) {
        const bool is_packed = field.is_repeated && field.kind != kMessage && reader.wire_type() == protozero::pbf_wire_type::length_delimited;
        if (reader.tag() != field.number || (has_value && !field.is_repeated) || !(is_packed || IsExpected(field, reader.wire_type()))) {
          reader.skip();
        } else if (is_packed) {
          WritePacked(field, reader, json);
        } else {
          WriteValue(field, reader, depth, json);
          has_value = true;
        }
      }
    } catch (const protozero::exception&) {
      // As above.
    }
    if (field.is_repeated) json.CloseArray();
    else if (!has_value) json.Null();
  }
  json.CloseObject();
}

}  // namespace

Result<std::string> OtlpFromJson(std::string_view text, const OtlpMessage& message) {
  dom::parser parser;
  if (parser.allocate(std::max<std::size_t>(text.size(), 1024), limits::kJsonDepthMax * 2) != simdjson::SUCCESS) {
    return Error{ErrorCode::kUnavailable, "out of memory"};
  }
  dom::object object;
  const auto code = parser.parse(text.data(), text.size()).get(object);
  if (code == simdjson::INCORRECT_TYPE) return Error{ErrorCode::kMalformed, "the body is not a JSON object"};
  if (code != simdjson::SUCCESS) return Error{ErrorCode::kMalformed, std::string("invalid JSON: ") + simdjson::error_message(code)};
  std::string out;
  out.reserve(text.size() / 2);
  Encoder encoder;
  if (!encoder.Message(object, message, 0, out)) return Error{ErrorCode::kMalformed, std::move(encoder.problem)};
  return out;
}

void OtlpToJson(std::string_view bytes, const OtlpMessage& message, base::JsonWriter& json) { WriteMessage(bytes, message, 0, json); }

}  // namespace azmon::local
