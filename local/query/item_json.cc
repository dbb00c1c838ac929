// SPDX-License-Identifier: MIT
#include "local/query/item_json.h"

#include "local/model/time.h"

namespace azmon::local {
namespace {

void OrNull(std::string_view name, const std::string& value, base::JsonWriter& json) {
  json.Key(name);
  if (value.empty()) json.Null();
  else json.String(value);
}

void IfAny(std::string_view name, const std::string& value, base::JsonWriter& json) {
  if (!value.empty()) json.Key(name).String(value);
}

}  // namespace

void WriteItem(const Item& item, base::JsonWriter& json) {
  json.OpenObject();
  json.Member("seq", item.seq).Member("source", Name(item.source)).Member("itemType", Name(item.type));
  json.Member("timestamp", FormatTime(item.time));
  if (item.duration >= 0) json.Member("duration", TicksToMs(item.duration));
  IfAny("name", item.name, json);
  OrNull("operation_Id", item.operation_id, json);
  OrNull("id", item.id, json);
  OrNull("operation_ParentId", item.parent_id, json);
  OrNull("cloud_RoleName", item.role, json);
  OrNull("cloud_RoleInstance", item.role_instance, json);
  if (IsSpan(item.type) || item.success >= 0) {
    json.Key("success");
    if (item.success < 0) json.Null();
    else json.Bool(item.success != 0);
  }
  IfAny("resultCode", item.result_code, json);
  IfAny("type", item.kind, json);
  IfAny("target", item.target, json);
  IfAny("data", item.data, json);
  IfAny("url", item.url, json);
  IfAny("message", item.message, json);
  if (item.severity >= 0) json.Key("severityLevel").Integer(item.severity);
  json.Member("itemCount", item.item_count);
  IfAny("exceptionType", item.exception_type, json);
  IfAny("stack", item.stack, json);
  json.Key("customDimensions").Raw(item.dimensions.empty() ? "{}" : std::string_view(item.dimensions));
  json.Key("customMeasurements").Raw(item.measurements.empty() ? "{}" : std::string_view(item.measurements));
  if (!item.links.empty()) json.Key("links").Raw(item.links);
  if (!item.point.empty()) json.Key("point").Raw(item.point);
  json.Member("iKey", item.i_key);
  json.CloseObject();
}

}  // namespace azmon::local
