// SPDX-License-Identifier: MIT
// What a service answers when it does not answer 200: `application/problem+json` (RFC 9457).
//
// Business code returns a Problem; the HTTP shell writes it. Knows nothing of sockets.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace services {

inline constexpr std::string_view kProblemContentType = "application/problem+json";

/// What is wrong with one member of a request.
struct FieldProblem {
  std::string pointer;  ///< JSON pointer of the member (RFC 6901), "" for the whole body
  std::string detail;   ///< "must be an integer from 1 to 1000000"

  bool operator==(const FieldProblem&) const = default;
};

struct Problem {
  int status = 500;
  std::string code;    ///< stable word for programs: "invalid_order", "order_conflict", …
  std::string detail;  ///< for a person; holds no secrets
  std::vector<FieldProblem> fields;
  std::optional<std::chrono::seconds> retry_after;  ///< answered as the Retry-After header

  bool operator==(const Problem&) const = default;
};

/// The phrase of an HTTP status ("Not Found"); "Error" for one that the services do not use.
std::string_view StatusPhrase(int status);

/// The problem as JSON: type, title, status, code, detail, errors (each with `pointer` in its URI fragment form, and `detail`).
std::string ToJson(const Problem& problem);

/// Reads a peer's problem.
///
/// @param status  the answer's status; the body's own is ignored
/// @param body    untrusted bytes; anything but a problem gives a Problem without fields whose detail is the status phrase
Problem ParseProblem(int status, std::string_view body);

}  // namespace services
