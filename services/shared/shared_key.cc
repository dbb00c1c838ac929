// SPDX-License-Identifier: MIT
#include "services/shared/shared_key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"
#include "base/text.h"

namespace services {
namespace {

using azmon::base::AppendBase64;
using azmon::base::Base64;
using azmon::base::EqualsIgnoreCase;
using azmon::base::ToLower;
using azmon::base::Trim;

/// The standard headers in the order in which they are signed.
constexpr std::array<std::string_view, 11> kSignedHeaders = {
    "content-encoding",  "content-language", "content-length", "content-md5",         "content-type", "date",
    "if-modified-since", "if-match",         "if-none-match",  "if-unmodified-since", "range"};

/// A header's or parameter's name in lower case, and its value.
using Pair = std::pair<std::string, std::string_view>;

/// The value of the last header of that name, as it is sent; nullopt if there is none.
std::optional<std::string_view> Find(std::span<const std::pair<std::string, std::string>> headers, std::string_view lower_name) {
  const auto found = std::find_if(headers.rbegin(), headers.rend(), [&](const auto& header) { return EqualsIgnoreCase(header.first, lower_name); });
  if (found == headers.rend()) return std::nullopt;
  return Trim(found->second);
}

void AppendStandardHeaders(const SignedRequest& request, std::string& text) {
  const bool has_own_date = Find(request.headers, "x-ms-date").has_value();
  for (const std::string_view name : kSignedHeaders) {
    const std::string_view value = Find(request.headers, name).value_or("");
    // The date is signed once, in whichever header carries it; a length of 0 is signed as empty.
    const bool is_left_out = (name == "date" && has_own_date) || (name == "content-length" && value == "0");
    if (!is_left_out) text += value;
    text += '\n';
  }
}

void AppendOwnHeaders(const SignedRequest& request, std::string& text) {
  std::vector<Pair> own;
  own.reserve(request.headers.size());
  for (const auto& [name, value] : request.headers) {
    if (!EqualsIgnoreCase(std::string_view(name).substr(0, 5), "x-ms-")) continue;
    own.emplace_back(ToLower(name), Trim(value));
  }
  std::ranges::stable_sort(own, {}, &Pair::first);
  for (std::size_t i = 0; i < own.size(); ++i) {
    // Of equal names the last one counts.
    if (i + 1 < own.size() && own[i + 1].first == own[i].first) continue;
    text.append(own[i].first).append(":").append(own[i].second).append("\n");
  }
}

void AppendQuery(const SignedRequest& request, std::string& text) {
  std::vector<Pair> query;
  query.reserve(request.query.size());
  for (const auto& [name, value] : request.query) query.emplace_back(ToLower(name), value);
  std::ranges::sort(query);
  for (std::size_t i = 0; i < query.size(); ++i) {
    const bool is_repeated = i > 0 && query[i].first == query[i - 1].first;
    if (is_repeated) {
      text += ',';
    } else {
      text.append("\n").append(query[i].first).append(":");
    }
    text += query[i].second;
  }
}

/// HMAC-SHA256 with one key. Setting a key up costs more than signing, so each thread keeps the last key it used.
class Signer {
 public:
  using Mac = std::array<unsigned char, 32>;

  static Mac Sign(const std::string& key, std::string_view text) {
    thread_local Signer signer;
    return signer.SignWith(key, text);
  }

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };

  Mac SignWith(const std::string& key, std::string_view text) {
    if (!context_ || key != key_) SetKey(key);
    Mac mac;
    std::size_t size = 0;
    // Without a key the one that was set is used again.
    const bool is_signed = EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&
                           EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1 &&
                           EVP_MAC_final(context_.get(), mac.data(), &size, mac.size()) == 1;
    AZMON_CHECK(is_signed && size == mac.size());
    return mac;
  }

  void SetKey(const std::string& key) {
    static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    AZMON_CHECK(hmac != nullptr);
    context_.reset(EVP_MAC_CTX_new(hmac));
    char digest[] = "SHA256";
    const std::array<OSSL_PARAM, 2> parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    AZMON_CHECK(context_ && EVP_MAC_init(context_.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(), parameters.data()) == 1);
    key_ = key;
  }

  std::unique_ptr<EVP_MAC_CTX, Free> context_;
  std::string key_;
};

}  // namespace

std::string StringToSign(const SignedRequest& request, std::string_view account) {
  std::string text;
  text.reserve(512);
  text.append(request.method).append("\n");
  AppendStandardHeaders(request, text);
  AppendOwnHeaders(request, text);
  text.append("/").append(account).append(request.path);
  AppendQuery(request, text);
  return text;
}

std::string Authorization(const SignedRequest& request, const SharedKey& key) {
  const Signer::Mac mac = Signer::Sign(key.key, StringToSign(request, key.account));
  std::string value;
  value.reserve(64 + key.account.size());
  value.append("SharedKey ").append(key.account).append(":");
  AppendBase64({reinterpret_cast<const char*>(mac.data()), mac.size()}, value);
  return value;
}

std::string ContentMd5(std::string_view bytes) {
  static EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  AZMON_CHECK(md5 != nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int digest_bytes = 0;
  AZMON_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &digest_bytes, md5, nullptr) == 1);
  return Base64({reinterpret_cast<const char*>(digest.data()), digest_bytes});
}

}  // namespace services
