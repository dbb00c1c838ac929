// SPDX-License-Identifier: MIT
// Counts by ranges of values, of explicit and of exponential histograms alike; percentiles of them. Pure; used by `metric_chart`.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace azmon::local {

/// Buckets of one data point, as its `point` says them.
struct PointBuckets {
  bool is_exponential = false;
  std::vector<double> bounds;  ///< explicit: upper bounds, inclusive; the last bucket has none
  std::int32_t scale = 0, offset = 0, negative_offset = 0;
  double zero_count = 0;
  std::vector<double> counts, negative_counts;

  bool IsEmpty() const { return counts.empty() && negative_counts.empty() && zero_count == 0; }

  /// What came since `before`, an earlier state of the same stream. nullopt if one does not follow from the other: other bounds, a finer
  /// scale, or a count that fell.
  std::optional<PointBuckets> Since(const PointBuckets& before) const;
};

/// The sum of many points' buckets, whose borders may differ.
class Histogram {
 public:
  void Add(const PointBuckets& buckets);
  void Add(const Histogram& other);
  bool IsEmpty() const { return ranges_.empty(); }

  /// The value below which the share `q` (0…1) of all lies, by a straight line inside of its range; open ends are closed by `min` and `max`
  /// if known. nullopt if there is nothing.
  std::optional<double> Quantile(double q, std::optional<double> min, std::optional<double> max) const;

 private:
  struct Range {
    double from = 0, to = 0, count = 0;
  };
  void Add(Range range);
  std::vector<Range> ranges_;  ///< by `to`, then `from`
};

}  // namespace azmon::local
