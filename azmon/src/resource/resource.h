// SPDX-License-Identifier: MIT
// Who sends the telemetry: the resource attributes, from the platform, the environment and the program.
//
// Source: distro spec section 7. Only variables and files of this machine are read; no network, so start-up never waits. What the metadata
// service of a virtual machine adds later: virtual_machine.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "azmon/azmon.h"
#include "base/environment.h"

namespace azmon::resource {

/// What a detector may ask about the machine; a test gives its own.
struct Host {
  std::string name;             ///< gethostname
  std::string executable_name;  ///< file name of /proc/self/exe
  std::int64_t pid = 0;
  std::string aks_cluster_metadata;  ///< content of /etc/kubernetes/aks-cluster-metadata, empty if there is none
  std::string mount_info;            ///< content of /proc/self/mountinfo, for the container id
  std::string chassis_asset_tag;     ///< what the firmware says, from /sys/class/dmi/id
  std::string system_vendor;         ///< likewise
};

/// Reads the machine. Missing files leave their member empty.
Host ReadHost();

using Attributes = std::map<std::string, std::variant<std::string, std::int64_t>>;

struct Detected {
  Attributes attributes;
  /// Keys that the user has set, whose values nothing that is found out later may change.
  std::set<std::string, std::less<>> configured;
  /// No other platform matched and the firmware says Azure: its metadata service is worth one question.
  bool may_be_virtual_machine = false;
};

/// All attributes of the resource. What is set later in this list wins: host, operating system and process; the first platform that
/// matches of Functions, Container Apps, App Service and AKS; OTEL_RESOURCE_ATTRIBUTES; OTEL_SERVICE_NAME; `options`.
/// A platform's service.instance.id is left out beside a pod name (7.7).
/// @param problems  receives what is wrong with the variables
Detected Detect(const Host& host, const base::Environment& environment, const std::map<std::string, std::string>& options,
                std::vector<Problem>& problems);

}  // namespace azmon::resource
