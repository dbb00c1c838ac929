// SPDX-License-Identifier: MIT
#include "deliver/otlp_verdict.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <protozero/pbf_reader.hpp>

#include "base/text.h"
#include "deliver/retry_after.h"
#include "deliver/track_verdict.h"
#include "otlp/fields.h"

namespace azmon::deliver {

namespace {

using std::chrono::milliseconds;

/// Source: gRPC's "Status codes and their use".
constexpr std::array<std::string_view, 17> kGrpcNames = {
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};
constexpr int kResourceExhausted = 8;

bool IsRetryableGrpc(int code) {
  switch (code) {
    case 1: case 4: case 10: case 11: case 14: case 15: return true;
    default: return false;
  }
}

/// For answers without a grpc-status: made by a proxy, not by the receiver.
int GrpcCodeOfHttp(int status) {
  switch (status) {
    case 400: return 13;
    case 401: return 16;
    case 403: return 7;
    case 404: return 12;
    case 429: case 502: case 503: case 504: return 14;
    default: return 2;
  }
}

std::string_view AdviceOnGrpc(int code) {
  switch (code) {
    case 3: return "the receiver does not take these records; compare versions of OTLP";
    case 7: case 16: return "check the credentials in OTEL_EXPORTER_OTLP_HEADERS";
    case 12: return "the endpoint does not take this signal by gRPC; check its address and OTEL_EXPORTER_OTLP_PROTOCOL";
    default: return "see the receiver's log";
  }
}

/// gRPC servers have no status of its own for it: grpc-core and grpc-go say "larger than max", grpc-java "exceeds maximum".
bool SaysTooLarge(std::string_view message) {
  const std::string lower = base::ToLower(message);
  return lower.find("larger than max") != std::string::npos || lower.find("exceeds maximum") != std::string::npos ||
         lower.find("too large") != std::string::npos;
}

/// Percent-decoded, but sequences that are none stay as they are (gRPC over HTTP2, "Status-Message").
std::string DecodeGrpcMessage(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (const auto byte = base::ParseHex(text.substr(i + 1, 2)); byte && byte->size() == 1) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

struct PartialSuccess {
  std::uint64_t rejected = 0;
  std::string message;
};

PartialSuccess ReadPartialSuccess(std::string_view response) {
  PartialSuccess out;
  try {
    protozero::pbf_reader reader(response.data(), response.size());
    while (reader.next(otlp::response::kPartialSuccess, protozero::pbf_wire_type::length_delimited)) {
      protozero::pbf_reader partial = reader.get_message();
      while (partial.next()) {
        switch (partial.tag_and_type()) {
          case protozero::tag_and_type(otlp::partial_success::kRejected, protozero::pbf_wire_type::varint): {
            const std::int64_t rejected = partial.get_int64();
            out.rejected = rejected > 0 ? static_cast<std::uint64_t>(rejected) : 0;
            break;
          }
          case protozero::tag_and_type(otlp::partial_success::kErrorMessage, protozero::pbf_wire_type::length_delimited):
            out.message = partial.get_string();
            break;
          default: partial.skip();
        }
      }
    }
  } catch (const protozero::exception&) {
    // The status said that everything was taken; what was read before stands.
  }
  return out;
}

/// The message of a google.rpc.Status.
std::string ReadStatusMessage(std::string_view body) {
  try {
    protozero::pbf_reader reader(body.data(), body.size());
    if (reader.next(2, protozero::pbf_wire_type::length_delimited)) return reader.get_string();
  } catch (const protozero::exception&) {
  }
  return {};
}

/// `error.code` of an answer of Azure's ingestion; empty if there is none.
std::string AzureErrorCode(const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::element object;
  std::string_view code;
  if (parser.parse(body).get(object) != simdjson::SUCCESS || object["error"]["code"].get(code) != simdjson::SUCCESS) return {};
  return std::string(code.substr(0, 200));
}

OtlpVerdict Accepted(std::string_view message) {
  OtlpVerdict verdict;
  const PartialSuccess partial = ReadPartialSuccess(message);
  verdict.rejected = partial.rejected;
  if (partial.rejected > 0 || !partial.message.empty()) {
    verdict.cause = "partial success: " + Excerpt(partial.message);
    verdict.advice = "see the receiver's log";
  }
  return verdict;
}

OtlpVerdict TransportFailure(const transport::HttpResponse& response) {
  OtlpVerdict verdict{.action = OtlpAction::kRetry, .wait = {}, .cause = std::string(Name(response.error)), .advice = AdviceOn(response.error, "the OTLP endpoint")};
  if (!response.error_text.empty()) verdict.cause += " (" + Excerpt(response.error_text) + ")";
  return verdict;
}

}  // namespace

std::optional<std::chrono::nanoseconds> ParseRetryInfo(std::string_view details) {
  std::string padded(base::Trim(details));
  if (padded.size() > 16384) return std::nullopt;
  while (padded.size() % 4 != 0) padded += '=';
  const auto bytes = base::ParseBase64(padded);
  if (!bytes) return std::nullopt;
  try {
    protozero::pbf_reader status(*bytes);
    while (status.next(3, protozero::pbf_wire_type::length_delimited)) {
      protozero::pbf_reader any = status.get_message();
      std::string_view type;
      std::string_view value;
      while (any.next()) {
        if (any.wire_type() != protozero::pbf_wire_type::length_delimited || any.tag() > 2) {
          any.skip();
          continue;
        }
        std::string_view& part = any.tag() == 1 ? type : value;
        const protozero::data_view view = any.get_view();
        part = {view.data(), view.size()};
      }
      if (!type.ends_with("/google.rpc.RetryInfo")) continue;
      std::int64_t seconds = 0;
      std::int64_t nanoseconds = 0;
      protozero::pbf_reader info(value.data(), value.size());
      while (info.next(1, protozero::pbf_wire_type::length_delimited)) {
        protozero::pbf_reader duration = info.get_message();
        while (duration.next()) {
          if (duration.wire_type() != protozero::pbf_wire_type::varint || duration.tag() > 2) {
            duration.skip();
            continue;
          }
          (duration.tag() == 1 ? seconds : nanoseconds) = duration.get_int64();
        }
      }
      return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 1'000'000'000)) +
             std::chrono::nanoseconds(std::clamp<std::int64_t>(nanoseconds, 0, 999'999'999));
    }
  } catch (const protozero::exception&) {
  }
  return std::nullopt;
}

OtlpVerdict ClassifyOtlpGrpc(const transport::HttpResponse& response, base::WallTime now) {
  OtlpVerdict verdict;
  int code = 0;
  std::string message;
  // A status of the receiver decides, even if the connection broke behind it: a server that refuses a message resets it half-way.
  if (const auto status = response.Header("grpc-status")) {
    code = base::ParseInteger<int>(*status).value_or(2);
    if (code < 0 || code >= static_cast<int>(kGrpcNames.size())) code = 2;
    message = DecodeGrpcMessage(response.Header("grpc-message").value_or(""));
    if (code == 0) {
      const std::string_view body = response.body;
      return Accepted(body.size() > 5 && body.front() == '\0' ? body.substr(5) : std::string_view());
    }
  } else if (response.error == transport::TransportError::kNotHttp2) {
    return TransportFailure(response);
  } else if (response.status != 0 && response.status != 200) {
    code = GrpcCodeOfHttp(response.status);
    message = "HTTP " + std::to_string(response.status);
  } else if (response.error != transport::TransportError::kNone) {
    return TransportFailure(response);
  } else {
    // A connection that ends right behind the answer can swallow the trailers. The server may have taken the records, so they may come
    // twice; believing it would lose them where it has not.
    return {.action = OtlpAction::kRetry, .wait = {}, .cause = "answer without grpc-status", .advice = "check that the endpoint speaks gRPC"};
  }
  verdict.cause = "gRPC " + std::string(kGrpcNames[static_cast<std::size_t>(code)]);
  if (!message.empty()) verdict.cause += ": " + Excerpt(message);
  const auto retry_info = ParseRetryInfo(response.Header("grpc-status-details-bin").value_or(""));
  if (code == kResourceExhausted && !retry_info && SaysTooLarge(message)) {
    verdict.action = OtlpAction::kSplit;
    verdict.advice = "raise the receiver's limit of a message";
    return verdict;
  }
  if (!IsRetryableGrpc(code) && !(code == kResourceExhausted && retry_info)) {
    verdict.action = OtlpAction::kDrop;
    verdict.advice = AdviceOnGrpc(code);
    return verdict;
  }
  verdict.action = OtlpAction::kRetry;
  verdict.advice = "it is tried again";
  if (retry_info) {
    verdict.wait = ClampRetryAfter(*retry_info).value_or(kRetryAfterMin);
  } else if (const auto wait = response.Header("retry-after")) {
    verdict.wait = ParseRetryAfter(*wait, now);
  }
  return verdict;
}

OtlpVerdict ClassifyOtlpAzure(const transport::HttpResponse& response, base::WallTime now) {
  const int status = response.status;
  if (response.error != transport::TransportError::kNone || (status >= 200 && status < 300) || status == 413) return ClassifyOtlpHttp(response, now);
  OtlpVerdict verdict{.action = OtlpAction::kDrop, .cause = "HTTP " + std::to_string(status), .advice = "see the data collection rule"};
  if (const std::string code = AzureErrorCode(response.body); !code.empty()) verdict.cause += ": " + Excerpt(code);
  if (status == 408 || status == 429 || status >= 500) {
    verdict.action = OtlpAction::kRetry;
    verdict.advice = "it is tried again";
    if (const auto wait = response.Header("retry-after")) verdict.wait = ParseRetryAfter(*wait, now);
    return verdict;
  }
  switch (status) {
    case 400:
      verdict.is_configuration = true;
      verdict.advice = "compare the URL with the one that the portal shows, stream name and case included";
      break;
    case 401:
      verdict.action = OtlpAction::kRetry;
      verdict.needs_token = true;
      verdict.advice = "the access token is not accepted; check the identity and its tenant";
      break;
    case 403: case 404:
      verdict.action = OtlpAction::kRetry;
      verdict.is_configuration = true;
      verdict.advice = status == 403 ? "the identity needs the role Monitoring Metrics Publisher on the data collection rule; it counts after up to 30 minutes"
                                     : "check the data collection rule's id and the stream in the URL";
      break;
    default: break;
  }
  return verdict;
}

OtlpVerdict ClassifyOtlpHttp(const transport::HttpResponse& response, base::WallTime now) {
  if (response.error != transport::TransportError::kNone || response.status == 0) return TransportFailure(response);
  if (response.status >= 200 && response.status < 300) {
    const auto type = response.Header("content-type");
    return Accepted(type && base::ToLower(*type).starts_with("application/x-protobuf") ? response.body : std::string_view());
  }
  OtlpVerdict verdict{.action = OtlpAction::kDrop, .wait = {}, .cause = "HTTP " + std::to_string(response.status), .advice = "see the receiver's log"};
  if (const std::string message = ReadStatusMessage(response.body); !message.empty()) verdict.cause += ": " + Excerpt(message);
  switch (response.status) {
    case 429: case 502: case 503: case 504:
      verdict.action = OtlpAction::kRetry;
      verdict.advice = "it is tried again";
      if (const auto wait = response.Header("retry-after")) verdict.wait = ParseRetryAfter(*wait, now);
      break;
    case 413:
      verdict.action = OtlpAction::kSplit;
      verdict.advice = "raise the receiver's limit of a request";
      break;
    case 401: case 403: verdict.advice = "check the credentials in OTEL_EXPORTER_OTLP_HEADERS"; break;
    case 404: case 405: verdict.advice = "check the path of the OTLP endpoint; the base endpoint is written without /v1/traces"; break;
    default: break;
  }
  return verdict;
}

}  // namespace azmon::deliver
