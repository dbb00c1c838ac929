// SPDX-License-Identifier: MIT
// The SDK's own OTLP metric conversion is the oracle: collected once, encoded by both, equal as protobuf messages.
#include "capture/metric_exporter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <google/protobuf/util/message_differencer.h>
#include <opentelemetry/exporters/otlp/otlp_metric_utils.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/sdk/metrics/export/metric_producer.h>
#include <opentelemetry/sdk/metrics/meter.h>
#include <opentelemetry/sdk/metrics/meter_provider.h>
#include <opentelemetry/sdk/metrics/metric_reader.h>

namespace azmon::capture {
namespace {

namespace metrics = opentelemetry::sdk::metrics;
namespace proto = opentelemetry::proto;
using proto::collector::metrics::v1::ExportMetricsServiceRequest;

/// Collects when the test asks, on its thread.
class ManualReader final : public metrics::MetricReader {
 public:
  explicit ManualReader(Temporality temporality) : temporality_(temporality) {}
  metrics::AggregationTemporality GetAggregationTemporality(metrics::InstrumentType type) const noexcept override {
    return TemporalityOf(temporality_, type);
  }

 private:
  bool OnForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool OnShutDown(std::chrono::microseconds) noexcept override { return true; }
  const Temporality temporality_;
};

class MetricExporterTest : public testing::Test {
 protected:
  void Start(Temporality temporality) {
    provider_ = std::make_unique<metrics::MeterProvider>();
    reader_ = std::make_shared<ManualReader>(temporality);
    provider_->AddMetricReader(reader_);
    exporter_ = std::make_unique<MetricExporter>(journal_, journal::Destination::kOtlp, temporality);
    meter_ = provider_->GetMeter("shop", "1.0");
  }
  /// What lies in the journal, in order.
  std::vector<proto::metrics::v1::Metric> Ours() {
    std::vector<proto::metrics::v1::Metric> found;
    const auto batch = journal_->Read(journal::Destination::kOtlp, 10000, 1u << 30);
    for (const auto& entry : batch.entries) {
      proto::metrics::v1::Metric& metric = found.emplace_back();
      EXPECT_TRUE(metric.ParseFromArray(entry.record.message.data(), static_cast<int>(entry.record.message.size())));
      EXPECT_EQ(metric.GetReflection()->GetUnknownFields(metric).field_count(), 0);
    }
    journal_->Settle(journal::Destination::kOtlp, batch, {.delivered = batch.entries.size()});
    return found;
  }
  void ExpectEqualToTheSdks() {
    ExportMetricsServiceRequest expected;
    reader_->Collect([&](metrics::ResourceMetrics& data) {
      opentelemetry::exporter::otlp::OtlpMetricUtils::PopulateRequest(data, &expected);
      return exporter_->Export(data) == opentelemetry::sdk::common::ExportResult::kSuccess;
    });
    std::vector<proto::metrics::v1::Metric> theirs;
    for (const auto& resource : expected.resource_metrics()) {
      for (const auto& scope : resource.scope_metrics()) theirs.insert(theirs.end(), scope.metrics().begin(), scope.metrics().end());
    }
    const auto ours = Ours();
    ASSERT_FALSE(theirs.empty());
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      google::protobuf::util::MessageDifferencer differencer;
      std::string report;
      differencer.ReportDifferencesToString(&report);
      EXPECT_TRUE(differencer.Compare(theirs[i], ours[i])) << theirs[i].name() << ": " << report;
    }
  }

