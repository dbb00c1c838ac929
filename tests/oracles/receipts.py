#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Receipts that our blob client wrote, listed and read by the official Azure Storage SDK for JavaScript."""

import base64
import hashlib
import json

import peers
from support import Checks, System, azurite_missing, blobs, default_programs, orders_of, run, work_directory

_ORDERS = 8


def test(checks: Checks):
    work = work_directory("receipts")
    with System(default_programs(), work) as system:
        checkout = system.checkout(_ORDERS, 20)
        checks.that(checkout.wait(120) == 0, "orders go through", checkout.log_end())
        orders = orders_of(checkout.output())
        output = peers.run_to_end("receipts.mjs", ["node", str(peers.HERE / "receipts.mjs"), str(peers.NPM), "receipts"],
                                  {"AZURE_STORAGE_CONNECTION_STRING": blobs.connection_string(system.azurite.port)}, work)
        found = {blob["name"]: blob for blob in map(json.loads, output.splitlines())}
        checks.that(found.keys() == {f"order-{order.order_id}.json" for order in orders} and len(orders) == _ORDERS,
                    "the SDK lists one receipt an order, and no more", f"{sorted(found)} for {[order.order_id for order in orders]}")
        for order in orders:
            blob = found.get(f"order-{order.order_id}.json", {"content": "", "type": "", "contentType": "", "md5": ""})
            content = base64.b64decode(blob["content"])
            receipt = json.loads(content or b"{}")
            checks.that(str(receipt.get("orderId")) == order.order_id and blob["type"] == "BlockBlob" and blob["contentType"] == "application/json",
                        f"the receipt of {order.order_id} is whole, a block blob, JSON", str(blob))
            checks.that(not blob["md5"] or base64.b64decode(blob["md5"]) == hashlib.md5(content, usedforsecurity=False).digest(),
                        f"its stored MD5 is its own ({order.order_id})", str(blob))


if __name__ == "__main__":
    run(test, lambda: azurite_missing() or peers.npm_missing("@azure/storage-blob"))
