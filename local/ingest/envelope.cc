// SPDX-License-Identifier: MIT
#include "local/ingest/envelope.h"

#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "base/text.h"
#include "base/utf8.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kUnlimited = static_cast<std::size_t>(-1);

/// More exceptions than a chain of causes has; the rest stays readable in the raw envelope.
constexpr std::size_t kExceptionsShown = 10;
constexpr std::size_t kFramesShown = 200;

std::string_view TypeName(dom::element value) {
  switch (value.type()) {
    case dom::element_type::ARRAY: return "an array";
    case dom::element_type::OBJECT: return "an object";
    case dom::element_type::STRING: return "a string";
    case dom::element_type::BOOL: return "a boolean";
    case dom::element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

/// A scalar as text, for loose reading and for bags.
std::string TextOf(dom::element value) {
  if (std::string_view text; value.get(text) == simdjson::SUCCESS) return std::string(text);
  if (double number = 0; value.get(number) == simdjson::SUCCESS && value.type() == dom::element_type::DOUBLE) {
    std::string text;
    base::AppendEcmaNumber(number, text);
    return text;
  }
  if (value.is_null()) return {};
  return simdjson::minify(value);
}

/// The text has at most `units` UTF-16 code units, which is how the service counts. Only long texts are looked at closely.
bool IsLonger(std::string_view text, std::size_t units) {
  return text.size() > units && base::CutUtf16Units(text, units).size() < text.size();
}

/// The first problem of an envelope, and the fields read so far: later reads do nothing after a problem.
class Fields {
 public:
  Fields(dom::object object, std::string_view type, bool is_strict) : object_(object), type_(type), is_strict_(is_strict) {}

  bool ok() const { return problem_.empty(); }
  std::string TakeProblem() { return std::move(problem_); }

  std::optional<dom::element> Find(const char* name) const {
    dom::element value;
    if (object_.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
    return value;
  }

  enum class Need : std::uint8_t { kOptional, kRequired, kNotEmpty };

  std::string String(const char* name, Need need, std::size_t units_max) {
    const auto value = Find(name);
    if (!value) {
      if (need != Need::kOptional) Missing(name, "string");
      return {};
    }
    std::string_view text;
    if (value->get(text) != simdjson::SUCCESS) {
      if (is_strict_) Wrong(name, "a string", *value);
      return is_strict_ ? std::string() : TextOf(*value);
    }
    if (text.empty() && need == Need::kNotEmpty) Missing(name, "string");
    if (IsLonger(text, units_max)) {
      if (!is_strict_) return std::string(base::CutUtf16Units(text, units_max));
      Fail("field '" + std::string(name) + "' of " + std::string(type_) + " is too long: at most " + std::to_string(units_max) + " characters");
    }
    return std::string(text);
  }

  std::int8_t Bool(const char* name, Need need) {
    const auto value = Find(name);
    if (!value) {
      if (need != Need::kOptional) Missing(name, "boolean");
      return -1;
    }
    if (bool flag = false; value->get(flag) == simdjson::SUCCESS) return flag ? 1 : 0;
    const std::string text = base::ToLower(TextOf(*value));
    if (!is_strict_ && (text == "true" || text == "false")) return text == "true" ? 1 : 0;
    if (is_strict_) Wrong(name, "a boolean", *value);
    return -1;
  }

  std::int64_t Duration(const char* name, Need need) {
    const auto value = Find(name);
    if (!value) {
      if (need != Need::kOptional) Missing(name, "time span");
      return -1;
    }
    std::string_view text;
    if (value->get(text) == simdjson::SUCCESS) {
      if (const auto ticks = ParseTimeSpan(text); ticks && *ticks >= 0) return *ticks;
      if (text.empty() && need == Need::kOptional) return -1;
    } else if (double ms = 0; !is_strict_ && value->get(ms) == simdjson::SUCCESS && ms >= 0 && ms < 1e12) {
      return static_cast<std::int64_t>(ms * static_cast<double>(kTicksPerMs));
    }
    if (is_strict_) Fail("field '" + std::string(name) + "' of " + std::string(type_) + " is no time span of the form [d.]hh:mm:ss.fffffff");
    return -1;
  }

  std::optional<double> Number(const char* name, Need need) {
    const auto value = Find(name);
    if (!value) {
      if (need != Need::kOptional) Missing(name, "number");
      return std::nullopt;
    }
    if (double number = 0; value->get(number) == simdjson::SUCCESS) return number;
    if (!is_strict_) return base::ParseDouble(TextOf(*value));
    Wrong(name, "a number", *value);
    return std::nullopt;
  }

  /// 0 verbose … 4 critical, as number or as name.
  std::int8_t Severity(const char* name) {
    constexpr std::array<std::string_view, 5> kNames = {"verbose", "information", "warning", "error", "critical"};
    const auto value = Find(name);
    if (!value) return -1;
    const std::string text = base::ToLower(TextOf(*value));
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (text == kNames[i] || text == std::to_string(i)) return static_cast<std::int8_t>(i);
    }
    if (is_strict_) Fail("field '" + std::string(name) + "' of " + std::string(type_) + " is no severity: Verbose, Information, Warning, Error, Critical or 0 to 4");
    return -1;
  }

  /// `properties`: a JSON object of strings.
  std::string Properties(const char* name) {
    std::string out;
    const auto bag = Bag(name);
    if (!bag || bag->size() == 0) return out;
    base::JsonWriter json(out);
    json.OpenObject();
    for (const auto [key, value] : *bag) {
      if (value.is_null()) continue;
      if (std::string_view text; value.get(text) == simdjson::SUCCESS) {
        json.Key(key).String(text);
      } else if (is_strict_) {
        Wrong(std::string(name) + "." + std::string(key), "a string", value);
        return {};
      } else {
        json.Key(key).String(TextOf(value));
      }
    }
    json.CloseObject();
    return out;
  }

  /// `measurements`: a JSON object of numbers.
  std::string Measurements(const char* name) {
    std::string out;
    const auto bag = Bag(name);
    if (!bag || bag->size() == 0) return out;
    base::JsonWriter json(out);
    json.OpenObject();
    for (const auto [key, value] : *bag) {
      if (value.is_null()) continue;
      if (double number = 0; value.get(number) == simdjson::SUCCESS) {
        json.Key(key).Double(number);
      } else if (is_strict_) {
        Wrong(std::string(name) + "." + std::string(key), "a number", value);
        return {};
      }
    }
    json.CloseObject();
    return out;
  }

  void Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

 private:
  std::optional<dom::object> Bag(const char* name) {
    const auto value = Find(name);
    if (!value) return std::nullopt;
    dom::object bag;
    if (value->get(bag) == simdjson::SUCCESS) return bag;
    if (is_strict_) Wrong(name, "an object", *value);
    return std::nullopt;
  }

  void Missing(const char* name, std::string_view expected) {
    if (is_strict_) {
      Fail("field '" + std::string(name) + "' of " + std::string(type_) + " is required but missing or empty: expected " + std::string(expected));
    }
  }
  void Wrong(std::string_view name, std::string_view expected, dom::element value) {
    Fail("field '" + std::string(name) + "' of " + std::string(type_) + " is " + std::string(TypeName(value)) + ": expected " + std::string(expected));
  }

  dom::object object_;
  std::string_view type_;
  bool is_strict_;
  std::string problem_;
};

using Need = Fields::Need;

/// "   at method in file:line 7", the form that people know from .NET.
void AppendFrames(dom::array frames, std::string& out) {
  std::size_t shown = 0;
  for (const dom::element element : frames) {
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS || ++shown > kFramesShown) break;
    Fields frame(object, "frame", false);
    out.append("   at ").append(frame.String("method", Need::kOptional, kUnlimited));
    if (const auto assembly = frame.String("assembly", Need::kOptional, kUnlimited); !assembly.empty()) out.append(" [").append(assembly).append("]");
    if (const auto file = frame.String("fileName", Need::kOptional, kUnlimited); !file.empty()) {
      out.append(" in ").append(file);
      if (const auto line = frame.Number("line", Need::kOptional); line && *line > 0 && *line < 1e9) {
        out.append(":line ").append(std::to_string(static_cast<std::int64_t>(*line)));
      }
    }
    out.push_back('\n');
  }
}

/// The first exception is the item's; its causes follow in the stack's text.
void ReadExceptions(Fields& data, bool is_strict, Item& item) {
  const auto list = data.Find("exceptions");
  dom::array exceptions;
  if (!list || list->get(exceptions) != simdjson::SUCCESS || exceptions.size() == 0) {
    if (is_strict) data.Fail("field 'exceptions' of ExceptionData is required but missing or empty: expected an array");
    return;
  }
  std::size_t number = 0;
  for (const dom::element element : exceptions) {
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS) {
      if (is_strict) data.Fail("an element of 'exceptions' is not an object");
      return;
    }
    if (number == kExceptionsShown) return;
    Fields exception(object, "ExceptionDetails", is_strict);
    std::string type = exception.String("typeName", Need::kOptional, 1024);
    std::string message = exception.String("message", Need::kOptional, 32768);
    const std::string stack = exception.String("stack", Need::kOptional, 32768);
    if (!exception.ok()) return data.Fail(exception.TakeProblem());
    if (number > 0) item.stack.append("Caused by: ").append(type).append(": ").append(message).append("\n");
    if (!stack.empty()) {
      item.stack.append(stack);
      if (stack.back() != '\n') item.stack.push_back('\n');
    } else if (const auto frames = exception.Find("parsedStack")) {
      if (dom::array array; frames->get(array) == simdjson::SUCCESS) AppendFrames(array, item.stack);
    }
    if (number++ == 0) {
      item.exception_type = std::move(type);
      item.message = std::move(message);
    }
  }
  while (!item.stack.empty() && item.stack.back() == '\n') item.stack.pop_back();
}

