// SPDX-License-Identifier: MIT
#include "tools/conformance/mapping_page.h"

#include <array>

#include "envelope/attribute_keys.h"
#include "envelope/field_limits.h"

namespace azmon::conformance {
namespace {

std::string_view PropertyText(envelope::PropertyRule rule) {
  switch (rule) {
    case envelope::PropertyRule::kKeep: return "always";
    case envelope::PropertyRule::kLong: return "always, up to 262144 bytes";
    case envelope::PropertyRule::kNotOfSpans: return "of logs and span events";
    case envelope::PropertyRule::kNever: return "never";
    case envelope::PropertyRule::kUnlessDatabase: return "but of database dependencies";
    case envelope::PropertyRule::kDatabaseOperation: return "but of database dependencies without query text";
    case envelope::PropertyRule::kOldOperation: return "of logs, span events, and database dependencies with query text";
    case envelope::PropertyRule::kUnlessRpc: return "but of RPC dependencies and RPC requests without HTTP method";
    case envelope::PropertyRule::kNotOfResource: return "always; not of the resource metric";
  }
  return "";
}

struct Limit {
  std::string_view field;
  std::size_t max;
  std::string_view unit;
};

namespace limit = envelope::field_limits;
constexpr std::array<Limit, 29> kLimits{{
    {"id (request, dependency, availability)", limit::kId, ""},
    {"name (request, dependency, availability, page view)", limit::kName, ""},
    {"responseCode, resultCode", limit::kCode, ""},
    {"type, target, source", limit::kTypeTargetSource, ""},
    {"data", limit::kData, ""},
    {"url", limit::kUrl, ""},
    {"message (trace)", limit::kMessage, ""},
    {"message (availability)", limit::kAvailabilityMessage, ""},
    {"runLocation", limit::kRunLocation, ""},
    {"exceptions[].typeName", limit::kExceptionType, ""},
    {"exceptions[].message, exceptions[].stack", limit::kExceptionText, ""},
    {"exceptions[].parsedStack", limit::kFrames, "frames"},
    {"problemId", limit::kProblemId, ""},
    {"name (event)", limit::kEventName, ""},
    {"metrics[0].name", limit::kMetricName, ""},
    {"metrics[0].ns", limit::kMetricNamespace, ""},
    {"metrics[0].count", limit::kMetricCount, "largest value"},
    {"measurements: key", limit::kMeasurementKey, ""},
    {"properties: key (a longer one drops the property)", limit::kPropertyKey, ""},
    {"properties: value", limit::kPropertyBytes, "bytes"},
    {"properties: value of GenAI content", limit::kLongPropertyBytes, "bytes"},
    {"_MS.links", limit::kLinks, "links"},
    {"ai.internal.sdkVersion, ai.session.id", limit::kTagSdkVersion, ""},
    {"ai.cloud.role, ai.cloud.roleInstance", limit::kTagRole, ""},
    {"ai.device.model, ai.device.oemName", limit::kTagDeviceModel, ""},
    {"ai.application.ver, ai.device.id", limit::kTagDeviceId, ""},
    {"ai.operation.name, ai.operation.syntheticSource, ai.user.authUserId, ai.user.accountId", limit::kTagOperationName, ""},
    {"ai.location.ip", limit::kTagIp, ""},
    {"ai.user.id", limit::kTagUserId, ""},
}};

}  // namespace

std::string MappingPage() {
  std::string page =
      "<!-- SPDX-License-Identifier: MIT -->\n"
      "<!-- Printed by `azmon-conformance --mapping`; a test compares it. -->\n"
      "# From OpenTelemetry attributes to Application Insights fields\n\n"
      "What each attribute that the Azure destination knows becomes, and of which items it is also a property (\"custom dimension\").\n"
      "Every other attribute becomes a property, unless its key begins with `_MS.` or `microsoft.`. Metric points keep all of theirs.\n\n"
      "| attribute | goes to | property |\n|---|---|---|\n";
  for (const envelope::KeyRow& row : envelope::kKeyRows) {
    page.append("| `").append(row.key).append("` | ").append(row.goes_to).append(" | ").append(PropertyText(row.rule)).append(" |\n");
  }
  page += "\n## Longest values\n\nIn UTF-16 units unless said otherwise; nothing is cut inside a character.\n\n| field | at most |\n|---|---|\n";
  for (const Limit& row : kLimits) {
    page.append("| ").append(row.field).append(" | ").append(std::to_string(row.max));
    if (!row.unit.empty()) page.append(" ").append(row.unit);
    page.append(" |\n");
  }
  return page;
}

}  // namespace azmon::conformance
