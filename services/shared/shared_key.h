// SPDX-License-Identifier: MIT
// The Shared Key signature of Azure Storage's Blob service.
//
// Pure. Source: "Authorize with Shared Key" of the Blob service REST API.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace services {

/// An account and its key. The key never appears in a message.
struct SharedKey {
  std::string account;
  std::string key;  ///< the decoded bytes, not base64
};

/// What of a request is signed.
struct SignedRequest {
  std::string_view method;
  std::string_view path;                                       ///< as sent, percent-encoded, from the first '/'
  std::span<const std::pair<std::string, std::string>> query;    ///< decoded names and values
  std::span<const std::pair<std::string, std::string>> headers;  ///< all that are sent; names in any case
};

/// The text whose HMAC is the signature; public for the test vectors.
std::string StringToSign(const SignedRequest& request, std::string_view account);

/// The value of the Authorization header: "SharedKey ACCOUNT:SIGNATURE".
std::string Authorization(const SignedRequest& request, const SharedKey& key);

/// base64 of the MD5 of the bytes, as in Content-MD5.
std::string ContentMd5(std::string_view bytes);

}  // namespace services
