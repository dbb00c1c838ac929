#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev soak: the whole system under orders for a long time; no span may be lost and no process may grow without end."""

import argparse
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from system import blobs  # noqa: E402
from system.processes import Failure, fail, raise_on_signals, say, wait_until  # noqa: E402
from system.whole import ROOT, System, default_programs, orders_of  # noqa: E402

# A service may grow this much after its first minute: pools and the allocator settle later than that.
_GROWTH_KIB_MAX = 32 * 1024
_TRACES_CHECKED = 200


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev soak", allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=20.0, help="orders a second")
    parser.add_argument("--orders", type=int, help="this many instead of --minutes")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="resident memory of each process, KiB")
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.minutes <= 0 or found.rate <= 0 or (found.orders is not None and found.orders < 1):
        parser.error("--minutes, --rate and --orders are above 0")
    return found


def memory(system: System) -> dict[str, int]:
    return {name: process.resident_kib() for name, process in {**system.services, "azmon-local": system.local.process}.items()}


def soak(options: argparse.Namespace) -> list[str]:
    count = options.orders or max(1, round(options.minutes * 60 * options.rate))
    wrong = []
    with System(default_programs(), ROOT / "build/soak") as system:
        started = told = time.monotonic()
        idle = memory(system)
        checkout = system.checkout(count, options.rate)
        settled, last_checkout = None, 0
        while checkout.exit_code() is None:
            time.sleep(0.5)
            for process in system.services.values():
                if process.exit_code() is not None:
                    raise Failure(f"{process.name} ended with {process.exit_code()}; log: {process.log}\n{process.log_end()}")
            try:
                last_checkout = checkout.resident_kib() or last_checkout
            except OSError:
                pass  # it has just ended
            if settled is None and time.monotonic() - started > 60:
                settled = memory(system)
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say(f"{told - started:.0f} s: {len(orders_of(checkout.output()))} of {count} orders; resident KiB: {memory(system)}")
        orders = orders_of(checkout.output())
        failed = [order.line for order in orders if not order.ok]
        if len(orders) != count or failed or checkout.exit_code() != 0:
            wrong.append(f"{len(orders)} of {count} orders, {len(failed)} failed, exit code {checkout.exit_code()}: {failed[:3]}")
        end = memory(system)
        for name in system.services:
            wrong += account(system, name)
            if settled and end[name] - settled[name] > _GROWTH_KIB_MAX:
                wrong.append(f"{name} grew from {settled[name]} to {end[name]} KiB after its first minute")
        chosen = random.SystemRandom().sample(orders[-5000:], min(_TRACES_CHECKED, len(orders)))
        for trace_id, found in list(system.wait_whole([order.trace_id for order in chosen], 60).items())[:5]:
            wrong.append(f"trace {trace_id}: {found}")
        missing = [order.order_id for order in chosen if blobs.receipt_of(system.azurite.port, order.order_id) is None]
        if missing:
            wrong.append(f"no receipt of {missing[:5]}")
        figures = {"orders": len(orders), "seconds": round(time.monotonic() - started, 1),
                   "residentKiB": {"checkout": {"end": last_checkout}} | {name: {"start": idle[name], "end": end[name]} for name in end}}
        say(json.dumps(figures))
        if options.json:
            options.json.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return wrong


def account(system: System, name: str) -> list[str]:
    """Waits until all is delivered; what does not add up."""
    def delivered():
        state = system.telemetryz(name)
        return all(values["in_journal"] == 0 for values in state.values()) and state
    try:
        state = wait_until(delivered, 60, f"{name} has delivered everything", pause=0.5)
    except Failure as failure:
        return [str(failure)]
    return [f"{name} for {destination}: {values}" for destination, values in state.items()
            if values["accepted"] != values["delivered"] or any(values["dropped"].values())]


def main() -> int:
    options = arguments()
    if options.check_arguments:
        return 0
    raise_on_signals()
    try:
        wrong = soak(options)
    except Failure as failure:
        return fail(f"soak: {failure}")
    except KeyboardInterrupt:
        return fail("soak: ended before it was done")
    for text in wrong:
        say(text)
    say("soak: nothing lost, nothing grown" if not wrong else f"soak: {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
