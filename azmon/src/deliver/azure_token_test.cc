// SPDX-License-Identifier: MIT
// Access tokens for Application Insights: where they go, and what becomes of a batch whose token is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deliver/azure_destination.h"
#include "deliver/deliver_test_support.h"

namespace azmon::deliver {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;

class AzureTokenTest : public DestinationTest {
 protected:
  AzureTokenTest() { Start("https://own.example"); }

  void Start(const std::string& endpoint, bool is_written = true) {
    MakeJournal({});
    tokens_ = std::make_shared<FakeTokens>();
    AzureSettings settings;
    settings.connection.instrumentation_key = "key";
    settings.connection.ingestion_endpoint = endpoint;
    settings.connection.has_ingestion_endpoint = is_written;
    settings.envelope.resource_metric = false;
    settings.tokens = tokens_;
    destination_ = std::make_unique<AzureDestination>(Shop(), std::move(settings));
  }
  void Send() {
    ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope_, .message = SpanMessage("s")}).ok());
    Step();
    clock_.Advance(milliseconds(1000));
    next_ = Step();
  }
  void Answer(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
    transport_.Answer({.status = status, .headers = std::move(headers)});
    next_ = Step();
  }
  std::string Authorization() { return transport_.InFlight() == 0 ? "nothing is in flight" : RequestHeader(transport_.Request(), "authorization").value_or("none"); }
  journal::Ledger Ledger() const { return journal_->LedgerOf(journal::Destination::kAzure); }

  std::shared_ptr<FakeTokens> tokens_;
};

TEST_F(AzureTokenTest, GoesWithEachRequest) {
  Send();
  EXPECT_EQ(Authorization(), "Bearer token-1");
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1U);
}

TEST_F(AzureTokenTest, RefusedOnceIsReplacedAndSentAgainAtOnceThenItWaits) {
  Send();
  Answer(401);
  EXPECT_THAT(tokens_->rejected, ElementsAre("token-1"));
  EXPECT_EQ(Authorization(), "Bearer token-2");
  Answer(401);
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  EXPECT_THAT(tokens_->rejected, ElementsAre("token-1", "token-2"));
}

TEST_F(AzureTokenTest, RequestsWhoseTokenEndedTogetherAreAllSentAgainWithTheNextOne) {
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(journal_->Append({.signal = otlp::Signal::kSpan, .flags = kForBoth, .owner = scope_, .message = SpanMessage("s")}).ok());
  }
  Step();
  ASSERT_EQ(transport_.InFlight(), 3U);
  for (int i = 0; i < 3; ++i) Answer(401);
  ASSERT_EQ(transport_.InFlight(), 3U);
  EXPECT_THAT(tokens_->rejected, ElementsAre("token-1"));
  EXPECT_TRUE(lines_.empty());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Authorization(), "Bearer token-2");
    Answer(200);
  }
  EXPECT_EQ(Ledger().delivered, 3000U);
}

TEST_F(AzureTokenTest, MissingRoleKeepsTheDataAndNamesTheRole) {
  Send();
  Answer(403);
  EXPECT_EQ(Ledger().in_journal, 1U);
  EXPECT_THAT(lines_.at(0), HasSubstr("Monitoring Metrics Publisher"));
}

TEST_F(AzureTokenTest, IsNotSentInClearTextNorToAHostThatNobodyNamed) {
  for (const auto& [endpoint, is_written] : {std::pair("http://own.example", true), std::pair("http://localhost:4380", true), std::pair("https://dc.evil.example", false)}) {
    Start(endpoint, is_written);
    Send();
    EXPECT_EQ(Authorization(), "none") << endpoint;
    Answer(200);
    destination_.reset();
  }
  for (const auto& [endpoint, is_written] : {std::pair("https://dc.services.visualstudio.com", false), std::pair("https://eastus-8.in.applicationinsights.azure.com", false)}) {
    Start(endpoint, is_written);
    Send();
    EXPECT_EQ(Authorization(), "Bearer token-1") << endpoint;
    Answer(200);
    destination_.reset();
  }
}

TEST_F(AzureTokenTest, FollowsARedirectWithinTheServiceOnly) {
  Start("https://dc.services.visualstudio.com", false);
  Send();
  Answer(308, {{"location", "https://evil.example/v2.1/track"}});
  EXPECT_EQ(transport_.InFlight(), 0U);
  Start("https://dc.services.visualstudio.com", false);
  Send();
  Answer(308, {{"location", "https://westus.dc.services.visualstudio.com/v2.1/track"}});
  ASSERT_EQ(transport_.InFlight(), 1U);
  EXPECT_EQ(transport_.Request().url, "https://westus.dc.services.visualstudio.com/v2.1/track");
  EXPECT_EQ(Authorization(), "Bearer token-1");
  Answer(200);
}

TEST_F(AzureTokenTest, WithoutATokenTheDataWaits) {
  tokens_->is_down = true;
  Send();
  EXPECT_EQ(transport_.InFlight(), 0U);
  EXPECT_EQ(Ledger().in_journal, 1U);
  EXPECT_THAT(lines_.at(0), HasSubstr("no access token: the identity endpoint is down"));
  tokens_->is_down = false;
  clock_.Advance(minutes(1));
  Step();
  EXPECT_EQ(Authorization(), "Bearer token-1");
  Answer(200);
  EXPECT_EQ(Ledger().delivered, 1U);
}

}  // namespace
}  // namespace azmon::deliver
