// SPDX-License-Identifier: MIT
#include "local/ingest/otlp.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/json_writer.h"
#include "base/text.h"
#include "local/ingest/otlp_attributes.h"
#include "local/ingest/otlp_metric.h"
#include "local/ingest/otlp_schema.h"
#include "local/ingest/span_names.h"
#include "local/ingest/wire_reader.h"
#include "local/model/limits.h"
#include "local/model/time.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::local {
namespace {

/// 16 or 8 bytes that are not all zero.
bool IsId(std::string_view id, std::size_t bytes) {
  return id.size() == bytes && std::any_of(id.begin(), id.end(), [](char c) { return c != '\0'; });
}

/// Limits of the texts that Application Insights keeps; the raw view has the rest.
void Cut(std::size_t bytes, std::string& text) {
  if (text.size() > bytes) text.resize(bytes);
}

class Parser {
 public:
  Parser(std::string_view body, OtlpSignal signal, std::string_view i_key, std::int64_t now, OtlpResult& result)
      : body_(body), signal_(signal), i_key_(i_key), now_(now), result_(result) {}

  void Request() {
    WireReader request(body_);
    while (request.Next()) {
      if (request.Tag() == otlp::request::kResourceSignals) Resource(request.Bytes());
      else request.Skip();
    }
  }

  bool is_too_large() const { return result_.received > limits::kRequestItemsMax; }

 private:
  Slice SliceOf(std::string_view part) const {
    return {static_cast<std::uint32_t>(part.data() - body_.data()), static_cast<std::uint32_t>(part.size())};
  }

  /// The message in one field, wherever it stands; empty if there is none.
  static std::string_view Only(std::string_view bytes, std::uint32_t field) {
    std::string_view found;
    WireReader reader(bytes);
    while (reader.Next()) {
      if (reader.Tag() == field) found = reader.Bytes();
      else reader.Skip();
    }
    return found;
  }

  void Resource(std::string_view bytes) {
    const std::string_view resource = Only(bytes, otlp::resource_signals::kResource);
    resource_ = resource.empty() ? Slice{} : SliceOf(resource);
    OtlpAttributes attributes;
    WireReader fields(resource);
    while (fields.Next()) {
      if (fields.Tag() == otlp::resource::kAttributes) attributes.Add(fields.Bytes());
      else fields.Skip();
    }
    role_ = RoleName(attributes);
    role_instance_ = RoleInstance(attributes);
    WireReader scopes(bytes);
    while (scopes.Next()) {
      if (scopes.Tag() == otlp::resource_signals::kScopeSignals) Scope(scopes.Bytes());
      else scopes.Skip();
    }
  }

  void Scope(std::string_view bytes) {
    const std::string_view scope = Only(bytes, otlp::scope_signals::kScope);
    scope_ = scope.empty() ? Slice{} : SliceOf(scope);
    WireReader signals(bytes);
    while (signals.Next() && !is_too_large()) {
      if (signals.Tag() != otlp::scope_signals::kSignals) {
        signals.Skip();
        continue;
      }
      const std::string_view signal = signals.Bytes();
      switch (signal_) {
        case OtlpSignal::kTraces: Span(signal); break;
        case OtlpSignal::kLogs: Log(signal); break;
        case OtlpSignal::kMetrics: Metric(signal); break;
      }
    }
  }

  Item NewItem(ItemType type, std::string_view raw) const {
    Item item;
    item.source = Source::kOtlp;
    item.type = type;
    item.i_key = i_key_;
    item.role = role_;
    item.role_instance = role_instance_;
    item.raw = {SliceOf(raw), resource_, scope_};
    return item;
  }

  void Reject(std::string_view why) {
    ++result_.rejected;
    if (result_.message.empty()) result_.message = why;
  }

