# SPDX-License-Identifier: MIT
"""What the tests that are Python programs share: counting, skipping, and the end that ctest and ./dev test read."""

import sys
import traceback

from .processes import Failure, raise_on_signals, say

_SKIP = 77


class Checks:
    """Counts claims; a failed one is told and the rest goes on. What cannot be looked at here is skipped with its reason."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def that(self, good, claim: str, details: str = "") -> bool:
        if good:
            self.passed += 1
        else:
            self.failed += 1
        say(f"{'ok    ' if good else 'FAILED'}  {claim}" + (f"\n        {details}" if details and not good else ""))
        return bool(good)

    def skip(self, claim: str, reason: str):
        self.skipped += 1
        say(f"skipped: {claim}: {reason}")


def skip_all(reason: str):
    """Ends the program as a skipped test."""
    say(f"skipped: {reason}")
    sys.exit(_SKIP)


def run_test(test, checks: Checks, missing: str = "") -> None:
    """Runs `test(checks)`, prints the counts as the last line, and ends with the exit code that ctest reads.

    `missing` says why the test cannot run here; where it is not empty the test is skipped."""
    raise_on_signals()
    if missing:
        skip_all(missing)
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
