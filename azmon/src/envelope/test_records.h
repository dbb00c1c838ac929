// SPDX-License-Identifier: MIT
// Records as tests write them, and the items that they become.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "envelope/envelope.h"
#include "otlp/annotations.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::envelope::testing {

using Json = nlohmann::json;

/// Bytes of an AnyValue.
struct Any {
  std::string bytes;

  Any() = default;  ///< null
  Any(const char* text) { otlp::AppendBytesField(otlp::any_value::kString, text, bytes); }                // NOLINT: converts on purpose
  Any(const std::string& text) { otlp::AppendBytesField(otlp::any_value::kString, text, bytes); }         // NOLINT
  Any(int value) : Any(static_cast<std::int64_t>(value)) {}                                               // NOLINT
  Any(std::int64_t value) { otlp::AppendVarintField(otlp::any_value::kInt, static_cast<std::uint64_t>(value), bytes); }  // NOLINT
  Any(double value) { otlp::AppendDoubleField(otlp::any_value::kDouble, value, bytes); }                  // NOLINT
  Any(bool value) { otlp::AppendVarintField(otlp::any_value::kBool, value ? 1 : 0, bytes); }              // NOLINT

  static Any Bytes(std::string_view value) {
    Any any;
    otlp::AppendBytesField(otlp::any_value::kBytes, value, any.bytes);
    return any;
  }
  static Any Array(const std::vector<Any>& values) {
    std::string inner;
    for (const Any& value : values) otlp::AppendBytesField(otlp::array_value::kValues, value.bytes, inner);
    Any any;
    otlp::AppendBytesField(otlp::any_value::kArray, inner, any.bytes);
    return any;
  }
  static Any Map(const std::vector<std::pair<std::string, Any>>& entries);
};

using Attributes = std::vector<std::pair<std::string, Any>>;

inline std::string KeyValueBytes(std::string_view key, const Any& value) {
  std::string out;
  otlp::AppendBytesField(otlp::key_value::kKey, key, out);
  otlp::AppendBytesField(otlp::key_value::kValue, value.bytes, out);
  return out;
}

inline Any Any::Map(const Attributes& entries) {
  std::string inner;
  for (const auto& [key, value] : entries) otlp::AppendBytesField(otlp::key_value_list::kValues, KeyValueBytes(key, value), inner);
  Any any;
  otlp::AppendBytesField(otlp::any_value::kKeyValueList, inner, any.bytes);
  return any;
}

inline void AppendAttributes(std::uint32_t field, const Attributes& attributes, std::string& out) {
  for (const auto& [key, value] : attributes) otlp::AppendBytesField(field, KeyValueBytes(key, value), out);
}

struct TestEvent {
  std::string name;
  Attributes attributes;
};
struct TestLink {
  Attributes attributes;
};

inline constexpr std::uint64_t kStart = 1'704'164'645'678'000'000;  // 2024-01-02T03:04:05.678Z

struct TestSpan {
  std::uint32_t kind = otlp::span::kServer;
  Attributes attributes;
  std::string name = "span name";
  std::uint32_t status = otlp::status::kUnset;
  std::vector<TestEvent> events;
  std::vector<TestLink> links;
  std::uint64_t start = kStart;
  std::uint64_t end = kStart + 12'345'678;
  std::string trace_id = *base::ParseHex("0af7651916cd43dd8448eb211c80319c");
  std::string span_id = *base::ParseHex("b7ad6b7169203331");
  std::string parent_id;

