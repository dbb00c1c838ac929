// SPDX-License-Identifier: MIT
#include "journal/journal.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/random.h"

namespace azmon::journal {
namespace {

constexpr std::uint8_t kBoth = otlp::kSampled | otlp::kForAzure | otlp::kForOtlp;

class JournalTest : public testing::Test {
 protected:
  void Start(JournalOptions options = {}) {
    journal_ = std::make_unique<Journal>(options);
    scope_ = journal_->AddScope(journal_->AddResource("resource", "r"), "scope", "s");
  }
  void Append(std::string_view message, std::uint8_t flags = kBoth) {
    EXPECT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = flags, .owner = scope_, .message = message}).ok());
  }
  static std::vector<std::string> Messages(const Batch& batch) {
    std::vector<std::string> messages;
    for (const auto& entry : batch.entries) messages.emplace_back(entry.record.message);
    return messages;
  }
  void ExpectSumHolds() const {
    for (const auto destination : {Destination::kAzure, Destination::kOtlp}) {
      const Ledger ledger = journal_->LedgerOf(destination);
      EXPECT_EQ(ledger.accepted, ledger.delivered + ledger.DroppedTotal() + ledger.in_journal) << Name(destination);
      EXPECT_EQ(ledger.in_journal, journal_->BacklogOf(destination).records) << Name(destination);
    }
  }

  std::unique_ptr<Journal> journal_;
  std::uint32_t scope_ = 0;
};

using enum Destination;
using Strings = std::vector<std::string>;

TEST_F(JournalTest, EachDestinationReadsAtItsOwnPace) {
  Start();
  Append("a");
  Append("b", otlp::kForOtlp);
  Append("c");
  const Batch azure = journal_->Read(kAzure, 10, 1000);
  EXPECT_EQ(Messages(azure), (Strings{"a", "c"}));
  journal_->Settle(kAzure, azure, {.delivered = 2});
  EXPECT_EQ(journal_->LedgerOf(kAzure).delivered, 2U);
  EXPECT_TRUE(journal_->Read(kAzure, 10, 1000).entries.empty());
  EXPECT_EQ(Messages(journal_->Read(kOtlp, 10, 1000)), (Strings{"a", "b", "c"}));
  EXPECT_EQ(journal_->Settled(kAzure), journal_->End());
  EXPECT_LT(journal_->Settled(kOtlp), journal_->End());
  ExpectSumHolds();
}

TEST_F(JournalTest, BatchKnowsScopeAndResourceOfEachRecord) {
  Start();
  const std::uint32_t other = journal_->AddScope(journal_->AddResource("resource 2", ""), "scope 2", "");
  Append("a");
  ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kLog, .flags = kBoth, .owner = other, .message = "b"}).ok());
  const Batch batch = journal_->Read(kAzure, 10, 1000);
  EXPECT_EQ(batch.ScopeOf(batch.entries[0].record).scope.message, "scope");
  EXPECT_EQ(batch.ScopeOf(batch.entries[0].record).resource.message, "resource");
  EXPECT_EQ(batch.ScopeOf(batch.entries[1].record).scope.message, "scope 2");
  EXPECT_EQ(batch.ScopeOf(batch.entries[1].record).resource.message, "resource 2");
}

TEST_F(JournalTest, BatchesObeyBothLimitsButHoldAtLeastOneRecord) {
  Start();
  for (int i = 0; i < 5; ++i) Append(std::string(100, static_cast<char>('a' + i)));
  EXPECT_EQ(journal_->Read(kAzure, 2, 10000).entries.size(), 2U);
  EXPECT_EQ(journal_->Read(kAzure, 10, 250).entries.size(), 2U);
  const Batch first = journal_->Read(kAzure, 10, 1);
  EXPECT_EQ(first.entries.size(), 1U);
  EXPECT_EQ(Messages(journal_->Read(kAzure, 1, 1, first.end)), (Strings{std::string(100, 'b')}));
}

TEST_F(JournalTest, RecordsAskedForAgainComeBackForThatDestinationAlone) {
  Start();
  Append("a");
  Append("b");
  const Batch batch = journal_->Read(kAzure, 10, 1000);
  Settlement settlement{.delivered = 1};
  settlement.again.push_back(batch.entries[1].record);
  journal_->Settle(kAzure, batch, settlement);
  EXPECT_EQ(Messages(journal_->Read(kAzure, 10, 1000)), (Strings{"b"}));
  EXPECT_EQ(Messages(journal_->Read(kOtlp, 10, 1000)), (Strings{"a", "b"}));
  EXPECT_EQ(journal_->LedgerOf(kAzure).accepted, 2U);
  ExpectSumHolds();
}

