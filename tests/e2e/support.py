# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: counting, skipping, and the system of tools/system."""

import os
import pathlib
import random
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from system import blobs, trace  # noqa: E402,F401
from system.processes import Failure, Process, environment_without, http, port, raise_on_signals, say, wait_until  # noqa: E402,F401
from system.whole import AzmonLocal, Order, System, azurite_missing, default_programs, orders_of  # noqa: E402,F401

_SKIP = 77


class Checks:
    """Counts claims; a failed one is told and the rest goes on."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def that(self, good, claim: str, details: str = "") -> bool:
        if good:
            self.passed += 1
        else:
            self.failed += 1
        say(f"{'ok    ' if good else 'FAILED'}  {claim}" + (f"\n        {details}" if details and not good else ""))
        return bool(good)

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


def skip(reason: str):
    print(f"skipped: {reason}", flush=True)
    sys.exit(_SKIP)


def work_directory(name: str) -> pathlib.Path:
    return ROOT / "build/e2e" / name


def run(test, missing=azurite_missing) -> None:
    """Runs `test(checks)`, prints the counts as the last line, and ends with the exit code that ctest reads.

    `missing()` says why the test cannot run here; then it is skipped."""
    raise_on_signals()
    if reason := missing():
        skip(reason)
    checks = Checks()
    try:
        test(checks)
    except Failure as failure:
        checks.that(False, "the test came to its end", str(failure))
    except KeyboardInterrupt:
        checks.that(False, "the test came to its end", "it was told to stop")
    except Exception:  # noqa: BLE001  a broken test is a failed one, with its counts
        checks.that(False, "the test came to its end", traceback.format_exc())
    say(f"{checks.passed} passed, {checks.failed} failed" + (f", {checks.skipped} skipped" if checks.skipped else ""))
    sys.exit(1 if checks.failed else 0)
