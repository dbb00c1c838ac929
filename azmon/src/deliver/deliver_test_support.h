// SPDX-License-Identifier: MIT
// What the tests of destinations share: records and a look into request bodies.
#pragma once

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fake_clock.h"
#include "base/text.h"
#include "deliver/destination.h"
#include "deliver/log_limiter.h"
#include "journal/journal.h"
#include "otlp/fields.h"
#include "otlp/wire.h"
#include "transport/fake_transport.h"

namespace azmon::deliver {

using base::FakeClock;

inline constexpr std::uint8_t kForBoth = otlp::kSampled | otlp::kForAzure | otlp::kForOtlp;

/// Bytes of an OTLP Span of kind INTERNAL with that many events.
inline std::string SpanMessage(std::string_view name, int events = 0, std::string_view attribute = {}) {
  std::string out;
  otlp::AppendBytesField(otlp::span::kTraceId, "0123456789abcdef", out);
  otlp::AppendBytesField(otlp::span::kSpanId, "01234567", out);
  otlp::AppendBytesField(otlp::span::kName, name, out);
  otlp::AppendVarintField(otlp::span::kKind, otlp::span::kInternal, out);
  otlp::AppendFixed64Field(otlp::span::kStartTime, 1'700'000'000'000'000'000U, out);
  otlp::AppendFixed64Field(otlp::span::kEndTime, 1'700'000'000'100'000'000U, out);
  if (!attribute.empty()) {
    const std::size_t pair = otlp::OpenMessage(otlp::span::kAttributes, out);
    otlp::AppendBytesField(otlp::key_value::kKey, "filler", out);
    const std::size_t value = otlp::OpenMessage(otlp::key_value::kValue, out);
    otlp::AppendBytesField(otlp::any_value::kString, attribute, out);
    otlp::CloseMessage(value, out);
    otlp::CloseMessage(pair, out);
  }
  for (int i = 0; i < events; ++i) {
    const std::size_t event = otlp::OpenMessage(otlp::span::kEvents, out);
    otlp::AppendFixed64Field(otlp::event::kTime, 1'700'000'000'050'000'000U, out);
    otlp::AppendBytesField(otlp::event::kName, std::string(name) + "-event" + std::to_string(i), out);
    otlp::CloseMessage(event, out);
  }
  return out;
}

/// Bytes of an OTLP Resource with one string attribute.
inline std::string ResourceMessage(std::string_view key, std::string_view value) {
  std::string out;
  const std::size_t pair = otlp::OpenMessage(otlp::resource::kAttributes, out);
  otlp::AppendBytesField(otlp::key_value::kKey, key, out);
  const std::size_t any = otlp::OpenMessage(otlp::key_value::kValue, out);
  otlp::AppendBytesField(otlp::any_value::kString, value, out);
  otlp::CloseMessage(any, out);
  otlp::CloseMessage(pair, out);
  return out;
}

inline std::string ScopeMessage(std::string_view name) {
  std::string out;
  otlp::AppendBytesField(otlp::scope::kName, name, out);
  return out;
}

inline std::string Gunzip(std::string_view bytes) {
  // The last four bytes are the length (RFC 1952 section 2.3.1).
  std::uint32_t length = 0;
  if (bytes.size() >= 18) std::memcpy(&length, bytes.data() + bytes.size() - sizeof length, sizeof length);
  std::string out(length, '\0');
  std::size_t written = 0;
  libdeflate_decompressor* const decompressor = libdeflate_alloc_decompressor();
  const auto result = libdeflate_gzip_decompress(decompressor, bytes.data(), bytes.size(), out.data(), out.size(), &written);
  libdeflate_free_decompressor(decompressor);
  EXPECT_EQ(result, LIBDEFLATE_SUCCESS);
  out.resize(written);
  return out;
}

inline std::optional<std::string> RequestHeader(const transport::HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (base::EqualsIgnoreCase(key, name)) return value;
  }
  return std::nullopt;
}

inline void ExpectSumHolds(const journal::Journal& journal) {
  for (const auto destination : {journal::Destination::kAzure, journal::Destination::kOtlp}) {
    const journal::Ledger ledger = journal.LedgerOf(destination);
    EXPECT_EQ(ledger.accepted, ledger.delivered + ledger.DroppedTotal() + ledger.in_journal) << Name(destination);
    EXPECT_EQ(ledger.in_journal, journal.BacklogOf(destination).records) << Name(destination);
  }
}

constexpr base::SteadyTime kNever = base::SteadyTime::max();

/// A destination over a scripted transport and a clock that stands still. The sum of its ledger is checked at the end of each test.
class DestinationTest : public testing::Test {
 protected:
  void MakeJournal(journal::JournalOptions options, std::string_view resource_schema = "", std::string_view scope_schema = "") {
    destination_.reset();
    journal_ = std::make_unique<journal::Journal>(options);
    resource_ = journal_->AddResource(ResourceMessage("service.name", "shop"), resource_schema);
    scope_ = journal_->AddScope(resource_, ScopeMessage("scope"), scope_schema);
  }
  Workshop Shop() {
    return {.journal = *journal_, .transport = transport_, .clock = clock_, .log = log_, .export_interval = std::chrono::milliseconds(1000), .random = base::Random(1)};
  }
  base::SteadyTime Step() {
    // As the thread does: a step that is due now is repeated.
    for (int i = 0; i < 100; ++i) {
      const auto next = destination_->Step(clock_.Now());
      if (next > clock_.Now()) return next;
    }
    ADD_FAILURE() << "the destination spins";
    return kNever;
  }
  /// Lets time pass, a wake-up of the destination at a time, until it sends something. @return how long that took; a day if nothing came
  std::chrono::milliseconds UntilItSends() {
    const base::SteadyTime start = clock_.Now();
    const base::SteadyTime end = start + std::chrono::hours(24);
    for (base::SteadyTime next = Step(); transport_.InFlight() == 0 && next < end; next = Step()) {
      clock_.Advance(std::chrono::ceil<std::chrono::milliseconds>(next - clock_.Now()));
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(transport_.InFlight() == 0 ? end - start : clock_.Now() - start);
  }
  void TearDown() override { ExpectSumHolds(*journal_); }

  FakeClock clock_;
  transport::FakeTransport transport_;
  std::vector<std::string> lines_;
  LogLimiter log_{[this](Severity, std::string_view line) { lines_.emplace_back(line); }};
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<deliver::Destination> destination_;
  std::uint32_t resource_ = 0;
  std::uint32_t scope_ = 0;
  base::SteadyTime next_{};  ///< what the last Step() said
};

/// Tokens "token-1", "token-2" and so on, at once; while `is_down` none.
class FakeTokens final : public TokenSource {
 public:
  void Get(Done done) override {
    if (holds_back) {
      waiting = std::move(done);
      return;
    }
    if (is_down) return done({.token = std::nullopt, .error = "the identity endpoint is down"});
    done({.token = AccessToken{.token = "token-" + std::to_string(number), .lifetime = std::chrono::hours(1)}});
  }
  void Reject(const std::string& token) override {
    rejected.push_back(token);
    if (token == "token-" + std::to_string(number)) ++number;
  }

  int number = 1;
  bool is_down = false;
  bool holds_back = false;
  Done waiting;
  std::vector<std::string> rejected;
};

}  // namespace azmon::deliver