void ReadMetric(Fields& data, bool is_strict, Item& item) {
  const auto list = data.Find("metrics");
  dom::array metrics;
  dom::object object;
  if (!list || list->get(metrics) != simdjson::SUCCESS || metrics.size() == 0 || metrics.at(0).get(object) != simdjson::SUCCESS) {
    if (is_strict) data.Fail("field 'metrics' of MetricData is required but missing or empty: expected an array with one point");
    return;
  }
  Fields point(object, "DataPoint", is_strict);
  item.name = point.String("name", Need::kNotEmpty, 1024);
  item.target = point.String("ns", Need::kOptional, 256);
  const auto value = point.Number("value", Need::kRequired);
  base::JsonWriter json(item.measurements);
  json.OpenObject();
  if (value) json.Member("value", *value);
  for (const char* name : {"count", "min", "max", "stdDev"}) {
    if (const auto number = point.Number(name, Need::kOptional)) json.Member(name, *number);
  }
  json.CloseObject();
  if (const auto kind = point.Find("kind")) item.kind = TextOf(*kind);
  if (!point.ok()) data.Fail(point.TakeProblem());
}

/// The links that SDKs put into one property, as the API shows links.
std::string ReadLinks(const std::string& dimensions) {
  if (dimensions.find("\"_MS.links\"") == std::string::npos) return {};
  dom::parser bag_parser;
  dom::parser parser;
  dom::element bag;
  std::string_view text;
  dom::array list;
  if (bag_parser.parse(dimensions).get(bag) != simdjson::SUCCESS || bag["_MS.links"].get(text) != simdjson::SUCCESS ||
      parser.parse(text.data(), text.size()).get(list) != simdjson::SUCCESS) {
    return {};
  }
  std::string out;
  base::JsonWriter json(out);
  json.OpenArray();
  for (const dom::element link : list) {
    std::string_view operation_id;
    std::string_view id;
    if (link["operation_Id"].get(operation_id) != simdjson::SUCCESS || link["id"].get(id) != simdjson::SUCCESS) continue;
    json.OpenObject().Member("operation_Id", operation_id).Member("id", id).CloseObject();
  }
  json.CloseArray();
  return out;
}

