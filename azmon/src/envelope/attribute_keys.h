// SPDX-License-Identifier: MIT
// The attribute keys that the mapping knows, and what becomes of each as a property.
//
// One table, AZMON_ENVELOPE_KEYS: name, key, property rule, where the value goes. docs/reference/mapping.md is printed from it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace azmon::envelope {

/// Whether an attribute of this key is also a property ("custom dimension") of the item. Contract 3.9.
enum class PropertyRule : std::uint8_t {
  kKeep,               ///< a property of everything
  kLong,               ///< as kKeep, with the long limit of GenAI content
  kNotOfSpans,         ///< mapped by spans: no property of them; of logs and span events it is one (Δ41)
  kNever,              ///< mapped by everything, or internal; of the resource metric it is one, but for `_MS.`
  kUnlessDatabase,     ///< no property of a dependency of the database family (Δ18)
  kDatabaseOperation,  ///< as kUnlessDatabase, but stays where `data` is the query text (Δ44)
  kOldOperation,       ///< as kNotOfSpans, but stays where `data` of a database dependency is the query text (Δ44)
  kUnlessRpc,          ///< no property of a dependency of the RPC family, nor of an RPC request without HTTP method (Δ10)
  kNotOfResource,      ///< no property of the resource metric; elsewhere as kKeep
};