TEST_F(JournalTest, AtTheCapTheOldestSegmentIsRecycledAndCountedForWhoHadNotReadIt) {
  Start({.bytes_max = 4096, .segment_bytes = 1024});
  for (int i = 0; i < 10; ++i) Append(std::string(200, 'x'));
  const Batch early = journal_->Read(kAzure, 3, 100000);
  journal_->Settle(kAzure, early, {.delivered = early.entries.size()});
  const Batch in_flight = journal_->Read(kOtlp, 100, 100000);
  for (int i = 0; i < 100; ++i) Append(std::string(200, 'y'));
  EXPECT_GT(journal_->LedgerOf(kAzure).dropped[static_cast<std::size_t>(DropReason::kStorageCapacity)], 0U);
  ExpectSumHolds();
  EXPECT_EQ(in_flight.entries.front().record.message, std::string(200, 'x')) << "a batch in flight keeps its bytes";
  journal_->Settle(kOtlp, in_flight, {.delivered = in_flight.entries.size()});
  ExpectSumHolds();
  const Batch rest = journal_->Read(kOtlp, 1000, 1000000);
  journal_->Settle(kOtlp, rest, {.delivered = rest.entries.size()});
  EXPECT_EQ(journal_->LedgerOf(kOtlp).in_journal, 0U);
  ExpectSumHolds();
}

TEST_F(JournalTest, ListenerHearsOfTheFirstRecordAndOfAFullBatchOnly) {
  journal_ = std::make_unique<Journal>();
  int calls = 0;
  journal_->SetListener(1000, [&] { ++calls; });
  scope_ = journal_->AddScope(journal_->AddResource("", ""), "", "");
  Append("a", otlp::kForAzure);
  EXPECT_EQ(calls, 1);
  Append("b", otlp::kForAzure);
  EXPECT_EQ(calls, 1);
  Append(std::string(1000, 'c'), otlp::kForAzure);
  EXPECT_EQ(calls, 2);
  Append(std::string(1000, 'd'), otlp::kForAzure);
  EXPECT_EQ(calls, 2);
}

TEST_F(JournalTest, TooLargeRecordIsRefusedWholeAndCounted) {
  Start();
  const std::string huge(limits::kRecordBytesMax, 'x');
  const auto appended = journal_->Append({.signal = otlp::Signal::kSpan, .flags = kBoth, .owner = scope_, .message = huge});
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(journal_->LedgerOf(kAzure).dropped[static_cast<std::size_t>(DropReason::kTooLarge)], 1U);
  EXPECT_TRUE(journal_->Read(kAzure, 1, 1).entries.empty());
  ExpectSumHolds();
}

TEST_F(JournalTest, AbandonCountsWhatWaits) {
  Start();
  Append("a");
  Append("b");
  journal_->Abandon(kOtlp, DropReason::kNotDelivered);
  EXPECT_EQ(journal_->LedgerOf(kOtlp).dropped[static_cast<std::size_t>(DropReason::kNotDelivered)], 2U);
  EXPECT_EQ(journal_->Settled(kOtlp), journal_->End());
  ExpectSumHolds();
}

TEST_F(JournalTest, SumHoldsWhileThreadsAppendAndDestinationsSettleAtRandom) {
  Start({.bytes_max = 64 * 1024, .segment_bytes = 8 * 1024});
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 5000; ++i) Append(std::string(100, 'x'));
    });
  }
  for (const auto destination : {kAzure, kOtlp}) {
    threads.emplace_back([this, destination] {
      base::Random random(static_cast<std::uint64_t>(destination) + 1);
      for (int i = 0; i < 2000; ++i) {
        const Batch batch = journal_->Read(destination, random.Below(50) + 1, 10000);
        Settlement settlement;
        for (const auto& entry : batch.entries) {
          switch (random.Below(4)) {
            case 0: settlement.Drop(DropReason::kRefused); break;
            case 1: settlement.again.push_back(entry.record); break;
            default: ++settlement.delivered;
          }
        }
        journal_->Settle(destination, batch, settlement);
        const Ledger ledger = journal_->LedgerOf(destination);
        ASSERT_EQ(ledger.accepted, ledger.delivered + ledger.DroppedTotal() + ledger.in_journal);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ExpectSumHolds();
}

}  // namespace
}  // namespace azmon::journal
