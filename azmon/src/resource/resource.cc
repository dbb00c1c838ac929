// SPDX-License-Identifier: MIT
#include "resource/resource.h"

#include <limits.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>

#include <opentelemetry/sdk/version/version.h>

#include "base/text.h"
#include "base/version.h"
#include "resource/virtual_machine.h"

namespace azmon::resource {
namespace {

using base::Environment;

/// Largest file that a detector reads; all of them are a few lines.
constexpr std::size_t kFileBytesMax = 64 * 1024;

std::string ReadFile(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(kFileBytesMax, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

void SetFrom(const Environment& environment, const char* variable, const char* attribute, Attributes& attributes) {
  if (auto value = environment.Get(variable)) attributes[attribute] = std::move(*value);
}

/// The container's id, 64 hexadecimal digits, as container runtimes put it into the paths of their bind mounts.
std::string ContainerId(std::string_view mount_info) {
  constexpr std::size_t kIdLength = 64;
  for (const std::string_view marker : {"/containers/", "/sandboxes/"}) {
    for (std::size_t at = mount_info.find(marker); at != std::string_view::npos; at = mount_info.find(marker, at + 1)) {
      const std::string_view id = mount_info.substr(at + marker.size(), kIdLength);
      if (id.size() == kIdLength && base::ParseHex(id)) return std::string(id);
    }
  }
  return {};
}

/// 7.3: `/subscriptions/{sub}/resourceGroups/{group}/providers/Microsoft.Web/sites/{site}`, or empty if a part is missing.
std::string WebsiteResourceId(const Environment& environment) {
  const auto owner = environment.Get("WEBSITE_OWNER_NAME");
  const auto group = environment.Get("WEBSITE_RESOURCE_GROUP");
  const auto site = environment.Get("WEBSITE_SITE_NAME");
  if (!owner || !group || !site) return {};
  const std::string subscription = owner->substr(0, owner->find('+'));
  if (subscription.empty()) return {};
  return "/subscriptions/" + subscription + "/resourceGroups/" + *group + "/providers/Microsoft.Web/sites/" + *site;
}

void SetPlatform(const char* platform, Attributes& attributes) {
  attributes["cloud.provider"] = std::string("azure");
  attributes["cloud.platform"] = std::string(platform);
}

// Distro spec 7.4
bool DetectFunctions(const Environment& environment, Attributes& attributes) {
  if (!environment.Get("FUNCTIONS_EXTENSION_VERSION") && environment.Get("WEBSITE_SKU") != "FlexConsumption") return false;
  if (!environment.Get("WEBSITE_SITE_NAME")) return false;
  SetPlatform("azure.functions", attributes);
  SetFrom(environment, "WEBSITE_SITE_NAME", "service.name", attributes);
  SetFrom(environment, "REGION_NAME", "cloud.region", attributes);
  SetFrom(environment, "WEBSITE_INSTANCE_ID", "faas.instance", attributes);
  SetFrom(environment, "WEBSITE_INSTANCE_ID", "service.instance.id", attributes);
  if (auto id = WebsiteResourceId(environment); !id.empty()) attributes["cloud.resource_id"] = std::move(id);
  if (const auto memory = environment.Get("WEBSITE_MEMORY_LIMIT_MB")) {
    // The convention counts bytes.
    if (const auto megabytes = base::ParseInteger<std::int64_t>(*memory); megabytes && *megabytes > 0 && *megabytes < (std::int64_t{1} << 40)) {
      attributes["faas.max_memory"] = *megabytes * 1024 * 1024;
    }
  }
  return true;
}

// Distro spec 7.2
bool DetectContainerApps(const Environment& environment, Attributes& attributes) {
  const bool is_app = environment.Get("CONTAINER_APP_NAME").has_value();
  if (!is_app && !environment.Get("CONTAINER_APP_JOB_NAME")) return false;
  SetPlatform("azure.container_apps", attributes);
  SetFrom(environment, "CONTAINER_APP_HOSTNAME", "host.name", attributes);
  SetFrom(environment, "CONTAINER_APP_REPLICA_NAME", "azure.container_app.instance.id", attributes);
  if (is_app) {
    SetFrom(environment, "CONTAINER_APP_NAME", "service.name", attributes);
    SetFrom(environment, "CONTAINER_APP_NAME", "azure.container_app.name", attributes);
    SetFrom(environment, "CONTAINER_APP_REPLICA_NAME", "service.instance.id", attributes);
    SetFrom(environment, "CONTAINER_APP_REVISION", "service.version", attributes);
    SetFrom(environment, "CONTAINER_APP_REVISION", "azure.container_app.version", attributes);
  } else {
    SetFrom(environment, "CONTAINER_APP_JOB_NAME", "service.name", attributes);
    SetFrom(environment, "CONTAINER_APP_JOB_EXECUTION_NAME", "service.version", attributes);
    SetFrom(environment, "CONTAINER_APP_JOB_EXECUTION_NAME", "service.instance.id", attributes);
    SetFrom(environment, "CONTAINER_APP_REPLICA_NAME", "service.instance.id", attributes);
  }
  return true;
}

// Distro spec 7.3
bool DetectAppService(const Environment& environment, Attributes& attributes) {
  if (!environment.Get("WEBSITE_SITE_NAME")) return false;
  SetPlatform("azure.app_service", attributes);
  SetFrom(environment, "WEBSITE_SITE_NAME", "service.name", attributes);
  SetFrom(environment, "REGION_NAME", "cloud.region", attributes);
  SetFrom(environment, "WEBSITE_SLOT_NAME", "deployment.environment.name", attributes);
  SetFrom(environment, "WEBSITE_HOSTNAME", "host.id", attributes);
  SetFrom(environment, "WEBSITE_INSTANCE_ID", "service.instance.id", attributes);
  SetFrom(environment, "WEBSITE_HOME_STAMPNAME", "azure.app.service.stamp", attributes);
  if (auto id = WebsiteResourceId(environment); !id.empty()) attributes["cloud.resource_id"] = std::move(id);
  return true;
}

// Distro spec 7.5
bool DetectAks(const Host& host, const Environment& environment, Attributes& attributes) {
  std::string resource_id = environment.Get("CLUSTER_RESOURCE_ID").value_or("");
  if (resource_id.empty()) {
    for (const std::string_view line : base::Split(host.aks_cluster_metadata, '\n')) {
      const std::size_t equals = line.find('=');
      if (equals == std::string_view::npos || base::Trim(line.substr(0, equals)) != "clusterResourceId") continue;
      resource_id = base::Trim(line.substr(equals + 1));
    }
  }
  if (resource_id.empty()) return false;
  SetPlatform("azure.aks", attributes);
  constexpr std::string_view kMarker = "managedclusters/";
  if (const std::size_t at = base::ToLower(resource_id).find(kMarker); at != std::string::npos) {
    const std::string name = resource_id.substr(at + kMarker.size());
    attributes["k8s.cluster.name"] = name.substr(0, name.find('/'));
  }
  attributes["cloud.resource_id"] = std::move(resource_id);
  return true;
}

/// OpenTelemetry specification, "Resource SDK": comma-separated key=value pairs, percent-encoded; on an error the whole value is discarded.
void ReadResourceVariable(const Environment& environment, Attributes& attributes, std::vector<Problem>& problems) {
  constexpr const char* kVariable = "OTEL_RESOURCE_ATTRIBUTES";
  const auto text = environment.Get(kVariable);
  if (!text) return;
  Attributes read;
  int index = 0;
  for (const std::string_view piece : base::Split(*text, ',')) {
    ++index;
    if (base::Trim(piece).empty()) continue;
    const std::size_t equals = piece.find('=');
    const std::string_view key = base::Trim(piece.substr(0, equals));
    std::optional<std::string> value;
    if (equals != std::string_view::npos && !key.empty()) value = base::PercentDecode(base::Trim(piece.substr(equals + 1)));
    if (!value) {
      problems.push_back({.severity = Severity::kWarning,
                          .setting = kVariable,
                          .text = "pair " + std::to_string(index) + " is not key=value with %XX escapes; the variable is ignored"});
      return;
    }
    read[base::PercentDecode(key).value_or(std::string(key))] = std::move(*value);
  }
  for (auto& [key, value] : read) attributes[key] = std::move(value);
}

}  // namespace

Host ReadHost() {
  Host host;
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) host.name = name.data();
  std::array<char, PATH_MAX> path{};
  if (const ssize_t length = readlink("/proc/self/exe", path.data(), path.size()); length > 0) {
    const std::string_view executable(path.data(), static_cast<std::size_t>(length));
    host.executable_name = executable.substr(executable.rfind('/') + 1);
  }
  host.pid = getpid();
  host.aks_cluster_metadata = ReadFile("/etc/kubernetes/aks-cluster-metadata");
  host.mount_info = ReadFile("/proc/self/mountinfo");
  host.chassis_asset_tag = ReadFile("/sys/class/dmi/id/chassis_asset_tag");
  host.system_vendor = ReadFile("/sys/class/dmi/id/sys_vendor");
  return host;
}

Detected Detect(const Host& host, const Environment& environment, const std::map<std::string, std::string>& options,
                std::vector<Problem>& problems) {
  Detected detected;
  Attributes& attributes = detected.attributes;
  attributes["telemetry.sdk.name"] = std::string("opentelemetry");
  attributes["telemetry.sdk.language"] = std::string("cpp");
  attributes["telemetry.sdk.version"] = std::string(OPENTELEMETRY_SDK_VERSION);
  attributes["telemetry.distro.name"] = std::string("azmon");
  attributes["telemetry.distro.version"] = std::string(base::kVersion);
  attributes["service.name"] = "unknown_service" + (host.executable_name.empty() ? std::string() : ":" + host.executable_name);
  attributes["os.type"] = std::string("linux");
  attributes["process.pid"] = host.pid;
  if (!host.name.empty()) attributes["host.name"] = host.name;
  if (!host.executable_name.empty()) attributes["process.executable.name"] = host.executable_name;
  if (auto id = ContainerId(host.mount_info); !id.empty()) attributes["container.id"] = std::move(id);

  Attributes platform;
  // The first that matches decides cloud.platform (7.1).
  const bool has_platform = DetectFunctions(environment, platform) || DetectContainerApps(environment, platform) ||
                            DetectAppService(environment, platform) || DetectAks(host, environment, platform);
  detected.may_be_virtual_machine = !has_platform && IsFirmwareOfAzure(host);
  if (environment.Get("KUBERNETES_SERVICE_HOST")) SetFrom(environment, "HOSTNAME", "k8s.pod.name", platform);

  Attributes configured;
  ReadResourceVariable(environment, configured, problems);
  SetFrom(environment, "OTEL_SERVICE_NAME", "service.name", configured);
  for (const auto& [key, value] : options) configured[key] = value;

  for (auto& [key, value] : platform) attributes[key] = std::move(value);
  if (attributes.contains("k8s.pod.name") || configured.contains("k8s.pod.name")) attributes.erase("service.instance.id");
  for (auto& [key, value] : configured) {
    detected.configured.insert(key);
    attributes[key] = std::move(value);
  }
  return detected;
}

}  // namespace azmon::resource