#define AZMON_ENVELOPE_KEYS(X) \
  X(kHttpRequestMethod, "http.request.method", kNotOfSpans, "method: request and operation name, dependency name; family HTTP") \
  X(kHttpMethod, "http.method", kNotOfSpans, "as `http.request.method`") \
  X(kHttpRoute, "http.route", kNotOfSpans, "request: name, operation name") \
  X(kUrlFull, "url.full", kNotOfSpans, "request: url, name; dependency: data, name, target") \
  X(kHttpUrl, "http.url", kNotOfSpans, "as `url.full`") \
  X(kUrlPath, "url.path", kNotOfSpans, "request: url, name; dependency: data") \
  X(kHttpTarget, "http.target", kNotOfSpans, "request: url, name; dependency: data") \
  X(kUrlQuery, "url.query", kNotOfSpans, "request: url; dependency: data") \
  X(kUrlScheme, "url.scheme", kNotOfSpans, "request: url; dependency: data, default port of the target") \
  X(kHttpScheme, "http.scheme", kNotOfSpans, "as `url.scheme`") \
  X(kUrlTemplate, "url.template", kKeep, "HTTP dependency: name") \
  X(kHttpHost, "http.host", kNotOfSpans, "request: url; dependency: data, target") \
  X(kHttpServerName, "http.server_name", kKeep, "SERVER request: url") \
  X(kNetHostName, "net.host.name", kNotOfSpans, "SERVER request: url") \
  X(kNetHostPort, "net.host.port", kNotOfSpans, "SERVER request: url") \
  X(kNetHostIp, "net.host.ip", kNotOfSpans, "") \
  X(kHttpStatus, "http.response.status_code", kNotOfSpans, "responseCode, resultCode; success of a request") \
  X(kOldHttpStatus, "http.status_code", kNotOfSpans, "as `http.response.status_code`") \
  X(kHttpStatusText, "http.status_text", kNotOfSpans, "") \
  X(kHttpFlavor, "http.flavor", kNotOfSpans, "") \
  X(kUserAgent, "user_agent.original", kNotOfSpans, "tag ai.user.userAgent (spans); ai.operation.syntheticSource if it contains AlwaysOn") \
  X(kOldUserAgent, "http.user_agent", kNotOfSpans, "as `user_agent.original`") \
  X(kSyntheticType, "user_agent.synthetic.type", kNever, "tag ai.operation.syntheticSource = True") \
  X(kClientAddress, "client.address", kNotOfSpans, "SERVER: tag ai.location.ip") \
  X(kHttpClientIp, "http.client_ip", kNotOfSpans, "SERVER: tag ai.location.ip") \
  X(kClientPort, "client.port", kNotOfSpans, "") \
  X(kServerAddress, "server.address", kNotOfSpans, "peer: target, source; url, data") \
  X(kServerPort, "server.port", kNotOfSpans, "port of `server.address`") \
  X(kNetPeerName, "net.peer.name", kNotOfSpans, "peer: target, source; url, data") \
  X(kNetPeerPort, "net.peer.port", kNotOfSpans, "port of `net.peer.name` and `net.peer.ip`") \
  X(kNetPeerIp, "net.peer.ip", kNotOfSpans, "peer: target, source; url, data; SERVER: tag ai.location.ip") \
  X(kNetTransport, "net.transport", kNotOfSpans, "") \
  X(kNetworkPeerAddress, "network.peer.address", kNotOfSpans, "peer: target, source; url, data; SERVER: tag ai.location.ip") \
  X(kNetworkPeerPort, "network.peer.port", kNotOfSpans, "port of `network.peer.address`") \
  X(kNetSockPeerName, "net.sock.peer.name", kKeep, "peer: target, source") \
  X(kNetSockPeerAddr, "net.sock.peer.addr", kKeep, "peer: target, source; SERVER: tag ai.location.ip") \
  X(kNetSockPeerPort, "net.sock.peer.port", kKeep, "port of the two above") \
  X(kNetworkLocalAddress, "network.local.address", kNotOfSpans, "") \
  X(kNetworkLocalPort, "network.local.port", kNotOfSpans, "") \
  X(kNetworkProtocolName, "network.protocol.name", kNotOfSpans, "") \
  X(kNetworkProtocolVersion, "network.protocol.version", kNotOfSpans, "") \
  X(kNetworkTransport, "network.transport", kNotOfSpans, "") \
  X(kPeerService, "peer.service", kNotOfSpans, "dependency: target") \
  X(kPeerAddress, "peer.address", kKeep, "Event Hubs, Service Bus: target, source") \
  X(kDbSystemName, "db.system.name", kUnlessDatabase, "dependency: type; family database") \
  X(kDbSystem, "db.system", kNotOfSpans, "as `db.system.name`") \
  X(kDbNamespace, "db.namespace", kUnlessDatabase, "database dependency: target") \
  X(kDbName, "db.name", kNotOfSpans, "as `db.namespace`") \
  X(kDbQueryText, "db.query.text", kUnlessDatabase, "database dependency: data") \
  X(kDbStatement, "db.statement", kNotOfSpans, "as `db.query.text`") \
  X(kDbOperationName, "db.operation.name", kDatabaseOperation, "database dependency: data, if there is no query text") \
  X(kDbOperation, "db.operation", kOldOperation, "as `db.operation.name`") \
  X(kRpcSystemName, "rpc.system.name", kUnlessRpc, "dependency: type; family RPC") \
  X(kRpcSystem, "rpc.system", kNotOfSpans, "as `rpc.system.name`") \
  X(kRpcGrpcStatus, "rpc.grpc.status_code", kNotOfSpans, "responseCode, resultCode (without HTTP method)") \
  X(kRpcStatus, "rpc.response.status_code", kUnlessRpc, "as `rpc.grpc.status_code`") \
  X(kMessagingSystem, "messaging.system", kKeep, "dependency: type; family messaging") \
  X(kMessagingDestinationName, "messaging.destination.name", kKeep, "target, source") \
  X(kMessagingDestination, "messaging.destination", kKeep, "as `messaging.destination.name`") \
  X(kMessageBusDestination, "message_bus.destination", kKeep, "as `messaging.destination.name`") \
  X(kAzNamespace, "az.namespace", kKeep, "dependency: type; family Azure SDK; Event Hubs and Service Bus") \
  X(kAzureNamespace, "azure.resource_provider.namespace", kKeep, "as `az.namespace`") \
  X(kGenAiProvider, "gen_ai.provider.name", kKeep, "CLIENT dependency: type, target; family GenAI") \
  X(kGenAiSystem, "gen_ai.system", kKeep, "as `gen_ai.provider.name`") \
  X(kGenAiInput, "gen_ai.input.messages", kLong, "") \
  X(kGenAiOutput, "gen_ai.output.messages", kLong, "") \
  X(kGenAiInstructions, "gen_ai.system_instructions", kLong, "") \
  X(kGenAiTools, "gen_ai.tool.definitions", kLong, "") \
  X(kGenAiArguments, "gen_ai.tool.call.arguments", kLong, "") \
  X(kGenAiResult, "gen_ai.tool.call.result", kLong, "") \
  X(kGenAiExplanation, "gen_ai.evaluation.explanation", kLong, "") \
  X(kExceptionType, "exception.type", kNever, "exceptions[0].typeName (span events, logs)") \
  X(kExceptionMessage, "exception.message", kNever, "exceptions[0].message (span events, logs)") \
  X(kExceptionStack, "exception.stacktrace", kNever, "exceptions[0].stack (span events, logs)") \
  X(kEndUserId, "enduser.id", kNever, "tag ai.user.authUserId") \
  X(kEndUserPseudoId, "enduser.pseudo.id", kNever, "tag ai.user.id") \
  X(kSessionId, "session.id", kNever, "tag ai.session.id") \
  X(kAiOperationName, "ai.operation.name", kNever, "tag ai.operation.name (not SERVER); name of a CONSUMER request") \
  X(kOperationName, "microsoft.operation_name", kNever, "request: name, operation name; log: tag ai.operation.name") \
  X(kOverrideDependencyData, "microsoft.dependency.data", kNever, "dependency: data") \
  X(kOverrideDependencyName, "microsoft.dependency.name", kNever, "dependency: name") \
  X(kOverrideDependencyTarget, "microsoft.dependency.target", kNever, "dependency: target") \
  X(kOverrideDependencyType, "microsoft.dependency.type", kNever, "dependency: type") \
  X(kOverrideDependencyCode, "microsoft.dependency.resultCode", kNever, "dependency: resultCode") \
  X(kOverrideRequestName, "microsoft.request.name", kNever, "request: name") \
  X(kOverrideRequestUrl, "microsoft.request.url", kNever, "request: url") \
  X(kOverrideRequestSource, "microsoft.request.source", kNever, "request: source") \
  X(kOverrideRequestCode, "microsoft.request.resultCode", kNever, "request: responseCode") \
  X(kMicrosoftSessionId, "microsoft.session.id", kNever, "tag ai.session.id") \
  X(kSyntheticSource, "microsoft.synthetic_source", kNever, "tag ai.operation.syntheticSource") \
  X(kAccountId, "microsoft.user.account_id", kNever, "tag ai.user.accountId") \
  X(kClientIp, "microsoft.client.ip", kNever, "tag ai.location.ip") \
  X(kSampleRate, "microsoft.sample_rate", kNever, "sampleRate") \
  X(kOldSampleRate, "_MS.sampleRate", kNever, "as `microsoft.sample_rate`") \
  X(kCustomMeasurements, "microsoft.custom_measurements", kNever, "measurements") \
  X(kCustomEventName, "microsoft.custom_event.name", kNever, "log: custom event, its name") \
  X(kAvailabilityId, "microsoft.availability.id", kNever, "log: availability result, id") \
  X(kAvailabilityName, "microsoft.availability.name", kNever, "availability: name") \
  X(kAvailabilityDuration, "microsoft.availability.duration", kNever, "availability: duration") \
  X(kAvailabilitySuccess, "microsoft.availability.success", kNever, "availability: success") \
  X(kAvailabilityLocation, "microsoft.availability.runLocation", kNever, "availability: runLocation") \
  X(kAvailabilityMessage, "microsoft.availability.message", kNever, "availability: message") \
  X(kAvailabilityTimestamp, "microsoft.availability.testTimestamp", kNever, "availability: time") \
  X(kAgentName, "microsoft.gen_ai.main_agent.name", kKeep, "") \
  X(kAgentId, "microsoft.gen_ai.main_agent.id", kKeep, "") \
  X(kAgentVersion, "microsoft.gen_ai.main_agent.version", kKeep, "") \
  X(kAgentConversation, "microsoft.gen_ai.main_agent.conversation_id", kKeep, "") \
  X(kBaseType, "_MS.baseType", kNever, "log: legacy base type, the body is the item's data") \
  X(kProcessed, "_MS.ProcessedByMetricExtractors", kKeep, "marks what the standard metrics counted") \
  X(kLinks, "_MS.links", kNever, "") \
  X(kLoggerName, "LoggerName", kKeep, "log: stands before the scope's name") \
  X(kSeverityText, "SeverityText", kKeep, "log: stands before the severity text") \
  X(kLogBody, "log.body", kKeep, "exception log: stands before the body") \
  X(kApplicationId, "microsoft.applicationId", kNever, "resource metric: stands before the connection string's ApplicationId") \
  X(kServiceName, "service.name", kKeep, "resource: tag ai.cloud.role") \
  X(kServiceNamespace, "service.namespace", kKeep, "resource: tag ai.cloud.role") \
  X(kServiceInstanceId, "service.instance.id", kKeep, "resource: tag ai.cloud.roleInstance") \
  X(kServiceVersion, "service.version", kKeep, "resource: tag ai.application.ver") \
  X(kK8sDeployment, "k8s.deployment.name", kKeep, "resource: tag ai.cloud.role, if there is no known service name") \
  X(kK8sReplicaSet, "k8s.replicaset.name", kKeep, "as `k8s.deployment.name`") \
  X(kK8sStatefulSet, "k8s.statefulset.name", kKeep, "as `k8s.deployment.name`") \
  X(kK8sJob, "k8s.job.name", kKeep, "as `k8s.deployment.name`") \
  X(kK8sCronJob, "k8s.cronjob.name", kKeep, "as `k8s.deployment.name`") \
  X(kK8sDaemonSet, "k8s.daemonset.name", kKeep, "as `k8s.deployment.name`") \
  X(kK8sPod, "k8s.pod.name", kKeep, "resource: tag ai.cloud.roleInstance") \
  X(kDeviceId, "device.id", kKeep, "resource: tag ai.device.id") \
  X(kDeviceModel, "device.model.name", kKeep, "resource: tag ai.device.model") \
  X(kDeviceManufacturer, "device.manufacturer", kKeep, "resource: tag ai.device.oemName") \
  X(kSdkName, "telemetry.sdk.name", kNotOfResource, "") \
  X(kSdkLanguage, "telemetry.sdk.language", kNotOfResource, "") \
  X(kSdkVersion, "telemetry.sdk.version", kNotOfResource, "")

