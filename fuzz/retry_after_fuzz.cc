// SPDX-License-Identifier: MIT
// Whatever a peer writes into Retry-After, the wait is between a second and an hour.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "deliver/retry_after.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace azmon::deliver;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::int64_t now_s : {784'111'777LL, 1'800'000'000LL, 0LL}) {
    const auto wait = ParseRetryAfter(text, azmon::base::WallTime(std::chrono::seconds(now_s)));
    AZMON_CHECK(!wait || (*wait >= kRetryAfterMin && *wait <= kRetryAfterMax));
  }
  return 0;
}
