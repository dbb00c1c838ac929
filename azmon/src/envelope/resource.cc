// SPDX-License-Identifier: MIT
// Resources: cloud role and instance, the tags that every item has, the resource metric. Contract 2.3 to 2.5.
#include <array>
#include <protozero/pbf_reader.hpp>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "envelope/envelope.h"
#include "envelope/field_limits.h"
#include "envelope/item.h"
#include "envelope/properties.h"
#include "envelope/value_text.h"
#include "otlp/fields.h"

namespace azmon::envelope {
namespace {

/// Role (b): verbatim, without a namespace.
constexpr std::array<Key, 6> kKubernetesRoles{Key::kK8sDeployment, Key::kK8sReplicaSet, Key::kK8sStatefulSet,
                                              Key::kK8sJob,        Key::kK8sCronJob,    Key::kK8sDaemonSet};

std::string WithNamespace(std::string_view space, std::string_view name, RoleNameStyle style) {
  if (space.empty()) return std::string(name);
  std::string role;
  if (style == RoleNameStyle::kBrackets) {
    role.append("[").append(space).append("]/").append(name);
  } else {
    role.append(space).append(".").append(name);
  }
  return role;
}

std::string RoleOf(const AttributeList& attributes, const Settings& settings, TextArena& arena) {
  const auto name = attributes.Text(Key::kServiceName, arena);
  const auto space = attributes.Text(Key::kServiceNamespace, arena);
  if (!name.empty() && !name.starts_with("unknown_service")) return WithNamespace(space, name, settings.role_name_style);
  for (const Key key : kKubernetesRoles) {
    if (const auto role = attributes.Text(key, arena); !role.empty()) return std::string(role);
  }
  if (!name.empty()) return WithNamespace(space, name, settings.role_name_style);
  return settings.website_site_name;
}

/// Δ9.
std::string InstanceOf(const AttributeList& attributes, const Settings& settings, TextArena& arena) {
  if (const auto id = attributes.Text(Key::kServiceInstanceId, Key::kK8sPod, arena); !id.empty()) return std::string(id);
  return !settings.website_instance_id.empty() ? settings.website_instance_id : settings.host_name;
}

void AppendTag(std::string_view name, std::string_view text, std::size_t units_max, std::string& members) {
  text = base::CutUtf16Units(text, units_max);
  if (text.empty()) return;
  if (!members.empty()) members.push_back(',');
  base::AppendJsonString(name, members);
  members.push_back(':');
  base::AppendJsonString(text, members);
}

void ReadAttributes(std::string_view resource_message, AttributeList& attributes) {
  try {
    protozero::pbf_reader reader(resource_message.data(), resource_message.size());
    while (reader.next(otlp::resource::kAttributes, protozero::pbf_wire_type::length_delimited)) {
      const protozero::data_view data = reader.get_view();
      const std::string_view message(data.data(), data.size());
      // Arrays and maps are read when they are written, which is outside of this try: find their damage here.
      std::string text;
      AppendText(ReadKeyValue(message).value, text);
      attributes.Add(message);
    }
  } catch (const protozero::exception&) {
    // The attributes before the damage are good.
  }
}

/// Contract 2.5.
std::string MetricMembersOf(const AttributeList& attributes, const Settings& settings) {
  constexpr std::string_view kHead = ",\"properties\":{";
  std::string members;
  ItemWriter out(members);
  PropertyWriter properties(out);
  for (const Attribute& attribute : attributes) {
    if (IsResourceProperty(attribute)) properties.Add(attribute);
  }
  if (!settings.application_id.empty() && attributes.Find(Key::kApplicationId) == nullptr) {
    properties.Text(kKeyRows[static_cast<std::size_t>(Key::kApplicationId)].key, settings.application_id);
  }
  out.Flush();
  return members.empty() ? members : members.substr(kHead.size());
}

}  // namespace

ResourceContext ResourceContext::Make(std::string_view resource_message, const Settings& settings) {
  AttributeList attributes;
  ReadAttributes(resource_message, attributes);
  TextArena arena;
  ResourceContext context;
  context.role_ = base::CutUtf16Units(RoleOf(attributes, settings, arena), field_limits::kTagRole);
  context.role_instance_ = base::CutUtf16Units(InstanceOf(attributes, settings, arena), field_limits::kTagRole);
  std::string& members = context.tag_members_;
  AppendTag("ai.internal.sdkVersion", settings.sdk_version, field_limits::kTagSdkVersion, members);
  AppendTag("ai.cloud.role", context.role_, field_limits::kTagRole, members);
  AppendTag("ai.cloud.roleInstance", context.role_instance_, field_limits::kTagRole, members);
  AppendTag("ai.application.ver", attributes.Text(Key::kServiceVersion, arena), field_limits::kTagApplicationVersion, members);
  AppendTag("ai.device.id", attributes.Text(Key::kDeviceId, arena), field_limits::kTagDeviceId, members);
  AppendTag("ai.device.model", attributes.Text(Key::kDeviceModel, arena), field_limits::kTagDeviceModel, members);
  AppendTag("ai.device.oemName", attributes.Text(Key::kDeviceManufacturer, arena), field_limits::kTagDeviceModel, members);
  context.item_middle_ = ",\"iKey\":";
  base::AppendJsonString(settings.instrumentation_key, context.item_middle_);
  context.item_middle_.append(",\"tags\":{").append(members);
  context.metric_members_ = MetricMembersOf(attributes, settings);
  return context;
}

ScopeContext ScopeContext::Parse(std::string_view scope_message) {
  namespace field = otlp::scope;
  constexpr auto kBytes = protozero::pbf_wire_type::length_delimited;
  ScopeContext scope;
  try {
    protozero::pbf_reader reader(scope_message.data(), scope_message.size());
    while (reader.next()) {
      const bool is_bytes = reader.wire_type() == kBytes;
      if (is_bytes && (reader.tag() == field::kName || reader.tag() == field::kVersion)) {
        std::string_view& text = reader.tag() == field::kName ? scope.name : scope.version;
        const protozero::data_view data = reader.get_view();
        text = {data.data(), data.size()};
      } else {
        reader.skip();
      }
    }
  } catch (const protozero::exception&) {
    // What stands before the damage is good.
  }
  return scope;
}

bool AppendResourceMetric(const ResourceContext& resource, const Settings& settings, base::WallTime now, std::string& out) {
  if (!settings.resource_metric || resource.MetricMembers().empty()) return false;
  const ScopeContext scope;
  const ItemContext context{.resource = resource,
                            .scope = scope,
                            .settings = settings,
                            .now_nanos = static_cast<std::uint64_t>(now.time_since_epoch().count())};
  ItemWriter writer(out);
  BeginItem(ItemType::kMetric, context.now_nanos, 100, nullptr, context, writer);
  writer.Literal(",\"metrics\":[{\"name\":\"_OTELRESOURCE_\",\"value\":1}],\"properties\":{");
  writer.Raw(resource.MetricMembers());
  writer.Char('}');
  EndItem(writer);
  writer.Flush();
  return true;
}

}  // namespace azmon::envelope
