// SPDX-License-Identifier: MIT
#include "local/cli/local_ca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace azmon::local {
namespace {

namespace fs = std::filesystem;

class LocalCaTest : public ::testing::Test {
 protected:
  LocalCaTest() {
    std::string name = (fs::temp_directory_path() / "azmon-local-test-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~LocalCaTest() override { fs::remove_all(directory_); }

  static std::string Read(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  static X509* Parse(const std::string& pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    return certificate;
  }

  /// Whether a client that trusts the authority accepts the server under a name or an address.
  static bool IsTrusted(const LocalTls& tls, const char* name) {
    X509* ca = Parse(Read(tls.ca_file));
    X509* server = Parse(tls.certificate_chain);
    X509_STORE* store = X509_STORE_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX* context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, server, nullptr);
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name) != 1) X509_VERIFY_PARAM_set1_host(parameters, name, 0);
    const bool good = X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(server);
    X509_free(ca);
    return good;
  }

  std::string directory_;
};

TEST_F(LocalCaTest, TheServerIsTrustedForLoopbackAlone) {
  const auto tls = MakeLocalTls(directory_, {});
  ASSERT_TRUE(tls.ok()) << tls.error().ToString();
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) EXPECT_TRUE(IsTrusted(*tls, name)) << name;
  for (const char* name : {"example.com", "10.0.0.1"}) EXPECT_FALSE(IsTrusted(*tls, name)) << name;
}

TEST_F(LocalCaTest, FurtherNamesAreIncluded) {
  const auto tls = MakeLocalTls(directory_, {"dev-box", "10.1.2.3", "fd00::1", "bad,DNS:evil.example"});
  ASSERT_TRUE(tls.ok()) << tls.error().ToString();
  for (const char* name : {"localhost", "dev-box", "10.1.2.3", "fd00::1"}) EXPECT_TRUE(IsTrusted(*tls, name)) << name;
  EXPECT_FALSE(IsTrusted(*tls, "evil.example"));
}

TEST_F(LocalCaTest, TheAuthorityIsKeptAndItsKeyIsTheUsersAlone) {
  const auto first = MakeLocalTls(directory_, {});
  ASSERT_TRUE(first.ok());
  const std::string ca = Read(first->ca_file);
  const auto second = MakeLocalTls(directory_, {});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(Read(second->ca_file), ca);
  EXPECT_NE(first->private_key, second->private_key);
  struct stat facts{};
  ASSERT_EQ(::stat((directory_ + "/ca-key.pem").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(LocalCaTest, ABrokenAuthorityIsReplaced) {
  const auto first = MakeLocalTls(directory_, {});
  ASSERT_TRUE(first.ok());
  std::ofstream(directory_ + "/ca-key.pem") << "nonsense";
  const auto second = MakeLocalTls(directory_, {});
  ASSERT_TRUE(second.ok()) << second.error().ToString();
  EXPECT_TRUE(IsTrusted(*second, "localhost"));
}

TEST_F(LocalCaTest, ADirectoryThatIsNotThereIsAnError) { EXPECT_FALSE(MakeLocalTls(directory_ + "/missing", {}).ok()); }

}  // namespace
}  // namespace azmon::local
