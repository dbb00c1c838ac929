#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev demo keeps its contract: counts, last line, exit code, the JSON file, and no process is left behind."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from support import ROOT, Checks, http, run, work_directory


def processes_of(directory: pathlib.Path) -> list[str]:
    """Command lines of what still runs with its output in `directory`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "fd/1").startswith(str(directory)):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
    return found


def demo(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, str(ROOT / "tools/demo.py"), "--work", str(work_directory("demo")), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def test(checks: Checks):
    work = work_directory("demo")
    work.mkdir(parents=True, exist_ok=True)
    report = work / "demo.json"
    report.unlink(missing_ok=True)
    process = demo("--orders=3", "--exit", "--json", str(report))
    output, _ = process.communicate(timeout=170)
    lines = output.rstrip().splitlines()
    checks.that(process.returncode == 0, "exit code 0", output)
    checks.that(lines and lines[-1] == "demo: 3 orders, 3 receipts, 3 whole traces by azure, 3 by otlp", "the last line", output)
    checks.that(sum(" internal " in line or " client " in line or " server " in line for line in lines) == 9, "the tree has nine spans", output)
    written = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    orders = written.get("orders", [])
    checks.that(len(orders) == 3 and all(order["receipt"] and order["whole"] == {"azure": True, "otlp": True} for order in orders),
                "the file tells of three whole orders", json.dumps(written))
    checks.that(written.get("page", "").startswith("http://") and written.get("connectionString", "").startswith("InstrumentationKey="),
                "the file has the page and the connection string", json.dumps(written))
    checks.that(not processes_of(work), "nothing is left running", str(processes_of(work)))

    staying = demo("--orders=1", "--stay")
    page, told = "", []
    for line in staying.stdout:
        told.append(line)
        if line.startswith("page "):
            page = line.split()[1]
        if line.startswith("demo: "):
            break
    time.sleep(0.5)
    status, _, body = http("GET", page)
    checks.that(staying.poll() is None and status == 200 and b"<html" in body.lower(), "it stays and the page answers", "".join(told))
    staying.send_signal(signal.SIGINT)
    staying.communicate(timeout=60)
    checks.that(staying.returncode == 0, "Ctrl-C ends it with 0", str(staying.returncode))
    checks.that(not processes_of(work), "and ends all that it started", str(processes_of(work)))

    wrong = demo("--orders", "none")
    wrong.communicate(timeout=20)
    checks.that(wrong.returncode == 2, "a wrong argument is exit code 2", str(wrong.returncode))


if __name__ == "__main__":
    run(test)
