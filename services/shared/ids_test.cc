// SPDX-License-Identifier: MIT
#include "services/shared/ids.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "services/shared/order.h"

namespace services {
namespace {

class FakeClock final : public azmon::base::Clock {
 public:
  azmon::base::SteadyTime Now() const override { return {}; }
  azmon::base::WallTime WallNow() const override { return now; }
  azmon::base::WallTime now{std::chrono::milliseconds(1'700'000'000'000)};
};

TEST(Ids, AreUuidsOfVersion7AndOrderIds) {
  const std::string id = IdMaker().Make();
  EXPECT_TRUE(std::regex_match(id, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"))) << id;
  EXPECT_TRUE(IsOrderId(id));
}

TEST(Ids, BeginWithTheTime) {
  const FakeClock clock;
  EXPECT_EQ(IdMaker(clock).Make().substr(0, 13), "018bcfe5-6800");
}

TEST(Ids, IncreaseWithinAMillisecondAndWhenTheClockGoesBack) {
  FakeClock clock;
  IdMaker ids(clock);
  std::string last = ids.Make();
  for (int i = 0; i < 10000; ++i) {
    if (i == 5000) clock.now -= std::chrono::hours(1);
    std::string next = ids.Make();
    ASSERT_LT(last, next) << i;
    last = std::move(next);
  }
}

TEST(Ids, DifferBetweenRunsAtTheSameTime) {
  const FakeClock clock;
  std::set<std::string> seen;
  for (int run = 0; run < 100; ++run) seen.insert(IdMaker(clock).Make());
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace services