enum class Key : std::uint8_t {
#define AZMON_KEY(name, key, rule, to) name,
  AZMON_ENVELOPE_KEYS(AZMON_KEY)
#undef AZMON_KEY
      kUnknown
};

inline constexpr std::size_t kKeyCount = static_cast<std::size_t>(Key::kUnknown);

struct KeyRow {
  std::string_view key;
  PropertyRule rule;
  std::string_view goes_to;
};

inline constexpr std::array<KeyRow, kKeyCount> kKeyRows{{
#define AZMON_KEY(name, key, rule, to) {key, PropertyRule::rule, to},
    AZMON_ENVELOPE_KEYS(AZMON_KEY)
#undef AZMON_KEY
}};

/// A hash of length and of the first and last eight bytes: keys share prefixes, seldom both ends.
constexpr std::uint64_t HashKey(std::string_view key) {
  const auto load = [](const char* bytes, std::size_t count) constexpr {
    std::uint64_t value = 0;
    if (!std::is_constant_evaluated() && count == 8) {
      std::memcpy(&value, bytes, 8);
      return value;
    }
    for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
  };
  const std::size_t size = key.size();
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  if (size >= 8) {
    head = load(key.data(), 8);
    tail = load(key.data() + size - 8, 8);
  } else {
    head = load(key.data(), size);
  }
  const std::uint64_t mixed = (head ^ (tail << 23U | tail >> 41U) ^ size) * 0x9E3779B97F4A7C15ULL;
  return mixed ^ (mixed >> 29U);
}