  std::string Message() const {
    namespace field = otlp::span;
    std::string out;
    otlp::AppendBytesField(field::kTraceId, trace_id, out);
    otlp::AppendBytesField(field::kSpanId, span_id, out);
    if (!parent_id.empty()) otlp::AppendBytesField(field::kParentSpanId, parent_id, out);
    otlp::AppendBytesField(field::kName, name, out);
    otlp::AppendVarintField(field::kKind, kind, out);
    otlp::AppendFixed64Field(field::kStartTime, start, out);
    otlp::AppendFixed64Field(field::kEndTime, end, out);
    AppendAttributes(field::kAttributes, attributes, out);
    for (const TestEvent& event : events) {
      std::string inner;
      otlp::AppendFixed64Field(otlp::event::kTime, start, inner);
      otlp::AppendBytesField(otlp::event::kName, event.name, inner);
      AppendAttributes(otlp::event::kAttributes, event.attributes, inner);
      otlp::AppendBytesField(field::kEvents, inner, out);
    }
    for (const TestLink& link : links) {
      std::string inner;
      otlp::AppendBytesField(otlp::link::kTraceId, trace_id, inner);
      otlp::AppendBytesField(otlp::link::kSpanId, span_id, inner);
      AppendAttributes(otlp::link::kAttributes, link.attributes, inner);
      otlp::AppendBytesField(field::kLinks, inner, out);
    }
    std::string inner;
    otlp::AppendVarintField(otlp::status::kCode, status, inner);
    otlp::AppendBytesField(field::kStatus, inner, out);
    return out;
  }
};

struct TestLog {
  Attributes attributes;
  std::optional<Any> body;
  std::uint64_t severity = 0;
  std::string severity_text;
  std::string event_name;
  std::uint64_t time = kStart;
  std::uint64_t observed = 0;

  std::string Message() const {
    namespace field = otlp::log_record;
    std::string out;
    if (time != 0) otlp::AppendFixed64Field(field::kTime, time, out);
    if (observed != 0) otlp::AppendFixed64Field(field::kObservedTime, observed, out);
    if (severity != 0) otlp::AppendVarintField(field::kSeverityNumber, severity, out);
    otlp::AppendBytesField(field::kSeverityText, severity_text, out);
    if (body) otlp::AppendBytesField(field::kBody, body->bytes, out);
    AppendAttributes(field::kAttributes, attributes, out);
    otlp::AppendBytesField(field::kEventName, event_name, out);
    return out;
  }
};

struct Around {
  Settings settings{.instrumentation_key = "key", .sdk_version = "sdk"};
  Attributes resource;
  ScopeContext scope;
  otlp::Annotations annotations;
  base::WallTime now{std::chrono::nanoseconds(kStart)};
};

inline ResourceContext MakeResource(const Around& around) {
  std::string message;
  AppendAttributes(otlp::resource::kAttributes, around.resource, message);
  return ResourceContext::Make(message, around.settings);
}

inline std::vector<Json> ParseLines(std::string_view lines) {
  std::vector<Json> items;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    items.push_back(Json::parse(lines.substr(0, end)));
    lines.remove_prefix(end + 1);
  }
  return items;
}

struct Outcome {
  Appended appended;
  std::vector<Json> items;
};

inline Outcome Map(otlp::Signal signal, std::string_view message, const Around& around = {}) {
  std::string annotations;
  otlp::AppendAnnotations(around.annotations, annotations);
  std::string out;
  Outcome outcome;
  outcome.appended = AppendItems({.signal = signal, .annotations = annotations, .message = message}, MakeResource(around), around.scope,
                                 around.settings, around.now, out);
  outcome.items = ParseLines(out);
  return outcome;
}

inline std::vector<Json> ItemsOf(const TestSpan& span, const Around& around = {}) {
  return Map(otlp::Signal::kSpan, span.Message(), around).items;
}

/// baseData of the span's own item.
inline Json DataOf(const TestSpan& span, const Around& around = {}) { return ItemsOf(span, around).at(0)["data"]["baseData"]; }
inline Json TagsOf(const TestSpan& span, const Around& around = {}) { return ItemsOf(span, around).at(0)["tags"]; }

inline Json ItemOf(const TestLog& log, const Around& around = {}) { return Map(otlp::Signal::kLog, log.Message(), around).items.at(0); }
inline Json DataOf(const TestLog& log, const Around& around = {}) { return ItemOf(log, around)["data"]["baseData"]; }

}  // namespace azmon::envelope::testing
