// SPDX-License-Identifier: MIT
#include "services/shared/shared_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/check.h"
#include "base/text.h"

namespace services {
namespace {

using azmon::base::Base64;
using azmon::base::ToLower;
using azmon::base::Trim;

/// The standard headers in the order in which they are signed.
constexpr std::array<std::string_view, 11> kSignedHeaders = {
    "content-encoding",  "content-language", "content-length", "content-md5",         "content-type", "date",
    "if-modified-since", "if-match",         "if-none-match",  "if-unmodified-since", "range"};

}  // namespace

std::string StringToSign(const SignedRequest& request, std::string_view account) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) headers.insert_or_assign(ToLower(name), std::string(Trim(value)));
  // The date is signed once, in whichever header carries it; a length of 0 is signed as empty.
  if (headers.contains("x-ms-date")) headers.erase("date");
  if (const auto length = headers.find("content-length"); length != headers.end() && length->second == "0") headers.erase(length);

  std::string text(request.method);
  text += '\n';
  for (const std::string_view name : kSignedHeaders) {
    const auto header = headers.find(std::string(name));
    if (header != headers.end()) text += header->second;
    text += '\n';
  }
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) text.append(name).append(":").append(value).append("\n");
  }
  text.append("/").append(account).append(request.path);
  std::map<std::string, std::vector<std::string>> query;
  for (const auto& [name, value] : request.query) query[ToLower(name)].push_back(value);
  for (auto& [name, values] : query) {
    std::ranges::sort(values);
    text.append("\n").append(name);
    char separator = ':';
    for (const std::string& value : values) {
      text += separator;
      text += value;
      separator = ',';
    }
  }
  return text;
}

std::string Authorization(const SignedRequest& request, const SharedKey& key) {
  const std::string text = StringToSign(request, key.account);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned int mac_bytes = 0;
  const unsigned char* const done = HMAC(EVP_sha256(), key.key.data(), static_cast<int>(key.key.size()),
                                         reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &mac_bytes);
  AZMON_CHECK(done != nullptr);
  return "SharedKey " + key.account + ":" + Base64({reinterpret_cast<const char*>(mac.data()), mac_bytes});
}

std::string ContentMd5(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int digest_bytes = 0;
  AZMON_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &digest_bytes, EVP_md5(), nullptr) == 1);
  return Base64({reinterpret_cast<const char*>(digest.data()), digest_bytes});
}

}  // namespace services
