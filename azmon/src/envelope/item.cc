// SPDX-License-Identifier: MIT
#include "envelope/item.h"

#include <array>

#include "envelope/field_limits.h"
#include "envelope/value_text.h"

namespace azmon::envelope {
namespace {

struct ItemNames {
  std::string_view name;
  std::string_view base_type;
};

/// By ItemType. Contract 2: the long form of names, without instrumentation key.
constexpr std::array<ItemNames, 8> kItemNames{{
    {"Request", "RequestData"},
    {"RemoteDependency", "RemoteDependencyData"},
    {"Message", "MessageData"},
    {"Exception", "ExceptionData"},
    {"Event", "EventData"},
    {"Metric", "MetricData"},
    {"Availability", "AvailabilityData"},
    {"PageView", "PageViewData"},
}};

}  // namespace

std::string_view BaseTypeName(ItemType type) { return kItemNames[static_cast<std::size_t>(type)].base_type; }

void BeginItem(ItemType type, std::uint64_t time_nanos, double sample_rate, const Tags* tags, const ItemContext& context, ItemWriter& out) {
  const ItemNames& names = kItemNames[static_cast<std::size_t>(type)];
  TimeText time;
  out.Literal("{\"ver\":1,\"name\":\"Microsoft.ApplicationInsights.");
  out.Raw(names.name);
  out.Literal("\",\"time\":\"");
  out.Raw(time.Format(time_nanos));
  out.Literal("\",\"sampleRate\":");
  if (sample_rate == 100) {
    out.Literal("100");
  } else {
    out.Number(sample_rate);
  }
  out.Raw(context.resource.ItemMiddle());
  if (tags != nullptr) WriteTags(*tags, context.resource, out);
  out.Literal("},\"data\":{\"baseType\":\"");
  out.Raw(names.base_type);
  out.Literal("\",\"baseData\":{\"ver\":2");
}

void WriteException(const ExceptionText& exception, ItemWriter& out) {
  out.Literal(",\"exceptions\":[{\"typeName\":");
  out.String(exception.type.empty() ? "Exception" : exception.type, field_limits::kExceptionType);
  out.Literal(",\"message\":");
  out.String(exception.message.empty() ? "Exception" : exception.message, field_limits::kExceptionText);
  if (exception.stack.empty()) {
    out.Literal(",\"hasFullStack\":false}]");
  } else {
    out.Literal(",\"hasFullStack\":true,\"stack\":");
    out.String(exception.stack, field_limits::kExceptionText);
    out.Literal("}]");
  }
}

}  // namespace azmon::envelope
