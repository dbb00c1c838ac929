// SPDX-License-Identifier: MIT
#include "local/query/metric_chart.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include <simdjson.h>

#include "local/model/limits.h"
#include "local/query/histogram.h"

namespace azmon::local {
namespace {

namespace dom = simdjson::dom;

/// The numbers of one point, or what is new in it.
struct Amount {
  double count = 0, sum = 0;
  std::optional<double> min, max, last;
  PointBuckets buckets;
};

/// A point with how it is to be read.
struct Point {
  Amount amount;
  std::optional<double> value;  ///< absent: the point says that there is none
  bool is_cumulative = false;
  std::int64_t start = 0;  ///< ticks; 0 unknown
};

std::optional<double> Number(dom::object object, const char* name) {
  double number = 0;
  if (object.at_key(name).get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::int32_t Whole(dom::object object, const char* name) {
  std::int64_t number = 0;
  if (object.at_key(name).get(number) != simdjson::SUCCESS) return 0;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(number, INT32_MIN, INT32_MAX));
}

std::vector<double> Numbers(dom::object object, const char* name) {
  std::vector<double> numbers;
  dom::array array;
  if (object.at_key(name).get(array) != simdjson::SUCCESS) return numbers;
  for (const dom::element element : array) {
    double number = 0;
    if (element.get(number) == simdjson::SUCCESS) numbers.push_back(number);
  }
  return numbers;
}

PointBuckets ReadBuckets(dom::object object) {
  PointBuckets buckets;
  buckets.counts = Numbers(object, "counts");
  buckets.is_exponential = Number(object, "scale").has_value();
  if (!buckets.is_exponential) {
    buckets.bounds = Numbers(object, "bounds");
    if (buckets.counts.size() != buckets.bounds.size() + 1) buckets.counts.clear();
    return buckets;
  }
  buckets.scale = Whole(object, "scale");
  buckets.offset = Whole(object, "offset");
  buckets.zero_count = Number(object, "zeroCount").value_or(0);
  buckets.negative_offset = Whole(object, "negativeOffset");
  buckets.negative_counts = Numbers(object, "negativeCounts");
  return buckets;
}

/// What differs between two states of a cumulative stream. Smallest and largest are of its whole life, so they say nothing of the difference.
std::optional<Amount> Difference(const Amount& now, const Amount& before, bool has_count) {
  if (has_count ? now.count < before.count : now.sum < before.sum) return std::nullopt;
  Amount rest;
  rest.count = has_count ? now.count - before.count : 1;
  rest.sum = now.sum - before.sum;
  if (!now.buckets.IsEmpty()) {
    auto buckets = now.buckets.Since(before.buckets);
    if (!buckets) return std::nullopt;
    rest.buckets = std::move(*buckets);
  }
  if (!has_count) rest.min = rest.max = rest.last = rest.sum;
  return rest;
}

struct Step {
  Amount amount;
  Histogram histogram;

  void Add(const Amount& more) {
    amount.count += more.count;
    amount.sum += more.sum;
    if (more.min) amount.min = std::min(amount.min.value_or(*more.min), *more.min);
    if (more.max) amount.max = std::max(amount.max.value_or(*more.max), *more.max);
    if (more.last) amount.last = more.last;
    histogram.Add(more.buckets);
  }
  void Add(const Step& other) {
    Add(other.amount);
    histogram.Add(other.histogram);
  }
};

struct Series {
  std::map<std::uint32_t, Step> steps;
  double count = 0;
};

}  // namespace

class ChartBuilder::Impl {
 public:
  Impl(TimeSteps steps, std::int64_t known_from, std::string split_by) : known_from_(known_from), split_by_(std::move(split_by)) { chart_.steps = steps; }

  void Add(const Item& item) {
    Point point;
    if (!Read(item, point)) return;
    const std::size_t at = chart_.steps.At(item.time);
    const bool is_shown = at < chart_.steps.count;
    std::optional<Amount> amount = point.is_cumulative ? Grown(item, point) : std::optional(std::move(point.amount));
    if (!is_shown) return;
    ++chart_.points;
    chart_.kind = item.kind;
    chart_.point = item.point;
    const std::string split = ReadDimensions(item);
    if (!amount) return;
    Series& series = SeriesOf(split);
    series.count += amount->count;
    series.steps[static_cast<std::uint32_t>(at)].Add(*amount);
  }

  void Cut() { chart_.is_cut = true; }

  Chart Finish() {
    std::vector<std::pair<std::string, Series*>> order;
    for (auto& [name, series] : series_) order.emplace_back(name, &series);
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second->count > b.second->count; });
    for (std::size_t i = limits::kChartSeriesMax; i < order.size(); ++i) {
      ++joined_;
      for (const auto& [at, step] : order[i].second->steps) rest_.steps[at].Add(step);
    }
    order.resize(std::min(order.size(), limits::kChartSeriesMax));
    for (const auto& [name, series] : order) chart_.series.push_back({name, false, StepsOf(*series)});
    if (!rest_.steps.empty()) chart_.series.push_back({"", true, StepsOf(rest_)});
    chart_.joined = joined_;
    for (auto& [name, values] : dimensions_) {
      ChartDimension dimension{name, {}, values.size() > limits::kChartValuesMax};
      for (const auto& [value, count] : values) {
        if (dimension.values.size() < limits::kChartValuesMax) dimension.values.push_back(value);
      }
      chart_.dimensions.push_back(std::move(dimension));
    }
    return std::move(chart_);
  }

