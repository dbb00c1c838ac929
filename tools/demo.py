#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev demo: the whole system on this machine, a few orders, and the trace of one of them."""

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from system import blobs, trace  # noqa: E402
from system.processes import Failure, fail, raise_on_signals, say, wait_until  # noqa: E402
from system.whole import ROOT, Order, System, default_programs, orders_of  # noqa: E402

# How long after the last order a span may take to arrive; healthy it is about two seconds.
_ARRIVAL_SECONDS = 30.0


@dataclasses.dataclass
class Outcome:
    orders: int = 0
    receipts: int = 0
    azure: int = 0
    otlp: int = 0

    def line(self) -> str:
        return f"demo: {self.orders} orders, {self.receipts} receipts, {self.azure} whole traces by azure, {self.otlp} by otlp"

    def ok(self) -> bool:
        return self.orders == self.receipts == self.azure == self.otlp


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev demo", allow_abbrev=False)
    parser.add_argument("--orders", type=int, default=10)
    parser.add_argument("--rate", type=float, default=5.0, help="orders a second")
    ending = parser.add_mutually_exclusive_group()
    ending.add_argument("--exit", action="store_true", help="end when done, also on a terminal")
    ending.add_argument("--stay", action="store_true", help="stay until Ctrl-C, also without a terminal")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/demo", help=argparse.SUPPRESS)
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args()
    if not 1 <= found.orders <= 100_000:
        parser.error("--orders: 1 to 100000")
    if not 0 < found.rate <= 10_000:
        parser.error("--rate: above 0, at most 10000")
    return found


def place_orders(system: System, count: int, rate: float) -> list[Order]:
    say(f"placing {count} orders, {rate:g} a second")
    checkout = system.checkout(count, rate)
    try:
        started = told = time.monotonic()
        live = sys.stdout.isatty()
        limit = 60 + count / rate + count * 5  # every call of an order ends within 5 s
        while checkout.exit_code() is None:
            time.sleep(0.1)
            if time.monotonic() - started > limit:
                raise Failure(f"checkout still runs after {limit:.0f} s; log: {checkout.log}\n{checkout.log_end()}")
            if live or time.monotonic() - told > 15:
                told = time.monotonic()
                text = f"  {len(orders_of(checkout.output()))} of {count} orders, {told - started:.0f} s"
                print(f"\r{text}\033[K" if live else text, end="" if live else "\n", flush=True)
        if live:
            print("\r\033[K", end="", flush=True)
    finally:
        checkout.stop()
    orders = orders_of(checkout.output())
    failed = [order for order in orders if not order.ok]
    for order in failed[:5]:
        say(f"  {order.line}")
    if len(orders) != count or (checkout.exit_code() != 0) != bool(failed):
        say(f"checkout told of {len(orders)} of {count} orders and ended with exit code {checkout.exit_code()}; log: {checkout.log}\n"
            f"{checkout.log_end()}")
    return orders


def azure_elsewhere(system: System, seconds: float) -> bool:
    """Where Azure's share went to a real Application Insights: whether the services say that all of it was taken."""
    def all_taken():
        states = [system.telemetryz(name)["azure"] for name in system.services]
        return all(state["accepted"] and state["accepted"] == state["delivered"] for state in states)
    try:
        return wait_until(all_taken, seconds, "Application Insights has taken all that the services sent")
    except Failure as failure:
        say(str(failure))
        return False


def check_orders(system: System, orders: list[Order], elsewhere: bool) -> tuple[Outcome, list[dict]]:
    outcome, report = Outcome(orders=len(orders)), []
    sources = {"otlp": "otlp"} if elsewhere else {"azure": "breeze", "otlp": "otlp"}
    wrong = system.wait_whole([order.trace_id for order in orders], _ARRIVAL_SECONDS, tuple(sources.values()))
    taken = azure_elsewhere(system, _ARRIVAL_SECONDS) if elsewhere else False
    told = 0
    for order in orders:
        receipt = blobs.receipt_of(system.azurite.port, order.order_id)
        has_receipt = receipt is not None and str(receipt.get("orderId")) == order.order_id
        problems = wrong.get(order.trace_id, {})
        whole = {name: source not in problems for name, source in sources.items()} | ({"azure": taken} if elsewhere else {})
        outcome.receipts += has_receipt
        outcome.azure += whole["azure"]
        outcome.otlp += whole["otlp"]
        report.append({"orderId": order.order_id, "traceId": order.trace_id, "receipt": has_receipt,
                       "whole": {"azure": whole["azure"], "otlp": whole["otlp"]}})
        if (problems or not has_receipt) and told < 3:
            told += 1
            say(f"order {order.order_id}, trace {order.trace_id}:" + ("" if has_receipt else " no receipt"))
            for name, source in sources.items():
                for problem in problems.get(source, [])[:4]:
                    say(f"  by {name}: {problem}")
    return outcome, report


def show_trace(system: System, orders: list[Order], source: str):
    good = [order for order in orders if order.ok] or orders
    if not good:
        return
    order = good[-1]  # the first one pays for connections that the others find open
    items = system.local.items(order.trace_id)
    say("")
    say(f"order {order.order_id}, trace {order.trace_id}")
    for line in trace.tree(items, source, trace.wants_colour(sys.stdout), shutil.get_terminal_size((110, 24)).columns):
        say(line)
    say("")
    say(f"this trace          {system.local.link(order.trace_id)}")


def run(options: argparse.Namespace) -> int:
    foreign = os.environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING")
    if foreign:
        say("APPLICATIONINSIGHTS_CONNECTION_STRING is set: Azure's share goes there, OTLP to azmon-local. Whether Azure's traces are "
            "whole is counted by what the services were told of it.")
    say("starting azmon-local, Azurite, receipt and order-processor")
    with System(default_programs(), options.work, usual_ports=True, connection_string=foreign) as system:
        orders = place_orders(system, options.orders, options.rate)
        outcome, report = check_orders(system, orders, bool(foreign))
        show_trace(system, orders, "otlp" if foreign else "breeze")
        say(f"page                {system.local.page}")
        say(f"connection string   {system.local.ready['connectionString']}")
        if options.json:
            options.json.write_text(json.dumps({
                "orders": report, "page": system.local.page, "connectionString": system.local.ready["connectionString"]}) + "\n",
                encoding="utf-8")
        say(outcome.line())
        if options.stay or (sys.stdout.isatty() and not options.exit):
            stay(system)
    return 0 if outcome.ok() and outcome.orders == options.orders else 1


def stay(system: System):
    print("everything stays up until Ctrl-C", file=sys.stderr, flush=True)
    processes = [system.local.process, system.azurite.process, *system.services.values()]
    try:
        while True:
            time.sleep(0.5)
            for process in processes:
                if process.exit_code() is not None:
                    raise Failure(f"{process.name} ended with exit code {process.exit_code()}; log: {process.log}\n{process.log_end()}")
    except KeyboardInterrupt:
        print("", file=sys.stderr, flush=True)


def main() -> int:
    options = arguments()
    if options.check_arguments:
        return 0
    raise_on_signals()
    try:
        return run(options)
    except Failure as failure:
        return fail(f"demo: {failure}")
    except KeyboardInterrupt:
        return fail("demo: ended before it was done")


if __name__ == "__main__":
    sys.exit(main())
