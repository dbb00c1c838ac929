// SPDX-License-Identifier: MIT
// TLS for tests: certificates made on the spot, and a front that ends TLS before a TestHttpServer. A front may also be a proxy that is
// asked by CONNECT, so that a test can stand for any host of the internet.
#pragma once

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"

namespace azmon::transport {

/// A private authority. Its files live as long as it does.
class TestCa {
 public:
  struct Files {
    std::string certificate;  ///< PEM
    std::string key;
  };

  TestCa() : directory_(std::filesystem::temp_directory_path() / ("azmon_ca_" + std::to_string(::getpid()) + "_" + std::to_string(++Count()))) {
    std::filesystem::create_directories(directory_);
    key_ = EVP_EC_gen("P-256");
    certificate_ = Make(key_, "azmon test authority", "", -86400, 86400, nullptr, nullptr, true);
    file_ = Write("ca", certificate_, nullptr).certificate;
  }
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;
  ~TestCa() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  const std::string& File() const { return file_; }

  /// @param names  subject alternative names: "DNS:localhost,IP:127.0.0.1"
  /// @param from, until  seconds from now
  Files Issue(const std::string& names, long from = -3600, long until = 3600) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = Make(key, "azmon test", names, from, until, certificate_, key_, false);
    Files files = Write("leaf" + std::to_string(++issued_), certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return files;
  }

 private:
  static std::atomic<int>& Count() {
    static std::atomic<int> count{0};
    return count;
  }

  static X509* Make(EVP_PKEY* key, const char* subject, const std::string& names, long from, long until, X509* issuer, EVP_PKEY* issuer_key, bool is_ca) {
    X509* const certificate = X509_new();
    X509_set_version(certificate, 2);
    static std::atomic<long> serial{1};
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until);
    X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(subject), -1, -1, 0);
    X509_set_issuer_name(certificate, issuer == nullptr ? name : X509_get_subject_name(issuer));
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr, 0);
    const auto extend = [&](int id, const char* text) {
      X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, text);
      AZMON_CHECK(extension != nullptr);
      X509_add_ext(certificate, extension, -1);
      X509_EXTENSION_free(extension);
    };
    extend(NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!names.empty()) extend(NID_subject_alt_name, names.c_str());
    X509_sign(certificate, issuer_key == nullptr ? key : issuer_key, EVP_sha256());
    return certificate;
  }

  Files Write(const std::string& name, X509* certificate, EVP_PKEY* key) {
    Files files{.certificate = (directory_ / (name + ".pem")).string(), .key = (directory_ / (name + ".key")).string()};
    std::FILE* out = std::fopen(files.certificate.c_str(), "w");
    AZMON_CHECK(out != nullptr && PEM_write_X509(out, certificate) == 1);
    std::fclose(out);
    if (key == nullptr) return files;
    out = std::fopen(files.key.c_str(), "w");
    AZMON_CHECK(out != nullptr && PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(out);
    return files;
  }

  const std::filesystem::path directory_;
  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  std::string file_;
  int issued_ = 0;
};

/// Accepts TLS on a free loopback port and hands what it carries on to a port in clear text.
class TestTlsFront {
 public:
  struct Options {
    TestCa::Files files;
    int to_port = 0;
    bool is_proxy = false;           ///< CONNECT comes first, to whatever host
    std::string client_ca_file;      ///< clients show a certificate of this authority
    int protocol_max = TLS1_3_VERSION;
  };

  explicit TestTlsFront(Options options) : options_(std::move(options)), context_(SSL_CTX_new(TLS_server_method())) {
    AZMON_CHECK(SSL_CTX_use_certificate_file(context_, options_.files.certificate.c_str(), SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_use_PrivateKey_file(context_, options_.files.key.c_str(), SSL_FILETYPE_PEM) == 1);
    if (options_.protocol_max < TLS1_2_VERSION) SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context_, 0);
    SSL_CTX_set_max_proto_version(context_, options_.protocol_max);
    if (!options_.client_ca_file.empty()) {
      AZMON_CHECK(SSL_CTX_load_verify_locations(context_, options_.client_ca_file.c_str(), nullptr) == 1);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof address;
    AZMON_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(listener_, 64) == 0 &&
                ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      // OpenSSL writes to connections that a client has closed.
      sigset_t pipe;
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      Run();
    });
  }
  TestTlsFront(const TestTlsFront&) = delete;
  TestTlsFront& operator=(const TestTlsFront&) = delete;
  ~TestTlsFront() {
    is_stopping_ = true;
    thread_.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }

  int Port() const { return port_; }
  std::string Url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  std::string ProxyUrl(const std::string& user = "") const { return "http://" + user + "127.0.0.1:" + std::to_string(port_); }
  /// The heads of CONNECT requests.
  std::vector<std::string> Connects() const {
    const std::lock_guard lock(mutex_);
    return connects_;
  }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }
  bool Readable(int fd) const {
    while (!is_stopping_) {
      pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
      if (::poll(&one, 1, 20) > 0) return true;
    }
    return false;
  }
  void Run() {
    std::vector<std::thread> serving;
    while (Readable(listener_)) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      serving.emplace_back([this, fd] {
        // A peer that never speaks must not hold the test's end.
        const timeval limit{.tv_sec = 1, .tv_usec = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        Serve(fd);
        ::close(fd);
      });
    }
    for (auto& thread : serving) thread.join();
  }
  bool ReadConnect(int fd) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      char c = 0;
      if (!Readable(fd) || ::recv(fd, &c, 1, 0) != 1) return false;
      head += c;
    }
    {
      const std::lock_guard lock(mutex_);
      connects_.push_back(head);
    }
    const std::string_view answer = "HTTP/1.1 200 Connection established\r\n\r\n";
    return head.starts_with("CONNECT ") && ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
  }
  void Serve(int fd) {
    if (options_.is_proxy && !ReadConnect(fd)) return;
    SSL* const tls = SSL_new(context_);
    SSL_set_fd(tls, fd);
    const int behind = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(options_.to_port);
    if (SSL_accept(tls) == 1 && ::connect(behind, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) Carry(tls, fd, behind);
    ::close(behind);
    SSL_free(tls);
  }
  void Carry(SSL* tls, int fd, int behind) {
    char buffer[16384];
    while (!is_stopping_) {
      pollfd both[2] = {{.fd = fd, .events = POLLIN, .revents = 0}, {.fd = behind, .events = POLLIN, .revents = 0}};
      if (SSL_pending(tls) == 0 && ::poll(both, 2, 20) <= 0) continue;
      if (SSL_pending(tls) > 0 || both[0].revents != 0) {
        const int count = SSL_read(tls, buffer, sizeof buffer);
        if (count <= 0) return;
        if (::send(behind, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) return;
      }
      if (both[1].revents != 0) {
        const ssize_t count = ::recv(behind, buffer, sizeof buffer, 0);
        if (count <= 0) return;
        if (SSL_write(tls, buffer, static_cast<int>(count)) <= 0) return;
      }
    }
  }

  const Options options_;
  SSL_CTX* const context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> is_stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> connects_;
  std::thread thread_;
};

}  // namespace azmon::transport