 private:
  bool Read(const Item& item, Point& point) {
    dom::object numbers;
    if (json_.parse(item.measurements).get(numbers) != simdjson::SUCCESS) return false;
    point.value = Number(numbers, "value");
    const bool is_sampled = item.kind == "gauge" || item.kind == "sum";
    point.amount.count = std::max(0.0, Number(numbers, "count").value_or(1));
    if (!point.value && (is_sampled || point.amount.count == 0)) return false;
    point.amount.sum = point.value.value_or(0);
    point.amount.min = Number(numbers, "min");
    point.amount.max = Number(numbers, "max");
    if (is_sampled) point.amount.min = point.amount.max = point.amount.last = point.value;
    // A Breeze point without aggregates is one value.
    else if (item.source == Source::kBreeze && point.amount.count <= 1 && !point.amount.min) {
      point.amount.min = point.amount.max = point.amount.last = point.value;
    }
    if (item.point.empty()) return true;
    dom::object object;
    if (json_.parse(item.point).get(object) != simdjson::SUCCESS) return true;
    std::string_view temporality;
    bool is_monotonic = true;
    if (object.at_key("temporality").get(temporality) != simdjson::SUCCESS) temporality = {};
    if (object.at_key("isMonotonic").get(is_monotonic) != simdjson::SUCCESS) is_monotonic = true;
    std::int64_t start = 0;
    if (object.at_key("start").get(start) == simdjson::SUCCESS) point.start = start;
    point.amount.buckets = ReadBuckets(object);
    // What can fall, an open count of connections, is a level: its value is what people want to see. Summaries count from the start.
    point.is_cumulative = (temporality == "cumulative" && is_monotonic) || item.kind == "summary";
    return true;
  }

  /// What a cumulative stream has grown by; nullopt if that cannot be known.
  std::optional<Amount> Grown(const Item& item, const Point& point) {
    // A process that is started again begins a stream of its own, also while the one before still sends.
    std::string key = item.role + '\0' + item.role_instance + '\0' + item.i_key + '\0' + std::to_string(point.start) + '\0' + item.dimensions;
    const bool has_count = item.kind != "sum";
    auto at = streams_.find(key);
    if (at == streams_.end()) {
      if (streams_.size() == limits::kChartStreamsMax) {
        chart_.is_cut = true;
        return std::nullopt;
      }
      streams_.emplace(std::move(key), point.amount);
      // The first one says how much there was since its start; if that is long before the chart, nobody knows when it came.
      if (point.start != 0 && point.start >= known_from_) return FromStart(point.amount, has_count);
      return std::nullopt;
    }
    const Amount before = std::exchange(at->second, point.amount);
    if (auto rest = Difference(point.amount, before, has_count)) return rest;
    // It began anew without saying so.
    return FromStart(point.amount, has_count);
  }

  static Amount FromStart(Amount amount, bool has_count) {
    if (!has_count) amount.count = 1;
    return amount;
  }

  /// Remembers the dimensions of a point.
  /// @return the value that the chart is split by
  std::string ReadDimensions(const Item& item) {
    std::string split;
    if (split_by_ == "cloud_RoleName") split = item.role;
    else if (split_by_ == "cloud_RoleInstance") split = item.role_instance;
    if (item.dimensions.empty()) return split;
    dom::object bag;
    if (json_.parse(item.dimensions).get(bag) != simdjson::SUCCESS) return split;
    for (const auto [key, element] : bag) {
      std::string_view value;
      if (element.get(value) != simdjson::SUCCESS) continue;
      if (key == split_by_) split = value;
      auto at = dimensions_.find(key);
      if (at == dimensions_.end()) {
        if (dimensions_.size() == limits::kChartDimensionsMax) continue;
        at = dimensions_.try_emplace(std::string(key)).first;
      }
      if (const auto known = at->second.find(value); known != at->second.end()) ++known->second;
      else if (at->second.size() <= limits::kChartValuesMax) at->second.emplace(value, 1);
    }
    return split;
  }

  Series& SeriesOf(const std::string& name) {
    const auto at = series_.find(name);
    if (at != series_.end()) return at->second;
    if (series_.size() < limits::kChartSeriesKept) return series_[name];
    // How many there are beyond is told as far as they can be told apart.
    if (beyond_.size() < limits::kChartStreamsMax && beyond_.emplace(name, true).second) ++joined_;
    return rest_;
  }

  static std::vector<ChartStep> StepsOf(const Series& series) {
    std::vector<ChartStep> steps;
    for (const auto& [at, step] : series.steps) {
      const Amount& amount = step.amount;
      ChartStep out{at, amount.count, amount.sum, amount.min, amount.max, amount.last, {}, {}, {}};
      out.p50 = step.histogram.Quantile(0.50, amount.min, amount.max);
      out.p95 = step.histogram.Quantile(0.95, amount.min, amount.max);
      out.p99 = step.histogram.Quantile(0.99, amount.min, amount.max);
      steps.push_back(out);
    }
    return steps;
  }

  const std::int64_t known_from_;
  const std::string split_by_;
  Chart chart_;
  dom::parser json_;
  std::unordered_map<std::string, Amount> streams_;  ///< the state in which each was seen last
  std::map<std::string, Series> series_;
  Series rest_;
  std::unordered_map<std::string, bool> beyond_;
  std::size_t joined_ = 0;
  std::map<std::string, std::map<std::string, std::uint64_t, std::less<>>, std::less<>> dimensions_;
};

ChartBuilder::ChartBuilder(TimeSteps steps, std::int64_t known_from, std::string split_by)
    : impl_(std::make_unique<Impl>(steps, known_from, std::move(split_by))) {}
ChartBuilder::~ChartBuilder() = default;
void ChartBuilder::Add(const Item& item) { impl_->Add(item); }
void ChartBuilder::Cut() { impl_->Cut(); }
Chart ChartBuilder::Finish() { return impl_->Finish(); }

}  // namespace azmon::local
