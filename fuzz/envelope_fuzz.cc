// SPDX-License-Identifier: MIT
// Items from arbitrary records: every line must be JSON on its own, and what cannot be mapped must be counted and leave no trace.
//
// First byte: signal (low three bits) and what stands around the record (the others); second byte: length of the annotations; then
// annotations and message. The message is also read as the resource and as the scope.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "envelope/envelope.h"
#include "envelope/measure.h"
#include "meter/standard_metrics.h"
#include "otlp/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using azmon::envelope::AppendItems;
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const unsigned char head = data[0];
  const std::string_view annotations = bytes.substr(2, data[1]);
  const std::string_view message = bytes.substr(2 + annotations.size());

  azmon::envelope::Settings settings{.instrumentation_key = "key"};
  settings.metric_namespace = (head & 8U) != 0;
  settings.sdk_version = (head & 16U) != 0 ? "sdk" : "";
  const auto resource = azmon::envelope::ResourceContext::Make((head & 32U) != 0 ? message : "", settings);
  const auto scope = azmon::envelope::ScopeContext::Parse((head & 64U) != 0 ? message : "");
  const azmon::otlp::RecordView record{
      .signal = static_cast<azmon::otlp::Signal>(head % 5 + 1), .annotations = annotations, .message = message};

  std::string out = "before";
  const auto appended = AppendItems(record, resource, scope, settings, {}, out);
  AZMON_CHECK(out.starts_with("before"));
  std::string_view lines = std::string_view(out).substr(6);
  std::uint32_t count = 0;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    AZMON_CHECK(end != std::string_view::npos);
    // Strict: fails on invalid UTF-8, NaN and control characters too.
    AZMON_CHECK(nlohmann::json::accept(lines.substr(0, end)));
    lines.remove_prefix(end + 1);
    ++count;
  }
  AZMON_CHECK(count == appended.items);

  std::string metric;
  AppendResourceMetric(resource, settings, {}, metric);
  AZMON_CHECK(metric.empty() || nlohmann::json::accept(std::string_view(metric).substr(0, metric.size() - 1)));

  azmon::envelope::TextArena arena;
  azmon::meter::StandardMetrics standard_metrics(resource.Role(), resource.RoleInstance());
  standard_metrics.Add(azmon::envelope::MeasureRecord(record, settings, arena));
  for (const std::string& point : standard_metrics.Take({}, {})) {
    std::string item;
    const auto measured = AppendItems({.signal = azmon::otlp::Signal::kMetric, .message = point}, resource, scope, settings, {}, item);
    AZMON_CHECK(measured.items == 1 && measured.dropped == 0);
    AZMON_CHECK(nlohmann::json::accept(std::string_view(item).substr(0, item.size() - 1)));
  }
  return 0;
}
