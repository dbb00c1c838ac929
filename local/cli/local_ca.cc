// SPDX-License-Identifier: MIT
#include "local/cli/local_ca.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>

#include "base/text.h"
#include "local/cli/place.h"

namespace azmon::local {
namespace {

namespace fs = std::filesystem;

constexpr long kDay = 24L * 3600;
constexpr long kAuthorityDays = 3650;
/// What browsers accept at most for a server's certificate.
constexpr long kServerDays = 397;
/// An authority that ends sooner is made anew, so that the server's certificate never outlives it by surprise.
constexpr long kAuthorityLeftDays = 400;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

struct Authority {
  Key key;
  Certificate certificate;
};

Error Failed(const char* what) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return Error{ErrorCode::kInternal, std::string(what) + ": " + text};
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string Pem(const X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), const_cast<X509*>(certificate));
  return TextOf(bio.get());
}

std::string Pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(bio.get());
}

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

bool AddExtension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool IsAddress(const std::string& name) {
  return name.find(':') != std::string::npos || (!name.empty() && name.find_first_not_of("0123456789.") == std::string::npos);
}

/// Names that cannot break out of the text form in which OpenSSL takes them.
bool IsPlainName(const std::string& name) {
  for (const char c : name) {
    if (!base::IsAlpha(c) && !base::IsDigit(c) && c != '-' && c != '.' && c != ':' && c != '_') return false;
  }
  return !name.empty();
}

/// A certificate with a new key that is not signed yet.
bool Begin(const char* common_name, long days, X509* certificate, EVP_PKEY* key) {
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof serial) != 1) return false;
  serial[0] &= 0x7F;
  const std::unique_ptr<BIGNUM, Deleter<BN_free>> number(BN_bin2bn(serial, sizeof serial, nullptr));
  X509_set_version(certificate, X509_VERSION_3);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
  // An hour back, for clocks of containers that differ.
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), days * kDay);
  X509_set_pubkey(certificate, key);
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name),
                                    -1, -1, 0) == 1;
}

Result<Authority> MakeAuthority(const std::vector<std::string>& names) {
  Authority authority{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  if (!authority.key || !Begin("azmon-local on this machine", kAuthorityDays, authority.certificate.get(), authority.key.get())) return Failed("make a key");
  X509* certificate = authority.certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  std::string constraints = "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  for (const std::string& name : names) {
    if (!IsAddress(name)) constraints += ",permitted;DNS:" + name;
    else if (name.find(':') == std::string::npos) constraints += ",permitted;IP:" + name + "/255.255.255.255";
    else constraints += ",permitted;IP:" + name + "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  }
  if (!AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      !AddExtension(certificate, certificate, NID_name_constraints, constraints) ||
      X509_sign(certificate, authority.key.get(), EVP_sha256()) == 0) {
    return Failed("make the local authority");
  }
  return authority;
}

/// The authority of an earlier start; empty if there is none that can be used.
Authority ReadAuthority(const fs::path& certificate_file, const fs::path& key_file) {
  const std::string certificate_text = ReadFile(certificate_file);
  const std::string key_text = ReadFile(key_file);
  const Bio certificate_bio(BIO_new_mem_buf(certificate_text.data(), static_cast<int>(certificate_text.size())));
  const Bio key_bio(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  Authority authority{Key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr)),
                      Certificate(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr))};
  ERR_clear_error();
  if (!authority.key || !authority.certificate || X509_check_private_key(authority.certificate.get(), authority.key.get()) != 1) return {};
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(authority.certificate.get())) != 1 || days < kAuthorityLeftDays) return {};
  return authority;
}

}  // namespace

Result<LocalTls> MakeLocalTls(const std::string& directory, const std::vector<std::string>& all_names) {
  std::vector<std::string> names;
  for (const std::string& name : all_names) {
    if (IsPlainName(name)) names.push_back(name);
  }
  const fs::path certificate_file = fs::absolute(fs::path(directory) / "ca.pem");
  const fs::path key_file = fs::absolute(fs::path(directory) / "ca-key.pem");
  Authority authority = ReadAuthority(certificate_file, key_file);
  if (!authority.key) {
    auto made = MakeAuthority(names);
    if (!made) return made.error();
    authority = std::move(*made);
    // The key first: a certificate whose key is missing would be trusted for nothing.
    if (const auto written = WriteFileWhole(key_file, Pem(authority.key.get()), 0600); !written) return written.error();
    if (const auto written = WriteFileWhole(certificate_file, Pem(authority.certificate.get())); !written) return written.error();
  }

  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (!key || !Begin("azmon-local", kServerDays, certificate.get(), key.get())) return Failed("make a key");
  X509* issuer = authority.certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  std::string alternatives = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const std::string& name : names) alternatives += (IsAddress(name) ? ",IP:" : ",DNS:") + name;
  if (!AddExtension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(certificate.get(), issuer, NID_ext_key_usage, "serverAuth") ||
      !AddExtension(certificate.get(), issuer, NID_subject_alt_name, alternatives) ||
      !AddExtension(certificate.get(), issuer, NID_authority_key_identifier, "keyid") ||
      X509_sign(certificate.get(), authority.key.get(), EVP_sha256()) == 0) {
    return Failed("make the server's certificate");
  }
  return LocalTls{certificate_file, Pem(certificate.get()) + Pem(issuer), Pem(key.get())};
}

}  // namespace azmon::local
