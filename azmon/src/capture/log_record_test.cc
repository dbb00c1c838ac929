// SPDX-License-Identifier: MIT
// The SDK's own OTLP log recordable is the oracle: the same calls on both must give equal protobuf messages.
#include "capture/log_record.h"

#include <gtest/gtest.h>

#include <google/protobuf/util/message_differencer.h>
#include <opentelemetry/exporters/otlp/otlp_log_recordable.h>
#include <opentelemetry/logs/logger.h>
#include <opentelemetry/proto/logs/v1/logs.pb.h>
#include <opentelemetry/sdk/logs/logger_provider.h>
#include <opentelemetry/sdk/logs/logger_provider_factory.h>

#include "capture/log_processor.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace logs = opentelemetry::logs;
namespace sdk = opentelemetry::sdk;
namespace trace = opentelemetry::trace;
namespace proto = opentelemetry::proto;

constexpr std::uint8_t kTraceId[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr std::uint8_t kSpanId[8] = {1, 2, 3, 4, 5, 6, 7, 8};

proto::logs::v1::LogRecord Parsed(std::string_view bytes) {
  proto::logs::v1::LogRecord log;
  EXPECT_TRUE(log.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  EXPECT_EQ(log.GetReflection()->GetUnknownFields(log).field_count(), 0);
  return log;
}

TEST(LogRecord, EqualsTheSdksRecordable) {
  const auto call = [](sdk::logs::Recordable& log) {
    const std::int64_t numbers[] = {1, -2};
    log.SetTimestamp(opentelemetry::common::SystemTimestamp(std::chrono::nanoseconds(1'700'000'000'123'456'789)));
    log.SetObservedTimestamp(opentelemetry::common::SystemTimestamp(std::chrono::nanoseconds(1'700'000'000'123'456'999)));
    log.SetSeverity(logs::Severity::kWarn2);
    log.SetBody("queue is nearly full");
    log.SetAttribute("queue", "orders");
    log.SetAttribute("numbers", nostd::span<const std::int64_t>(numbers));
    log.SetAttribute("ratio", 0.93);
    log.SetTraceId(trace::TraceId(kTraceId));
    log.SetSpanId(trace::SpanId(kSpanId));
    log.SetTraceFlags(trace::TraceFlags(1));
  };
  LogRecord ours(0);
  opentelemetry::exporter::otlp::OtlpLogRecordable theirs;
  call(ours);
  call(theirs);
  otlp::Buffer bytes;
  ours.AppendMessage(bytes);
  google::protobuf::util::MessageDifferencer differencer;
  std::string report;
  differencer.ReportDifferencesToString(&report);
  EXPECT_TRUE(differencer.Compare(theirs.log_record(), Parsed(bytes.View()))) << report;
}

TEST(LogRecord, EventNameAndIdAreKept) {
  LogRecord log(0);
  log.SetEventId(7, "order.placed");
  otlp::Buffer bytes;
  log.AppendMessage(bytes);
  EXPECT_EQ(Parsed(bytes.View()).event_name(), "order.placed");
  EXPECT_EQ(Parsed(bytes.View()).attributes(0).value().int_value(), 7);
}

class LogProcessorTest : public testing::Test {
 protected:
  void Start(LogProcessorOptions options = {}) {
    options.common.destinations = otlp::kForAzure | otlp::kForOtlp;
    provider_ = sdk::logs::LoggerProviderFactory::Create(std::make_unique<LogProcessor>(journal_, options));
    logger_ = provider_->GetLogger("logger", "library");
  }
  std::vector<proto::logs::v1::LogRecord> Read() {
    const auto batch = journal_->Read(journal::Destination::kAzure, 1000, 1u << 20);
    std::vector<proto::logs::v1::LogRecord> read;
    for (const auto& entry : batch.entries) read.push_back(Parsed(entry.record.message));
    return read;
  }

  std::shared_ptr<journal::Journal> journal_ = std::make_shared<journal::Journal>();
  std::unique_ptr<sdk::logs::LoggerProvider> provider_;
  nostd::shared_ptr<logs::Logger> logger_;
};

TEST_F(LogProcessorTest, EmittedRecordsReachTheJournal) {
  Start();
  logger_->Info("order placed");
  const auto read = Read();
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].body().string_value(), "order placed");
  EXPECT_EQ(read[0].severity_number(), proto::logs::v1::SEVERITY_NUMBER_INFO);
  EXPECT_EQ(read[0].severity_text(), "INFO");
  EXPECT_NE(read[0].observed_time_unix_nano(), 0U);
}

TEST_F(LogProcessorTest, RecordsBelowTheMinimumAreIgnored) {
  Start({.severity_min = static_cast<std::uint8_t>(logs::Severity::kWarn)});
  logger_->Info("no");
  logger_->Warn("yes");
  ASSERT_EQ(Read().size(), 1U);
}

TEST_F(LogProcessorTest, TraceBasedSamplingDropsOnlyRecordsOfUnsampledSpans) {
  Start({.trace_based_sampling = true});
  logger_->EmitLogRecord(logs::Severity::kInfo, "unsampled span", trace::TraceId(kTraceId), trace::SpanId(kSpanId), trace::TraceFlags(0));
  logger_->EmitLogRecord(logs::Severity::kInfo, "sampled span", trace::TraceId(kTraceId), trace::SpanId(kSpanId), trace::TraceFlags(1));
  logger_->Info("no span");
  const auto read = Read();
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].body().string_value(), "sampled span");
  EXPECT_EQ(read[1].body().string_value(), "no span");
}

}  // namespace
}  // namespace azmon::capture
