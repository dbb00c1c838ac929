// SPDX-License-Identifier: MIT
// One request over libcurl, for tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/environment.h"
#include "transport/curl_transport.h"

namespace azmon::transport {

/// @param variables  the environment: proxies, SSL_CERT_FILE
inline std::unique_ptr<Transport> MakeTestTransport(std::map<std::string, std::string, std::less<>> variables = {}) {
  auto made = MakeCurlTransport(CurlOptions::FromEnvironment(base::MapEnvironment(std::move(variables))), base::SystemClock());
  AZMON_CHECK(made.ok());
  return std::move(made).value();
}

/// Starts the request and waits for its end, at most a minute. POSTs "body" if it has none.
inline HttpResponse Fetch(Transport& transport, HttpRequest request) {
  if (!request.body) request.body = std::make_shared<std::string>("body");
  HttpResponse out;
  bool is_done = false;
  transport.Start(std::move(request), [&](HttpResponse response) {
    out = std::move(response);
    is_done = true;
  });
  const auto deadline = base::SystemClock().Now() + std::chrono::minutes(1);
  while (!is_done && base::SystemClock().Now() < deadline) transport.Poll(deadline);
  EXPECT_TRUE(is_done);
  return out;
}

}  // namespace azmon::transport
