// SPDX-License-Identifier: MIT
#include "services/shared/security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

namespace services {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr char kOne[] = "token-number-one-aaaa", kTwo[] = "token-number-two-bbbb", kThree[] = "token-number-three-cc";

net::Request Showing(std::vector<std::string> authorizations) {
  net::Request request;
  for (const std::string& value : authorizations) request.headers.Add("Authorization", value);
  return request;
}

net::Request WithCertificateOf(std::vector<std::string> names) {
  net::Request request;
  request.client_names = std::make_shared<const std::vector<std::string>>(std::move(names));
  return request;
}

/// A directory of its own that goes with the test.
class Files {
 public:
  Files() { std::filesystem::create_directory(path_); }
  ~Files() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& text) const {
    // As a deployment does it: the new file appears whole.
    std::ofstream(path_ / (name + ".new")) << text;
    std::filesystem::rename(path_ / (name + ".new"), path_ / name);
    return path_ / name;
  }

 private:
  const std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("security_test-" + std::to_string(::getpid()));
};

TEST(Security, WithoutSettingsEverybodyIsKnown) { EXPECT_TRUE(IsCallerKnown(Credentials{}, net::Request{})); }

TEST(Security, OnlyTheTokensAreLetIn) {
  Credentials credentials;
  credentials.authenticates_callers = true;
  credentials.tokens = {kOne, kTwo};
  for (const char* token : {kOne, kTwo}) {
    EXPECT_TRUE(IsCallerKnown(credentials, Showing({std::string("Bearer ") + token})));
    EXPECT_TRUE(IsCallerKnown(credentials, Showing({std::string("bearer  ") + token})));
  }
  const std::string good = std::string("Bearer ") + kOne;
  const std::vector<std::vector<std::string>> refused = {
      {}, {""}, {"Bearer"}, {"Bearer "}, {kOne}, {std::string("Basic ") + kOne}, {good + "x"}, {good.substr(0, good.size() - 1)}, {good, good}, {"Bearer " + std::string(600, 'x')}};
  for (const auto& shown : refused) EXPECT_FALSE(IsCallerKnown(credentials, Showing(shown))) << (shown.empty() ? "nothing" : shown[0]);
}

TEST(Security, OnlyAllowedNamesOfCertificatesAreLetIn) {
  Credentials credentials;
  credentials.authenticates_callers = true;
  credentials.names = {"checkout.shop", "spiffe://shop/checkout"};
  EXPECT_TRUE(IsCallerKnown(credentials, WithCertificateOf({"checkout.shop"})));
  EXPECT_TRUE(IsCallerKnown(credentials, WithCertificateOf({"other", "spiffe://shop/checkout"})));
  EXPECT_FALSE(IsCallerKnown(credentials, WithCertificateOf({"evil.shop"})));
  EXPECT_FALSE(IsCallerKnown(credentials, WithCertificateOf({"checkout.shop.evil", "*.shop"})));
  EXPECT_FALSE(IsCallerKnown(credentials, WithCertificateOf({})));
  EXPECT_FALSE(IsCallerKnown(credentials, net::Request{}));
}

TEST(Security, FilesThatCannotBeUsedAreToldWithoutTheirSecrets) {
  const Files files;
  SecuritySettings settings;
  settings.tokens_file = files.Write("tokens", "short-secret\n");
  settings.ca_file = "/nonexistent/ca.pem";
  const auto read = ReadCredentials(settings);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().detail, HasSubstr("SERVICE_TOKENS_FILE"));
  EXPECT_THAT(read.error().detail, HasSubstr("TLS_CA_FILE: /nonexistent/ca.pem"));
  EXPECT_THAT(read.error().detail, Not(HasSubstr("short-secret")));
  settings = {};
  settings.tokens_file = files.Write("tokens", std::string(kOne) + "\n" + kTwo + "\n" + kThree + "\n");
  EXPECT_FALSE(ReadCredentials(settings).ok());
}

TEST(Security, AChangedFileIsInUseWithoutARestartAndABadOneChangesNothing) {
  const Files files;
  SecuritySettings settings;
  settings.tokens_file = files.Write("tokens", kOne);
  auto security = Security::Load(settings);
  ASSERT_TRUE(security.ok());
  std::promise<std::vector<std::string>> changed;
  (*security)->OnChange([&](const Credentials& credentials) { changed.set_value(credentials.tokens); });
  files.Write("tokens", "bad");
  (*security)->Watch();
  files.Write("tokens", std::string("# the new one first\n") + kTwo + "\n" + kOne + "\n");
  auto future = changed.get_future();
  ASSERT_EQ(future.wait_for(30s), std::future_status::ready);
  EXPECT_EQ(future.get(), (std::vector<std::string>{kTwo, kOne}));
  EXPECT_EQ((*security)->Now()->tokens, (std::vector<std::string>{kTwo, kOne}));
  EXPECT_TRUE(IsCallerKnown(*(*security)->Now(), Showing({std::string("Bearer ") + kOne})));
}

}  // namespace
}  // namespace services
