// SPDX-License-Identifier: MIT
// Answers of token endpoints are outside bytes: the first two choose the status, the rest is body and header.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "identity/token_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace azmon::identity;
  if (size < 2) return 0;
  const int status = (data[0] << 8 | data[1]) % 600;
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto answer = ReadTokenAnswer({.status = status, .headers = {{"retry-after", text}}, .body = text}, "x", azmon::base::WallTime(std::chrono::seconds(1'800'000'000)));
  AZMON_CHECK(answer.token.has_value() == answer.error.empty());
  AZMON_CHECK(answer.error.size() < 500);
  if (answer.token) {
    AZMON_CHECK(status == 200 && answer.token->lifetime.count() > 0 && answer.token->lifetime < std::chrono::hours(24 * 31));
    // It becomes a header.
    AZMON_CHECK(answer.token->token.find_first_of("\r\n ") == std::string::npos);
  }
  for (const auto& request : {AppServiceRequest(text, "h", "c", "s"), MetadataRequest(text, "c", "s")}) {
    AZMON_CHECK(!request.ok() || request->url.find_first_of("\r\n ") == std::string::npos);
  }
  return 0;
}