  void Span(std::string_view bytes) {
    ++result_.received;
    std::string_view trace_id;
    std::string_view span_id;
    std::string_view parent_id;
    std::string_view name;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint32_t kind = otlp::span::kUnspecified;
    std::uint32_t status = otlp::status::kUnset;
    std::string_view status_message;
    std::vector<std::string_view> events;
    std::vector<std::string_view> links;
    attributes_.Clear();
    WireReader span(bytes);
    while (span.Next()) {
      switch (span.Tag()) {
        case otlp::span::kTraceId: trace_id = span.Bytes(); break;
        case otlp::span::kSpanId: span_id = span.Bytes(); break;
        case otlp::span::kParentSpanId: parent_id = span.Bytes(); break;
        case otlp::span::kName: name = span.Bytes(); break;
        case otlp::span::kKind: kind = static_cast<std::uint32_t>(span.Varint()); break;
        case otlp::span::kStartTime: start = span.Fixed64(); break;
        case otlp::span::kEndTime: end = span.Fixed64(); break;
        case otlp::span::kAttributes: attributes_.Add(span.Bytes()); break;
        case otlp::span::kEvents: events.push_back(span.Bytes()); break;
        case otlp::span::kLinks: links.push_back(span.Bytes()); break;
        case otlp::span::kStatus: {
          WireReader reader(span.Bytes());
          while (reader.Next()) {
            if (reader.Tag() == otlp::status::kCode) status = static_cast<std::uint32_t>(reader.Varint());
            else if (reader.Tag() == otlp::status::kMessage) status_message = reader.Bytes();
            else reader.Skip();
          }
          break;
        }
        default: span.Skip();
      }
    }
    if (!IsId(trace_id, 16)) return Reject("a span has no valid trace_id: 16 bytes, not all zero");
    if (!IsId(span_id, 8)) return Reject("a span has no valid span_id: 8 bytes, not all zero");

    const bool is_request = kind == otlp::span::kServer || kind == otlp::span::kConsumer;
    Item item = NewItem(is_request ? ItemType::kRequest : ItemType::kDependency, bytes);
    item.operation_id = base::Hex(trace_id);
    item.id = base::Hex(span_id);
    if (IsId(parent_id, 8)) item.parent_id = base::Hex(parent_id);
    item.time = NanosecondsToTicks(start);
    // As the exporter rounds, so that the same span has the same duration both ways.
    item.duration = end > start ? NanosecondsToTicks(end - start > UINT64_MAX - 50 ? UINT64_MAX : end - start + 50) : 0;
    item.name = name;
    DescribeSpan(attributes_, {.kind = kind, .status = status}, item);
    item.dimensions = attributes_.Json();
    if (!status_message.empty()) item.message = status_message;
    item.links = Links(links);
    const std::string operation_id = item.operation_id;
    const std::string id = item.id;
    const std::int64_t time = item.time;
    result_.batch.items.push_back(std::move(item));
    for (const std::string_view event : events) Event(event, bytes, operation_id, id, time);
  }

  static std::string Links(const std::vector<std::string_view>& links) {
    std::string out;
    if (links.empty()) return out;
    base::JsonWriter json(out);
    json.OpenArray();
    for (const std::string_view bytes : links) {
      std::string_view trace_id;
      std::string_view span_id;
      WireReader link(bytes);
      while (link.Next()) {
        if (link.Tag() == otlp::link::kTraceId) trace_id = link.Bytes();
        else if (link.Tag() == otlp::link::kSpanId) span_id = link.Bytes();
        else link.Skip();
      }
      json.OpenObject().Member("operation_Id", base::Hex(trace_id)).Member("id", base::Hex(span_id)).CloseObject();
    }
    json.CloseArray();
    return out;
  }

