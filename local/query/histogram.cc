// SPDX-License-Identifier: MIT
#include "local/query/histogram.h"

#include <algorithm>
#include <cmath>

namespace azmon::local {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Scales that OpenTelemetry allows: -10 … 20. Others give bounds that are of no use.
constexpr std::int32_t kScaleLeast = -10, kScaleMost = 20;

/// The upper bound of bucket `index`: base^(index + 1) with base = 2^(2^-scale).
double Bound(std::int32_t scale, std::int64_t index) { return std::exp2(std::ldexp(static_cast<double>(index) + 1, -scale)); }

/// Counts at a coarser scale: each step down joins two neighbours.
void Coarsen(std::int32_t& offset, std::vector<double>& counts, std::int32_t by) {
  if (counts.empty() || by <= 0) return;
  const std::int32_t first = offset >> by;
  std::vector<double> joined(static_cast<std::size_t>(((offset + static_cast<std::int64_t>(counts.size()) - 1) >> by) - first) + 1);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    joined[static_cast<std::size_t>(((offset + static_cast<std::int64_t>(i)) >> by) - first)] += counts[i];
  }
  offset = first;
  counts = std::move(joined);
}

/// counts -= before, each placed at its offset. False if a count would fall below zero.
bool Subtract(std::int32_t offset, std::vector<double>& counts, std::int32_t before_offset, const std::vector<double>& before) {
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == 0) continue;
    const std::int64_t at = std::int64_t{before_offset} + static_cast<std::int64_t>(i) - offset;
    if (at < 0 || at >= static_cast<std::int64_t>(counts.size()) || counts[static_cast<std::size_t>(at)] < before[i]) return false;
    counts[static_cast<std::size_t>(at)] -= before[i];
  }
  return true;
}

}  // namespace

std::optional<PointBuckets> PointBuckets::Since(const PointBuckets& before) const {
  PointBuckets rest = *this;
  if (before.IsEmpty()) return rest;
  if (is_exponential != before.is_exponential) return std::nullopt;
  if (!is_exponential) {
    if (bounds != before.bounds || !Subtract(0, rest.counts, 0, before.counts)) return std::nullopt;
    return rest;
  }
  if (before.scale < scale || zero_count < before.zero_count) return std::nullopt;
  PointBuckets coarse = before;
  const std::int32_t by = std::min(before.scale - scale, 31);
  Coarsen(coarse.offset, coarse.counts, by);
  Coarsen(coarse.negative_offset, coarse.negative_counts, by);
  rest.zero_count -= before.zero_count;
  if (!Subtract(offset, rest.counts, coarse.offset, coarse.counts) ||
      !Subtract(negative_offset, rest.negative_counts, coarse.negative_offset, coarse.negative_counts)) {
    return std::nullopt;
  }
  return rest;
}

void Histogram::Add(Range range) {
  if (range.count <= 0) return;
  const auto less = [](const Range& a, const Range& b) { return a.to != b.to ? a.to < b.to : a.from < b.from; };
  const auto at = std::lower_bound(ranges_.begin(), ranges_.end(), range, less);
  if (at != ranges_.end() && at->to == range.to && at->from == range.from) at->count += range.count;
  else ranges_.insert(at, range);
}

void Histogram::Add(const PointBuckets& buckets) {
  if (!buckets.is_exponential) {
    for (std::size_t i = 0; i < buckets.counts.size(); ++i) {
      Add(Range{i == 0 ? -kInfinity : buckets.bounds[i - 1], i < buckets.bounds.size() ? buckets.bounds[i] : kInfinity, buckets.counts[i]});
    }
    return;
  }
  if (buckets.scale < kScaleLeast || buckets.scale > kScaleMost) return;
  Add(Range{0, 0, buckets.zero_count});
  for (std::size_t i = 0; i < buckets.counts.size(); ++i) {
    const std::int64_t index = std::int64_t{buckets.offset} + static_cast<std::int64_t>(i);
    Add(Range{Bound(buckets.scale, index - 1), Bound(buckets.scale, index), buckets.counts[i]});
  }
  for (std::size_t i = 0; i < buckets.negative_counts.size(); ++i) {
    const std::int64_t index = std::int64_t{buckets.negative_offset} + static_cast<std::int64_t>(i);
    Add(Range{-Bound(buckets.scale, index), -Bound(buckets.scale, index - 1), buckets.negative_counts[i]});
  }
}

void Histogram::Add(const Histogram& other) {
  for (const Range& range : other.ranges_) Add(range);
}

std::optional<double> Histogram::Quantile(double q, std::optional<double> min, std::optional<double> max) const {
  double total = 0;
  for (const Range& range : ranges_) total += range.count;
  if (total <= 0) return std::nullopt;
  double left = q * total;
  double value = 0;
  for (const Range& range : ranges_) {
    double from = range.from;
    double to = range.to;
    // Most measured things are not negative, so an open first range begins at 0 where its end allows.
    if (!std::isfinite(from)) from = min.value_or(to > 0 ? 0 : to);
    if (!std::isfinite(to)) to = max.value_or(from);
    value = left >= range.count ? to : from + (to - from) * (left / range.count);
    if (left <= range.count) break;
    left -= range.count;
  }
  if (min) value = std::max(value, *min);
  if (max) value = std::min(value, *max);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace azmon::local
