// SPDX-License-Identifier: MIT
#include "local/api/answers.h"

#include <utility>

namespace azmon::local {
namespace {

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed: return 400;
    case ErrorCode::kTooLarge: return 413;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kTimeout: case ErrorCode::kUnavailable: case ErrorCode::kStorageFull: case ErrorCode::kCancelled: return 503;
    default: return 500;
  }
}

}  // namespace

net::Response ProblemAnswer(const Error& error) {
  net::Response response = net::Response::Problem(StatusOf(error.code), error.detail);
  if (response.status == 503) response.headers.Set("Retry-After", "1");
  return response;
}

net::Response JsonAnswer(std::string body) {
  net::Response response = net::Response::Json(200, std::move(body));
  response.headers.Set("Cache-Control", "no-store");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace azmon::local
