// SPDX-License-Identifier: MIT
// The HTTP shell of receipt: POST /orders, GET /receipts/{id}, GET /healthz.
#pragma once

#include <memory>

#include "net/router.h"
#include "services/shared/blob_client.h"

namespace receipt {

net::Router Routes(std::shared_ptr<services::ReceiptStore> store);

}  // namespace receipt
