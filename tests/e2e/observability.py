#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the services say beside their spans arrives in azmon-local by both ways: logs in their transaction, exceptions, metrics."""

import json
import secrets

from support import Checks, System, default_programs, http, run, wait_until, work_directory

_BOTH = ("breeze", "otlp")
_HTTP_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


def post(system: System, order: dict, trace_id: str) -> int:
    headers = {"Content-Type": "application/json", "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    return http("POST", f"{system.url('order-processor')}/orders", json.dumps(order).encode(), headers)[0]


def found(system: System, item_type: str) -> list[dict]:
    return system.local.api(f"items?itemType={item_type}&limit=1000")["items"]


def logs_of_a_failure(checks: Checks, system: System):
    good, bad = secrets.token_hex(16), secrets.token_hex(16)
    checks.that(post(system, {"orderId": "log-1"}, good) == 200, "an order succeeds")
    checks.that(post(system, {"orderId": "log-1", "note": "other"}, bad) == 409, "the same id with another content is a conflict")
    expected = {("receipt", "an order came again with another content"), ("order-processor", "an order was not processed")}

    def logs(trace_id: str, source: str) -> list[dict]:
        return [item for item in system.local.items(trace_id) if item["itemType"] == "trace" and item["source"] == source]
    for source in _BOTH:
        wait_until(lambda: {(item["cloud_RoleName"], item["message"]) for item in logs(bad, source)} >= expected, 20,
                   f"the logs of the failed order have come by {source}", list(system.services.values()))
        items = logs(bad, source)
        checks.that({(item["cloud_RoleName"], item["message"]) for item in items} == expected, f"each service tells of the failure once, by {source}", str(items))
        spans = {item["id"] for item in system.local.items(bad) if item["source"] == source and item["itemType"] in ("request", "dependency")}
        checks.that(all(item["operation_ParentId"] in spans for item in items), f"each log belongs to a span of its transaction, by {source}", str(items))
        checks.that(all((item.get("customDimensions") or {}).get("order.id") == "log-1" for item in items), f"and names the order, by {source}", str(items))
        checks.that(not logs(good, source), f"an order that succeeds is not told of, by {source}")
    exceptions = [item for item in system.local.items(bad) if item["itemType"] == "exception"]
    for source in _BOTH:
        roles = sorted(item["cloud_RoleName"] for item in exceptions if item["source"] == source)
        checks.that(roles == ["order-processor", "receipt"], f"the failure is an exception of both services, by {source}", str(exceptions))


def metrics(checks: Checks, system: System):
    wanted = {"order-processor": {"http.server.request.duration", "http.client.request.duration", "orders.processed", "peer.breaker.state"},
              "receipt": {"http.server.request.duration", "http.client.request.duration", "receipts"}}

    def seen(source: str) -> dict[str, set[str]]:
        names: dict[str, set[str]] = {}
        for item in found(system, "metric"):
            if item["source"] == source:
                names.setdefault(item["cloud_RoleName"], set()).add(item["name"])
        return names
    for source in _BOTH:
        wait_until(lambda: all(names <= seen(source).get(role, set()) for role, names in wanted.items()), 30,
                   f"the metrics have come by {source}; so far {seen(source)}", list(system.services.values()))
        checks.that(True, f"HTTP durations and the shop's own numbers arrive by {source}")
    receipts = {(item.get("customDimensions") or {}).get("outcome") for item in found(system, "metric") if item["name"] == "receipts"}
    checks.that({"written", "conflict"} <= receipts, "receipts are counted by what became of them", str(receipts))
    durations = [item for item in found(system, "metric") if item["name"] == "http.server.request.duration" and item["source"] == "otlp"]
    bounds = bounds_of(system.local.api(f"items/{durations[0]['seq']}/raw"))
    checks.that(bounds == _HTTP_BOUNDS, "with the bounds of the conventions", str(bounds))


def bounds_of(value) -> list | None:
    """The explicit bounds, wherever they stand in the OTLP JSON."""
    if isinstance(value, dict):
        if "explicitBounds" in value:
            return [float(bound) for bound in value["explicitBounds"]]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            if (inner := bounds_of(part)) is not None:
                return inner
    return None


def local_lines(checks: Checks, system: System):
    for name, process in system.services.items():
        lines = [line for line in process.output().splitlines() if line.startswith("{")]
        parsed = [json.loads(line) for line in lines]
        checks.that(parsed and all(line["service"] == name and line["time"] and line["level"] for line in parsed), f"{name}'s own lines are JSON where there is no terminal",
                    process.log_end())
        told = [line for line in parsed if line.get("order.id") == "log-1"]
        checks.that(len(told) == 1 and len(told[0]["trace_id"]) == 32, f"{name} tells of the failure with its trace", process.log_end())


def test(checks: Checks):
    with System(default_programs(), work_directory("observability"), environment={"OTEL_METRIC_EXPORT_INTERVAL": "1000"}) as system:
        logs_of_a_failure(checks, system)
        metrics(checks, system)
        local_lines(checks, system)
        for name in system.services:
            checks.accounts(system, name)


if __name__ == "__main__":
    run(test)
