// SPDX-License-Identifier: MIT
#include "envelope/span.h"

#include <algorithm>
#include <protozero/pbf_reader.hpp>

#include "base/text.h"

namespace azmon::envelope {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::string_view View(const protozero::data_view& data) { return {data.data(), data.size()}; }

std::uint32_t ReadStatus(std::string_view message) {
  std::uint32_t code = otlp::status::kUnset;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    if (reader.tag_and_type() == tag_and_type(otlp::status::kCode, pbf_wire_type::varint)) {
      code = static_cast<std::uint32_t>(reader.get_uint64());
    } else {
      reader.skip();
    }
  }
  return code;
}

}  // namespace

void ReadSpan(std::string_view message, Span& span) {
  namespace field = otlp::span;
  constexpr auto kBytes = pbf_wire_type::length_delimited;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(field::kTraceId, kBytes): span.trace_id = View(reader.get_view()); break;
      case tag_and_type(field::kSpanId, kBytes): span.span_id = View(reader.get_view()); break;
      case tag_and_type(field::kParentSpanId, kBytes): span.parent_id = View(reader.get_view()); break;
      case tag_and_type(field::kName, kBytes): span.name = View(reader.get_view()); break;
      case tag_and_type(field::kKind, pbf_wire_type::varint): span.kind = static_cast<std::uint32_t>(reader.get_uint64()); break;
      case tag_and_type(field::kStartTime, pbf_wire_type::fixed64): span.start_nanos = reader.get_fixed64(); break;
      case tag_and_type(field::kEndTime, pbf_wire_type::fixed64): span.end_nanos = reader.get_fixed64(); break;
      case tag_and_type(field::kAttributes, kBytes): span.attributes.Add(View(reader.get_view())); break;
      case tag_and_type(field::kEvents, kBytes): span.events.push_back(View(reader.get_view())); break;
      case tag_and_type(field::kLinks, kBytes): span.links.push_back(View(reader.get_view())); break;
      case tag_and_type(field::kStatus, kBytes): span.status = ReadStatus(View(reader.get_view())); break;
      default: reader.skip();
    }
  }
  // Ids of a wrong length are none.
  if (span.trace_id.size() != 16) span.trace_id = {};
  if (span.span_id.size() != 8) span.span_id = {};
  if (span.parent_id.size() != 8) span.parent_id = {};
}

std::string_view MethodOf(const AttributeList& attributes, TextArena& arena) {
  return attributes.Text(Key::kHttpRequestMethod, Key::kHttpMethod, arena);
}

std::string_view ResultCode(const AttributeList& attributes, bool has_method, bool may_be_rpc, TextArena& arena) {
  std::string_view code;
  if (has_method) {
    code = attributes.Text(Key::kHttpStatus, Key::kOldHttpStatus, arena);
  } else if (may_be_rpc) {
    code = attributes.Text(Key::kRpcGrpcStatus, Key::kRpcStatus, arena);
  }
  return code.empty() ? "0" : code;
}

bool IsHttpError(const AttributeList& attributes) {
  const Value* status = attributes.NonEmpty(Key::kHttpStatus, Key::kOldHttpStatus);
  if (status == nullptr) return false;
  if (status->type == ValueType::kDouble) return status->number >= 400;
  if (const auto number = NumberOf(*status)) return *number >= 400;
  // Digits that no double holds are a number all the same.
  return status->type == ValueType::kString && std::all_of(status->bytes.begin(), status->bytes.end(), base::IsDigit);
}

bool NeverAnswered(const Span& span) {
  return span.IsServer() && span.attributes.NonEmpty(Key::kHttpRequestMethod, Key::kHttpMethod) != nullptr &&
         span.attributes.NonEmpty(Key::kHttpStatus, Key::kOldHttpStatus) == nullptr;
}

std::string_view AzureNamespace(const AttributeList& attributes, TextArena& arena) {
  return attributes.Text(Key::kAzNamespace, Key::kAzureNamespace, arena);
}

double SampleRateOf(const AttributeList& attributes, std::optional<double> annotation) {
  const auto checked = [](std::optional<double> rate) { return rate && *rate > 0 && *rate <= 100 ? *rate : 100; };
  const Value* value = attributes.NonEmpty(Key::kSampleRate, Key::kOldSampleRate);
  return checked(value == nullptr ? annotation : NumberOf(*value));
}

}  // namespace azmon::envelope
