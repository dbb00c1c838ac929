// SPDX-License-Identifier: MIT
#include "deliver/track_verdict.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "deliver/retry_after.h"

namespace azmon::deliver {

namespace {

using journal::DropReason;

struct StatusRow {
  int status;
  TrackAction action;
  std::string_view cause;
  std::string_view advice;
};

/// What is not here: other 3xx, 4xx and 5xx are dropped, 2xx are accepted.
constexpr std::array kStatusTable = {
    StatusRow{307, TrackAction::kRedirect, "redirected", ""},
    StatusRow{308, TrackAction::kRedirect, "redirected", ""},
    StatusRow{400, TrackAction::kDrop, "bad request", "check InstrumentationKey and IngestionEndpoint of the connection string"},
    StatusRow{401, TrackAction::kRetry, "unauthorized", "local authentication may be switched off for this resource; the key alone is not enough then"},
    StatusRow{402, TrackAction::kDrop, "daily quota exceeded", "raise the daily cap of the Application Insights resource; telemetry is lost until it resets"},
    StatusRow{403, TrackAction::kRetry, "forbidden", "the identity needs the role Monitoring Metrics Publisher on the Application Insights resource"},
    StatusRow{408, TrackAction::kRetry, "request timeout", "it is tried again"},
    StatusRow{413, TrackAction::kSplit, "payload too large", ""},
    StatusRow{429, TrackAction::kRetry, "too many requests", "it is tried again; sample more if this stays"},
    StatusRow{439, TrackAction::kRetry, "daily quota exceeded", "raise the daily cap of the Application Insights resource; it is tried again"},
    StatusRow{500, TrackAction::kRetry, "internal server error", "it is tried again"},
    StatusRow{502, TrackAction::kRetry, "bad gateway", "it is tried again"},
    StatusRow{503, TrackAction::kRetry, "service unavailable", "it is tried again"},
    StatusRow{504, TrackAction::kRetry, "gateway timeout", "it is tried again"},
};

constexpr std::array kRetryableItems = {401, 403, 408, 429, 439, 500, 502, 503, 504};

std::string StatusText(int status, std::string_view cause) {
  std::string text = "HTTP " + std::to_string(status);
  if (!cause.empty()) text.append(" ").append(cause);
  return text;
}

bool IsSampledOut(const ItemError& error) { return base::EqualsIgnoreCase(base::Trim(error.message), "Telemetry sampled out."); }

}  // namespace

bool IsRetryable(const ItemError& error) {
  return std::ranges::find(kRetryableItems, error.status) != kRetryableItems.end() && !IsSampledOut(error);
}

DropReason DropReasonOf(const ItemError& error) {
  if (IsSampledOut(error)) return DropReason::kSampledOut;
  return error.status == 413 ? DropReason::kTooLarge : DropReason::kRefused;
}

TrackVerdict ClassifyTrack(const transport::HttpResponse& response, base::WallTime now) {
  TrackVerdict verdict;
  // An answer that broke off may have said that items were refused: the POST is repeated, at the risk of duplicates.
  if (response.error != transport::TransportError::kNone || response.status == 0) {
    verdict.action = TrackAction::kRetry;
    verdict.is_transport = true;
    verdict.cause = std::string(Name(response.error));
    if (!response.error_text.empty()) verdict.cause += " (" + Excerpt(response.error_text) + ")";
    verdict.advice = AdviceOn(response.error, "the connection string");
    return verdict;
  }
  const auto answer = response.body.empty() ? std::nullopt : ParseIngestionAnswer(response.body);
  if (response.status >= 200 && response.status < 300) {
    if (answer && !answer->errors.empty()) {
      verdict.action = TrackAction::kPartial;
      verdict.errors = answer->errors;
    } else if (response.status == 206 && !answer) {
      verdict.action = TrackAction::kRetry;
      verdict.cause = "HTTP 206 with an answer that cannot be read";
      verdict.advice = "it is tried again";
    }
  } else {
    const auto row = std::ranges::find(kStatusTable, response.status, &StatusRow::status);
    verdict.action = row == kStatusTable.end() ? TrackAction::kDrop : row->action;
    verdict.cause = StatusText(response.status, row == kStatusTable.end() ? "" : row->cause);
    verdict.advice = row == kStatusTable.end() ? "check IngestionEndpoint of the connection string" : std::string(row->advice);
    if (answer && !answer->errors.empty() && !answer->errors.front().message.empty()) {
      verdict.cause += ": " + Excerpt(answer->errors.front().message);
    }
  }
  if (verdict.action == TrackAction::kRetry || verdict.action == TrackAction::kPartial) {
    if (const auto wait = response.Header("retry-after")) verdict.wait = ParseRetryAfter(*wait, now);
  }
  return verdict;
}

std::string AdviceOn(transport::TransportError error, std::string_view what) {
  const std::string host = "the host in " + std::string(what);
  switch (error) {
    using enum transport::TransportError;
    case kResolve: return "check " + host + " and the name server";
    case kConnect: return "check " + host + ", the firewall and the proxy variables";
    case kTls: return "check the certificate of " + host + "; SSL_CERT_FILE names a private CA";
    case kNotHttp2: return "for OTLP over HTTP set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf and its port, usually 4318";
    case kLocal: return "check the certificate files and the URL in " + std::string(what);
    default: return "it is tried again";
  }
}

std::string Excerpt(std::string_view text) {
  constexpr std::size_t kCharactersMax = 160;
  std::string out;
  for (const char c : base::Trim(text)) {
    if (out.size() == kCharactersMax) return out + "...";
    out += c >= ' ' && c <= '~' ? c : ' ';
  }
  return out;
}

}  // namespace azmon::deliver
