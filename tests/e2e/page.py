#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page in headless Chromium, on azmon-local with the three services' real data; screenshots stay in build/screenshots/."""

import os
import shutil
import subprocess

from support import ROOT, Checks, System, blobs, default_programs, orders_of, run, say, skip, work_directory

_PROGRAM = ROOT / "local/web/e2e/run.mjs"


def test(checks: Checks):
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        skip("no Chromium: ./dev test installs it on Debian")
    if not (ROOT / "local/web/node_modules/playwright-core").exists():
        skip("no playwright-core in local/web/node_modules: ./dev test installs it")
    with System(default_programs(), work_directory("page")) as system:
        checkout = system.checkout(24, 8)
        checks.that(checkout.wait(60) == 0, "orders go through", checkout.log_end())
        # Failures belong to what the page must show.
        system.services["receipt"].stop()
        system.checkout(3, 4).wait(60)
        system.start_service("receipt", 8002, 9002, AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(system.azurite.port),
                             STORAGE_ACCOUNT_CONTAINER_NAME="receipts")
        system.wait_service("receipt")
        last = system.checkout(6, 4)
        checks.that(last.wait(60) == 0, "orders go through again", last.log_end())
        orders = orders_of(checkout.output()) + orders_of(last.output())
        if not checks.whole(system, [order.trace_id for order in orders], 30, "the page has whole traces to show"):
            return
        out = ROOT / "build/screenshots"
        out.mkdir(parents=True, exist_ok=True)
        result = subprocess.run(
            ["node", str(_PROGRAM), "--base", system.local.page.rstrip("/"), "--out", str(out), "--trace", orders[-1].trace_id],
            cwd=_PROGRAM.parents[1], env=os.environ | {"AZMON_LOCAL": str(default_programs() / "azmon-local")},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
        say(result.stdout.rstrip())
        if result.stderr.strip():
            say(result.stderr.rstrip())
        count(checks, result)
        say(f"screenshots: {out}")


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
