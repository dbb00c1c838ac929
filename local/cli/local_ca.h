// SPDX-License-Identifier: MIT
// A certificate authority for this machine alone, because several SDKs insist on https.
//
// Made once and kept beside the data, so that whoever trusts `ca.pem` has to do it once. The server's certificate is made at each start and
// never leaves memory.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace azmon::local {

struct LocalTls {
  std::string ca_file;            ///< path of the authority's certificate, PEM
  std::string certificate_chain;  ///< of the server, PEM
  std::string private_key;        ///< of the server, PEM
};

/// Reads the authority in `directory` or makes it, and makes a server certificate from it, valid for 397 days, for localhost, loopback
/// addresses and `names`. An authority that is broken or ends soon is replaced.
///
/// The authority may sign for loopback and `names` of its first start only (name constraints), so that a stolen key is worth little.
/// @return kSystem the files cannot be written; kInternal OpenSSL refused
Result<LocalTls> MakeLocalTls(const std::string& directory, const std::vector<std::string>& names);

}  // namespace azmon::local