  std::shared_ptr<journal::Journal> journal_ = std::make_shared<journal::Journal>();
  std::shared_ptr<ManualReader> reader_;
  std::unique_ptr<MetricExporter> exporter_;
  std::unique_ptr<metrics::MeterProvider> provider_;
  opentelemetry::nostd::shared_ptr<opentelemetry::metrics::Meter> meter_;
};

class EveryTemporality : public MetricExporterTest, public testing::WithParamInterface<Temporality> {};

TEST_P(EveryTemporality, EqualsTheSdksConversionOfEveryInstrument) {
  Start(GetParam());
  const auto counter = meter_->CreateUInt64Counter("orders", "orders placed", "{order}");
  const auto up_down = meter_->CreateInt64UpDownCounter("open", "", "");
  const auto histogram = meter_->CreateDoubleHistogram("duration", "of a request", "s");
  const auto observable = meter_->CreateDoubleObservableGauge("temperature", "", "Cel");
  observable->AddCallback(
      [](opentelemetry::metrics::ObserverResult result, void*) {
        opentelemetry::nostd::get<opentelemetry::nostd::shared_ptr<opentelemetry::metrics::ObserverResultT<double>>>(result)->Observe(21.5, {{"room", "a"}});
      },
      nullptr);
  const auto context = opentelemetry::context::Context{};
  for (int round = 0; round < 2; ++round) {
    counter->Add(3, {{"currency", "EUR"}, {"express", true}}, context);
    counter->Add(4, context);
    up_down->Add(-2, {{"queue", "q"}}, context);
    for (const double value : {0.001, 0.2, 7.0, 90000.0}) histogram->Record(value, {{"route", "/orders"}, {"status", 200}}, context);
    ExpectEqualToTheSdks();
  }
}

INSTANTIATE_TEST_SUITE_P(, EveryTemporality, testing::Values(Temporality::kCumulative, Temporality::kDelta, Temporality::kLowMemory));

TEST(MetricExporter, TemporalitiesFollowTheTableOfTheSpecification) {
  using enum metrics::InstrumentType;
  using metrics::AggregationTemporality;
  for (const auto type : {kCounter, kHistogram, kObservableCounter, kUpDownCounter}) {
    EXPECT_EQ(TemporalityOf(Temporality::kCumulative, type), AggregationTemporality::kCumulative);
  }
  EXPECT_EQ(TemporalityOf(Temporality::kDelta, kCounter), AggregationTemporality::kDelta);
  EXPECT_EQ(TemporalityOf(Temporality::kDelta, kObservableCounter), AggregationTemporality::kDelta);
  EXPECT_EQ(TemporalityOf(Temporality::kDelta, kUpDownCounter), AggregationTemporality::kCumulative);
  EXPECT_EQ(TemporalityOf(Temporality::kLowMemory, kCounter), AggregationTemporality::kDelta);
  EXPECT_EQ(TemporalityOf(Temporality::kLowMemory, kObservableCounter), AggregationTemporality::kCumulative);
}

TEST(MetricExporter, ManyPointsAreSplitOverRecordsAndNoneIsLost) {
  metrics::MetricData metric;
  metric.instrument_descriptor = {.name_ = "m", .description_ = "", .unit_ = "", .type_ = metrics::InstrumentType::kCounter, .value_type_ = metrics::InstrumentValueType::kLong};
  metric.aggregation_temporality = metrics::AggregationTemporality::kDelta;
  for (int i = 0; i < 500; ++i) {
    metrics::PointDataAttributes point;
    point.attributes.SetAttribute("i", i);
    metrics::SumPointData sum;
    sum.value_ = std::int64_t{i};
    point.point_data = sum;
    metric.point_data_attr_.push_back(point);
  }
  int points = 0;
  int messages = 0;
  EncodeMetric(metric, 1000, [&](std::string_view message) {
    proto::metrics::v1::Metric parsed;
    ASSERT_TRUE(parsed.ParseFromArray(message.data(), static_cast<int>(message.size())));
    points += parsed.sum().data_points_size();
    ++messages;
    EXPECT_LT(message.size(), 1100U);
  });
  EXPECT_EQ(points, 500);
  EXPECT_GT(messages, 10);
}

TEST(MetricExporter, NotANumberAndInfinityArePassedOn) {
  metrics::MetricData metric;
  metric.instrument_descriptor.name_ = "m";
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    metrics::PointDataAttributes point;
    metrics::LastValuePointData last;
    last.value_ = value;
    last.is_lastvalue_valid_ = true;
    point.point_data = last;
    metric.point_data_attr_.push_back(point);
  }
  EncodeMetric(metric, 1000, [&](std::string_view message) {
    proto::metrics::v1::Metric parsed;
    ASSERT_TRUE(parsed.ParseFromArray(message.data(), static_cast<int>(message.size())));
    ASSERT_EQ(parsed.gauge().data_points_size(), 2);
    EXPECT_TRUE(std::isnan(parsed.gauge().data_points(0).as_double()));
    EXPECT_TRUE(std::isinf(parsed.gauge().data_points(1).as_double()));
  });
}

}  // namespace
}  // namespace azmon::capture
