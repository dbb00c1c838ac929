// SPDX-License-Identifier: MIT
// A whole distro on a machine whose firmware says Azure, with a real server in the place of the metadata service.
//
// The library's sources are linked in, because its interface has no way to name another server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include <opentelemetry/logs/provider.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/provider.h>

#include "azmon/sdk.h"
#include "base/environment.h"
#include "destinations.h"
#include "distro/machine.h"
#include "transport/test_http_server.h"

namespace azmon {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Contains;
using testing::Pair;
using transport::TestHttpServer;

constexpr const char* kAnswer =
    R"({"vmId":"02aab8a4","name":"shop-vm-1","location":"westeurope","vmSize":"Standard_D2s_v5","osType":"Linux","sku":"12-gen2","version":"12.1"})";

/// Holds answers back until it is opened.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kWatchdog, [&] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

const base::MapEnvironment& EmptyEnvironment() {
  static const auto* const environment = new base::MapEnvironment({});
  return *environment;
}

distro::Machine MachineOfAzure(const TestHttpServer& metadata, std::chrono::milliseconds time = kWatchdog) {
  return {.environment = &EmptyEnvironment(),
          .host = {.name = "box", .executable_name = "shop", .pid = 7, .chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77\n"},
          .metadata_origin = metadata.Url(),
          .metadata_time = time};
}

Options Replacing(const Destinations& destinations) {
  Options options = For(destinations);
  options.globals = Globals::kReplace;
  return options;
}

std::string Attribute(const Telemetry& telemetry, const std::string& key) {
  const auto resource = ResourceOf(telemetry);
  const auto found = resource.GetAttributes().find(key);
  return found == resource.GetAttributes().end() ? "(none)" : opentelemetry::nostd::get<std::string>(found->second);
}

/// One of each signal, sent.
bool SendAll(Telemetry& telemetry, const char* name) {
  MakeSpan(name);
  opentelemetry::logs::Provider::GetLoggerProvider()->GetLogger("test", "test")->Info(name);
  const auto counter = opentelemetry::metrics::Provider::GetMeterProvider()->GetMeter("test")->CreateUInt64Counter("orders");
  counter->Add(1);
  return telemetry.ForceFlush(kWatchdog);
}

/// Flushes until the resource has a host id, each of which lets the delivery thread look at the network.
bool WaitForMachine(Telemetry& telemetry) {
  const auto deadline = std::chrono::steady_clock::now() + kWatchdog;
  while (Attribute(telemetry, "host.id") == "(none)") {
    if (std::chrono::steady_clock::now() > deadline) return false;
    telemetry.ForceFlush(kWatchdog);
  }
  return true;
}

TEST(VirtualMachineOfAzure, ResourceOfEverySignalHasTheAnswerOnceItIsThereAndNothingWaitsForIt) {
  Destinations destinations;
  Gate gate;
  const TestHttpServer metadata([&](const auto&) { return gate.Wait() ? TestHttpServer::Answer(200, kAnswer) : ""; });
  auto telemetry = internal::StartOn(Replacing(destinations), MachineOfAzure(metadata));
  EXPECT_TRUE(telemetry.problems().empty());
  EXPECT_TRUE(SendAll(telemetry, "before"));
  EXPECT_EQ(Attribute(telemetry, "host.name"), "box");
  const auto before = destinations.Resources();
  for (const auto& signal : {before.traces, before.logs, before.metrics}) {
    ASSERT_FALSE(signal.empty());
    for (const auto& resource : signal) EXPECT_THAT(resource, testing::Not(Contains(Pair("cloud.provider", "azure"))));
  }
  gate.Open();
  ASSERT_TRUE(WaitForMachine(telemetry));
  EXPECT_TRUE(SendAll(telemetry, "after"));

  const auto after = destinations.Resources();
  for (const auto& signal : {after.traces, after.logs, after.metrics}) {
    ASSERT_FALSE(signal.empty());
    const auto& resource = signal.back();
    EXPECT_THAT(resource, testing::IsSupersetOf({Pair("cloud.platform", "azure.vm"), Pair("host.id", "02aab8a4"), Pair("host.name", "shop-vm-1"),
                                                 Pair("cloud.region", "westeurope"), Pair("host.type", "Standard_D2s_v5"), Pair("service.name", "shop")}));
  }
  json properties;
  for (const json& item : destinations.Items()) {
    EXPECT_EQ(item["tags"]["ai.cloud.role"], "shop");
    EXPECT_EQ(item["tags"]["ai.cloud.roleInstance"], "box") << "an instance keeps its name";
    const json& data = item["data"]["baseData"];
    if (data.contains("metrics") && data["metrics"][0]["name"] == "_OTELRESOURCE_") properties = data["properties"];
  }
  EXPECT_EQ(properties["cloud.platform"], "azure.vm");
  ASSERT_EQ(metadata.Requests().size(), 1U);
  const std::string head = metadata.Requests()[0].head + "\r\n";
  EXPECT_THAT(head, testing::StartsWith("GET /metadata/instance/compute?api-version=2021-12-13&format=json HTTP/1.1\r\n"));
  EXPECT_THAT(head, testing::HasSubstr("\r\nMetadata: true\r\n"));
}

TEST(VirtualMachineOfAzure, WhatTheUserHasSetStays) {
  Destinations destinations;
  const TestHttpServer metadata([&](const auto&) { return TestHttpServer::Answer(200, kAnswer); });
  Options options = Replacing(destinations);
  options.resource["host.name"] = "mine";
  auto telemetry = internal::StartOn(std::move(options), MachineOfAzure(metadata));
  ASSERT_TRUE(WaitForMachine(telemetry));
  EXPECT_TRUE(SendAll(telemetry, "span"));
  EXPECT_EQ(Attribute(telemetry, "host.name"), "mine");
  EXPECT_THAT(destinations.Resources().traces.back(), testing::IsSupersetOf({Pair("host.name", "mine"), Pair("host.id", "02aab8a4")}));
}

TEST(VirtualMachineOfAzure, OtherMachinesAndOtherPlatformsAskNobody) {
  Destinations destinations;
  const TestHttpServer metadata([&](const auto&) { return TestHttpServer::Answer(200, kAnswer); });
  distro::Machine other = MachineOfAzure(metadata);
  other.host.chassis_asset_tag = "No Asset Tag\n";
  static const base::MapEnvironment container_app(std::map<std::string, std::string, std::less<>>{{"CONTAINER_APP_NAME", "app"}});
  distro::Machine platform = MachineOfAzure(metadata);
  platform.environment = &container_app;
  for (const distro::Machine& machine : {other, platform}) {
    auto telemetry = internal::StartOn(Replacing(destinations), machine);
    EXPECT_TRUE(SendAll(telemetry, "span"));
    EXPECT_EQ(Attribute(telemetry, "host.id"), "(none)");
  }
  EXPECT_TRUE(metadata.Requests().empty());
}

TEST(VirtualMachineOfAzure, AnswerThatComesTooLateIsNotTakenAndHoldsUpNothing) {
  Destinations destinations;
  Gate gate;
  const TestHttpServer metadata([&](const auto&) { return gate.Wait() ? TestHttpServer::Answer(200, kAnswer) : ""; });
  constexpr auto kTime = 50ms;
  auto telemetry = internal::StartOn(Replacing(destinations), MachineOfAzure(metadata, kTime));
  // The service does not answer before the gate is open, so that reaching this line shows that nobody waited for it.
  const auto over = std::chrono::steady_clock::now() + kTime;
  do {
    EXPECT_TRUE(SendAll(telemetry, "meanwhile"));
  } while (std::chrono::steady_clock::now() <= over);
  gate.Open();
  EXPECT_TRUE(SendAll(telemetry, "after"));
  EXPECT_EQ(Attribute(telemetry, "host.id"), "(none)");
  for (const auto& resource : destinations.Resources().traces) EXPECT_THAT(resource, Contains(Pair("host.name", "box")));
  EXPECT_TRUE(telemetry.ok());
}

TEST(VirtualMachineOfAzure, HostileAnswersChangeNothingAndAreNoTrouble) {
  for (const std::string& answer : {TestHttpServer::Answer(200, R"({"vmId":"1","name":"a\nb"})"), TestHttpServer::Answer(200, "<html>"),
                                    TestHttpServer::Answer(200, "{\"vmId\":\"" + std::string(2 * limits::kMachineAnswerBytesMax, 'x') + "\"}"),
                                    TestHttpServer::Answer(307, "", "Location: http://127.0.0.1:1/\r\n"), std::string("RESET")}) {
    Destinations destinations;
    const TestHttpServer metadata([&](const auto&) { return answer; });
    std::mutex mutex;
    std::vector<std::string> lines;
    Options options = Replacing(destinations);
    options.on_log = [&](Severity, std::string_view line) {
      const std::lock_guard lock(mutex);
      lines.emplace_back(line);
    };
    auto telemetry = internal::StartOn(std::move(options), MachineOfAzure(metadata));
    const auto deadline = std::chrono::steady_clock::now() + kWatchdog;
    while (metadata.Requests().empty() && std::chrono::steady_clock::now() < deadline) telemetry.ForceFlush(kWatchdog);
    EXPECT_EQ(metadata.Requests().size(), 1U);
    EXPECT_TRUE(SendAll(telemetry, "span"));
    EXPECT_TRUE(telemetry.Shutdown(kWatchdog));
    EXPECT_EQ(Attribute(telemetry, "host.id"), "(none)");
    EXPECT_THAT(lines, testing::IsEmpty());
  }
}

}  // namespace
}  // namespace azmon
