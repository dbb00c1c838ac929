// SPDX-License-Identifier: MIT
#include "resource/virtual_machine.h"

#include <simdjson.h>

#include <algorithm>

#include "base/text.h"

namespace azmon::resource {
namespace {

constexpr std::string_view kTarget = "/metadata/instance/compute?api-version=2021-12-13&format=json";
/// What Azure's firmware has as the chassis' asset tag on every machine.
constexpr std::string_view kAssetTag = "7783-7084-3265-9085-8269-3286-77";
constexpr std::string_view kVendor = "Microsoft Corporation";

struct Member {
  const char* name;
  const char* attribute;
};
constexpr Member kMembers[] = {
    {"vmId", "host.id"},          {"name", "host.name"},          {"vmSize", "host.type"},
    {"location", "cloud.region"}, {"resourceId", "cloud.resource_id"}, {"sku", "azure.vm.sku"},
    {"version", "os.version"},    {"vmScaleSetName", "azure.vm.scaleset.name"}, {"osType", "os.type"},
};

bool IsPlain(std::string_view text) {
  return text.size() <= limits::kMachineValueBytesMax &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

}  // namespace

bool IsFirmwareOfAzure(const Host& host) { return base::Trim(host.chassis_asset_tag) == kAssetTag || base::Trim(host.system_vendor) == kVendor; }

std::optional<std::map<std::string, std::string>> ReadMachineAnswer(const transport::HttpResponse& response) {
  if (response.error != transport::TransportError::kNone || response.status != 200 || response.is_cut) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::element object;
  if (parser.parse(response.body).get(object) != simdjson::SUCCESS || !object.is_object()) return std::nullopt;
  std::map<std::string, std::string> attributes;
  for (const Member& member : kMembers) {
    simdjson::dom::element value;
    if (object[member.name].get(value) != simdjson::SUCCESS || value.is_null()) continue;
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS || !IsPlain(text)) return std::nullopt;
    if (!text.empty()) attributes[member.attribute] = text;
  }
  if (!attributes.contains("host.id")) return std::nullopt;
  // The convention's values are in lower case, the service says "Linux".
  if (const auto type = attributes.find("os.type"); type != attributes.end()) type->second = base::ToLower(type->second);
  attributes["cloud.provider"] = "azure";
  attributes["cloud.platform"] = "azure.vm";
  return attributes;
}

MachineQuestion::MachineQuestion(std::string_view origin, std::chrono::milliseconds time, const base::Clock& clock)
    : origin_(origin), time_(time), clock_(clock), end_(clock.Now() + time) {}

transport::HttpRequest MachineQuestion::Request() const {
  return {.url = origin_ + std::string(kTarget),
          .headers = {{"Metadata", "true"}, {"Accept", "application/json"}},
          .timeout = time_,
          .answer_bytes_max = limits::kMachineAnswerBytesMax,
          .connect_timeout = time_,
          .may_use_proxy = false};
}

std::optional<std::map<std::string, std::string>> MachineQuestion::Take(const transport::HttpResponse& response) const {
  if (IsOver()) return std::nullopt;
  return ReadMachineAnswer(response);
}

}  // namespace azmon::resource
