// SPDX-License-Identifier: MIT
// The transport over libcurl.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/environment.h"
#include "base/result.h"
#include "transport/transport.h"

namespace azmon::transport {

struct CurlOptions {
  std::string https_proxy;  ///< URL; empty: none. Never used for loopback hosts
  std::string http_proxy;
  std::string no_proxy;  ///< comma-separated hosts and domains
  std::string ca_file;   ///< for requests that name none; empty: the system's

  /// HTTPS_PROXY, HTTP_PROXY, NO_PROXY, their lower-case forms first, and SSL_CERT_FILE. HTTP_PROXY is not read where REQUEST_METHOD is
  /// set: in a CGI program it is a header of the request.
  static CurlOptions FromEnvironment(const base::Environment& environment);
};

/// @param clock  outlives the transport
/// @return kSystem if libcurl or an eventfd could not be had
Result<std::unique_ptr<Transport>> MakeCurlTransport(CurlOptions options, const base::Clock& clock);

}  // namespace azmon::transport