struct Kind {
  std::string_view base_type;
  ItemType type;
};
constexpr std::array<Kind, kItemTypes> kKinds = {{{"RequestData", ItemType::kRequest},
                                                  {"RemoteDependencyData", ItemType::kDependency},
                                                  {"MessageData", ItemType::kTrace},
                                                  {"ExceptionData", ItemType::kException},
                                                  {"EventData", ItemType::kCustomEvent},
                                                  {"MetricData", ItemType::kMetric},
                                                  {"PageViewData", ItemType::kPageView},
                                                  {"AvailabilityData", ItemType::kAvailability}}};

void ReadData(Fields& data, bool is_strict, Item& item) {
  switch (item.type) {
    case ItemType::kRequest:
      item.id = data.String("id", Need::kNotEmpty, 512);
      item.duration = data.Duration("duration", Need::kRequired);
      item.result_code = data.String("responseCode", Need::kRequired, 1024);
      item.success = data.Bool("success", Need::kRequired);
      item.name = data.String("name", Need::kOptional, 1024);
      item.url = data.String("url", Need::kOptional, 2048);
      item.target = data.String("source", Need::kOptional, 1024);
      break;
    case ItemType::kDependency:
      item.name = data.String("name", Need::kRequired, 1024);
      item.duration = data.Duration("duration", Need::kRequired);
      item.id = data.String("id", Need::kOptional, 512);
      item.result_code = data.String("resultCode", Need::kOptional, 1024);
      item.data = data.String("data", Need::kOptional, 8192);
      item.kind = data.String("type", Need::kOptional, 1024);
      item.target = data.String("target", Need::kOptional, 1024);
      item.success = data.Bool("success", Need::kOptional);
      if (item.success < 0) item.success = 1;  // the schema's default
      break;
    case ItemType::kTrace:
      item.message = data.String("message", Need::kNotEmpty, 32768);
      item.severity = data.Severity("severityLevel");
      break;
    case ItemType::kException:
      ReadExceptions(data, is_strict, item);
      item.severity = data.Severity("severityLevel");
      break;
    case ItemType::kCustomEvent: item.name = data.String("name", Need::kNotEmpty, 512); break;
    case ItemType::kMetric: ReadMetric(data, is_strict, item); break;
    case ItemType::kPageView:
      item.name = data.String("name", Need::kOptional, 1024);
      item.id = data.String("id", Need::kOptional, 512);
      item.url = data.String("url", Need::kOptional, 2048);
      item.duration = data.Duration("duration", Need::kOptional);
      break;
    case ItemType::kAvailability:
      item.id = data.String("id", Need::kNotEmpty, 512);
      item.name = data.String("name", Need::kNotEmpty, 1024);
      item.duration = data.Duration("duration", Need::kRequired);
      item.success = data.Bool("success", Need::kRequired);
      item.target = data.String("runLocation", Need::kOptional, 1024);
      item.message = data.String("message", Need::kOptional, 8192);
      break;
  }
  item.dimensions = data.Properties("properties");
  if (item.type != ItemType::kMetric) item.measurements = data.Measurements("measurements");
}

}  // namespace