  /// An event of a span: an exception or a trace below the span.
  void Event(std::string_view bytes, std::string_view span, const std::string& operation_id, const std::string& span_id, std::int64_t span_time) {
    std::uint64_t time = 0;
    std::string_view name;
    OtlpAttributes attributes;
    WireReader event(bytes);
    while (event.Next()) {
      switch (event.Tag()) {
        case otlp::event::kTime: time = event.Fixed64(); break;
        case otlp::event::kName: name = event.Bytes(); break;
        case otlp::event::kAttributes: attributes.Add(event.Bytes()); break;
        default: event.Skip();
      }
    }
    Item item = NewItem(name == "exception" ? ItemType::kException : ItemType::kTrace, span);
    item.operation_id = operation_id;
    item.parent_id = span_id;
    item.time = time != 0 ? NanosecondsToTicks(time) : span_time;
    if (item.type == ItemType::kException) Exception(attributes, "", item);
    else item.message = name.empty() ? "n/a" : name;
    item.dimensions = attributes.Json();
    result_.batch.items.push_back(std::move(item));
  }

  static void Exception(const OtlpAttributes& attributes, const std::string& body, Item& item) {
    item.exception_type = attributes.Text({"exception.type"});
    if (item.exception_type.empty()) item.exception_type = "Exception";
    item.message = attributes.Text({"exception.message"});
    if (item.message.empty()) item.message = body.empty() ? "Exception" : body;
    item.stack = attributes.Text({"exception.stacktrace"});
    Cut(32768, item.message);
    Cut(32768, item.stack);
  }

  void Log(std::string_view bytes) {
    ++result_.received;
    std::uint64_t time = 0;
    std::uint64_t observed = 0;
    std::uint32_t severity = 0;
    std::string body;
    std::string_view trace_id;
    std::string_view span_id;
    std::string_view event_name;
    attributes_.Clear();
    WireReader log(bytes);
    while (log.Next()) {
      switch (log.Tag()) {
        case otlp::log_record::kTime: time = log.Fixed64(); break;
        case otlp::log_record::kObservedTime: observed = log.Fixed64(); break;
        case otlp::log_record::kSeverityNumber: severity = static_cast<std::uint32_t>(log.Varint()); break;
        case otlp::log_record::kBody: body = OtlpValueText(log.Bytes()); break;
        case otlp::log_record::kAttributes: attributes_.Add(log.Bytes()); break;
        case otlp::log_record::kTraceId: trace_id = log.Bytes(); break;
        case otlp::log_record::kSpanId: span_id = log.Bytes(); break;
        case otlp::log_record::kEventName: event_name = log.Bytes(); break;
        default: log.Skip();
      }
    }
    const bool is_exception = !attributes_.Text({"exception.type", "exception.message"}).empty();
    const std::string custom_event = attributes_.Text({"microsoft.custom_event.name"});
    Item item = NewItem(is_exception ? ItemType::kException : !custom_event.empty() ? ItemType::kCustomEvent : ItemType::kTrace, bytes);
    if (IsId(trace_id, 16)) item.operation_id = base::Hex(trace_id);
    if (IsId(span_id, 8)) item.parent_id = base::Hex(span_id);
    item.time = time != 0 ? NanosecondsToTicks(time) : observed != 0 ? NanosecondsToTicks(observed) : now_;
    if (severity >= 1 && severity <= 24) item.severity = static_cast<std::int8_t>(severity <= 8 ? 0 : (severity - 5) / 4);
    if (is_exception) {
      Exception(attributes_, body, item);
    } else if (!custom_event.empty()) {
      item.name = custom_event;
      item.severity = -1;
    } else {
      item.message = !body.empty() ? std::move(body) : event_name.empty() ? "n/a" : std::string(event_name);
      Cut(32768, item.message);
    }
    item.dimensions = attributes_.Json();
    result_.batch.items.push_back(std::move(item));
  }

  void Metric(std::string_view bytes) {
    const OtlpMetric metric = ReadOtlpMetric(bytes);
    WireReader list(metric.data);
    while (list.Next() && !is_too_large()) {
      // The data points of all five kinds stand in field 1.
      if (list.Tag() != otlp::gauge::kDataPoints) {
        list.Skip();
        continue;
      }
      ++result_.received;
      Item item = NewItem(ItemType::kMetric, bytes);
      ReadOtlpPoint(list.Bytes(), metric, attributes_, now_, item);
      result_.batch.items.push_back(std::move(item));
    }
  }

