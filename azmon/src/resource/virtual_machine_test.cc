// SPDX-License-Identifier: MIT
#include "resource/virtual_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fake_clock.h"

namespace azmon::resource {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Pair;

constexpr const char* kTag = "7783-7084-3265-9085-8269-3286-77\n";

/// Of the service's documentation, shortened.
constexpr const char* kAnswer = R"({
  "azEnvironment": "AZUREPUBLICCLOUD", "location": "westeurope", "name": "shop-vm-1", "osType": "Linux", "sku": "12-gen2", "version": "12.20240901",
  "resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/shop-vm-1",
  "storageProfile": {"osDisk": {"name": "not the machine's"}}, "tagsList": [{"name": "team", "value": "x"}],
  "vmId": "02aab8a4-74ef-476e-8182-f6d2ba4166a6", "vmScaleSetName": "", "vmSize": "Standard_D2s_v5"})";

transport::HttpResponse Answer(std::string body, int status = 200) { return {.status = status, .body = std::move(body)}; }

bool MayAsk(Host host, std::map<std::string, std::string, std::less<>> variables = {}) {
  std::vector<Problem> problems;
  return Detect(host, base::MapEnvironment(std::move(variables)), {}, problems).may_be_virtual_machine;
}

TEST(VirtualMachine, IsAskedAboutOnlyWhereTheFirmwareSaysAzure) {
  EXPECT_TRUE(MayAsk({.chassis_asset_tag = kTag}));
  EXPECT_TRUE(MayAsk({.system_vendor = "Microsoft Corporation\n"}));
  EXPECT_FALSE(MayAsk({}));
  EXPECT_FALSE(MayAsk({.chassis_asset_tag = "7783", .system_vendor = "Amazon EC2\n"}));
  EXPECT_FALSE(MayAsk({.system_vendor = "Microsoft Corporation of somewhere"}));
}

TEST(VirtualMachine, IsNotAskedAboutWhereAnotherPlatformMatched) {
  const Host host{.chassis_asset_tag = kTag};
  EXPECT_FALSE(MayAsk(host, {{"WEBSITE_SITE_NAME", "site"}}));
  EXPECT_FALSE(MayAsk(host, {{"WEBSITE_SITE_NAME", "site"}, {"FUNCTIONS_EXTENSION_VERSION", "~4"}}));
  EXPECT_FALSE(MayAsk(host, {{"CONTAINER_APP_NAME", "app"}}));
  EXPECT_FALSE(MayAsk(host, {{"CLUSTER_RESOURCE_ID", "/subscriptions/s"}}));
  EXPECT_TRUE(MayAsk(host, {{"OTEL_RESOURCE_ATTRIBUTES", "cloud.platform=mine"}}));
}

TEST(VirtualMachine, KeysOfTheUserAreNamed) {
  std::vector<Problem> problems;
  const Detected detected = Detect({}, base::MapEnvironment({{"OTEL_RESOURCE_ATTRIBUTES", "host.id=mine"}, {"OTEL_SERVICE_NAME", "shop"}}),
                                   {{"cloud.region", "here"}}, problems);
  EXPECT_THAT(detected.configured, testing::UnorderedElementsAre("host.id", "service.name", "cloud.region"));
}

TEST(VirtualMachine, RequestIsTheServicesOwnAndUsesNoProxy) {
  const base::FakeClock clock;
  const auto request = MachineQuestion(kMetadataOrigin, 200ms, clock).Request();
  EXPECT_EQ(request.url, "http://169.254.169.254/metadata/instance/compute?api-version=2021-12-13&format=json");
  EXPECT_THAT(request.headers, Contains(Pair("Metadata", "true")));
  EXPECT_EQ(request.body, nullptr) << "a GET";
  EXPECT_FALSE(request.may_use_proxy);
  EXPECT_EQ(request.timeout, 200ms);
  EXPECT_LE(request.connect_timeout, 200ms);
  EXPECT_EQ(request.answer_bytes_max, limits::kMachineAnswerBytesMax);
}

