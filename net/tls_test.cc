// SPDX-License-Identifier: MIT
// TLS and clear text on one port, and a client that trusts only whom it should. The certificates are made here.
#include <atomic>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/client.h"
#include "net/server.h"
#include "net/test_support.h"

namespace net {
namespace {

using testing::RawSocket;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Deadline Soon() { return std::chrono::steady_clock::now() + testing::kWatchdog; }

std::string ToPem(int (*write)(BIO*, void*), void* object) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio, object);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

/// A certificate for `alternative_names` ("DNS:localhost,IP:127.0.0.1"), signed by itself.
ServerTls MakeCertificate(const std::string& alternative_names) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, alternative_names.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate, key, EVP_sha256());
  ServerTls tls;
  tls.certificate_chain = ToPem([](BIO* bio, void* object) { return PEM_write_bio_X509(bio, static_cast<X509*>(object)); }, certificate);
  tls.private_key = ToPem(
      [](BIO* bio, void* object) { return PEM_write_bio_PrivateKey(bio, static_cast<EVP_PKEY*>(object), nullptr, nullptr, 0, nullptr, nullptr); }, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return tls;
}

class TlsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Server> Listen(ServerTls tls, ServerOptions options = {}) {
    options.tls = std::move(tls);
    Router router;
    router.Add("POST", "/", [](RequestContext& context) -> boost::asio::awaitable<Response> {
      co_return Response::Text(200, (context.request.is_tls ? "tls " : "plain ") + context.request.body);
    });
    auto server = Server::Listen(runtime_, options, std::move(router));
    EXPECT_TRUE(server.ok()) << server.error().ToString();
    return std::move(server).value();
  }
  static ClientRequest To(const std::string& origin, std::uint16_t port, std::string body = "x") {
    ClientRequest request;
    request.method = "POST";
    request.url = *Url::Parse(origin + ":" + std::to_string(port) + "/");
    request.body = std::move(body);
    return request;
  }

  Runtime runtime_{{.threads = 1}};
};

TEST_F(TlsTest, OnePortTakesTlsAndClearText) {
  const ServerTls tls = MakeCertificate("DNS:localhost,IP:127.0.0.1");
  const auto server = Listen(tls);
  ClientOptions options;
  options.tls.ca = tls.certificate_chain;
  Client client(runtime_, options);
  for (const char* host : {"https://localhost", "https://127.0.0.1"}) {
    for (int i = 0; i < 2; ++i) {
      const auto result = client.SendBlocking(To(host, server->port()), Soon());
      ASSERT_TRUE(result.ok()) << host << ": " << result.error().ToString();
      EXPECT_EQ(result->body.view(), "tls x");
    }
  }
  EXPECT_EQ(client.connections(), 2u) << "one kept for each host";
  const auto plain = client.SendBlocking(To("http://127.0.0.1", server->port()), Soon());
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->body.view(), "plain x");
}

TEST_F(TlsTest, LargeBodiesGoThroughBothWays) {
  const ServerTls tls = MakeCertificate("IP:127.0.0.1");
  ServerOptions server_options;
  server_options.body_bytes_max = 4 << 20;
  const auto server = Listen(tls, server_options);
  ClientOptions options;
  options.tls.ca = tls.certificate_chain;
  Client client(runtime_, options);
  const std::string body(3 << 20, 'b');
  const auto result = client.SendBlocking(To("https://127.0.0.1", server->port(), body), Soon());
  ASSERT_TRUE(result.ok()) << result.error().ToString();
  EXPECT_TRUE(result->body.view() == "tls " + body);
}

TEST_F(TlsTest, ACertificateOfNobodyKnownOrOfAnotherNameIsRefused) {
  const ServerTls tls = MakeCertificate("DNS:other.example");
  const auto server = Listen(tls);
  Client stranger(runtime_);
  const auto unknown = stranger.SendBlocking(To("https://127.0.0.1", server->port()), Soon());
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(unknown.error().detail, HasSubstr("TLS"));
  ClientOptions options;
  options.tls.ca = tls.certificate_chain;
  Client trusting(runtime_, options);
  EXPECT_FALSE(trusting.SendBlocking(To("https://localhost", server->port()), Soon()).ok()) << "trusted, but not this host's";
  EXPECT_EQ(trusting.connections(), 0u);
}

TEST_F(TlsTest, ClearTextIsClosedWhereOnlyTlsIsWanted) {
  ServerTls tls = MakeCertificate("IP:127.0.0.1");
  tls.also_plain = false;
  const auto server = Listen(tls);
  RawSocket socket = RawSocket::Connect(server->port());
  socket.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(socket.ReadAll(), "");
}

