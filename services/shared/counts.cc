// SPDX-License-Identifier: MIT
#include "services/shared/counts.h"

#include <opentelemetry/metrics/async_instruments.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/meter_provider.h>
#include <opentelemetry/metrics/observer_result.h>
#include <opentelemetry/metrics/provider.h>

#include <array>
#include <atomic>
#include <map>
#include <utility>
#include <vector>

#include "services/shared/version.h"

namespace services {
namespace {

namespace metrics = opentelemetry::metrics;
namespace nostd = opentelemetry::nostd;
using Observer = nostd::shared_ptr<metrics::ObserverResultT<std::int64_t>>;

struct Series {
  const char* metric;
  const char* description;
  const char* attribute;
  const char* value;
};

constexpr std::array<Series, static_cast<std::size_t>(Count::kEnd)> kSeries{{
    {"orders.placed", "Orders of checkout by their end", "outcome", "ok"},
    {"orders.placed", "", "outcome", "failed"},
    {"orders.processed", "Orders of order-processor by their answer", "outcome", "ok"},
    {"orders.processed", "", "outcome", "failed"},
    {"receipts", "Receipts by what became of them", "outcome", "written"},
    {"receipts", "", "outcome", "repeated"},
    {"receipts", "", "outcome", "conflict"},
    {"receipts", "", "outcome", "failed"},
    {"requests.refused", "Requests that were refused before they were read", "reason", "overload"},
    {"requests.refused", "", "reason", "unauthorized"},
    {"peer.retries", "Repetitions of calls", "decision", "retried"},
    {"peer.retries", "", "decision", "over_budget"},
    {"peer.refused", "Calls that were not made", "reason", "breaker_open"},
}};

/// Each on a cache line of its own: two loops count different things at once.
struct alignas(64) Cell {
  std::atomic<std::uint64_t> value{0};
};
std::array<Cell, kSeries.size()> g_cells;

void ObserveSeries(metrics::ObserverResult result, void* first_of_metric) {
  const auto first = static_cast<std::size_t>(static_cast<const Series*>(first_of_metric) - kSeries.data());
  const auto* const observer = nostd::get_if<Observer>(&result);
  if (observer == nullptr) return;
  for (std::size_t index = first; index < kSeries.size() && std::string_view(kSeries[index].metric) == kSeries[first].metric; ++index) {
    const auto value = static_cast<std::int64_t>(g_cells[index].value.load(std::memory_order_relaxed));
    // A service reports what it does: receipt places no orders.
    if (value == 0) continue;
    (*observer)->Observe(value, {{nostd::string_view(kSeries[index].attribute), nostd::string_view(kSeries[index].value)}});
  }
}

struct Gauge {
  std::string peer;
  std::function<std::int64_t()> read;
  nostd::shared_ptr<metrics::ObservableInstrument> instrument;
};

void ObserveGauge(metrics::ObserverResult result, void* state) {
  const auto& gauge = *static_cast<const Gauge*>(state);
  const auto* const observer = nostd::get_if<Observer>(&result);
  if (observer == nullptr) return;
  if (gauge.peer.empty()) {
    (*observer)->Observe(gauge.read());
  } else {
    (*observer)->Observe(gauge.read(), {{nostd::string_view("peer"), nostd::string_view(gauge.peer)}});
  }
}

nostd::shared_ptr<metrics::Meter> TheMeter() {
  return metrics::Provider::GetMeterProvider()->GetMeter("azmon.services", {kVersion.data(), kVersion.size()});
}

/// The SDK observes until the process ends, and what it observes must be there as long.
template <typename T>
T& Forever(T value) {
  return *new T(std::move(value));
}

}  // namespace

void Add(Count count) { g_cells[static_cast<std::size_t>(count)].value.fetch_add(1, std::memory_order_relaxed); }

std::uint64_t Value(Count count) { return g_cells[static_cast<std::size_t>(count)].value.load(std::memory_order_relaxed); }

void AddGauge(std::string_view name, std::string_view description, std::string_view peer, std::function<std::int64_t()> read) {
  Gauge& gauge = Forever(Gauge{std::string(peer), std::move(read), {}});
  gauge.instrument = TheMeter()->CreateInt64ObservableGauge({name.data(), name.size()}, {description.data(), description.size()}, "1");
  gauge.instrument->AddCallback(&ObserveGauge, &gauge);
}

void PublishCounts() {
  const auto meter = TheMeter();
  for (std::size_t index = 0; index < kSeries.size(); ++index) {
    if (index > 0 && std::string_view(kSeries[index].metric) == kSeries[index - 1].metric) continue;
    auto& instrument = Forever(meter->CreateInt64ObservableCounter(kSeries[index].metric, kSeries[index].description, "1"));
    instrument->AddCallback(&ObserveSeries, const_cast<Series*>(&kSeries[index]));  // NOLINT: the API passes its state as void*
  }
}

}  // namespace services