namespace internal {

inline constexpr std::size_t kSlots = 1024;

constexpr std::array<std::uint8_t, kSlots> MakeSlots() {
  std::array<std::uint8_t, kSlots> slots{};
  for (auto& slot : slots) slot = static_cast<std::uint8_t>(Key::kUnknown);
  for (std::size_t i = 0; i < kKeyCount; ++i) {
    std::size_t at = HashKey(kKeyRows[i].key) % kSlots;
    while (slots[at] != static_cast<std::uint8_t>(Key::kUnknown)) at = (at + 1) % kSlots;
    slots[at] = static_cast<std::uint8_t>(i);
  }
  return slots;
}
inline constexpr auto kSlotOfHash = MakeSlots();

}  // namespace internal

/// The known key that equals `key`, else Key::kUnknown.
/// @param hash  HashKey(key)
inline Key FindKey(std::string_view key, std::uint64_t hash) {
  for (std::size_t at = hash % internal::kSlots;; at = (at + 1) % internal::kSlots) {
    const std::uint8_t index = internal::kSlotOfHash[at];
    if (index == static_cast<std::uint8_t>(Key::kUnknown)) return Key::kUnknown;
    if (kKeyRows[index].key == key) return static_cast<Key>(index);
  }
}

inline PropertyRule RuleOf(Key key) { return kKeyRows[static_cast<std::size_t>(key)].rule; }

}  // namespace azmon::envelope
