// SPDX-License-Identifier: MIT
#include "envelope/tags.h"

#include <algorithm>

#include "envelope/field_limits.h"

namespace azmon::envelope {
namespace {

constexpr std::size_t kTraceIdBytes = 16;
constexpr std::size_t kSpanIdBytes = 8;

bool IsAllZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

/// Contract 2.6: any kind `microsoft.client.ip`, then of SERVER spans the client as they know it.
std::string_view ClientIp(const Span& span, TextArena& arena) {
  const AttributeList& attributes = span.attributes;
  if (const auto ip = attributes.Text(Key::kClientIp, arena); !ip.empty() || !span.IsServer()) return ip;
  if (const auto ip = attributes.Text(Key::kClientAddress, Key::kHttpClientIp, arena); !ip.empty()) return ip;
  if (const auto ip = attributes.Text(Key::kNetworkPeerAddress, Key::kNetPeerIp, arena); !ip.empty()) return ip;
  return attributes.Text(Key::kNetSockPeerAddr, arena);
}

/// What spans and logs have alike.
void SetUserTags(const AttributeList& attributes, TextArena& arena, Tags& tags) {
  tags.synthetic_source = SyntheticSource(attributes, arena);
  tags.user_id = attributes.Text(Key::kEndUserPseudoId, arena);
  tags.auth_user_id = attributes.Text(Key::kEndUserId, arena);
  tags.account_id = attributes.Text(Key::kAccountId, arena);
  tags.session_id = attributes.Text(Key::kMicrosoftSessionId, Key::kSessionId, arena);
}

}  // namespace

bool IsTraceId(std::string_view bytes) { return bytes.size() == kTraceIdBytes && !IsAllZero(bytes); }
bool IsSpanId(std::string_view bytes) { return bytes.size() == kSpanIdBytes && !IsAllZero(bytes); }

std::string_view SyntheticSource(const AttributeList& attributes, TextArena& arena) {
  if (const auto source = attributes.Text(Key::kSyntheticSource, arena); !source.empty()) return source;
  if (attributes.NonEmpty(Key::kSyntheticType) != nullptr) return "True";
  const auto agent = attributes.Text(Key::kUserAgent, Key::kOldUserAgent, arena);
  return agent.find("AlwaysOn") != std::string_view::npos ? "True" : std::string_view{};
}

Tags TagsOfSpan(const Span& span, std::string_view operation_name, TextArena& arena) {
  Tags tags;
  tags.operation_id = span.trace_id;
  tags.parent_id = span.parent_id;
  tags.operation_name = operation_name;
  if (!span.IsRequest()) {
    if (const auto name = span.attributes.Text(Key::kAiOperationName, arena); !name.empty()) tags.operation_name = name;
  }
  tags.ip = ClientIp(span, arena);
  tags.user_agent = span.attributes.Text(Key::kUserAgent, Key::kOldUserAgent, arena);
  SetUserTags(span.attributes, arena, tags);
  return tags;
}

Tags TagsOfEvent(const Tags& of_span, const Span& span, const AttributeList& event, TextArena& arena) {
  Tags tags = of_span;
  tags.parent_id = span.span_id;
  tags.ip = {};
  tags.user_agent = {};
  if (const auto session = event.Text(Key::kMicrosoftSessionId, Key::kSessionId, arena); !session.empty()) tags.session_id = session;
  return tags;
}

Tags TagsOfLog(const AttributeList& attributes, std::string_view trace_id, std::string_view span_id, std::string_view operation_name,
               TextArena& arena) {
  Tags tags;
  tags.operation_id = trace_id;
  tags.parent_id = span_id;
  tags.operation_name = attributes.Text(Key::kOperationName, Key::kAiOperationName, arena);
  if (tags.operation_name.empty()) tags.operation_name = operation_name;
  tags.ip = attributes.Text(Key::kClientIp, arena);
  SetUserTags(attributes, arena, tags);
  return tags;
}

void WriteTags(const Tags& tags, const ResourceContext& resource, ItemWriter& out) {
  bool first = resource.TagMembers().empty();
  // Each literal begins with the comma, which the first member of all has to leave out.
  const auto key = [&]<std::size_t kSize>(const char(&text)[kSize]) {
    if (!first) out.Char(',');
    first = false;
    out.Literal(text);
  };
  if (IsTraceId(tags.operation_id)) {
    key("\"ai.operation.id\":\"");
    out.Hex(tags.operation_id);
    out.Char('"');
  }
  if (IsSpanId(tags.parent_id)) {
    key("\"ai.operation.parentId\":\"");
    out.Hex(tags.parent_id);
    out.Char('"');
  }
  if (!tags.operation_name.empty()) {
    key("\"ai.operation.name\":");
    out.String(tags.operation_name, field_limits::kTagOperationName);
  }
  if (!tags.synthetic_source.empty()) {
    key("\"ai.operation.syntheticSource\":");
    out.String(tags.synthetic_source, field_limits::kTagSyntheticSource);
  }
  if (!tags.ip.empty()) {
    key("\"ai.location.ip\":");
    out.String(tags.ip, field_limits::kTagIp);
  }
  if (!tags.user_id.empty()) {
    key("\"ai.user.id\":");
    out.String(tags.user_id, field_limits::kTagUserId);
  }
  if (!tags.auth_user_id.empty()) {
    key("\"ai.user.authUserId\":");
    out.String(tags.auth_user_id, field_limits::kTagAuthUserId);
  }
  if (!tags.account_id.empty()) {
    key("\"ai.user.accountId\":");
    out.String(tags.account_id, field_limits::kTagAccountId);
  }
  if (!tags.session_id.empty()) {
    key("\"ai.session.id\":");
    out.String(tags.session_id, field_limits::kTagSessionId);
  }
  if (!tags.user_agent.empty()) {
    key("\"ai.user.userAgent\":");
    out.String(tags.user_agent);
  }
}

}  // namespace azmon::envelope
