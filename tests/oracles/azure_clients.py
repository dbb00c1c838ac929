#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Microsoft's own SDKs for Node.js and Python as clients of azmon-local: what they send is there, whole and under the right parents, and while
somebody looks at Live Metrics they send to them."""

import re

import peers
from support import AzmonLocal, Checks, Failure, Process, default_programs, http, run, wait_until, work_directory

_FIELDS = {
    "request": {"name": "GET /orders/{id}", "resultCode": "500", "success": False, "url": "http://shop.example/orders/7"},
    "dependency": {"type": "HTTP", "resultCode": "200", "success": True, "data": "http://stock.example:8080/items/7"},
    "trace": {"message": "stock is low"},
    "exception": {},
}

# The clients ask every five seconds whether somebody looks; starting takes them a while on a busy machine.
_LIVE_SECONDS = 60


def items_of(local: AzmonLocal, trace_id: str) -> dict[str, dict]:
    """Item type → the item; waits until each kind is there."""
    def all_kinds():
        found = {item["itemType"]: item for item in local.items(trace_id)}
        return found if _FIELDS.keys() <= found.keys() else None
    return wait_until(all_kinds, 30, f"the items {', '.join(_FIELDS)} of trace {trace_id} are there", [local.process])


def look(checks: Checks, client: str, local: AzmonLocal, trace_id: str):
    try:
        items = items_of(local, trace_id)
    except Failure as failure:
        checks.that(False, f"{client}: every item arrived", f"{failure}; there are {local.items(trace_id)}")
        return
    for kind, fields in _FIELDS.items():
        for field, expected in fields.items():
            # The one for Node.js writes the type Http.
            same = str(items[kind].get(field)).lower() == str(expected).lower()
            checks.that(same, f"{client}: {field} of the {kind} is {expected!r}", str(items[kind]))
        checks.that(items[kind]["source"] == "breeze" and items[kind]["cloud_RoleName"] == "shop", f"{client}: the {kind}'s role is the client's",
                    str(items[kind]))
        if kind != "request":
            checks.that(items[kind]["operation_ParentId"] == items["request"]["id"], f"{client}: the {kind} is under the request", str(items[kind]))
    # With the port or, by the one for Node.js, without.
    checks.that(items["dependency"]["target"].startswith("stock.example"), f"{client}: the dependency's target is its host", str(items["dependency"]))
    checks.that("no such order" in str(items["exception"]), f"{client}: the exception has its message", str(items["exception"]))
    checks.that(items["request"]["customDimensions"].get("order.note") == "Grüße 😀", f"{client}: own attributes are kept", str(items["request"]))


def look_live(checks: Checks, client: str, local: AzmonLocal, command: list[str], variables: dict[str, str], work):
    """Runs the client with Live Metrics on while somebody looks, until its points are there."""
    program = Process(f"azure_client for {client}, live", [*command, str(_LIVE_SECONDS)], peers.environment(variables), work / f"live-{client}.log").start()

    def busy_second():
        # The first point of the one for Node.js has a rate next to nothing: it divides by the time since 1970.
        servers = [server for server in local.api("live/metrics")["servers"] if server["source"] == "live"]
        points = [point for server in servers for point in server["points"]]
        return next(((server, point) for server in servers for point in points if point["requests"] > 1), None)
    try:
        server, point = wait_until(busy_second, _LIVE_SECONDS, f"{client} sends points to Live Metrics", [local.process])
        # Ten a second at most. What it counts as failed, and whether the duration is in seconds, the two clients see differently.
        checks.that(server["role"] == "shop" and point["requests"] < 15 and point["requestMs"] > 0, f"{client}: Live Metrics have its requests",
                    str((server, point)))
        documents = wait_until(lambda: [document for document in local.api("live/metrics")["documents"] if document["type"] == "Request"], _LIVE_SECONDS,
                               f"{client} sends samples to Live Metrics", [local.process])
        checks.that(documents[0]["name"] == "GET /live" and documents[0]["result"] == "500", f"{client}: Live Metrics have a sample of its requests",
                    str(documents[0]))
    except Failure as failure:
        checks.that(False, f"{client}: it speaks Live Metrics", f"{failure}; log: {program.log_end()}")
    finally:
        program.kill()
        http("POST", f"{local.page}api/v1/reset", headers={"X-Azmon-Local": "1"})


def test(checks: Checks):
    work = work_directory("azure_clients")
    local = AzmonLocal(default_programs(), work)
    local.start()
    try:
        local.wait_ready()
        # Both make https:// of the address; azmon-local answers that on the same port, by its own authority.
        variables = {"APPLICATIONINSIGHTS_CONNECTION_STRING": local.ready["connectionString"], "NODE_EXTRA_CA_CERTS": local.ready["caFile"],
                     "REQUESTS_CA_BUNDLE": local.ready["caFile"], "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true"}
        for client, command, missing in (
                ("Node.js", ["node", str(peers.HERE / "azure_client.mjs"), str(peers.NPM)], peers.npm_missing("@azure/monitor-opentelemetry")),
                ("Python", [str(peers.PYTHON), "-B", str(peers.HERE / "azure_client.py")], peers.python_missing("azure.monitor.opentelemetry"))):
            if missing:
                checks.skip(f"{client} as a client", missing)
                continue
            look_live(checks, client, local, command, variables, work)
            before = local.api("stats")["bySource"]["breeze"]
            output = peers.run_to_end(f"azure_client for {client}", command, variables, work)
            found = re.search(r"^trace ([0-9a-f]{32})$", output, re.MULTILINE)
            if checks.that(found, f"{client}: the program came to its end", output):
                look(checks, client, local, found[1])
                stats = local.api("stats")
                checks.that(stats["bySource"]["breeze"] >= before + 5 and stats["rejected"] == 0, f"{client}: the metric arrived, nothing was refused",
                            str(stats))
    finally:
        local.process.stop()


if __name__ == "__main__":
    run(test, lambda: "")