TEST(VirtualMachine, AnswerGivesTheAttributesOfTheContract) {
  const std::map<std::string, std::string> expected{
      {"cloud.provider", "azure"},
      {"cloud.platform", "azure.vm"},
      {"cloud.region", "westeurope"},
      {"cloud.resource_id", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/shop-vm-1"},
      {"host.id", "02aab8a4-74ef-476e-8182-f6d2ba4166a6"},
      {"host.name", "shop-vm-1"},
      {"host.type", "Standard_D2s_v5"},
      {"azure.vm.sku", "12-gen2"},
      {"os.version", "12.20240901"},
      {"os.type", "linux"},
  };
  EXPECT_EQ(ReadMachineAnswer(Answer(kAnswer)), expected);
}

TEST(VirtualMachine, MachineOfAScaleSetNamesItAndAbsentMembersGiveNothing) {
  const std::map<std::string, std::string> expected{
      {"cloud.provider", "azure"}, {"cloud.platform", "azure.vm"}, {"host.id", "1"}, {"azure.vm.scaleset.name", "web"}};
  EXPECT_EQ(ReadMachineAnswer(Answer(R"({"vmId":"1","vmScaleSetName":"web","sku":null,"name":""})")), expected);
}

TEST(VirtualMachine, AnswersThatAreNotTheServicesAreIgnoredWhole) {
  const std::string nested = std::string(100'000, '[');
  const std::string long_name(limits::kMachineValueBytesMax + 1, 'x');
  const struct {
    const char* name;
    transport::HttpResponse response;
  } table[] = {
      {"empty", Answer("")},
      {"not JSON", Answer("<html>sign in</html>")},
      {"an array", Answer(R"([{"vmId":"1"}])")},
      {"a text", Answer(R"("vmId")")},
      {"broken off", Answer(R"({"vmId":"1","name":"x")")},
      {"nested without end", Answer(nested)},
      {"invalid UTF-8", Answer("{\"vmId\":\"1\",\"name\":\"\xFF\"}")},
      {"no vmId", Answer(R"({"name":"x"})")},
      {"empty vmId", Answer(R"({"vmId":""})")},
      {"vmId is a number", Answer(R"({"vmId":1})")},
      {"location is an object", Answer(R"({"vmId":"1","location":{"a":"b"}})")},
      {"sku is a list", Answer(R"({"vmId":"1","sku":["a"]})")},
      {"a line end in the name", Answer(R"({"vmId":"1","name":"a\nb"})")},
      {"a NUL in the name", Answer(R"({"vmId":"1","name":"a\u0000b"})")},
      {"an escape sequence", Answer(R"({"vmId":"1","name":"\u001b[2J"})")},
      {"DEL", Answer("{\"vmId\":\"1\",\"name\":\"\x7F\"}")},
      {"too long a value", Answer("{\"vmId\":\"1\",\"resourceId\":\"" + long_name + "\"}")},
      {"404", Answer(kAnswer, 404)},
      {"302", Answer(kAnswer, 302)},
      {"204", Answer(kAnswer, 204)},
      {"no answer", {.error = transport::TransportError::kTimeout}},
      {"broke off behind the status", {.error = transport::TransportError::kBroken, .status = 200, .body = kAnswer}},
      {"too big", {.status = 200, .body = kAnswer, .is_cut = true}},
  };
  for (const auto& row : table) EXPECT_EQ(ReadMachineAnswer(row.response), std::nullopt) << row.name;
}

TEST(VirtualMachine, AnswerIsTakenUntilTheTimeIsOverAndNotAfter) {
  base::FakeClock clock;
  const MachineQuestion question(kMetadataOrigin, 200ms, clock);
  clock.Advance(200ms);
  EXPECT_TRUE(question.Take(Answer(kAnswer)).has_value());
  EXPECT_FALSE(question.Take(Answer("")).has_value());
  EXPECT_FALSE(question.IsOver());
  clock.Advance(1ms);
  EXPECT_TRUE(question.IsOver());
  EXPECT_FALSE(question.Take(Answer(kAnswer)).has_value());
}

}  // namespace
}  // namespace azmon::resource