Result<void> EnvelopeReader::Read(dom::object object, Item& item) {
  Fields envelope(object, "Envelope", is_strict_);
  item.source = Source::kBreeze;
  (void)envelope.String("name", Need::kNotEmpty, 1024);
  item.i_key = envelope.String("iKey", Need::kNotEmpty, 40);
  const std::string time = envelope.String("time", Need::kNotEmpty, 64);
  if (const auto ticks = ParseTime(time)) item.time = *ticks;
  else if (is_strict_) envelope.Fail("field 'time' of Envelope is no ISO 8601 time");
  if (const auto rate = envelope.Number("sampleRate", Need::kOptional)) {
    if (*rate > 0 && *rate <= 100) item.item_count = std::max<std::int64_t>(std::llround(100.0 / std::max(*rate, 1e-9)), 1);
    else if (is_strict_) envelope.Fail("field 'sampleRate' of Envelope is not in (0, 100]");
  }
  if (const auto tags = envelope.Find("tags")) {
    dom::object bag;
    if (tags->get(bag) == simdjson::SUCCESS) {
      Fields tag(bag, "tags", is_strict_);
      item.operation_id = tag.String("ai.operation.id", Need::kOptional, 128);
      item.parent_id = tag.String("ai.operation.parentId", Need::kOptional, 512);
      item.role = tag.String("ai.cloud.role", Need::kOptional, 256);
      item.role_instance = tag.String("ai.cloud.roleInstance", Need::kOptional, 256);
      if (!tag.ok()) envelope.Fail(tag.TakeProblem());
    } else if (is_strict_) {
      envelope.Fail("field 'tags' of Envelope is not an object");
    }
  }
  dom::object data;
  std::string_view base_type;
  dom::object base_data;
  if (object["data"].get(data) != simdjson::SUCCESS || data["baseType"].get(base_type) != simdjson::SUCCESS) {
    return Error{ErrorCode::kMalformed, "field 'data.baseType' of Envelope is required but missing"};
  }
  const Kind* kind = nullptr;
  for (const Kind& candidate : kKinds) {
    if (candidate.base_type == base_type) kind = &candidate;
  }
  if (kind == nullptr) return Error{ErrorCode::kMalformed, "data.baseType '" + std::string(base_type.substr(0, 64)) + "' is not known"};
  if (data["baseData"].get(base_data) != simdjson::SUCCESS) {
    return Error{ErrorCode::kMalformed, "field 'data.baseData' of Envelope is required but missing"};
  }
  item.type = kind->type;
  Fields fields(base_data, base_type, is_strict_);
  ReadData(fields, is_strict_, item);
  item.links = ReadLinks(item.dimensions);
  if (!envelope.ok()) return Error{ErrorCode::kMalformed, envelope.TakeProblem()};
  if (!fields.ok()) return Error{ErrorCode::kMalformed, fields.TakeProblem()};
  return {};
}

}  // namespace azmon::local
