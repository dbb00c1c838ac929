// SPDX-License-Identifier: MIT
// Requests. Contract 3.2, 3.3, and the source of 3.6 and 3.7.
#include <algorithm>
#include <protozero/exception.hpp>

#include "base/utf8.h"
#include "envelope/field_limits.h"
#include "envelope/span.h"
#include "envelope/url.h"

namespace azmon::envelope {
namespace {

/// Rule 3 of names: "METHOD path" of a path that begins with '/'. Δ13.
std::string_view NameFromPath(std::string_view method, const AttributeList& attributes, TextArena& arena) {
  std::string_view path = attributes.Text(Key::kUrlPath, Key::kHttpTarget, arena);
  if (path.empty() || path.front() != '/') return {};
  path = path.substr(0, std::min(path.find_first_of("?#"), path.size()));
  return arena.Join({method, " ", NormalisePath(path, arena)});
}

/// Name and operation name of a SERVER span; contract 3.3.
std::string_view ServerName(const Span& span, std::string_view method, TextArena& arena) {
  const AttributeList& attributes = span.attributes;
  if (const auto name = attributes.Text(Key::kOperationName, arena); !name.empty()) return name;
  if (!method.empty()) {
    if (const auto route = attributes.Text(Key::kHttpRoute, arena); !route.empty()) return arena.Join({method, " ", route});
    if (const auto name = NameFromUrl(method, attributes, arena); !name.empty()) return name;
    if (const auto name = NameFromPath(method, attributes, arena); !name.empty()) return name;
  }
  return span.name;
}

/// Alike of a CONSUMER span.
std::string_view ConsumerName(const Span& span, TextArena& arena) {
  const auto name = span.attributes.Text(Key::kOperationName, Key::kAiOperationName, arena);
  return name.empty() ? span.name : name;
}

/// Contract 3.2: the span's own status goes before; then the HTTP status counts, method or not.
bool Succeeded(const Span& span) {
  if (span.status == otlp::status::kOk) return true;
  if (span.status == otlp::status::kError) return false;
  return !IsHttpError(span.attributes) && !NeverAnswered(span);
}

std::string_view SourceOf(const Span& span, TextArena& arena) {
  const AttributeList& attributes = span.attributes;
  if (!span.IsConsumer()) return {};
  if (IsBrokerSpan(attributes, arena)) return BrokerAddress(attributes, arena);
  if (attributes.NonEmpty(Key::kMessagingSystem) != nullptr) return MessagingAddress(attributes, arena);
  return {};
}

void Override(const AttributeList& attributes, Key key, TextArena& arena, std::string_view& field) {
  if (const auto text = attributes.Text(key, arena); !text.empty()) field = text;
}

}  // namespace

std::string_view RequestCode(const Span& span, TextArena& arena) {
  std::string_view code = ResultCode(span.attributes, !MethodOf(span.attributes, arena).empty(), true, arena);
  Override(span.attributes, Key::kOverrideRequestCode, arena, code);  // Contract 3.8, Δ12
  return code;
}

Request MapRequest(const Span& span, TextArena& arena) {
  const AttributeList& attributes = span.attributes;
  const auto method = MethodOf(attributes, arena);
  Request request;
  request.operation_name = span.IsServer() ? ServerName(span, method, arena) : ConsumerName(span, arena);
  request.name = request.operation_name;
  if (!method.empty()) request.url = AssembleUrl(span, arena);
  request.source = SourceOf(span, arena);
  request.code = RequestCode(span, arena);
  request.success = Succeeded(span);
  // Contract 3.8, Δ12.
  Override(attributes, Key::kOverrideRequestName, arena, request.name);
  Override(attributes, Key::kOverrideRequestUrl, arena, request.url);
  Override(attributes, Key::kOverrideRequestSource, arena, request.source);
  return request;
}

std::string OperationNameOf(std::string_view span_message) {
  Span span;
  try {
    ReadSpan(span_message, span);
  } catch (const protozero::exception&) {
    return {};
  }
  if (!span.IsRequest()) return {};
  TextArena arena;
  return std::string(base::CutUtf16Units(MapRequest(span, arena).operation_name, field_limits::kTagOperationName));
}

}  // namespace azmon::envelope