TEST_F(TlsTest, AHandshakeThatStopsOrIsNoneEndsTheConnectionOnly) {
  ServerOptions options;
  options.tls_handshake_timeout = std::chrono::milliseconds(150);
  const ServerTls tls = MakeCertificate("IP:127.0.0.1");
  const auto server = Listen(tls, options);
  RawSocket stopped = RawSocket::Connect(server->port());
  stopped.Send("\x16\x03\x01");
  EXPECT_TRUE(stopped.IsClosedByPeer());
  RawSocket garbage = RawSocket::Connect(server->port());
  garbage.Send("\x16garbage garbage garbage garbage garbage");
  EXPECT_TRUE(garbage.IsClosedByPeer());
  ClientOptions client_options;
  client_options.tls.ca = tls.certificate_chain;
  Client client(runtime_, client_options);
  EXPECT_TRUE(client.SendBlocking(To("https://127.0.0.1", server->port()), Soon()).ok());
}

class MutualTls : public TlsTest {
 protected:
  /// Answers with the names of the caller's certificate.
  std::unique_ptr<Server> ListenForNames(ServerTls tls) {
    Router router;
    router.Add("POST", "/", [](RequestContext& context) -> boost::asio::awaitable<Response> {
      std::string names = context.request.client_names ? "" : "nobody";
      if (context.request.client_names) {
        for (const std::string& name : *context.request.client_names) names += name + ";";
      }
      co_return Response::Text(200, names);
    });
    ServerOptions options;
    options.tls = std::move(tls);
    auto server = Server::Listen(runtime_, options, std::move(router));
    EXPECT_TRUE(server.ok()) << server.error().ToString();
    return std::move(server).value();
  }
  /// What a caller with this certificate is told; "refused" if there is no answer.
  std::string Ask(const Server& server, const std::string& ca, const ServerTls& shown) {
    Client client(runtime_, {.tls = {.ca = ca, .certificate_chain = shown.certificate_chain, .private_key = shown.private_key}});
    const auto answer = client.SendBlocking(To("https://127.0.0.1", server.port()), Soon());
    return answer.ok() ? std::string(answer->body.view()) : "refused";
  }
};

TEST_F(MutualTls, AServerKnowsItsCallersByTheNamesInTheirCertificates) {
  ServerTls tls = MakeCertificate("IP:127.0.0.1");
  const ServerTls caller = MakeCertificate("DNS:caller.shop,IP:10.0.0.1,URI:spiffe://shop/caller");
  const ServerTls stranger = MakeCertificate("DNS:caller.shop");
  tls.client_ca = caller.certificate_chain;
  const auto server = ListenForNames(tls);
  EXPECT_EQ(Ask(*server, tls.certificate_chain, caller), "caller.shop;spiffe://shop/caller;");
  EXPECT_EQ(Ask(*server, tls.certificate_chain, {}), "nobody");
  EXPECT_EQ(Ask(*server, tls.certificate_chain, stranger), "refused") << "the same name, of another authority";
}

TEST_F(MutualTls, CertificatesAndAuthoritiesChangeForNewConnections) {
  ServerTls tls = MakeCertificate("IP:127.0.0.1");
  const ServerTls one = MakeCertificate("DNS:one"), two = MakeCertificate("DNS:two");
  tls.client_ca = one.certificate_chain;
  const auto server = ListenForNames(tls);
  EXPECT_EQ(Ask(*server, tls.certificate_chain, one), "one;");
  ServerTls fresh = MakeCertificate("IP:127.0.0.1");
  fresh.client_ca = two.certificate_chain;
  ASSERT_TRUE(server->SetTls(fresh).ok());
  EXPECT_EQ(Ask(*server, fresh.certificate_chain, two), "two;");
  EXPECT_EQ(Ask(*server, fresh.certificate_chain, one), "refused");
  EXPECT_EQ(Ask(*server, tls.certificate_chain, two), "refused") << "the old certificate is shown no more";
  EXPECT_EQ(server->SetTls({"no certificate", "no key"}).error().code, ErrorCode::kBadSetting);
  EXPECT_EQ(Ask(*server, fresh.certificate_chain, two), "two;") << "a bad one changes nothing";
}

TEST_F(TlsTest, UnusableCertificatesAreSettingsErrors) {
  ServerOptions options;
  options.tls = ServerTls{"no certificate", "no key"};
  EXPECT_EQ(Server::Listen(runtime_, options, Router()).error().code, ErrorCode::kBadSetting);
  const ServerTls one = MakeCertificate("IP:127.0.0.1");
  options.tls = ServerTls{one.certificate_chain, MakeCertificate("IP:127.0.0.1").private_key};
  EXPECT_EQ(Server::Listen(runtime_, options, Router()).error().code, ErrorCode::kBadSetting);
}

}  // namespace
}  // namespace net
