// SPDX-License-Identifier: MIT
// Application Insights items from OTLP records.
//
// The place where it is decided what a customer sees in Application Insights: each rule of docs/reference/mapping.md is one table or one
// function of this folder. Pure functions: no clock, no network, no environment, no state between calls. Used by `deliver` and `meter`;
// knows nothing of HTTP, batches or the journal.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "otlp/record.h"

namespace azmon::envelope {

/// How `service.namespace` and `service.name` become the cloud role.
enum class RoleNameStyle : std::uint8_t {
  kDot,       ///< "namespace.name", as the JavaScript, Python and Go exporters
  kBrackets,  ///< "[namespace]/name", as the .NET and Java exporters
};

/// What does not come from the record. A pure value.
struct Settings {
  std::string instrumentation_key;
  std::string application_id;  ///< of the connection string; empty if it has none
  bool resource_metric = true;
  /// The scope's name is the namespace (`ns`) of metric points.
  bool metric_namespace = false;
  RoleNameStyle role_name_style = RoleNameStyle::kDot;
  std::string database_target_separator = "|";
  /// Tag `ai.internal.sdkVersion`, complete, for example "ulm_cpp20:otel1.19.0:dst0.1.0".
  std::string sdk_version;
  // Fallbacks of role and instance; empty if unknown.
  std::string host_name;
  std::string website_site_name;
  std::string website_instance_id;
};

/// What the items of one resource share, made once from the resource. Holds no view into the bytes that it was made from.
class ResourceContext {
 public:
  /// @param settings          the same as for the items
  /// @param resource_message  bytes of an OTLP Resource message; bytes that do not parse end the reading, what was read before stays
  static ResourceContext Make(std::string_view resource_message, const Settings& settings);

  /// The tag `ai.cloud.role`; empty if there is none.
  const std::string& Role() const { return role_; }
  /// The tag `ai.cloud.roleInstance`; empty if there is none.
  const std::string& RoleInstance() const { return role_instance_; }
  /// The resource's tags and the SDK version as JSON members, ready to be copied; no comma at either end, empty if there are none.
  const std::string& TagMembers() const { return tag_members_; }
  /// What stands between an item's sample rate and its own tags: `,"iKey":"…","tags":{` and TagMembers().
  const std::string& ItemMiddle() const { return item_middle_; }
  /// The properties of the resource metric as JSON members; empty if there are none.
  const std::string& MetricMembers() const { return metric_members_; }

 private:
  std::string role_;
  std::string role_instance_;
  std::string tag_members_;
  std::string item_middle_;
  std::string metric_members_;
};

/// An instrumentation scope; views into the scope message.
struct ScopeContext {
  std::string_view name;
  std::string_view version;

  /// @param scope_message  bytes of an OTLP InstrumentationScope message; bytes that do not parse end the reading
  static ScopeContext Parse(std::string_view scope_message);
};

/// Why no item was made.
enum class DropReason : std::uint8_t {
  kMalformed,    ///< the record's message does not parse as its OTLP message: none of its items is made
  kUnsupported,  ///< no telemetry (a scope or resource record), or a metric without a known kind of data points
  kNotFinite,    ///< a metric point whose value or sum is NaN or infinite
  kNoValue,      ///< a metric point without a value, or a histogram of no measurements
  kTooMany,      ///< an item behind the first field_limits::kRecordItems of its record
};
inline constexpr std::size_t kDropReasons = 5;

/// "malformed", "unsupported", "not_finite", "no_value", "too_many".
std::string_view Name(DropReason reason);

struct Appended {
  std::uint32_t items = 0;
  /// Items that could not be made; a malformed record counts once.
  std::uint32_t dropped = 0;
  std::array<std::uint32_t, kDropReasons> dropped_by_reason{};

  void Drop(DropReason reason) {
    ++dropped;
    ++dropped_by_reason[static_cast<std::size_t>(reason)];
  }
};

/// Appends the record's items to `out`, each one line of JSON with '\n' behind it (x-json-stream).
///
/// A span gives its own item and one for each event, a log record one, a metric one for each data point. If the annotation `items_left`
/// is present, only the items whose bit is set are appended; the number of an item counts what the record yields, without dropped points.
/// @param record  not trusted; see DropReason::kMalformed, in which case `out` is as before
/// @param now     stands for missing times
/// Never throws but for std::bad_alloc. Any thread.
Appended AppendItems(const otlp::RecordView& record, const ResourceContext& resource, const ScopeContext& scope, const Settings& settings,
                     base::WallTime now, std::string& out);

/// The name of the operation that a request is, by contract 3.3; what stands in its tag `ai.operation.name`.
/// @param span_message  bytes of an OTLP Span of kind SERVER or CONSUMER, as far as they are known; not trusted
/// @return at most field_limits::kTagOperationName UTF-16 units; empty for other spans and malformed bytes
std::string OperationNameOf(std::string_view span_message);

/// Appends the item `_OTELRESOURCE_`, which carries the resource's attributes at the head of a batch of spans.
/// @return false, and nothing appended, if it is switched off or the resource has no attributes to carry
bool AppendResourceMetric(const ResourceContext& resource, const Settings& settings, base::WallTime now, std::string& out);

}  // namespace azmon::envelope
