#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Orders through the real programs and the real Azurite: a receipt each, and one whole trace each by both ways."""

import json
import time

from support import Checks, System, blobs, default_programs, http, orders_of, run, trace, work_directory

_ORDERS = 25


def both_ways(checks: Checks):
    with System(default_programs(), work_directory("both-ways")) as system:
        checkout = system.checkout(_ORDERS, 10)
        checks.that(checkout.wait(120) == 0, "checkout ends with 0", checkout.log_end())
        orders = orders_of(checkout.output())
        checks.that(len(orders) == _ORDERS and all(order.ok for order in orders), "every order is told as ok", checkout.log_end())
        checks.that(len({order.order_id for order in orders}) == _ORDERS, "every order has an id of its own")
        checks.that(len({order.trace_id for order in orders}) == _ORDERS, "every order has a trace of its own")
        receipts = [blobs.receipt_of(system.azurite.port, order.order_id) for order in orders]
        checks.that(all(receipt and str(receipt["orderId"]) == order.order_id for receipt, order in zip(receipts, orders)),
                    "Azurite has the receipt of every order")
        if not checks.whole(system, [order.trace_id for order in orders], 30, "every trace is whole by azure and by otlp"):
            return
        the_same_spans(checks, system, orders)
        one_trace(checks, system, orders[0])
        the_same_again(checks, system)
        no_receipt_no_success(checks, system)
        for name in system.services:
            checks.accounts(system, name)
        codes = system.stop()
        for name in ("order-processor", "receipt", "azmon-local"):
            checks.that(codes[name] == 0, f"{name} ends with 0 on SIGTERM", str(codes[name]))


def the_same_spans(checks: Checks, system: System, orders):
    different = []
    for order in orders:
        items = system.local.items(order.trace_id)
        azure, otlp = ({item["id"] for item in trace.spans(items, source)} for source in ("breeze", "otlp"))
        if azure != otlp or len(azure) != len(trace.STEPS):
            different.append(f"{order.trace_id}: {len(azure)} by azure, {len(otlp)} by otlp")
    checks.that(not different, "both ways bring the same nine spans, each once", "; ".join(different[:3]))


def one_trace(checks: Checks, system: System, order):
    items = system.local.items(order.trace_id)
    for source in ("breeze", "otlp"):
        found = {(item["name"].split(" ")[0] if trace.kind(item) == "client" else item["name"], item["cloud_RoleName"]): item
                 for item in trace.spans(items, source)}
        for name, role in (("place order", "checkout"), ("process order", "order-processor"), ("write receipt", "receipt")):
            dimensions = found[name, role].get("customDimensions") or {}
            checks.that(str(dimensions.get("order.id")) == order.order_id, f"'{name}' has the order's id, by {source}", json.dumps(dimensions))
        dimensions = found["BlobClient.PutBlob", "receipt"].get("customDimensions") or {}
        checks.that(dimensions.get("az.namespace") == "Microsoft.Storage", f"the blob's span has its namespace, by {source}", json.dumps(dimensions))
        servers = [item for item in trace.spans(items, source) if trace.kind(item) == "server"]
        checks.that(all(str(item.get("resultCode")) == "200" and item.get("success") for item in servers),
                    f"the server spans have result 200, by {source}", str([(item.get("resultCode"), item.get("success")) for item in servers]))


def post(system: System, order: dict) -> int:
    return http("POST", f"{system.url('order-processor')}/orders", json.dumps(order).encode(), {"Content-Type": "application/json"})[0]


def the_same_again(checks: Checks, system: System):
    order = {"orderId": 9001, "amount": 1}
    checks.that([post(system, order), post(system, order)] == [200, 200], "the same order twice is one order")
    checks.that(post(system, {"orderId": "9001", "amount": 1}) == 200, "42 and \"42\" are the same order")
    checks.that(post(system, {"orderId": 9001, "amount": 2}) == 409, "the same id with another content is a conflict")
    checks.that(str((blobs.receipt_of(system.azurite.port, "9001") or {}).get("orderId")) == "9001", "the receipt is the first one's")


def no_receipt_no_success(checks: Checks, system: System):
    checks.that(system.services["receipt"].stop() == 0, "receipt ends with 0 while nothing is asked of it")
    checkout = system.checkout(2, 10)
    code = checkout.wait(60)
    orders = orders_of(checkout.output())
    checks.that(code == 1 and len(orders) == 2 and not any(order.ok for order in orders), "without receipt no order is told as ok", checkout.log_end())
    status = post(system, {"orderId": 9002})
    checks.that(status in (503, 504), "order-processor says that a peer is down", str(status))
    system.start_service("receipt", 8002, 9002, AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(system.azurite.port),
                         STORAGE_ACCOUNT_CONTAINER_NAME="receipts")
    system.wait_service("receipt")
    checkout = system.checkout(3, 10)
    checks.that(checkout.wait(60) == 0, "with receipt back orders go through again", checkout.log_end())
    orders = orders_of(checkout.output())
    checks.whole(system, [order.trace_id for order in orders], 30, "and their traces are whole")


def one_way(checks: Checks, name: str, source: str, other: str, **destinations: bool):
    with System(default_programs(), work_directory(name), **destinations) as system:
        checkout = system.checkout(3, 10)
        checks.that(checkout.wait(60) == 0, f"{name}: checkout ends with 0", checkout.log_end())
        orders = orders_of(checkout.output())
        checks.whole(system, [order.trace_id for order in orders], 30, f"{name}: every trace is whole", sources=(source,))
        time.sleep(1.5)  # longer than a batch waits: whatever would come by the other way has come
        others = [item for order in orders for item in system.local.items(order.trace_id) if item["source"] == other]
        checks.that(not others, f"{name}: nothing comes by the other way", str(len(others)))


def test(checks: Checks):
    both_ways(checks)
    one_way(checks, "azure alone", "breeze", "otlp", otlp=False)
    one_way(checks, "otlp alone", "otlp", "breeze", azure=False)


if __name__ == "__main__":
    run(test)
