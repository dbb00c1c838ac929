// SPDX-License-Identifier: MIT
#include "services/shared/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "services/shared/storage_settings.h"

namespace services {
namespace {

using azmon::base::MapEnvironment;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Variables = std::map<std::string, std::string, std::less<>>;

constexpr char kKey[] = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

std::string PeerUrl(std::string_view text) {
  const auto url = ParsePeer(text);
  return url.ok() ? url->ToString() : "refused";
}

TEST(Settings, PeerIsHostAndPortUrlOrAppName) {
  EXPECT_EQ(PeerUrl("127.0.0.1:8002"), "http://127.0.0.1:8002/");
  EXPECT_EQ(PeerUrl("receipt-abc"), "http://receipt-abc/");
  EXPECT_EQ(PeerUrl("http://receipt:8002"), "http://receipt:8002/");
  EXPECT_EQ(PeerUrl("http://receipt:8002/"), "http://receipt:8002/");
  EXPECT_EQ(PeerUrl("https://receipt.internal.example"), "https://receipt.internal.example/");
  EXPECT_EQ(PeerUrl("[::1]:8002"), "http://[::1]:8002/");
}

TEST(Settings, WhatIsNoPeerIsRefused) {
  for (const std::string_view text : {"", "http://", "ftp://x", "x:0x50", "x:99999", "user:pw@x", "http://x/orders", "x?y", "a b"}) {
    EXPECT_EQ(PeerUrl(text), "refused") << text;
  }
}

TEST(Settings, OnlyRealLoopbackIsLoopback) {
  for (const std::string_view host : {"127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "::1"}) EXPECT_TRUE(IsLoopback(host)) << host;
  for (const std::string_view host : {"127.evil.example", "127.0.0.1.example", "128.0.0.1", "localhost.example", "10.0.0.1", "", "::2"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(Settings, EveryProblemIsReportedAtOnce) {
  const MapEnvironment environment({{"PORT", "70000"}, {"HEALTH_PORT", "x"}, {"TELEMETRY", "some"}, {"PEER", "a/b"}});
  SettingsReader reader(environment);
  reader.Listen(8001, 9001);
  reader.Telemetry();
  reader.Peer("PEER", "host:1");
  reader.Peer("OTHER", "host:1");
  EXPECT_THAT(reader.problems(), ElementsAre(HasSubstr("PORT='70000'"), HasSubstr("HEALTH_PORT='x'"), HasSubstr("TELEMETRY='some'"),
                                             HasSubstr("PEER='a/b'"), HasSubstr("OTHER is not set")));
  ASSERT_FALSE(reader.Check().ok());
  EXPECT_EQ(reader.Check().error().code, azmon::ErrorCode::kBadSetting);
}

TEST(Settings, DefaultsAreTheContracts) {
  const MapEnvironment environment((Variables()));
  SettingsReader reader(environment);
  const ListenSettings listen = reader.Listen(8001, 9001);
  EXPECT_EQ(listen.host, "127.0.0.1");
  EXPECT_EQ(listen.port, 8001);
  EXPECT_EQ(listen.health_port, 9001);
  EXPECT_EQ(reader.Telemetry(), TelemetryChoice::kAll);
  EXPECT_TRUE(reader.Check().ok());
}

TEST(Settings, NumbersHaveBounds) {
  const MapEnvironment environment((Variables()));
  SettingsReader reader(environment);
  EXPECT_EQ(reader.Number("R", "0.5", 0, 10, 1), 0.5);
  EXPECT_EQ(reader.Number("R", "0", 0, 10, 1), 1);
  EXPECT_EQ(reader.Number("R", "nan", 0, 10, 1), 1);
  EXPECT_EQ(reader.Number("R", "10.5", 0, 10, 1), 1);
  EXPECT_THAT(reader.problems(), ElementsAre("R='0' must be a number above 0 and at most 10", HasSubstr("nan"), HasSubstr("10.5")));
}

struct Storage {
  StorageSettings settings;
  std::vector<std::string> problems;
};

Storage ReadStorage(Variables variables) {
  const MapEnvironment environment(std::move(variables));
  SettingsReader reader(environment);
  Storage storage;
  storage.settings = ReadStorageSettings(reader);
  storage.problems = reader.problems();
  return storage;
}

Storage ReadConnectionString(const std::string& text) { return ReadStorage({{"AZURE_STORAGE_CONNECTION_STRING", text}}); }

TEST(StorageSettings, DevelopmentStorageIsTheEmulator) {
  const Storage storage = ReadConnectionString("UseDevelopmentStorage=true");
  EXPECT_THAT(storage.problems, IsEmpty());
  EXPECT_EQ(storage.settings.endpoint.ToString(), "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(storage.settings.key->account, "devstoreaccount1");
  EXPECT_TRUE(storage.settings.is_emulator);
  EXPECT_EQ(storage.settings.container, "receipts");
  EXPECT_EQ(ReadConnectionString("useDevelopmentStorage=TRUE;DevelopmentStorageProxyUri=http://azurite").settings.endpoint.ToString(),
            "http://azurite:10000/devstoreaccount1");
}

TEST(StorageSettings, ExplicitEndpointKeepsItsPathPrefix) {
  const Storage storage = ReadConnectionString(std::string("DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=") + kKey +
                                               ";BlobEndpoint=http://127.0.0.1:12345/devstoreaccount1/;");
  EXPECT_THAT(storage.problems, IsEmpty());
  EXPECT_EQ(storage.settings.endpoint.ToString(), "http://127.0.0.1:12345/devstoreaccount1");
  EXPECT_EQ(storage.settings.key->key.size(), 64u);
  EXPECT_TRUE(storage.settings.is_emulator);
}

TEST(StorageSettings, AccountAndSuffixGiveTheUsualAddress) {
  const std::string key = std::string(";AccountKey=") + kKey;
  EXPECT_EQ(ReadConnectionString("AccountName=shop1" + key).settings.endpoint.ToString(), "https://shop1.blob.core.windows.net/");
  const Storage china = ReadConnectionString(" accountname = shop1 ;EndpointSuffix=core.chinacloudapi.cn;DefaultEndpointsProtocol=https" + key);
  EXPECT_THAT(china.problems, IsEmpty());
  EXPECT_EQ(china.settings.endpoint.ToString(), "https://shop1.blob.core.chinacloudapi.cn/");
  EXPECT_FALSE(china.settings.is_emulator);
}

TEST(StorageSettings, SignatureIsTakenFromItsSegmentOrFromTheEndpoint) {
  const Storage segment = ReadConnectionString("BlobEndpoint=https://shop1.blob.core.windows.net;SharedAccessSignature=?sv=1&sig=a%3D");
  EXPECT_THAT(segment.problems, IsEmpty());
  EXPECT_EQ(segment.settings.sas, "sv=1&sig=a%3D");
  const Storage endpoint = ReadStorage({{"AZURE_STORAGE_BLOB_ENDPOINT", "https://shop1.blob.core.windows.net/?sv=1&sig=b"}});
  EXPECT_THAT(endpoint.problems, IsEmpty());
  EXPECT_EQ(endpoint.settings.sas, "sv=1&sig=b");
  EXPECT_EQ(endpoint.settings.endpoint.ToString(), "https://shop1.blob.core.windows.net/");
}

TEST(StorageSettings, BrokenConnectionStringsAreToldWithoutTheirSecrets) {
  const Storage storage = ReadConnectionString("AccountName=A_B;AccountKey=s3cret!!;s3cretWithoutName");
  EXPECT_THAT(storage.problems, ElementsAre(HasSubstr("segment 3 is no name=value"), HasSubstr("AccountName of 3 to 24"),
                                            HasSubstr("AccountKey is not base64")));
  for (const std::string& problem : storage.problems) EXPECT_THAT(problem, Not(HasSubstr("s3cret")));
  EXPECT_THAT(ReadConnectionString("AccountName=shop1").problems, ElementsAre(HasSubstr("needs AccountKey or SharedAccessSignature")));
  EXPECT_THAT(ReadConnectionString(std::string("BlobEndpoint=ftp://x;AccountName=shop1;AccountKey=") + kKey).problems,
              ElementsAre(HasSubstr("no http or https URL")));
}

TEST(StorageSettings, ReceiptsLeaveTheMachineOnlyEncrypted) {
  const std::string key = std::string(";AccountName=shop1;AccountKey=") + kKey;
  EXPECT_THAT(ReadConnectionString("BlobEndpoint=http://shop1.blob.core.windows.net" + key).problems, ElementsAre(HasSubstr("clear text")));
  EXPECT_THAT(ReadConnectionString("DefaultEndpointsProtocol=http" + key).problems, ElementsAre(HasSubstr("clear text")));
  EXPECT_THAT(ReadConnectionString("BlobEndpoint=http://localhost:1/shop1" + key).problems, IsEmpty());
}

TEST(StorageSettings, LoopbackEndpointNeedsNoCredentials) {
  const Storage storage = ReadStorage({{"AZURE_STORAGE_BLOB_ENDPOINT", "http://127.0.0.1:9412/devstoreaccount1"}});
  EXPECT_THAT(storage.problems, IsEmpty());
  EXPECT_FALSE(storage.settings.key.has_value());
  EXPECT_FALSE(storage.settings.is_emulator);
}

TEST(StorageSettings, AccountWithoutKeyOrSignatureIsAskedByIdentity) {
  for (const Variables& variables : {Variables{{"STORAGE_ACCOUNT_NAME", "shop1"}}, Variables{{"AZURE_STORAGE_BLOB_ENDPOINT", "https://shop1.blob.core.windows.net"}},
                                     Variables{{"AZURE_STORAGE_BLOB_ENDPOINT", "https://localhost:10443/devstoreaccount1"}}}) {
    const Storage storage = ReadStorage(variables);
    EXPECT_THAT(storage.problems, IsEmpty());
    EXPECT_TRUE(storage.settings.uses_identity);
    EXPECT_FALSE(storage.settings.key.has_value());
  }
  EXPECT_EQ(ReadStorage({{"STORAGE_ACCOUNT_NAME", "shop1"}}).settings.endpoint.ToString(), "https://shop1.blob.core.windows.net/");
}

TEST(StorageSettings, KeysAndSignaturesAreNotMixedWithIdentities) {
  EXPECT_FALSE(ReadConnectionString(std::string("AccountName=shop1;AccountKey=") + kKey).settings.uses_identity);
  EXPECT_FALSE(ReadStorage({{"AZURE_STORAGE_BLOB_ENDPOINT", "https://shop1.blob.core.windows.net/?sv=1&sig=x"}}).settings.uses_identity);
  EXPECT_FALSE(ReadStorage({{"AZURE_STORAGE_BLOB_ENDPOINT", "http://127.0.0.1:9412/devstoreaccount1"}}).settings.uses_identity) << "a token must not go in clear text";
  EXPECT_THAT(ReadStorage({{"AZURE_STORAGE_BLOB_ENDPOINT", "http://shop1.blob.core.windows.net"}}).problems, ElementsAre(HasSubstr("clear text")));
}

TEST(StorageSettings, WithoutAnAccountItSaysWhatToSet) {
  EXPECT_THAT(ReadStorage({}).problems, ElementsAre(HasSubstr("no storage account is set")));
  EXPECT_THAT(ReadStorage({{"STORAGE_ACCOUNT_NAME", "Shop_1"}}).problems, ElementsAre(HasSubstr("3 to 24 lower-case")));
}

TEST(StorageSettings, ContainerNameFollowsTheServicesRule) {
  for (const std::string_view name : {"receipts", "a-b", "123", "a1-b2-c3"}) EXPECT_TRUE(IsContainerName(name)) << name;
  for (const std::string_view name : {"", "ab", "-ab", "ab-", "a--b", "Abc", "a_b", "a/b"}) EXPECT_FALSE(IsContainerName(name)) << name;
  EXPECT_FALSE(IsContainerName(std::string(64, 'a')));
  EXPECT_THAT(ReadStorage({{"AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"}, {"STORAGE_ACCOUNT_CONTAINER_NAME", "X"}}).problems,
              ElementsAre(HasSubstr("STORAGE_ACCOUNT_CONTAINER_NAME='X'")));
}

}  // namespace
}  // namespace services
