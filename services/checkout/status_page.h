// SPDX-License-Identifier: MIT
// checkout's status page: plain HTML, no script, readable by a screen reader, nothing loaded from elsewhere.
#pragma once

#include <string>

#include "net/http.h"
#include "services/checkout/recent_orders.h"

namespace checkout {

/// The page. Pure; every text from outside is escaped.
std::string StatusPage(const RecentOrders::Snapshot& snapshot);

/// `&<>"'` as entities.
std::string EscapeHtml(std::string_view text);

/// Answers with the page and the headers that forbid everything it does not need.
net::Response StatusPageResponse(const RecentOrders::Snapshot& snapshot);
net::Response StyleResponse();

}  // namespace checkout
