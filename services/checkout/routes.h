// SPDX-License-Identifier: MIT
// The HTTP shell of checkout --serve: POST /checkout, the status page at /.
#pragma once

#include <memory>

#include "net/router.h"
#include "services/checkout/recent_orders.h"
#include "services/shared/order_client.h"

namespace checkout {

/// An order's JSON with an id: its own, or `otherwise` if it has none. @return nullopt if it is no JSON object
std::optional<std::string> WithId(std::string_view body, std::string_view otherwise);

/// @param peer  order-processor
net::Router Routes(std::shared_ptr<services::OrderPeer> peer, std::shared_ptr<RecentOrders> recent);

}  // namespace checkout
