#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev test: runs ctest and the page's unit tests, and adds them up in one line.

A test of ctest counts as one, unless its last line says `N passed, N failed[, N skipped]`: then as many as it says.
"""

import argparse
import dataclasses
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build/release"
RESULTS = ROOT / "build/test-results"
# Not part of what must pass in every run.
_LEFT_OUT = "soak|bench|deploy|compilers"
_COUNTS = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
_OUTPUT_LINES_SHOWN = 80


@dataclasses.dataclass
class Totals:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    skips: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def line(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev test", allow_abbrev=False)
    parser.add_argument("--label", help="tests with this label alone: unit, conformance, oracles, security, e2e, page, web, …; "
                        f"{', '.join(_LEFT_OUT.split('|'))} run only when asked for so")
    parser.add_argument("--seed", type=int, help="replays the random tests of the run that printed this seed")
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="tests whose name contains one of these")
    found = parser.parse_args()
    if found.seed is not None and not 1 <= found.seed <= 99_999:
        parser.error("--seed: 1 to 99999")
    return found


class Progress:
    """One line that is rewritten on a terminal, else a line every 15 seconds."""

    def __init__(self, title: str):
        self._title, self._live = title, sys.stdout.isatty()
        self._start = self._told = time.monotonic()
        self._text, self._done = "", threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def update(self, text: str):
        self._text = text

    def note(self, text: str):
        print(("\r\033[K" if self._live else "") + text, flush=True)

    def _run(self):
        while not self._done.wait(0.5):
            elapsed = time.monotonic() - self._start
            if self._live:
                print(f"\r{self._title}: {elapsed:.0f} s {self._text}\033[K"[:shutil.get_terminal_size().columns + 4], end="", flush=True)
            elif time.monotonic() - self._told >= 15:
                self._told = time.monotonic()
                print(f"{self._title}: {elapsed:.0f} s: {self._text}", flush=True)

    def end(self):
        self._done.set()
        self._thread.join()
        self.note(f"{self._title}: done in {time.monotonic() - self._start:.0f} s")


def run_with_progress(title: str, command: list[str], log: pathlib.Path, line_of) -> int:
    progress = Progress(title)
    try:
        with open(log, "w", encoding="utf-8") as output, subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace") as process:
            for line in process.stdout:
                output.write(line)
                line_of(line, progress)
        return process.returncode
    finally:
        progress.end()


def run_ctest(options: argparse.Namespace, totals: Totals) -> int:
    report = RESULTS / "ctest.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", str(BUILD), "--output-junit", str(report), "--parallel", str(os.cpu_count() or 2),
               "--test-output-size-passed", "200000", "--test-output-size-failed", "1000000", "--no-tests=ignore"]
    command += ["--label-regex", f"^{re.escape(options.label)}$"] if options.label else ["--label-exclude", f"^({_LEFT_OUT})$"]
    if options.names:
        command += ["--tests-regex", "|".join(re.escape(name) for name in options.names)]

    def line_of(line: str, progress: Progress):
        match = re.match(r"\s*(\d+/\d+) Test +#\d+: (\S+)", line)
        if match:
            progress.update(f"{match[1]} {match[2]}")
            if "***" in line and "***Skipped" not in line:
                progress.note(f"  FAILED {match[2]}")

    code = run_with_progress("ctest", command, RESULTS / "ctest.log", line_of)
    if not report.exists():
        totals.failed += 1
        totals.failures.append(("ctest", (RESULTS / "ctest.log").read_text(encoding="utf-8")))
        return code
    before = totals.failed
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        count_ctest_case(case, totals)
    if code != 0 and totals.failed == before:
        totals.failed += 1
        totals.failures.append(("ctest", f"exit code {code}, though no test failed; log: {RESULTS / 'ctest.log'}"))
    return code


def count_ctest_case(case, totals: Totals):
    name, output = case.get("name"), case.findtext("system-out") or ""
    status = case.get("status")
    message = case.find("skipped").get("message") if case.find("skipped") is not None else None
    if message is not None and message.startswith("SKIP_"):  # else a program that was not built
        totals.skipped += 1
        totals.skips.append((name, skip_reason(output) or "no reason told"))
        return
    counts = _COUNTS.search(output.rstrip())
    if counts:
        passed, failed, skipped = (int(number or 0) for number in counts.groups())
        totals.passed += passed
        totals.skipped += skipped
        if status != "run" or failed:
            totals.failed += max(failed, 1)
            totals.failures.append((name, output))
        if skipped:
            totals.skips.append((name, skip_reason(output) or f"{skipped} of its checks"))
    elif status == "run":
        totals.passed += 1
    else:
        totals.failed += 1
        totals.failures.append((name, output or message or f"status {status}"))


def skip_reason(output: str) -> str:
    """The line `skipped: why`, or what GTEST_SKIP() was told."""
    for line in output.splitlines():
        if line.startswith("skipped: "):
            return line[len("skipped: "):]
    match = re.search(r"Skipped\n(.+)", output)
    return match[1].strip() if match else ""


def run_vitest(options: argparse.Namespace, totals: Totals):
    web, report = ROOT / "local/web", RESULTS / "vitest.xml"
    main = web / "node_modules/vitest/vitest.mjs"
    if not main.exists():
        totals.skipped += 1
        totals.skips.append(("vitest", "local/web/node_modules is missing"))
        return
    report.unlink(missing_ok=True)
    command = ["node", str(main), "run", "--root", str(web), "--reporter=default", "--reporter=junit", f"--outputFile.junit={report}"]
    if options.names:
        command += ["--testNamePattern", "|".join(re.escape(name) for name in options.names), "--passWithNoTests"]
    code = run_with_progress("vitest", command, RESULTS / "vitest.log", lambda line, progress: progress.update(line.strip()))
    before = totals.failed
    if report.exists():
        for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
            name = f"vitest {case.get('classname')}: {case.get('name')}"
            if case.find("skipped") is not None:
                if not options.names:  # with a filter vitest calls everything else skipped
                    totals.skipped += 1
                    totals.skips.append((name, "marked so"))
            elif (failure := case.find("failure")) is not None:
                totals.failed += 1
                totals.failures.append((name, failure.text or failure.get("message") or ""))
            else:
                totals.passed += 1
    if code != 0 and totals.failed == before:
        totals.failed += 1
        totals.failures.append(("vitest", (RESULTS / "vitest.log").read_text(encoding="utf-8")))


def show(totals: Totals):
    for name, output in totals.failures:
        lines = output.rstrip().splitlines()
        print(f"\n=== FAILED {name}")
        if len(lines) > _OUTPUT_LINES_SHOWN:
            print(f"… {len(lines) - _OUTPUT_LINES_SHOWN} lines before; all of it: {RESULTS}")
        print("\n".join(lines[-_OUTPUT_LINES_SHOWN:]))
    if totals.failures:
        print()
    for name, reason in totals.skips:
        print(f"skipped {name}: {reason}")


def main() -> int:
    options = arguments()
    if options.check_arguments:
        return 0
    if not sys.stdout.isatty():
        os.environ["NO_COLOR"] = "1"
    RESULTS.mkdir(parents=True, exist_ok=True)
    seed = options.seed or random.SystemRandom().randint(1, 99_999)
    os.environ["AZMON_TEST_SEED"] = os.environ["GTEST_RANDOM_SEED"] = str(seed)
    print(f"seed={seed} (random tests replay with ./dev test --seed {seed})", flush=True)
    totals = Totals()
    if options.label != "web":
        run_ctest(options, totals)
    if options.label in (None, "web"):
        run_vitest(options, totals)
    show(totals)
    if totals.passed + totals.failed + totals.skipped == 0:
        print("no test has such a label or name")
        totals.failed = 1
    print(totals.line(), flush=True)
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
