// SPDX-License-Identifier: MIT
// The tags of an item. Contract 2.2, 2.6 and 4.5.
#pragma once

#include <string_view>

#include "envelope/attributes.h"
#include "envelope/envelope.h"
#include "envelope/item_writer.h"
#include "envelope/span.h"

namespace azmon::envelope {

/// The tags that do not come from the resource. Texts are not cut yet; empty ones are not sent.
struct Tags {
  std::string_view operation_id;  ///< bytes; not sent if all are zero
  std::string_view parent_id;     ///< bytes, alike
  std::string_view operation_name;
  std::string_view synthetic_source;
  std::string_view ip;
  std::string_view user_id;
  std::string_view auth_user_id;
  std::string_view account_id;
  std::string_view session_id;
  std::string_view user_agent;
};

/// @param operation_name  the name of the request's own operation; of a dependency the annotation, which an attribute replaces
Tags TagsOfSpan(const Span& span, std::string_view operation_name, TextArena& arena);
/// Tags of an item made from a span's event; the session may be the event's own. Δ7.
Tags TagsOfEvent(const Tags& of_span, const Span& span, const AttributeList& event, TextArena& arena);
/// @param operation_name  the annotation
Tags TagsOfLog(const AttributeList& attributes, std::string_view trace_id, std::string_view span_id, std::string_view operation_name,
               TextArena& arena);

/// The value of `ai.operation.syntheticSource`, "" if the traffic is not synthetic. Contract 2.6.
std::string_view SyntheticSource(const AttributeList& attributes, TextArena& arena);

/// Writes the members of "tags" that follow the resource's, which stand there.
void WriteTags(const Tags& tags, const ResourceContext& resource, ItemWriter& out);

/// True for the 16 or 8 bytes of an id that is not all zeros.
bool IsTraceId(std::string_view bytes);
bool IsSpanId(std::string_view bytes);

}  // namespace azmon::envelope
