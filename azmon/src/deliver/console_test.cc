// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "deliver/console_destination.h"
#include "deliver/console_line.h"
#include "deliver/deliver_test_support.h"
#include "otlp/annotations.h"

namespace azmon::deliver {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class FakeSink final : public base::LineSink {
 public:
  bool TryWrite(std::string_view lines) override {
    EXPECT_LE(lines.size(), base::kLineSinkBytesMax);
    EXPECT_THAT(std::string(lines), EndsWith("\n")) << "whole lines";
    if (is_stuck) return false;
    text.append(lines);
    return true;
  }
  std::size_t Lines() const { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

  bool is_stuck = false;
  std::string text;
};

std::string LinesOf(otlp::Signal signal, std::string_view message, std::string_view annotations = {}) {
  std::string out;
  AppendConsoleLines({.signal = signal, .annotations = annotations, .message = message}, out);
  return out;
}

std::string NumberPoint(double value) {
  std::string out;
  const std::size_t point = otlp::OpenMessage(otlp::gauge::kDataPoints, out);
  otlp::AppendFixed64Field(otlp::number_point::kTime, 1'700'000'000'000'000'000U, out);
  otlp::AppendDoubleField(otlp::number_point::kAsDouble, value, out);
  otlp::CloseMessage(point, out);
  return out;
}

std::string GaugeMessage(std::string_view name, std::size_t points) {
  std::string all;
  for (std::size_t i = 0; i < points; ++i) all.append(NumberPoint(static_cast<double>(i) + 0.5));
  std::string out;
  otlp::AppendBytesField(otlp::metric::kName, name, out);
  otlp::AppendBytesField(otlp::metric::kUnit, "s", out);
  otlp::AppendBytesField(otlp::metric::kGauge, all, out);
  return out;
}

TEST(ConsoleLine, SpanIsOneLineWithNameDurationResultAndIds) {
  EXPECT_EQ(LinesOf(otlp::Signal::kSpan, SpanMessage("place order", 1, "v")),
            "span   22:13:20.000Z INTERNAL \"place order\" 100.000 ms ok trace=30313233343536373839616263646566 span=3031323334353637 "
            "event=\"place order-event0\" filler=v\n");
}

TEST(ConsoleLine, LogIsOneLineWithSeverityAndBody) {
  std::string message;
  otlp::AppendFixed64Field(otlp::log_record::kTime, 1'700'000'000'000'000'000U, message);
  otlp::AppendVarintField(otlp::log_record::kSeverityNumber, 13, message);
  const std::size_t body = otlp::OpenMessage(otlp::log_record::kBody, message);
  otlp::AppendBytesField(otlp::any_value::kString, "queue is \"full\"", message);
  otlp::CloseMessage(body, message);
  EXPECT_EQ(LinesOf(otlp::Signal::kLog, message), "log    22:13:20.000Z WARN \"queue is \\\"full\\\"\"\n");
}

TEST(ConsoleLine, MetricIsALineAPointAndManyPointsAreCounted) {
  EXPECT_EQ(LinesOf(otlp::Signal::kMetric, GaugeMessage("load", 2)),
            "metric 22:13:20.000Z load s value=0.5\nmetric 22:13:20.000Z load s value=1.5\n");
  std::string many;
  EXPECT_EQ(AppendConsoleLines({.signal = otlp::Signal::kMetric, .message = GaugeMessage("load", kConsolePointsMax + 7)}, many), kConsolePointsMax + 1);
  EXPECT_THAT(many, EndsWith("metric load: and 7 points more\n"));
}

TEST(ConsoleLine, ControlCharactersAndBrokenUtf8NeverReachTheTerminal) {
  const std::string line = LinesOf(otlp::Signal::kSpan, SpanMessage("a\x1b[2Jb\nc\xc2\x9b" "d\x7f" "e\xff"));
  EXPECT_THAT(line, HasSubstr(R"("a\x1b[2Jb\nc\x9bd\x7fe\xff")"));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

TEST(ConsoleLine, LongLineIsCutBetweenCodePoints) {
  for (int shift = 0; shift < 4; ++shift) {
    std::string message = SpanMessage("n" + std::string(static_cast<std::size_t>(shift), 'x'));
    for (int i = 0; i < 20; ++i) {
      std::string text;
      for (int j = 0; j < 100; ++j) text.append("€");
      message.append(SpanMessage("ignored", 0, text).substr(SpanMessage("ignored").size()));
      message.append(SpanMessage("", 1).substr(SpanMessage("").size()));
    }
    std::string events = SpanMessage(std::string(30, 'e') + "€€€", 60);
    const std::string line = LinesOf(otlp::Signal::kSpan, events.append(message));
    EXPECT_LE(line.size(), limits::kConsoleLineBytesMax);
    EXPECT_THAT(line, EndsWith("…\n"));
    for (std::string_view rest = line; !rest.empty();) {
      const std::size_t length = base::Utf8SequenceLength(rest);
      ASSERT_NE(length, 0U) << line;
      rest.remove_prefix(length);
    }
  }
}

TEST(ConsoleLine, AnnotationsAreNotShown) {
  std::string annotations;
  otlp::AppendAnnotations({.operation_name = "SECRET OPERATION", .sample_rate = 12.5, .processed_by_metric_extractors = true}, annotations);
  const std::string message = SpanMessage("s");
  EXPECT_EQ(LinesOf(otlp::Signal::kSpan, message, annotations), LinesOf(otlp::Signal::kSpan, message));
}

TEST(ConsoleLine, MalformedRecordLeavesNothing) {
  EXPECT_EQ(LinesOf(otlp::Signal::kSpan, SpanMessage("cut").substr(0, 30)), "");
  EXPECT_EQ(LinesOf(otlp::Signal::kScope, ScopeMessage("scope")), "");
}

class ConsoleDestinationTest : public testing::Test {
 protected:
  void Append(int spans) {
    for (int i = 0; i < spans; ++i) {
      ASSERT_TRUE(journal_.Append({.signal = otlp::Signal::kSpan, .flags = otlp::kSampled | otlp::kForConsole, .owner = scope_, .message = SpanMessage("s")}).ok());
    }
  }
  void RunAfter(std::chrono::milliseconds time) {
    clock_.Advance(time);
    console_.Step(clock_.Now());
  }
  journal::Ledger Ledger() const { return journal_.LedgerOf(journal::Destination::kConsole); }
  void ExpectSum() const {
    const auto ledger = Ledger();
    EXPECT_EQ(ledger.accepted, ledger.delivered + ledger.DroppedTotal() + ledger.in_journal);
  }

  FakeClock clock_;
  FakeSink sink_;
  journal::Journal journal_;
  const std::uint32_t scope_ = journal_.AddScope(journal_.AddResource("", ""), ScopeMessage("test"), "");
  ConsoleDestination console_{journal_, sink_};
};

TEST_F(ConsoleDestinationTest, ItemsAreWrittenTogetherSoonAfterTheyCome) {
  Append(3);
  EXPECT_EQ(console_.Step(clock_.Now()), clock_.Now() + limits::kConsoleInterval);
  EXPECT_EQ(sink_.Lines(), 0U);
  RunAfter(limits::kConsoleInterval);
  EXPECT_EQ(sink_.Lines(), 3U);
  EXPECT_EQ(Ledger().delivered, 3U);
  EXPECT_EQ(console_.Step(clock_.Now()), base::SteadyTime::max()) << "idle costs nothing";
}

TEST_F(ConsoleDestinationTest, RateIsBoundedAndWhatIsLeftOutIsCountedAndTold) {
  constexpr int kMore = 500;
  Append(static_cast<int>(limits::kConsoleLinesAtOnce) + kMore);
  console_.Flush(journal_.End());
  console_.Step(clock_.Now());
  EXPECT_TRUE(console_.IsFlushed());
  EXPECT_EQ(sink_.Lines(), limits::kConsoleLinesAtOnce + 1);
  EXPECT_THAT(sink_.text, HasSubstr("azmon: 500 items are not shown"));
  EXPECT_EQ(Ledger().dropped[static_cast<std::size_t>(journal::DropReason::kThrottled)], static_cast<std::uint64_t>(kMore));
  ExpectSum();
  sink_.text.clear();
  Append(static_cast<int>(limits::kConsoleLinesAtOnce));
  console_.Step(clock_.Now());
  RunAfter(std::chrono::seconds(1));
  EXPECT_EQ(sink_.Lines(), limits::kConsoleLinesPerSecond + 1) << "what a second earned, and the note";
  ExpectSum();
}

TEST_F(ConsoleDestinationTest, StuckTerminalHoldsNothingUpAndCostsNoWakes) {
  sink_.is_stuck = true;
  Append(10);
  console_.Flush(journal_.End());
  EXPECT_EQ(console_.Step(clock_.Now()), base::SteadyTime::max());
  EXPECT_TRUE(console_.IsFlushed());
  EXPECT_EQ(Ledger().in_journal, 0U);
  EXPECT_EQ(Ledger().dropped[static_cast<std::size_t>(journal::DropReason::kThrottled)], 10U);
  sink_.is_stuck = false;
  Append(1);
  console_.Step(clock_.Now());
  RunAfter(std::chrono::seconds(2));
  EXPECT_THAT(sink_.text, HasSubstr("10 items are not shown"));
}

TEST_F(ConsoleDestinationTest, MetricOfManyPointsGoesInPiecesOfWholeLines) {
  ASSERT_TRUE(journal_
                  .Append({.signal = otlp::Signal::kMetric, .flags = otlp::kSampled | otlp::kForConsole, .owner = scope_,
                           .message = GaugeMessage(std::string(150, 'm'), 2 * kConsolePointsMax)})
                  .ok());
  console_.Flush(journal_.End());
  console_.Step(clock_.Now());
  EXPECT_EQ(sink_.Lines(), kConsolePointsMax + 1);
  EXPECT_EQ(Ledger().delivered, 1U);
}

}  // namespace
}  // namespace azmon::deliver
