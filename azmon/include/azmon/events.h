// SPDX-License-Identifier: MIT
// Custom events, availability results and exceptions, as users of Application Insights know them.
//
// Plain OpenTelemetry log records and span events with the attributes that azmon maps to the matching items; they go through the global
// providers, so they work with whatever Configure() installed. Header-only, C++17. Every function is safe from any thread and never throws.
// Source of the attribute names: Azure Monitor OpenTelemetry exporters ("microsoft.custom_event.name", "microsoft.availability.*").
#pragma once

#include <chrono>
#include <exception>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cxxabi.h>
#include <typeinfo>

#include <opentelemetry/common/attribute_value.h>
#include <opentelemetry/common/key_value_iterable_view.h>
#include <opentelemetry/logs/logger.h>
#include <opentelemetry/logs/logger_provider.h>
#include <opentelemetry/logs/provider.h>
#include <opentelemetry/logs/severity.h>
#include <opentelemetry/trace/span.h>
#include <opentelemetry/trace/tracer.h>

namespace azmon {

using EventAttributes = std::initializer_list<std::pair<opentelemetry::nostd::string_view, opentelemetry::common::AttributeValue>>;

namespace internal {

inline opentelemetry::nostd::string_view Otel(std::string_view text) { return {text.data(), text.size()}; }

/// Emits one log record; the active span is its parent.
inline void EmitEvent(opentelemetry::logs::Severity severity,
                      const std::vector<std::pair<opentelemetry::nostd::string_view, opentelemetry::common::AttributeValue>>& attributes) noexcept {
  const auto logger = opentelemetry::logs::Provider::GetLoggerProvider()->GetLogger("azmon.events", "azmon");
  auto record = logger->CreateLogRecord();
  if (!record) return;
  record->SetTimestamp(opentelemetry::common::SystemTimestamp(std::chrono::system_clock::now()));
  if (severity != opentelemetry::logs::Severity::kInvalid) record->SetSeverity(severity);
  for (const auto& [key, value] : attributes) record->SetAttribute(key, value);
  logger->EmitLogRecord(std::move(record));
}

inline std::string TypeName(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return status == 0 ? std::string(name.get()) : std::string(type.name());
}

/// The exception that this thread recorded last, so that one that passes several handlers is recorded once.
struct LastException {
  const void* object = nullptr;
  char span_id[opentelemetry::trace::SpanId::kSize] = {};
};
inline LastException& ThisThreadsLastException() {
  static thread_local LastException last;
  return last;
}

inline void RecordException(std::string_view type, std::string_view message, EventAttributes attributes) noexcept {
  std::vector<std::pair<opentelemetry::nostd::string_view, opentelemetry::common::AttributeValue>> all{
      {"exception.type", Otel(type)}, {"exception.message", Otel(message)}};
  all.insert(all.end(), attributes.begin(), attributes.end());
  const auto span = opentelemetry::trace::Tracer::GetCurrentSpan();
  if (span->IsRecording()) {
    span->AddEvent("exception", all);
    return;
  }
  EmitEvent(opentelemetry::logs::Severity::kError, all);
}

}  // namespace internal

/// A custom event of Application Insights.
/// @param name  1 to 512 characters; an empty one makes a trace message of it
inline void TrackEvent(std::string_view name, EventAttributes attributes = {}) noexcept {
  std::vector<std::pair<opentelemetry::nostd::string_view, opentelemetry::common::AttributeValue>> all{
      {"microsoft.custom_event.name", internal::Otel(name)}};
  all.insert(all.end(), attributes.begin(), attributes.end());
  internal::EmitEvent(opentelemetry::logs::Severity::kInfo, all);
}

/// The result of one availability test.
struct AvailabilityResult {
  std::string id;    ///< of the run
  std::string name;  ///< of the test
  std::chrono::milliseconds duration{0};
  bool success = false;
  std::string run_location;  ///< may be empty
  std::string message;       ///< may be empty
};

inline void TrackAvailability(const AvailabilityResult& result, EventAttributes attributes = {}) noexcept {
  std::vector<std::pair<opentelemetry::nostd::string_view, opentelemetry::common::AttributeValue>> all{
      {"microsoft.availability.id", internal::Otel(result.id)},
      {"microsoft.availability.name", internal::Otel(result.name)},
      {"microsoft.availability.duration", static_cast<std::int64_t>(result.duration.count())},
      {"microsoft.availability.success", result.success}};
  if (!result.run_location.empty()) all.emplace_back("microsoft.availability.runLocation", internal::Otel(result.run_location));
  if (!result.message.empty()) all.emplace_back("microsoft.availability.message", internal::Otel(result.message));
  all.insert(all.end(), attributes.begin(), attributes.end());
  internal::EmitEvent(opentelemetry::logs::Severity::kInfo, all);
}

/// Records an exception: as an event of the active span if that records, else as a log record; never both.
inline void RecordException(const std::exception& exception, EventAttributes attributes = {}) noexcept {
  internal::RecordException(internal::TypeName(typeid(exception)), exception.what(), attributes);
}

/// Records the exception that is being handled; call it inside a catch block. One that was recorded on this thread for the same span
/// already is left out, so that handlers may rethrow.
inline void RecordCurrentException(EventAttributes attributes = {}) noexcept {
  const std::exception_ptr current = std::current_exception();
  if (!current) return;
  void* object = nullptr;
  static_assert(sizeof current == sizeof object, "an exception_ptr is a pointer to the exception object");
  __builtin_memcpy(&object, &current, sizeof object);
  internal::LastException& last = internal::ThisThreadsLastException();
  const auto span_id = opentelemetry::trace::Tracer::GetCurrentSpan()->GetContext().span_id();
  if (last.object == object && __builtin_memcmp(last.span_id, span_id.Id().data(), sizeof last.span_id) == 0) return;
  last.object = object;
  __builtin_memcpy(last.span_id, span_id.Id().data(), sizeof last.span_id);
  try {
    std::rethrow_exception(current);
  } catch (const std::exception& exception) {
    internal::RecordException(internal::TypeName(typeid(exception)), exception.what(), attributes);
  } catch (...) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    internal::RecordException(type == nullptr ? "unknown" : internal::TypeName(*type), "", attributes);
  }
}

}  // namespace azmon