  std::string_view body_;
  OtlpSignal signal_;
  std::string_view i_key_;
  std::int64_t now_;
  OtlpResult& result_;
  Slice resource_, scope_;
  std::string role_, role_instance_;
  OtlpAttributes attributes_;
};

RawKind KindOf(OtlpSignal signal) {
  switch (signal) {
    case OtlpSignal::kTraces: return RawKind::kOtlpTraces;
    case OtlpSignal::kLogs: return RawKind::kOtlpLogs;
    case OtlpSignal::kMetrics: return RawKind::kOtlpMetrics;
  }
  return RawKind::kOtlpTraces;
}

}  // namespace

Result<OtlpResult> ParseOtlp(std::string body, OtlpSignal signal, std::string_view i_key, std::int64_t now) {
  OtlpResult result;
  result.batch.kind = KindOf(signal);
  result.batch.body = std::move(body);
  Parser parser(result.batch.body, signal, i_key, now, result);
  try {
    parser.Request();
  } catch (const protozero::exception& exception) {
    return Error{ErrorCode::kMalformed, std::string("the body is no OTLP message: ") + exception.what()};
  }
  if (parser.is_too_large()) {
    return Error{ErrorCode::kTooLarge, "a request may have " + std::to_string(limits::kRequestItemsMax) + " items"};
  }
  return result;
}

std::string OtlpAnswer(const OtlpResult& result) {
  std::string out;
  if (result.rejected == 0) return out;
  const std::size_t mark = otlp::OpenMessage(otlp::response::kPartialSuccess, out);
  otlp::AppendVarintField(otlp::partial_success::kRejected, result.rejected, out);
  otlp::AppendBytesField(otlp::partial_success::kErrorMessage, result.message, out);
  otlp::CloseMessage(mark, out);
  return out;
}

std::string OtlpAnswerJson(const OtlpResult& result, OtlpSignal signal) {
  if (result.rejected == 0) return "{}";
  std::string out;
  base::JsonWriter json(out);
  const char* name = signal == OtlpSignal::kTraces ? "rejectedSpans" : signal == OtlpSignal::kLogs ? "rejectedLogRecords" : "rejectedDataPoints";
  json.OpenObject().Key("partialSuccess").OpenObject();
  json.Member(name, std::to_string(result.rejected)).Member("errorMessage", result.message);
  json.CloseObject().CloseObject();
  return out;
}

std::string RpcStatus(int code, std::string_view message) {
  std::string out;
  otlp::AppendVarintField(1, static_cast<std::uint64_t>(code), out);
  otlp::AppendBytesField(2, message, out);
  return out;
}

std::string OtlpItemJson(RawKind kind, std::string_view body, const RawParts& parts) {
  struct Names {
    const char *resources, *scopes, *items;
    const OtlpMessage* message;
  };
  const Names names = kind == RawKind::kOtlpLogs      ? Names{"resourceLogs", "scopeLogs", "logRecords", &kLogRecordMessage}
                      : kind == RawKind::kOtlpMetrics ? Names{"resourceMetrics", "scopeMetrics", "metrics", &kMetricMessage}
                                                      : Names{"resourceSpans", "scopeSpans", "spans", &kSpanMessage};
  const auto part = [&](Slice slice) { return body.substr(slice.at, slice.bytes); };
  std::string out;
  base::JsonWriter json(out);
  json.OpenObject().Key(names.resources).OpenArray().OpenObject();
  json.Key("resource");
  OtlpToJson(part(parts.resource), kResourceMessage, json);
  json.Key(names.scopes).OpenArray().OpenObject();
  json.Key("scope");
  OtlpToJson(part(parts.scope), kScopeMessage, json);
  json.Key(names.items).OpenArray();
  OtlpToJson(part(parts.item), *names.message, json);
  json.CloseArray().CloseObject().CloseArray().CloseObject().CloseArray().CloseObject();
  return out;
}

}  // namespace azmon::local
