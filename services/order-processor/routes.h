// SPDX-License-Identifier: MIT
// The HTTP shell of order-processor: POST /orders, GET /orders/{id}.
#pragma once

#include <memory>

#include "net/router.h"
#include "services/shared/order_client.h"

namespace order_processor {

/// @param peer  receipt
net::Router Routes(std::shared_ptr<services::OrderPeer> peer);

}  // namespace order_processor
