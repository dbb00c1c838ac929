// SPDX-License-Identifier: MIT
// Answers of destinations are outside bytes: the first two choose the status, the rest is header or body.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "deliver/ingestion_answer.h"
#include "deliver/otlp_verdict.h"
#include "deliver/redirect.h"
#include "deliver/track_verdict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace azmon::deliver;
  constexpr azmon::base::WallTime kNow{std::chrono::seconds(1'800'000'000)};
  if (size < 2) return 0;
  const int status = (data[0] << 8 | data[1]) % 600;
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (const auto answer = ParseIngestionAnswer(text)) {
    for (const ItemError& error : answer->errors) AZMON_CHECK(error.message.size() <= 256 && error.status >= 0);
  }
  const azmon::transport::HttpResponse track{.status = status, .headers = {{"retry-after", text}}, .body = text};
  const TrackVerdict verdict = ClassifyTrack(track, kNow);
  AZMON_CHECK(verdict.action != TrackAction::kPartial || !verdict.errors.empty());
  AZMON_CHECK(verdict.cause.size() < 300);
  const auto target = RedirectTarget("https://a.monitor.azure.com/x", "https://a.monitor.azure.com/x", text);
  AZMON_CHECK(!target.ok() || (target->starts_with("https://") && target->find(".monitor.azure.com") != std::string::npos));
  ClassifyOtlpHttp({.status = status, .headers = {{"content-type", "application/x-protobuf"}}, .body = text}, kNow);
  const OtlpVerdict azure = ClassifyOtlpAzure({.status = status, .headers = {{"retry-after", text}}, .body = text}, kNow);
  AZMON_CHECK(azure.cause.size() < 300);
  ClassifyOtlpGrpc({.status = 200, .headers = {{"grpc-status", std::to_string(status % 18)}, {"grpc-message", text}, {"grpc-status-details-bin", text}}, .body = text},
                   kNow);
  ParseRetryInfo(text);
  return 0;
}
