// SPDX-License-Identifier: MIT
#include "resource/resource.h"

#include <gtest/gtest.h>

namespace azmon::resource {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

struct Result {
  Attributes attributes;
  std::vector<Problem> problems;

  std::string Text(const std::string& key) const {
    const auto found = attributes.find(key);
    if (found == attributes.end()) return "(none)";
    return std::get<std::string>(found->second);
  }
};

Result Detecting(Variables variables, std::map<std::string, std::string> options = {}, Host host = {.name = "box", .executable_name = "shop", .pid = 7}) {
  Result detected;
  detected.attributes = Detect(host, base::MapEnvironment(std::move(variables)), options, detected.problems).attributes;
  return detected;
}

TEST(Resource, WithoutAnythingTheProgramNamesTheService) {
  const Result detected = Detecting({});
  EXPECT_EQ(detected.Text("service.name"), "unknown_service:shop");
  EXPECT_EQ(detected.Text("host.name"), "box");
  EXPECT_EQ(detected.Text("telemetry.sdk.language"), "cpp");
  EXPECT_EQ(detected.Text("cloud.platform"), "(none)");
  EXPECT_TRUE(detected.problems.empty());
}

TEST(Resource, ServiceNameVariableWinsOverResourceAttributesAndOptionsWinOverBoth) {
  const Variables variables{{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=x%2Cy , k= v "}, {"OTEL_SERVICE_NAME", "b"}};
  EXPECT_EQ(Detecting(variables).Text("service.name"), "b");
  EXPECT_EQ(Detecting(variables).Text("team"), "x,y");
  EXPECT_EQ(Detecting(variables).Text("k"), "v");
  EXPECT_EQ(Detecting(variables, {{"service.name", "c"}}).Text("service.name"), "c");
}

TEST(Resource, BrokenResourceAttributesAreIgnoredWholeAndReported) {
  for (const char* bad : {"service.name=a,broken", "=x", "a=%zz"}) {
    const Result detected = Detecting({{"OTEL_RESOURCE_ATTRIBUTES", bad}});
    EXPECT_EQ(detected.Text("service.name"), "unknown_service:shop") << bad;
    ASSERT_EQ(detected.problems.size(), 1U) << bad;
    EXPECT_EQ(detected.problems[0].setting, "OTEL_RESOURCE_ATTRIBUTES");
  }
}

TEST(Resource, ContainerAppNamesServiceInstanceAndVersion) {
  const Result detected = Detecting({{"CONTAINER_APP_NAME", "checkout"}, {"CONTAINER_APP_REPLICA_NAME", "checkout--1-abc"}, {"CONTAINER_APP_REVISION", "checkout--1"}});
  EXPECT_EQ(detected.Text("cloud.platform"), "azure.container_apps");
  EXPECT_EQ(detected.Text("service.name"), "checkout");
  EXPECT_EQ(detected.Text("service.instance.id"), "checkout--1-abc");
  EXPECT_EQ(detected.Text("service.version"), "checkout--1");
}

TEST(Resource, ContainerAppsJobTakesTheReplicaElseTheExecution) {
  const Variables job{{"CONTAINER_APP_JOB_NAME", "nightly"}, {"CONTAINER_APP_JOB_EXECUTION_NAME", "nightly-1"}};
  EXPECT_EQ(Detecting(job).Text("service.instance.id"), "nightly-1");
  Variables with_replica = job;
  with_replica["CONTAINER_APP_REPLICA_NAME"] = "nightly-1-x";
  EXPECT_EQ(Detecting(with_replica).Text("service.instance.id"), "nightly-1-x");
  EXPECT_EQ(Detecting(with_replica).Text("service.version"), "nightly-1");
}

TEST(Resource, FunctionsGoBeforeContainerAppsAndThoseBeforeAppService) {
  Variables all{{"WEBSITE_SITE_NAME", "site"}, {"CONTAINER_APP_NAME", "app"}, {"FUNCTIONS_EXTENSION_VERSION", "~4"}};
  EXPECT_EQ(Detecting(all).Text("cloud.platform"), "azure.functions");
  all.erase("FUNCTIONS_EXTENSION_VERSION");
  EXPECT_EQ(Detecting(all).Text("cloud.platform"), "azure.container_apps");
  all.erase("CONTAINER_APP_NAME");
  EXPECT_EQ(Detecting(all).Text("cloud.platform"), "azure.app_service");
}

TEST(Resource, AppServiceResourceIdNeedsEveryPart) {
  Variables site{{"WEBSITE_SITE_NAME", "site"}, {"WEBSITE_OWNER_NAME", "sub+region"}, {"WEBSITE_RESOURCE_GROUP", "group"}};
  EXPECT_EQ(Detecting(site).Text("cloud.resource_id"), "/subscriptions/sub/resourceGroups/group/providers/Microsoft.Web/sites/site");
  site.erase("WEBSITE_RESOURCE_GROUP");
  EXPECT_EQ(Detecting(site).Text("cloud.resource_id"), "(none)");
}

TEST(Resource, AksClusterComesFromTheVariableOrTheFile) {
  constexpr const char* kId = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/prod";
  EXPECT_EQ(Detecting({{"CLUSTER_RESOURCE_ID", kId}}).Text("k8s.cluster.name"), "prod");
  const Result from_file = Detecting({}, {}, {.aks_cluster_metadata = std::string("a=b\nclusterResourceId=") + kId + "\n"});
  EXPECT_EQ(from_file.Text("cloud.platform"), "azure.aks");
  EXPECT_EQ(from_file.Text("k8s.cluster.name"), "prod");
}

TEST(Resource, PodNameKeepsADetectedInstanceIdOutButNotAConfiguredOne) {
  const Variables pod{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"HOSTNAME", "pod-1"}, {"CONTAINER_APP_NAME", "app"}, {"CONTAINER_APP_REPLICA_NAME", "replica"}};
  EXPECT_EQ(Detecting(pod).Text("k8s.pod.name"), "pod-1");
  EXPECT_EQ(Detecting(pod).Text("service.instance.id"), "(none)");
  EXPECT_EQ(Detecting(pod, {{"service.instance.id", "mine"}}).Text("service.instance.id"), "mine");
}

TEST(Resource, ContainerIdIsFoundInTheMountTable) {
  const std::string id(64, 'a');
  const Result detected = Detecting({}, {}, {.mount_info = "1 2 0:1 /var/lib/docker/containers/" + id + "/hosts /etc/hosts rw\n"});
  EXPECT_EQ(detected.Text("container.id"), id);
}

}  // namespace
}  // namespace azmon::resource
