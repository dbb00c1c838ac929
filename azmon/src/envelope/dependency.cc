// SPDX-License-Identifier: MIT
// Dependencies by family. Contract 3.4, 3.6, 3.7.
#include <algorithm>
#include <array>

#include "envelope/span.h"

namespace azmon::envelope {
namespace {

/// Database systems that the portal draws as SQL; others are their own type. Contract 3.6.
constexpr std::array<std::string_view, 13> kSqlSystems{"db2",       "ibm.db2", "derby",     "mariadb",   "mssql", "microsoft.sql_server", "oracle",
                                                       "oracle.db", "sqlite",  "other_sql", "hsqldb",    "h2",    "h2database"};

std::string_view DatabaseType(std::string_view system) {
  return std::find(kSqlSystems.begin(), kSqlSystems.end(), system) != kSqlSystems.end() ? "SQL" : system;
}

/// Contract 3.4, base type; Δ40.
std::string_view BaseType(const Span& span) {
  if (span.IsInternal()) return "InProc";
  return span.IsProducer() ? "Queue Message" : "Dependency";
}

void MapHttp(const Span& span, std::string_view method, DependencyFields fields, TextArena& arena, Dependency& dependency) {
  const AttributeList& attributes = span.attributes;
  dependency.type = "Http";
  dependency.target = PeerOf(attributes, Family::kHttp, arena);
  if (fields == DependencyFields::kAllButNameAndData) return;
  dependency.data = AssembleUrl(span, arena);
  const auto url_template = attributes.Text(Key::kUrlTemplate, arena);
  const auto name = url_template.empty() ? NameFromUrl(method, attributes, arena) : arena.Join({method, " ", url_template});
  if (!name.empty()) dependency.name = name;
}

void MapDatabase(const Span& span, const Settings& settings, TextArena& arena, Dependency& dependency) {
  const AttributeList& attributes = span.attributes;
  const auto system = attributes.Text(Key::kDbSystemName, Key::kDbSystem, arena);
  dependency.type = DatabaseType(system);
  dependency.data = attributes.Text(Key::kDbQueryText, Key::kDbStatement, arena);
  dependency.data_is_query = !dependency.data.empty();
  if (!dependency.data_is_query) dependency.data = attributes.Text(Key::kDbOperationName, Key::kDbOperation, arena);
  const auto peer = PeerOf(attributes, Family::kDatabase, arena);
  const auto name = attributes.Text(Key::kDbNamespace, Key::kDbName, arena);
  if (!peer.empty() && !name.empty()) {
    dependency.target = arena.Join({peer, settings.database_target_separator, name});
  } else {
    dependency.target = !peer.empty() ? peer : (!name.empty() ? name : system);
  }
}

void MapRpc(const Span& span, TextArena& arena, Dependency& dependency) {
  const auto system = span.attributes.Text(Key::kRpcSystemName, Key::kRpcSystem, arena);
  dependency.type = system == "grpc" ? "GRPC" : system;  // Δ19
  dependency.target = PeerOf(span.attributes, Family::kRpc, arena);
  if (dependency.target.empty()) dependency.target = system;
}

/// Δ20. An INTERNAL span keeps its base type.
void MapMessaging(const Span& span, TextArena& arena, Dependency& dependency) {
  if (span.IsInternal()) return;
  const auto system = span.attributes.Text(Key::kMessagingSystem, arena);
  dependency.type = span.IsProducer() ? arena.Join({"Queue Message | ", system}) : system;
  dependency.target = MessagingAddress(span.attributes, arena);
}

/// An Azure SDK span of no other family. Δ20.
void MapAzure(const Span& span, TextArena& arena, Dependency& dependency) {
  if (span.IsInternal()) return;
  const auto name = AzureNamespace(span.attributes, arena);
  dependency.type = span.IsProducer() ? arena.Join({"Queue Message | ", name}) : name;
  dependency.target = PeerOf(span.attributes, Family::kAzure, arena);
}

void MapGeneric(const Span& span, TextArena& arena, Dependency& dependency) {
  if (!span.IsInternal()) dependency.target = PeerOf(span.attributes, Family::kGeneric, arena);  // Δ39
}

/// Δ21. CLIENT alone: other kinds are as without GenAI.
void MapGenAi(const Span& span, TextArena& arena, Dependency& dependency) {
  if (!span.IsClient()) return MapGeneric(span, arena, dependency);
  const auto provider = span.attributes.Text(Key::kGenAiProvider, Key::kGenAiSystem, arena);
  dependency.type = arena.Join({"GenAI | ", provider});
  dependency.target = PeerOf(span.attributes, Family::kGenAi, arena);
  if (dependency.target.empty()) dependency.target = provider;
}

/// Contract 3.6, Azure SDK spans: INTERNAL ones say so whatever family gave them target and data. 3.7: Event Hubs and Service Bus.
void OverlayAzure(const Span& span, TextArena& arena, Dependency& dependency) {
  const auto name = AzureNamespace(span.attributes, arena);
  if (name.empty()) return;
  if (span.IsInternal()) {
    dependency.type = arena.Join({"InProc | ", name});
  } else if (IsBrokerSpan(span.attributes, arena)) {
    dependency.type = span.IsProducer() ? arena.Join({"Queue Message | ", name}) : name;
    dependency.target = BrokerAddress(span.attributes, arena);
  }
}

/// Contract 3.8, Δ12.
void Override(const AttributeList& attributes, TextArena& arena, Dependency& dependency) {
  const auto apply = [&](Key key, std::string_view& field) {
    if (const auto text = attributes.Text(key, arena); !text.empty()) field = text;
  };
  apply(Key::kOverrideDependencyName, dependency.name);
  apply(Key::kOverrideDependencyType, dependency.type);
  apply(Key::kOverrideDependencyTarget, dependency.target);
  apply(Key::kOverrideDependencyData, dependency.data);
  apply(Key::kOverrideDependencyCode, dependency.code);
}

}  // namespace

Family FamilyOf(const AttributeList& attributes) {
  if (attributes.NonEmpty(Key::kHttpRequestMethod, Key::kHttpMethod) != nullptr) return Family::kHttp;
  if (attributes.NonEmpty(Key::kDbSystemName, Key::kDbSystem) != nullptr) return Family::kDatabase;
  if (attributes.NonEmpty(Key::kRpcSystemName, Key::kRpcSystem) != nullptr) return Family::kRpc;
  if (attributes.NonEmpty(Key::kMessagingSystem) != nullptr) return Family::kMessaging;
  if (attributes.NonEmpty(Key::kAzNamespace, Key::kAzureNamespace) != nullptr) return Family::kAzure;
  if (attributes.NonEmpty(Key::kGenAiProvider, Key::kGenAiSystem) != nullptr) return Family::kGenAi;
  return Family::kGeneric;
}

std::string_view MessagingAddress(const AttributeList& attributes, TextArena& arena) {
  const auto peer = PeerOf(attributes, Family::kMessaging, arena);
  auto destination = attributes.Text(Key::kMessagingDestinationName, Key::kMessagingDestination, arena);
  if (destination.empty()) destination = attributes.Text(Key::kMessageBusDestination, arena);
  if (!peer.empty() && !destination.empty()) return arena.Join({peer, "/", destination});
  if (!peer.empty()) return peer;
  return !destination.empty() ? destination : attributes.Text(Key::kMessagingSystem, arena);
}

bool IsBrokerSpan(const AttributeList& attributes, TextArena& arena) {
  const auto name = AzureNamespace(attributes, arena);
  return (name == "Microsoft.EventHub" || name == "Microsoft.ServiceBus") && MethodOf(attributes, arena).empty();
}

std::string_view BrokerAddress(const AttributeList& attributes, TextArena& arena) {
  auto peer = attributes.Text(Key::kServerAddress, Key::kNetPeerName, arena);
  if (peer.empty()) peer = attributes.Text(Key::kPeerAddress, arena);
  if (peer.empty()) peer = "unknown";
  if (peer.back() == '/') peer.remove_suffix(1);
  auto destination = attributes.Text(Key::kMessagingDestinationName, Key::kMessageBusDestination, arena);
  if (destination.empty()) destination = "unknown";
  return arena.Join({peer, "/", destination});
}

Dependency MapDependency(const Span& span, const Settings& settings, TextArena& arena, DependencyFields fields) {
  const AttributeList& attributes = span.attributes;
  Dependency dependency;
  dependency.name = span.name;
  dependency.type = BaseType(span);
  dependency.success = span.status != otlp::status::kError;
  dependency.family = FamilyOf(attributes);
  const bool is_http = dependency.family == Family::kHttp;
  dependency.code = ResultCode(attributes, is_http, dependency.family == Family::kRpc, arena);
  switch (dependency.family) {
    case Family::kHttp: MapHttp(span, MethodOf(attributes, arena), fields, arena, dependency); break;
    case Family::kDatabase: MapDatabase(span, settings, arena, dependency); break;
    case Family::kRpc: MapRpc(span, arena, dependency); break;
    case Family::kMessaging: MapMessaging(span, arena, dependency); break;
    case Family::kAzure: MapAzure(span, arena, dependency); break;
    case Family::kGenAi: MapGenAi(span, arena, dependency); break;
    case Family::kGeneric: MapGeneric(span, arena, dependency); break;
  }
  OverlayAzure(span, arena, dependency);
  Override(attributes, arena, dependency);
  return dependency;
}

}  // namespace azmon::envelope
