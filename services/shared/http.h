// SPDX-License-Identifier: MIT
// What the services' HTTP shells share: problems as answers, the checks of an order's request, deadlines that travel with a call.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "net/http.h"
#include "net/router.h"
#include "services/shared/problem.h"

namespace services {

/// The milliseconds that the caller still has, relative, so that no two clocks are compared.
inline constexpr std::string_view kDeadlineHeader = "X-Request-Deadline-Ms";

/// By when to answer: kOrderDeadline after the request came, or earlier if the caller says so. A value that is no number is ignored;
/// 0 has passed already.
net::Deadline DeadlineOf(const net::RequestContext& context);

/// Passes on what is left until the deadline, less kDeadlineReserve.
void PassDeadline(net::Deadline deadline, net::ClientRequest& request);

/// The moment until which a call made on behalf of `deadline` may take.
net::Deadline CallDeadline(net::Deadline deadline);

net::Response ToResponse(const Problem& problem);
net::Response Success();

/// Why the request cannot be an order, before its body is looked at: 415 for another media type, charset or content encoding.
std::optional<Problem> CheckOrderHeaders(const net::Request& request);

/// 504: the deadline has passed. What was begun may have been carried out; the same order may be sent again.
Problem TooLate(std::string_view what);

/// 401: the caller has shown neither a token nor a certificate that is known.
Problem Unauthorized();

/// 503 with Retry-After.
Problem Unavailable(std::string code, std::string detail);

}  // namespace services
