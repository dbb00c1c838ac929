#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The destinations of telemetry are away for a while: orders do not notice, and everything arrives afterwards."""

import urllib.parse

from support import AzmonLocal, Checks, System, default_programs, orders_of, run, wait_until, work_directory


def port_of(url: str) -> int:
    return urllib.parse.urlsplit(url if "://" in url else f"http://{url}").port


def test(checks: Checks):
    work = work_directory("outage")
    with System(default_programs(), work) as system:
        ready = system.local.ready
        ports = {"port": port_of(ready["page"]), "otlp-grpc-port": port_of(ready["otlpGrpc"]), "otlp-http-port": port_of(ready["otlpHttp"])}
        warm = system.checkout(2, 10)
        checks.that(warm.wait(60) == 0, "orders go through before", warm.log_end())
        system.local.process.kill()
        checkout = system.checkout(40, 2)
        wait_until(lambda: len(orders_of(checkout.output())) >= 10, 60, "10 orders are done without a destination", [checkout])
        early = orders_of(checkout.output())
        checks.that(all(order.ok for order in early), "orders succeed while nobody takes telemetry", checkout.log_end())
        for name in system.services:
            state = system.telemetryz(name)
            waiting = {destination: values["in_journal"] for destination, values in state.items()}
            checks.that(all(waiting.values()), f"{name} keeps what it cannot send", str(state))
        system.local = AzmonLocal(default_programs(), work, ports=ports)
        system.local.start()
        system.local.wait_ready()
        checks.that(checkout.wait(120) == 0, "checkout ends with 0", checkout.log_end())
        orders = orders_of(checkout.output())
        checks.that(len(orders) == 40 and all(order.ok for order in orders), "all 40 orders are told as ok", checkout.log_end())
        checks.whole(system, [order.trace_id for order in orders], 60, "all 40 traces arrive whole by both ways")
        for name in system.services:
            checks.accounts(system, name)


if __name__ == "__main__":
    run(test)
