// SPDX-License-Identifier: MIT
#include "local/model/item.h"

#include "base/json_writer.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

constexpr std::array<std::string_view, kItemTypes> kTypeNames = {"request", "dependency",  "trace",    "exception",
                                                                "customEvent", "metric", "pageView", "availability"};

}  // namespace

std::string_view Name(Source source) { return source == Source::kBreeze ? "breeze" : "otlp"; }

std::string_view Name(ItemType type) { return kTypeNames[static_cast<std::size_t>(type) % kItemTypes]; }

std::optional<ItemType> ParseItemType(std::string_view name) {
  for (std::size_t i = 0; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return static_cast<ItemType>(i);
  }
  return std::nullopt;
}

std::optional<std::string> ColumnText(const Item& item, std::string_view name) {
  if (name == "seq") return std::to_string(item.seq);
  if (name == "source") return std::string(Name(item.source));
  if (name == "itemType") return std::string(Name(item.type));
  if (name == "timestamp") return FormatTime(item.time);
  if (name == "duration") {
    std::string text;
    if (item.duration >= 0) base::AppendEcmaNumber(TicksToMs(item.duration), text);
    return text;
  }
  if (name == "success") return std::string(item.success < 0 ? "" : item.success != 0 ? "true" : "false");
  if (name == "severityLevel") return item.severity < 0 ? std::string() : std::to_string(item.severity);
  if (name == "itemCount") return std::to_string(item.item_count);
  if (name == "iKey") return item.i_key;
  if (name == "name") return item.name;
  if (name == "operation_Id") return item.operation_id;
  if (name == "id") return item.id;
  if (name == "operation_ParentId") return item.parent_id;
  if (name == "cloud_RoleName") return item.role;
  if (name == "cloud_RoleInstance") return item.role_instance;
  if (name == "resultCode") return item.result_code;
  if (name == "type") return item.kind;
  if (name == "target") return item.target;
  if (name == "data") return item.data;
  if (name == "url") return item.url;
  if (name == "message") return item.message;
  if (name == "exceptionType") return item.exception_type;
  if (name == "stack") return item.stack;
  return std::nullopt;
}

}  // namespace azmon::local
