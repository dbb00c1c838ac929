// SPDX-License-Identifier: MIT
// OTLP requests of all three signals. The first byte chooses the signal and whether the rest is protobuf or JSON. What is accepted must be
// shown as JSON, and that JSON must be readable again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "local/ingest/otlp.h"
#include "local/ingest/otlp_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace azmon::local;
  if (size == 0) return 0;
  const auto signal = static_cast<OtlpSignal>((data[0] >> 1U) % 3);
  const OtlpMessage& message = signal == OtlpSignal::kTraces ? kTracesRequest : signal == OtlpSignal::kLogs ? kLogsRequest : kMetricsRequest;
  std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1U) != 0) {
    auto bytes = OtlpFromJson(body, message);
    if (!bytes.ok()) return 0;
    body = std::move(*bytes);
  }
  const auto result = ParseOtlp(std::move(body), signal, "key", 0);
  if (!result.ok()) return 0;
  AZMON_CHECK(result->rejected <= result->received);
  for (const Item& item : result->batch.items) {
    const auto again = OtlpFromJson(OtlpItemJson(result->batch.kind, result->batch.body, item.raw), message);
    // Text that is no UTF-8 is replaced on the way to JSON, ids of another length stay; only the depth may be refused.
    AZMON_CHECK(again.ok() || again.error().code == azmon::ErrorCode::kMalformed);
  }
  return 0;
}
