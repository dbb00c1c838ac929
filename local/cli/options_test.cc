// SPDX-License-Identifier: MIT
#include "local/cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace azmon::local {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Mode = CommandLine::Mode;

TEST(CommandLine, DefaultsAreThoseOfTheContract) {
  const auto line = ParseCommandLine({});
  EXPECT_THAT(line.problems, IsEmpty());
  EXPECT_EQ(line.mode, Mode::kServe);
  EXPECT_EQ(line.serve.host, "127.0.0.1");
  EXPECT_EQ(line.serve.port, 4380);
  EXPECT_EQ(line.serve.otlp_grpc_port, 4317);
  EXPECT_EQ(line.serve.otlp_http_port, 4318);
  EXPECT_EQ(line.serve.strictness, Strictness::kStrict);
}

TEST(CommandLine, TakesBothFormsOfFlags) {
  const auto line = ParseCommandLine({"--port", "0", "--otlp-grpc-port=1", "--location=d", "--max-size", "64MiB", "--retention=24h", "--loose", "--ready-json", "f", "--allowed-host", "a", "--allowed-host=b"});
  EXPECT_THAT(line.problems, IsEmpty());
  EXPECT_EQ(line.serve.port, 0);
  EXPECT_TRUE(line.serve.is_port_given);
  EXPECT_EQ(line.serve.otlp_grpc_port, 1);
  EXPECT_FALSE(line.serve.is_http_port_given);
  EXPECT_EQ(line.serve.location, "d");
  EXPECT_EQ(line.serve.bytes_max, 64u << 20);
  EXPECT_EQ(line.serve.retention, std::chrono::hours(24));
  EXPECT_EQ(line.serve.strictness, Strictness::kLoose);
  EXPECT_THAT(line.serve.allowed_hosts, ElementsAre("a", "b"));
}

TEST(CommandLine, RunKeepsTheCommandAsItIs) {
  const auto line = ParseCommandLine({"--port=0", "run", "--in-memory", "--", "sh", "-c", "--help", "--"});
  EXPECT_THAT(line.problems, IsEmpty());
  EXPECT_TRUE(line.serve.in_memory);
  EXPECT_THAT(line.serve.command, ElementsAre("sh", "-c", "--help", "--"));
  EXPECT_THAT(ParseCommandLine({"run"}).problems, SizeIs(1));
  EXPECT_THAT(ParseCommandLine({"run", "ls"}).problems, SizeIs(1));
  EXPECT_THAT(ParseCommandLine({"--", "ls"}).problems, SizeIs(1));
}

TEST(CommandLine, ReadsWait) {
  const auto line = ParseCommandLine({"wait", "--operation-id", "x", "--where", "name=a=b", "--where=customDimensions.order.id=7", "--count", "3", "--timeout=250ms", "--url", "http://h:1"});
  EXPECT_THAT(line.problems, IsEmpty());
  EXPECT_EQ(line.mode, Mode::kWait);
  EXPECT_EQ(line.wait.operation_id, "x");
  EXPECT_THAT(line.wait.where, ElementsAre("name=a=b", "customDimensions.order.id=7"));
  EXPECT_EQ(line.wait.count, 3U);
  EXPECT_EQ(line.wait.timeout, std::chrono::milliseconds(250));
  EXPECT_THAT(ParseCommandLine({"wait", "--port", "1"}).problems, SizeIs(1));
  EXPECT_THAT(ParseCommandLine({"wait", "--where", "colour=red"}).problems, SizeIs(1));
}

TEST(CommandLine, TellsAllProblemsAtOnce) {
  const auto line = ParseCommandLine({"--port", "99999", "--retention", "soon", "--max-size=1", "--surprise=1", "--in-memory", "--location", "d", "stray", "--strict=1", "--loose", "--host="});
  EXPECT_THAT(line.problems, SizeIs(9));
}

TEST(CommandLine, HelpAndVersionWin) {
  EXPECT_EQ(ParseCommandLine({"--nonsense=1", "--help"}).mode, Mode::kHelp);
  EXPECT_EQ(ParseCommandLine({"--version"}).mode, Mode::kShowVersion);
}

TEST(Units, AreSizesAndTimes) {
  EXPECT_EQ(ParseSize("1GiB"), 1u << 30);
  EXPECT_EQ(ParseSize("5mb"), 5'000'000U);
  EXPECT_EQ(ParseSize("12"), 12U);
  for (const char* text : {"", "GiB", "1TiB", "-1", "99999999999999999999"}) EXPECT_EQ(ParseSize(text), std::nullopt) << text;
  EXPECT_EQ(ParseSize("18446744073709551615k"), std::nullopt);
  EXPECT_EQ(ParseDuration("10"), std::chrono::seconds(10));
  EXPECT_EQ(ParseDuration("2d"), std::chrono::hours(48));
  for (const char* text : {"", "s", "1 s", "1w", "-1s"}) EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
}

}  // namespace
}  // namespace azmon::local
