// SPDX-License-Identifier: MIT
// The SDK's own OTLP recordable is the oracle: the same calls on both must give equal protobuf messages.
#include "capture/span_record.h"

#include <gtest/gtest.h>

#include <limits>

#include <google/protobuf/util/message_differencer.h>
#include <opentelemetry/common/key_value_iterable_view.h>
#include <opentelemetry/exporters/otlp/otlp_recordable.h>
#include <opentelemetry/trace/trace_state.h>

#include "base/limits.h"

namespace azmon::capture {
namespace {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;
namespace proto = opentelemetry::proto;
using Attributes = std::map<std::string, opentelemetry::common::AttributeValue>;

constexpr std::uint8_t kTraceId[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr std::uint8_t kSpanId[8] = {1, 2, 3, 4, 5, 6, 7, 8};
constexpr std::uint8_t kParentId[8] = {8, 7, 6, 5, 4, 3, 2, 1};

trace::SpanContext Context(bool is_remote, std::string_view state = "") {
  return trace::SpanContext(trace::TraceId(kTraceId), trace::SpanId(kSpanId), trace::TraceFlags(1), is_remote,
                            trace::TraceState::FromHeader({state.data(), state.size()}));
}

proto::trace::v1::Span Parsed(const SpanRecord& record) {
  otlp::Buffer bytes;
  record.AppendMessage(bytes);
  proto::trace::v1::Span span;
  EXPECT_TRUE(span.ParseFromArray(bytes.View().data(), static_cast<int>(bytes.Size())));
  EXPECT_EQ(span.GetReflection()->GetUnknownFields(span).field_count(), 0);
  return span;
}

template <typename Call>
void ExpectEqual(const Call& call) {
  SpanRecord ours;
  opentelemetry::exporter::otlp::OtlpRecordable theirs;
  for (opentelemetry::sdk::trace::Recordable* const span : {static_cast<opentelemetry::sdk::trace::Recordable*>(&ours), static_cast<opentelemetry::sdk::trace::Recordable*>(&theirs)}) {
    span->SetIdentity(Context(false, "a=1,b=2"), trace::SpanId(kParentId));
    call(*span);
  }
  proto::trace::v1::Span span = Parsed(ours);
  // The SDK 1.19 leaves out whether parents and links are remote (OTLP 1.1), which ours has.
  span.set_flags(span.flags() & 0xFFU);
  for (auto& link : *span.mutable_links()) link.set_flags(0);
  proto::trace::v1::Span expected = theirs.span();
  google::protobuf::util::MessageDifferencer differencer;
  std::string report;
  differencer.ReportDifferencesToString(&report);
  EXPECT_TRUE(differencer.Compare(expected, span)) << report;
}

TEST(SpanRecord, EqualsTheSdksRecordableForEveryField) {
  ExpectEqual([](opentelemetry::sdk::trace::Recordable& span) {
    span.SetName("first name");
    span.SetName("POST /orders");
    span.SetTraceFlags(trace::TraceFlags(1));
    span.SetSpanKind(trace::SpanKind::kServer);
    span.SetStartTime(opentelemetry::common::SystemTimestamp(std::chrono::nanoseconds(1'700'000'000'123'456'789)));
    span.SetDuration(std::chrono::nanoseconds(987'654'321));
    span.SetStatus(trace::StatusCode::kError, "it broke");
    const Attributes link_attributes{{"queue", "orders"}};
    span.AddLink(Context(true, "x=y"), opentelemetry::common::KeyValueIterableView<Attributes>(link_attributes));
  });
}

TEST(SpanRecord, EqualsTheSdksRecordableForEveryAttributeType) {
  ExpectEqual([](opentelemetry::sdk::trace::Recordable& span) {
    const bool bools[] = {true, false};
    const std::int32_t ints[] = {-1, 0, 7};
    const std::int64_t longs[] = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
    const std::uint32_t uints[] = {0, 4'000'000'000U};
    const double doubles[] = {0.5, -1e300};
    const nostd::string_view texts[] = {"a", "", "ü"};
    span.SetAttribute("bool", true);
    span.SetAttribute("int", std::int32_t{-42});
    span.SetAttribute("int64", std::int64_t{-1});
    span.SetAttribute("uint", std::uint32_t{4'000'000'000U});
    span.SetAttribute("uint64", std::uint64_t{12});
    span.SetAttribute("double", 1.5);
    span.SetAttribute("c string", "text");
    span.SetAttribute("view", nostd::string_view("text"));
    span.SetAttribute("bools", nostd::span<const bool>(bools));
    span.SetAttribute("ints", nostd::span<const std::int32_t>(ints));
    span.SetAttribute("longs", nostd::span<const std::int64_t>(longs));
    span.SetAttribute("uints", nostd::span<const std::uint32_t>(uints));
    span.SetAttribute("doubles", nostd::span<const double>(doubles));
    span.SetAttribute("texts", nostd::span<const nostd::string_view>(texts));
    span.SetAttribute("long", std::string(5000, 'x').c_str());
  });
}

TEST(SpanRecord, EqualsTheSdksRecordableForEvents) {
  ExpectEqual([](opentelemetry::sdk::trace::Recordable& span) {
    const Attributes attributes{{"exception.type", "std::runtime_error"}, {"exception.message", "no"}, {"n", std::int64_t{3}}};
    span.AddEvent("exception", opentelemetry::common::SystemTimestamp(std::chrono::nanoseconds(5)),
                  opentelemetry::common::KeyValueIterableView<Attributes>(attributes));
    span.AddEvent("second", opentelemetry::common::SystemTimestamp(std::chrono::nanoseconds(6)), opentelemetry::sdk::GetEmptyAttributes());
  });
}

TEST(SpanRecord, LastValueOfAKeyWins) {
  SpanRecord record;
  for (int i = 0; i < 100; ++i) record.SetAttribute("key " + std::to_string(i % 40), std::int64_t{i});
  record.SetAttribute("key 0", "text");
  const proto::trace::v1::Span span = Parsed(record);
  ASSERT_EQ(span.attributes_size(), 40);
  std::map<std::string, std::string> seen;
  for (const auto& pair : span.attributes()) seen[pair.key()] = pair.value().ShortDebugString();
  EXPECT_EQ(seen.size(), 40U);
  EXPECT_EQ(seen["key 0"], "string_value: \"text\"");
  EXPECT_EQ(seen["key 1"], "int_value: 81");
  EXPECT_EQ(seen["key 39"], "int_value: 79");
  EXPECT_EQ(span.dropped_attributes_count(), 0U);
}

TEST(SpanRecord, CountsWhatIsOverTheLimits) {
  SpanRecord record;
  for (int i = 0; i < 200; ++i) {
    record.SetAttribute("key " + std::to_string(i), true);
    record.AddEvent("event", opentelemetry::common::SystemTimestamp(std::chrono::system_clock::now()), opentelemetry::sdk::GetEmptyAttributes());
    record.AddLink(Context(true), opentelemetry::sdk::GetEmptyAttributes());
  }
  record.SetAttribute("key 5", false);
  const proto::trace::v1::Span span = Parsed(record);
  EXPECT_EQ(span.attributes_size(), static_cast<int>(limits::kSpanAttributesMax));
  EXPECT_EQ(span.dropped_attributes_count(), 200U - limits::kSpanAttributesMax);
  EXPECT_EQ(span.events_size(), static_cast<int>(limits::kSpanEventsMax));
  EXPECT_EQ(span.dropped_events_count(), 200U - limits::kSpanEventsMax);
  EXPECT_EQ(span.links_size(), static_cast<int>(limits::kSpanLinksMax));
  EXPECT_EQ(span.dropped_links_count(), 200U - limits::kSpanLinksMax);
}

TEST(SpanRecord, UnsignedIntegersBeyondInt64BecomeText) {
  SpanRecord record;
  record.SetAttribute("n", std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(Parsed(record).attributes(0).value().string_value(), "18446744073709551615");
}

TEST(SpanRecord, FlagsSayWhetherParentAndLinksAreRemote) {
  SpanRecord record;
  record.SetTraceFlags(trace::TraceFlags(1));
  record.Start(Context(true));
  record.AddLink(Context(true), opentelemetry::sdk::GetEmptyAttributes());
  record.AddLink(Context(false), opentelemetry::sdk::GetEmptyAttributes());
  const proto::trace::v1::Span span = Parsed(record);
  EXPECT_EQ(span.flags(), 0x301U);
  EXPECT_EQ(span.links(0).flags(), 0x301U);
  EXPECT_EQ(span.links(1).flags(), 0x101U);
}

TEST(SpanRecord, DescriptionStaysWithErrorsOnly) {
  SpanRecord record;
  record.SetStatus(trace::StatusCode::kError, "gone");
  record.SetStatus(trace::StatusCode::kOk, "fine");
  EXPECT_EQ(Parsed(record).status().message(), "");
  EXPECT_EQ(Parsed(record).status().code(), proto::trace::v1::Status::STATUS_CODE_OK);
}

TEST(SpanRecord, TextsThatAreNoUtf8AreRepairedSinceReceiversRefuseTheWholeRequest) {
  constexpr const char* kBroken = "caf\xE9 \xF0\x9F\x98\x80 \xC3";
  constexpr std::string_view kRepaired = "caf\uFFFD 😀 \uFFFD";
  const nostd::string_view texts[] = {kBroken, "fine"};
  const Attributes attributes{{kBroken, nostd::string_view(kBroken)}, {"list", nostd::span<const nostd::string_view>(texts, 2)}};
  SpanRecord record;
  record.SetIdentity(Context(false), trace::SpanId(kParentId));
  record.SetName(kBroken);
  for (const auto& [key, value] : attributes) record.SetAttribute(key, value);
  record.AddEvent(kBroken, {}, opentelemetry::common::KeyValueIterableView(attributes));
  record.AddLink(Context(true), opentelemetry::common::KeyValueIterableView(attributes));
  record.SetStatus(trace::StatusCode::kError, kBroken);
  const proto::trace::v1::Span span = Parsed(record);  // protobuf refuses a message with such a string
  EXPECT_EQ(span.name(), kRepaired);
  EXPECT_EQ(span.status().message(), kRepaired);
  EXPECT_EQ(span.events(0).name(), kRepaired);
  for (const auto* const found : {&span.attributes(), &span.events(0).attributes(), &span.links(0).attributes()}) {
    ASSERT_EQ(found->size(), 2);
    for (const auto& pair : *found) {
      if (pair.key() == "list") {
        EXPECT_EQ(pair.value().array_value().values(0).string_value(), kRepaired);
      } else {
        EXPECT_EQ(pair.key(), kRepaired);
        EXPECT_EQ(pair.value().string_value(), kRepaired);
      }
    }
  }
}

}  // namespace
}  // namespace azmon::capture
