#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page in headless Chromium, on azmon-local with the three services' real data; screenshots stay in build/screenshots/."""

import pathlib
import shutil
import subprocess

from support import ROOT, Checks, System, default_programs, orders_of, run, say, seed, skip_all, work_directory

SCREENSHOTS = ROOT / "build/screenshots"
_PROGRAM = ROOT / "local/web/e2e/run.mjs"


def test(checks: Checks):
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        skip_all("no Chromium: ./dev test installs it on Debian")
    if not (ROOT / "local/web/node_modules/playwright-core").exists():
        skip_all("no playwright-core in local/web/node_modules: ./dev test installs it")
    with System(default_programs(), work_directory("page")) as system:
        checkout = system.checkout(30, 8)
        checks.that(checkout.wait(60) == 0, "orders go through", checkout.log_end())
        orders = orders_of(checkout.output())
        if not checks.whole(system, [order.trace_id for order in orders], 30, "the page has whole traces to show"):
            return
        look(checks, system, SCREENSHOTS, "--keep")
        # The other half: orders that fail, and the program's own items, which look at live updates, errors and the empty state.
        system.services["receipt"].stop()
        system.checkout(3, 4).wait(60)
        # Its last metrics are sent before others are added to them.
        system.services["order-processor"].stop()
        look(checks, system, SCREENSHOTS / "seeded", "--seed", "--number", str(seed()))
        say(f"screenshots: {SCREENSHOTS}")


def look(checks: Checks, system: System, out: pathlib.Path, *arguments: str):
    out.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        ["node", str(_PROGRAM), "--base", system.local.page.rstrip("/"), "--out", str(out), *arguments], cwd=_PROGRAM.parents[1],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=420, check=False)
    say(result.stdout.rstrip())
    if result.stderr.strip():
        say(result.stderr.rstrip())
    count(checks, result)


def count(checks: Checks, result: subprocess.CompletedProcess):
    """Adds the counts of the last line, `N passed, N failed`."""
    lines = result.stdout.strip().splitlines()
    words = lines[-1].replace(",", "").split() if lines else []
    if len(words) >= 4 and words[1] == "passed" and words[3] == "failed":
        checks.passed += int(words[0])
        checks.failed += int(words[2])
        if result.returncode != 0 and int(words[2]) == 0:
            checks.that(False, "run.mjs ends with 0", str(result.returncode))
    else:
        checks.that(False, "run.mjs came to its end", f"exit code {result.returncode}")


if __name__ == "__main__":
    run(test)
