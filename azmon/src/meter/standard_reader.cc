// SPDX-License-Identifier: MIT
#include "meter/standard_reader.h"

#include "base/limits.h"
#include "envelope/measure.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::meter {
namespace {

/// Records that one look into the journal takes; between two looks nothing is held.
constexpr std::size_t kRecordsAtOnce = 1024;
constexpr std::size_t kBytesAtOnce = 1u << 20;

}  // namespace

StandardReader::StandardReader(journal::Journal& journal, envelope::Settings settings, const base::Clock& clock, std::chrono::milliseconds interval)
    : journal_(journal),
      settings_(std::move(settings)),
      clock_(clock),
      interval_(interval),
      interval_end_(clock.Now() + interval),
      interval_start_(clock.WallNow()) {}

StandardReader::~StandardReader() = default;

base::SteadyTime StandardReader::Step(base::SteadyTime now, bool must_finish) {
  const auto backlog = journal_.BacklogOf(journal::Destination::kMeter);
  const bool is_over = now >= interval_end_;
  if (must_finish || is_over || backlog.bytes >= limits::kBatchFullBytes) Drain();
  if (must_finish || is_over) {
    Append(clock_.WallNow());
    if (is_over) interval_end_ = now + interval_;
  }
  const bool has_something = has_counted_ || journal_.BacklogOf(journal::Destination::kMeter).records != 0;
  return has_something ? interval_end_ : base::SteadyTime::max();
}

void StandardReader::Drain() {
  for (;;) {
    const journal::Batch batch = journal_.Read(journal::Destination::kMeter, kRecordsAtOnce, kBytesAtOnce);
    if (batch.entries.empty()) return;
    for (const auto& entry : batch.entries) {
      const journal::ScopeRef& scope = batch.ScopeOf(entry.record);
      auto found = resources_.find(scope.resource.owner);
      if (found == resources_.end()) {
        const auto context = envelope::ResourceContext::Make(scope.resource.message, settings_);
        std::string message;
        otlp::AppendBytesField(otlp::scope::kName, "azmon.standard_metrics", message);
        found = resources_
                    .emplace(scope.resource.owner, PerResource{.metrics = StandardMetrics(context.Role(), context.RoleInstance()),
                                                               .scope = journal_.AddScope(scope.resource.owner, message, "")})
                    .first;
      }
      envelope::TextArena arena;
      found->second.metrics.Add(envelope::MeasureRecord(entry.record, settings_, arena));
      has_counted_ = true;
    }
    journal_.Settle(journal::Destination::kMeter, batch, {.delivered = batch.entries.size()});
  }
}

void StandardReader::Append(base::WallTime now) {
  for (auto& [id, resource] : resources_) {
    for (const std::string& message : resource.metrics.Take(interval_start_, now)) {
      // A metric is far under the record limit, so this cannot fail.
      (void)journal_.Append({.signal = otlp::Signal::kMetric,
                             .flags = static_cast<std::uint8_t>(otlp::kSampled | otlp::kForAzure),
                             .owner = resource.scope,
                             .message = message});
    }
  }
  interval_start_ = now;
  has_counted_ = false;
}

}  // namespace azmon::meter
