// SPDX-License-Identifier: MIT
#include "services/shared/shared_key.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace services {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(SharedKey, EveryVectorIsSignedAsTheStorageExpects) {
  const auto file = nlohmann::json::parse(std::ifstream(AZMON_SOURCE_DIR "/services/shared/testdata/shared-key-vectors.json"));
  const SharedKey key{file["account"], azmon::base::ParseBase64(file["keyBase64"].get<std::string>()).value()};
  ASSERT_GE(file["vectors"].size(), 10u);
  for (const auto& vector : file["vectors"]) {
    const std::string method = vector["method"], path = vector["path"];
    Pairs query, headers;
    for (const auto& pair : vector["query"]) query.emplace_back(pair[0], pair[1]);
    for (const auto& [name, value] : vector["headers"].items()) headers.emplace_back(name, value);
    const SignedRequest request{.method = method, .path = path, .query = query, .headers = headers};
    EXPECT_EQ(StringToSign(request, key.account), vector["stringToSign"]) << vector["name"];
    EXPECT_EQ(Authorization(request, key), vector["authorization"]) << vector["name"];
  }
}

TEST(SharedKey, NamesAreSortedValuesTrimmedAndRepeatedParametersJoined) {
  const Pairs query = {{"Comp", "b"}, {"restype", "c"}, {"comp", "a"}};
  const Pairs headers = {{"X-MS-B", " 2 "}, {"x-ms-a", "1"}, {"Date", "now"}};
  const SignedRequest request{.method = "GET", .path = "/p", .query = query, .headers = headers};
  EXPECT_EQ(StringToSign(request, "acct"), "GET\n\n\n\n\n\nnow\n\n\n\n\n\nx-ms-a:1\nx-ms-b:2\n/acct/p\ncomp:a,b\nrestype:c");
}

TEST(SharedKey, OfEqualHeadersTheLastCountsAndAnEmptyValueIsAValue) {
  const Pairs headers = {{"x-ms-a", "1"}, {"X-Ms-A", "2"}, {"Content-Type", "a"}, {"content-type", ""}, {"Content-Length", "0"}};
  const SignedRequest request{.method = "PUT", .path = "/p", .query = {}, .headers = headers};
  EXPECT_EQ(StringToSign(request, "acct"), "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-a:2\n/acct/p");
}

TEST(SharedKey, KeysMayAlternate) {
  const SignedRequest request{.method = "GET", .path = "/p", .query = {}, .headers = {}};
  const SharedKey first{"acct", "key one"};
  const SharedKey second{"acct", "key two"};
  const std::string signed_first = Authorization(request, first);
  const std::string signed_second = Authorization(request, second);
  EXPECT_NE(signed_first, signed_second);
  EXPECT_EQ(Authorization(request, first), signed_first);
  EXPECT_EQ(Authorization(request, second), signed_second);
}

TEST(SharedKey, ContentMd5IsBase64OfTheDigest) {
  EXPECT_EQ(ContentMd5(R"({"orderId":42})"), "5FFT3TW0H41cHUelicg8WA==");
  EXPECT_EQ(ContentMd5(""), "1B2M2Y8AsgTpgAmY7PhCfg==");
}

}  // namespace
}  // namespace services
