// SPDX-License-Identifier: MIT
#include "services/shared/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace services {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kTime = "2026-11-24T17:00:00.000Z";

TEST(Log, LineOfAContainerIsOneJsonObjectWithItsTrace) {
  const auto line = LogLine(LogFormat::kJson, "receipt", kTime, LogLevel::kError, "a receipt was not written",
                            {{"order.id", "a-1"}, {"status", std::int64_t{503}}}, "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7");
  EXPECT_EQ(nlohmann::json::parse(line),
            nlohmann::json::parse(R"({"time":"2026-11-24T17:00:00.000Z","level":"error","service":"receipt","message":"a receipt was not written",
              "trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"00f067aa0ba902b7","order.id":"a-1","status":503})"));
}

TEST(Log, LineOfATerminalIsForAPerson) {
  EXPECT_EQ(LogLine(LogFormat::kText, "receipt", kTime, LogLevel::kWarn, "an order came again", {{"order.id", "a-1"}, {"detail", "two words"}}, "ab", "cd"),
            R"(receipt: warn: an order came again order.id=a-1 detail="two words" trace=ab)");
  EXPECT_EQ(LogLine(LogFormat::kText, "receipt", kTime, LogLevel::kInfo, "listening", {}, "", ""), "receipt: listening");
}

TEST(Log, NoValueCanForgeASecondLineOrField) {
  for (const std::string_view value : {"a\nb", "a\r\nreceipt: forged", "a\x1b[31m", "x level=error", "", "\"quoted\""}) {
    for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
      const auto line = LogLine(format, "receipt", kTime, LogLevel::kInfo, "m", {{"k", value}}, "", "");
      EXPECT_EQ(line.find_first_of("\n\r\x1b"), std::string::npos) << line;
    }
    EXPECT_TRUE(LogLine(LogFormat::kText, "receipt", kTime, LogLevel::kInfo, "m", {{"k", value}}, "", "").starts_with("receipt: m k=\"")) << value;
  }
}

TEST(Log, LinesAboveTheLimitOfASecondAreCountedAndTold) {
  LineGate gate(3);
  const std::chrono::steady_clock::time_point second{100s};
  for (int line = 0; line < 3; ++line) EXPECT_EQ(gate.Pass(second), 0u);
  for (int line = 0; line < 5; ++line) EXPECT_EQ(gate.Pass(second + 900ms), std::nullopt);
  EXPECT_EQ(gate.Pass(second + 1s), 5u);
  EXPECT_EQ(gate.Pass(second + 1s), 0u);
}

}  // namespace
}  // namespace services
