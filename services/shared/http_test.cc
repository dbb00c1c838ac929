// SPDX-License-Identifier: MIT
#include "services/shared/http.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace services {
namespace {

using namespace std::chrono_literals;

TEST(Deadline, IsTheCallersButNeverLaterThanOurs) {
  const struct {
    const char* header;
    std::chrono::milliseconds left;
  } rows[] = {{nullptr, 5000ms}, {"1000", 1000ms}, {"0", 0ms}, {"5001", 5000ms}, {"4294967295", 5000ms}, {"4294967296", 5000ms},
              {"-1", 5000ms},    {"soon", 5000ms}, {"", 5000ms}, {"1.5", 5000ms}};
  for (const auto& row : rows) {
    net::RequestContext context;
    context.received = std::chrono::steady_clock::now();
    if (row.header != nullptr) context.request.headers.Set(kDeadlineHeader, row.header);
    EXPECT_EQ(DeadlineOf(context) - context.received, row.left) << (row.header == nullptr ? "none" : row.header);
  }
}

TEST(Deadline, IsPassedOnShorterAndNeverNegative) {
  net::ClientRequest request;
  PassDeadline(std::chrono::steady_clock::now() - 1s, request);
  EXPECT_EQ(request.headers.Get(kDeadlineHeader), "0");
  PassDeadline(std::chrono::steady_clock::now() + 1h, request);
  const auto left = azmon::base::ParseInteger<int>(request.headers.Get(kDeadlineHeader).value());
  EXPECT_GT(*left, 3'500'000);
  EXPECT_LE(*left, 3'599'950);
}

TEST(Http, UnavailableTellsWhenToComeBack) {
  const net::Response response = ToResponse(Unavailable("peer_unavailable", "down"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.Get("Retry-After"), "1");
  EXPECT_EQ(response.headers.Get("Content-Type"), "application/problem+json");
}

}  // namespace
}  // namespace services
