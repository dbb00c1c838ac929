// SPDX-License-Identifier: MIT
// The calls of Azure's Blob REST API that receipts need: create-only Put Blob, Get Blob, Create Container.
//
// On net/'s client. Authorises by Shared Key, by a shared access signature, by a token of an identity, or not at all (loopback). Tries
// again what may pass; each call is one INTERNAL span, each try one CLIENT span (made by the client's hooks).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <azmon/credential.h>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "net/client.h"
#include "services/shared/storage_settings.h"

namespace services {

/// What became of a storage call.
enum class BlobStatus {
  kDone,
  kExists,       ///< Put Blob: a blob of that name is there already, perhaps by a try of ours whose answer was lost
  kNotFound,     ///< Get Blob: no such blob
  kUnavailable,  ///< the storage did not answer, or said that it cannot now. A write may have happened
  kTimeout,      ///< the deadline passed. A write may have happened
  kRefused,      ///< the storage says no and will say so again: credentials, container, our own mistake
};

/// The status as it stands in `error.type` and in a problem's `code`.
std::string_view Name(BlobStatus status);

struct BlobAnswer {
  BlobStatus status = BlobStatus::kUnavailable;
  std::string body;    ///< kDone of Get Blob
  std::string detail;  ///< why it failed and what to do, with the storage's error code and request id; holds no secrets
  std::string request_id;  ///< the storage's own id of the last try that it answered; empty if none
};

/// Where receipts are kept. An interface, so that what follows from each outcome can be tested one by one.
class ReceiptStore {
 public:
  virtual ~ReceiptStore() = default;
  /// Creates a blob; never overwrites one.
  virtual boost::asio::awaitable<BlobAnswer> Create(std::string name, std::string bytes, net::Deadline deadline) = 0;
  virtual boost::asio::awaitable<BlobAnswer> Read(std::string name, net::Deadline deadline) = 0;
};

/// What a try's answer means.
enum class BlobVerdict { kDone, kExists, kNotFound, kTryAgain, kRefused };

/// @param success  the only status that means done: a 200 where 201 is due comes from something that is no storage
/// @param code     the storage's error code, empty if it sent none
BlobVerdict Judge(int status, std::string_view code, int success);

/// The error code of an answer: the x-ms-error-code header, else the body's <Code>; empty if there is none. Untrusted input.
std::string ErrorCodeOf(const net::Response& response);

/// Every byte of a blob's name but A-Za-z0-9-._~/ as %XX.
std::string EncodeBlobName(std::string_view name);

/// The scope of tokens for every storage account.
inline constexpr std::string_view kStorageScope = "https://storage.azure.com/.default";

class BlobClient final : public ReceiptStore {
 public:
  /// @param tokens  for the storage's scope; must be there if settings.uses_identity, is not asked otherwise
  BlobClient(std::shared_ptr<net::Client> client, StorageSettings settings, std::shared_ptr<azmon::TokenSource> tokens = nullptr,
             const azmon::base::Clock& clock = azmon::base::SystemClock());

  boost::asio::awaitable<BlobAnswer> Create(std::string name, std::string bytes, net::Deadline deadline) override;
  boost::asio::awaitable<BlobAnswer> Read(std::string name, net::Deadline deadline) override;

  /// Makes the container; kDone also if it exists. One try, no span of its own: for the start of the program.
  boost::asio::awaitable<BlobAnswer> CreateContainer(net::Deadline deadline);

 private:
  struct Call;
  boost::asio::awaitable<BlobAnswer> Run(Call call, net::Deadline deadline);
  /// @param token  empty: none
  net::ClientRequest MakeRequest(const Call& call, const std::string& token, int resend_count) const;

  const std::shared_ptr<net::Client> client_;
  const StorageSettings settings_;
  const std::shared_ptr<azmon::TokenSource> tokens_;
  const azmon::base::Clock& clock_;
};

}  // namespace services
