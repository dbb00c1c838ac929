#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGTERM under orders: each service ends with 0 within its deadline, loses no span, and its successor serves again."""

import signal
import time

from support import Checks, System, blobs, default_programs, orders_of, run, wait_until, work_directory

# Drain of open requests, then what the telemetry needs; a Container App gives 30 s.
_END_SECONDS = 15.0


def told_ok(output: str):
    return [order for order in orders_of(output) if order.ok]


def end_under_load(checks: Checks, name: str, restart):
    with System(default_programs(), work_directory(f"sigterm-{name}")) as system:
        checkout = system.checkout(60, 20)
        wait_until(lambda: len(told_ok(checkout.output())) >= 15, 60, "15 orders are done", [checkout])
        process = system.services[name]
        code = process.stop(_END_SECONDS)
        checks.that(code == 0, f"{name} ends with 0 on SIGTERM under load", f"{code}\n{process.log_end()}")
        checks.that(process.stopped_in < _END_SECONDS, f"{name} ends within {_END_SECONDS:.0f} s", f"{process.stopped_in:.1f} s")
        restart(system)
        system.wait_service(name)
        checkout.wait(180)
        done = told_ok(checkout.output())
        receipts = [order for order in done if blobs.receipt_of(system.azurite.port, order.order_id) is None]
        checks.that(not receipts, f"{name}: every order told as ok has its receipt ({len(done)} of 60)")
        checks.whole(system, [order.trace_id for order in done], 30, f"{name}: every order told as ok has its whole trace by both ways")
        after = system.checkout(3, 10)
        checks.that(after.wait(60) == 0, f"{name}: its successor serves", after.log_end())


def restart_receipt(system: System):
    system.start_service("receipt", 8002, 9002, AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(system.azurite.port),
                         STORAGE_ACCOUNT_CONTAINER_NAME="receipts")


def restart_order_processor(system: System):
    system.start_service("order-processor", 8001, 9001, SERVICE_RECEIPT_API_NAME=f"127.0.0.1:{system.ports['receipt']}")


def end_checkout(checks: Checks, number: int, name: str):
    with System(default_programs(), work_directory(f"sigterm-checkout-{name}")) as system:
        checkout = system.checkout(0, 20)  # for ever
        wait_until(lambda: len(told_ok(checkout.output())) >= 15, 60, "15 orders are done", [checkout])
        started = time.monotonic()
        checkout.signal(number)
        code = checkout.wait(_END_SECONDS)
        checks.that(code == 0, f"checkout ends with 0 on {name}", f"{code}, after {time.monotonic() - started:.1f} s\n{checkout.log_end()}")
        orders = orders_of(checkout.output())
        checks.that(all(order.ok for order in orders), f"{name}: no order is given up", checkout.log_end())
        checks.whole(system, [order.trace_id for order in orders], 30, f"{name}: all {len(orders)} orders have whole traces")


def test(checks: Checks):
    end_under_load(checks, "receipt", restart_receipt)
    end_under_load(checks, "order-processor", restart_order_processor)
    end_checkout(checks, signal.SIGTERM, "SIGTERM")
    end_checkout(checks, signal.SIGINT, "SIGINT")


if __name__ == "__main__":
    run(test)
