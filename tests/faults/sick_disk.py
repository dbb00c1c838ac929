#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The disk under the storage directory stands still for three seconds while telemetry is written to it: no application thread waits."""

import os
import pathlib
import subprocess
import sys
import time

from support import Checks, Process, environment_of, loadgen_result, missing_root, programs, refused_port, run, say, wait_until, work_directory

_STILL_SECONDS = 3
_IN_NAMESPACE = "AZMON_TEST_IN_NAMESPACE"


def missing() -> str:
    reason = missing_root("mkfs.ext4", "fsfreeze", "unshare", "mount")
    return reason or ("" if pathlib.Path("/dev/loop-control").exists() else "there is no loop device")


def state_of(pid: int, name: str) -> str:
    """How a thread of the process is, as /proc says; D: it waits for a disk."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text(encoding="ascii")
        except OSError:
            continue
        if f"({name})" in text:
            return text.rpartition(") ")[2][0]
    return ""


def test(checks: Checks):
    work = work_directory("sick_disk")
    disk, image = work / "disk", work / "image"
    disk.mkdir(parents=True, exist_ok=True)
    with open(image, "wb") as file:
        file.truncate(64 * 1024 * 1024)
    for command in (["mkfs.ext4", "-q", "-F", str(image)], ["mount", "-o", "loop", str(image), str(disk)]):
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode != 0:
            checks.skip("a disk that stands still", f"{command[0]}: {found.stderr.strip()}")
            return
    # The rings hold what is made meanwhile: at a rate that fills them, the rest would be dropped and counted.
    port = refused_port()
    load = Process("azmon-loadgen", [str(programs() / "azmon-loadgen"), "--spans", "0", "--threads", "2", "--rate", "120", "--switches"],
                   environment_of(f"http://127.0.0.1:{port}", disk), work / "loadgen.log").start()
    thaw = None
    try:
        wait_until(lambda: list(disk.rglob("seg-*")), 60, "telemetry that nobody takes is written to the disk", [load])
        # It thaws by itself, whatever becomes of this test: what waits for a frozen disk cannot be killed.
        thaw = subprocess.Popen(["sh", "-c", f"fsfreeze -f '{disk}'; sleep {_STILL_SECONDS}; fsfreeze -u '{disk}'"], process_group=0)
        wait_until(lambda: state_of(load.pid, "azmon-journal") == "D", _STILL_SECONDS, "the journal thread waits for the disk", [load], pause=0.02)
        before = time.monotonic()
        thaw.wait(60)
        say(f"the journal thread stood still for {time.monotonic() - before:.1f} s at least")
        load.stop(30)
        result = loadgen_result(load)
        checks.that(result["switches"] == 0, "no thread gave up its processor inside End()", str(result))
        checks.that(result["spans"] > 300, "and went on making spans", str(result))
        for name in ("azure", "otlp"):
            account = result[name]
            checks.adds_up(name, account, result["spans"])
            checks.that(not account["dropped"], f"nothing was dropped for {name}", str(account))
    finally:
        if thaw is not None:
            thaw.wait(60)
        load.stop(30)
        subprocess.run(["umount", str(disk)], check=False)


if __name__ == "__main__":
    if not missing() and _IN_NAMESPACE not in os.environ:
        os.environ[_IN_NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv])
    run(test, missing)
