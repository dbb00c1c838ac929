# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: counting, skipping, and the system of tools/system."""

import os
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from system import blobs, checks, trace  # noqa: E402,F401
from system.checks import run_test, skip_all  # noqa: E402,F401
from system.processes import Failure, Process, environment_without, http, port, say, wait_until  # noqa: E402,F401
from system.whole import AzmonLocal, Order, System, azurite_missing, default_programs, orders_of  # noqa: E402,F401


class Checks(checks.Checks):
    """Those of all tests, and what is asked of a whole system again and again."""

    def whole(self, system: System, trace_ids: list[str], seconds: float, claim: str, sources=("breeze", "otlp")) -> bool:
        wrong = system.wait_whole(trace_ids, seconds, sources)
        shown = "\n        ".join(f"{trace_id} by {source}: {'; '.join(found[:3])}" for trace_id, by in list(wrong.items())[:3]
                                  for source, found in by.items())
        return self.that(not wrong, claim, f"{len(wrong)} of {len(trace_ids)} are not\n        {shown}")

    def accounts(self, system: System, name: str):
        """accepted = delivered + dropped + in_journal, for each destination, and nothing was dropped."""
        for destination, state in system.telemetryz(name).items():
            dropped = sum(state["dropped"].values())
            self.that(state["accepted"] == state["delivered"] + dropped + state["in_journal"],
                      f"{name}'s account for {destination} adds up", str(state))
            self.that(dropped == 0, f"{name} dropped nothing for {destination}", str(state))


def seed() -> int:
    """The seed of ./dev test --seed, told so that the run can be replayed."""
    found = int(os.environ.get("AZMON_TEST_SEED") or random.SystemRandom().randint(1, 99_999))
    say(f"seed={found}")
    return found


def work_directory(name: str) -> pathlib.Path:
    return ROOT / "build/e2e" / name


def run(test, missing=azurite_missing) -> None:
    """`missing()` says why the test cannot run here."""
    run_test(test, Checks(), missing())
