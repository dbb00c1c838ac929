// SPDX-License-Identifier: MIT
#include "deliver/sdk_stats.h"

#include <algorithm>

#include "otlp/fields.h"
#include "otlp/record.h"
#include "otlp/wire.h"

namespace azmon::deliver {

namespace {

struct ItemType {
  std::string_view name;  ///< behind "Microsoft.ApplicationInsights." in the item's name
  std::string_view telemetry_type;
  bool has_success;
};
constexpr std::array kTypes = {
    ItemType{"Request", "REQUEST", true},          ItemType{"RemoteDependency", "DEPENDENCY", true}, ItemType{"Message", "TRACE", false},
    ItemType{"Exception", "EXCEPTION", false},     ItemType{"Event", "CUSTOM_EVENT", false},         ItemType{"Metric", "CUSTOM_METRIC", false},
    ItemType{"Availability", "AVAILABILITY", false}, ItemType{"PageView", "PAGE_VIEW", false},
};
constexpr auto kUnknownType = static_cast<std::uint8_t>(kTypes.size());
/// How every item begins; see envelope/item.cc.
constexpr std::string_view kItemHead = "{\"ver\":1,\"name\":\"Microsoft.ApplicationInsights.";
/// Statuses that servers make up must not fill the memory.
constexpr std::size_t kSeriesMax = 500;

constexpr std::array<std::string_view, 3> kMetricNames = {"Item_Success_Count", "Item_Dropped_Count", "Item_Retry_Count"};

std::uint8_t TypeOf(std::string_view line) {
  if (!line.starts_with(kItemHead)) return kUnknownType;
  line.remove_prefix(kItemHead.size());
  const std::string_view name = line.substr(0, line.find('"'));
  const auto* const found = std::ranges::find(kTypes, name, &ItemType::name);
  return static_cast<std::uint8_t>(found - kTypes.begin());
}

void AppendAttribute(std::string_view key, std::string_view text, std::string& out) {
  const std::size_t pair = otlp::OpenMessage(otlp::number_point::kAttributes, out);
  otlp::AppendBytesField(otlp::key_value::kKey, key, out);
  const std::size_t value = otlp::OpenMessage(otlp::key_value::kValue, out);
  otlp::AppendBytesField(otlp::any_value::kString, text, out);
  otlp::CloseMessage(value, out);
  otlp::CloseMessage(pair, out);
}

}  // namespace

StatsCode StatsCode::Of(const transport::HttpResponse& response) {
  if (response.error == transport::TransportError::kTimeout) return {kClientTimeout};
  if (response.error != transport::TransportError::kNone || response.status == 0) return {kClientException};
  return {response.status};
}

std::string CodeText(StatsCode code) {
  switch (code.value) {
    case StatsCode::kClientException: return "CLIENT_EXCEPTION";
    case StatsCode::kClientTimeout: return "CLIENT_TIMEOUT";
    case StatsCode::kCapacity: return "CLIENT_PERSISTENCE_CAPACITY";
    default: return std::to_string(code.value);
  }
}

std::string ReasonText(StatsCode code) {
  switch (code.value) {
    case StatsCode::kClientException: return "Network exception";
    case StatsCode::kClientTimeout: return "Client timeout";
    case StatsCode::kCapacity: return "Client persistence capacity";
    case 400: return "Bad request";
    case 401: return "Unauthorized";
    case 402: return "Daily quota exceeded";
    case 403: return "Forbidden";
    case 404: return "Not found";
    case 408: return "Request timeout";
    case 413: return "Payload too large";
    case 429: return "Too many requests";
    case 500: return "Internal server error";
    case 502: return "Bad gateway";
    case 503: return "Service unavailable";
    case 504: return "Gateway timeout";
    default: break;
  }
  if (code.value >= 400 && code.value < 500) return "Client error 4xx";
  if (code.value >= 500 && code.value < 600) return "Server error 5xx";
  return "status_" + std::to_string(code.value);
}

void SdkStats::Add(Kind kind, std::string_view line, StatsCode code) {
  if (!IsOn()) return;
  const std::uint8_t type = TypeOf(line);
  int success = -1;
  if (kind == Kind::kDropped && type != kUnknownType && kTypes[type].has_success) success = line.find("\"success\":true") != std::string_view::npos ? 1 : 0;
  const Key key(kind, type, success, code.value);
  const auto found = counts_.find(key);
  if (found != counts_.end()) {
    ++found->second;
  } else if (counts_.size() < kSeriesMax) {
    counts_.emplace(key, 1);
  }
}

void SdkStats::Succeeded(std::string_view line) { Add(Kind::kSuccess, line, {}); }
void SdkStats::Dropped(std::string_view line, StatsCode code) { Add(Kind::kDropped, line, code); }
void SdkStats::Retried(std::string_view line, StatsCode code) { Add(Kind::kRetry, line, code); }

void SdkStats::Recycled(std::uint64_t records_in_all) {
  if (!IsOn() || records_in_all <= recycled_) return;
  counts_[Key(Kind::kDropped, kUnknownType, -1, StatsCode::kCapacity)] += records_in_all - recycled_;
  recycled_ = records_in_all;
}

void SdkStats::AppendPoint(const Key& key, std::uint64_t count, std::uint64_t nanos, std::string& metric) const {
  const auto& [kind, type, success, code] = key;
  const std::size_t point = otlp::OpenMessage(otlp::gauge::kDataPoints, metric);
  otlp::AppendFixed64Field(otlp::number_point::kTime, nanos, metric);
  otlp::AppendFixed64Field(otlp::number_point::kAsInt, count, metric);
  AppendAttribute("language", "cpp", metric);
  AppendAttribute("version", AZMON_VERSION, metric);
  const bool is_machine = settings_.compute_type == "unknown" && settings_.is_virtual_machine && settings_.is_virtual_machine();
  AppendAttribute("computeType", is_machine ? "vm" : settings_.compute_type, metric);
  AppendAttribute("telemetry_type", type == kUnknownType ? "UNKNOWN" : kTypes[type].telemetry_type, metric);
  if (success >= 0) AppendAttribute("telemetry_success", success == 1 ? "true" : "false", metric);
  if (kind != Kind::kSuccess) {
    const std::string prefix = kind == Kind::kDropped ? "drop." : "retry.";
    AppendAttribute(prefix + "code", CodeText({code}), metric);
    AppendAttribute(prefix + "reason", ReasonText({code}), metric);
  }
  otlp::CloseMessage(point, metric);
}

std::uint32_t SdkStats::Append(base::SteadyTime now, base::WallTime wall_now, const envelope::ResourceContext& resource, const envelope::Settings& settings,
                               bool is_last, std::string& out) {
  if (!IsOn()) return 0;
  if (due_at_ == base::SteadyTime::min() || counts_.empty()) due_at_ = now + settings_.interval;
  if (counts_.empty() || (now < due_at_ && !is_last)) return 0;
  due_at_ = now + settings_.interval;
  std::uint32_t lines = 0;
  for (const Kind kind : {Kind::kSuccess, Kind::kDropped, Kind::kRetry}) {
    std::string message;
    otlp::AppendBytesField(otlp::metric::kName, kMetricNames[static_cast<std::size_t>(kind)], message);
    const std::size_t gauge = otlp::OpenMessage(otlp::metric::kGauge, message);
    bool has_points = false;
    for (const auto& [key, count] : counts_) {
      if (std::get<0>(key) != kind) continue;
      AppendPoint(key, count, static_cast<std::uint64_t>(wall_now.time_since_epoch().count()), message);
      has_points = true;
    }
    otlp::CloseMessage(gauge, message);
    if (!has_points) continue;
    const otlp::RecordView record{.signal = otlp::Signal::kMetric, .flags = otlp::kForAzure, .message = message};
    lines += envelope::AppendItems(record, resource, {}, settings, wall_now, out).items;
  }
  counts_.clear();
  return lines;
}

}  // namespace azmon::deliver
