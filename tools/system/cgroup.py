#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A memory cgroup of a test's own, of version 1 or 2, inside the one that the test runs in.

As a program:  tools/system/cgroup.py COMMAND [ARGUMENT…]
runs the command with AZMON_TEST_CGROUP naming the group's directory; exit code 77, with the reason told, where there is none to be had.
"""

import os
import pathlib
import subprocess
import sys
import time


class NoCgroup(Exception):
    """The text says why none can be had here."""


def _parents(processes: pathlib.Path = pathlib.Path("/proc/self/cgroup"), mounts: pathlib.Path = pathlib.Path("/sys/fs/cgroup")) -> list[pathlib.Path]:
    """Where a group might be made, the best place first. A container may see its own group as the root of what is mounted."""
    found = []
    for line in processes.read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            found = [mounts / "memory" / path.strip("/"), mounts / "memory"]
        elif controllers == "" and not found:
            own = mounts / path.strip("/")
            # A group of version 2 with processes of its own passes no memory limits on to groups inside it.
            found = [own, *(parent for parent in own.parents if parent == mounts or mounts in parent.parents)]
    return found


class MemoryCgroup:
    """`with MemoryCgroup("name") as group:`; @raises NoCgroup"""

    def __init__(self, name: str):
        self._name = f"{name}-{os.getpid()}"
        self.path = pathlib.Path()

    def __enter__(self) -> "MemoryCgroup":
        if os.geteuid() != 0:
            raise NoCgroup("making a memory cgroup needs root")
        problems = []
        for parent in _parents():
            self.path = parent / self._name
            try:
                self.path.mkdir()
            except OSError as error:
                problems.append(f"{parent}: {error.strerror}")
                continue
            if self._limit_file().exists():
                self._forbid_swap()
                return self
            self.path.rmdir()
            problems.append(f"{parent}: no memory controller")
        raise NoCgroup("no memory cgroup can be made: " + ("; ".join(problems) or "the kernel has none"))

    def __exit__(self, *_) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                self.path.rmdir()
                return
            except OSError:
                # A killed process leaves its group when it is torn down.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _limit_file(self) -> pathlib.Path:
        second = self.path / "memory.max"
        return second if second.exists() else self.path / "memory.limit_in_bytes"

    def _forbid_swap(self) -> None:
        for name, value in (("memory.swap.max", "0"), ("memory.swappiness", "0")):
            if (self.path / name).exists():
                (self.path / name).write_text(value, encoding="ascii")

    def limit(self, value: int) -> None:
        self._limit_file().write_text(str(value), encoding="ascii")

    def take(self, pid: int) -> None:
        """What the process allocates from now on counts here."""
        (self.path / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def peak_bytes(self) -> int:
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            if (self.path / name).exists():
                return int((self.path / name).read_text(encoding="ascii"))
        return 0

    def kills(self) -> int:
        """How often the kernel killed a process of the group for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            if (self.path / name).exists():
                lines = dict(line.split() for line in (self.path / name).read_text(encoding="ascii").splitlines())
                return int(lines["oom_kill"])
        return 0


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        with MemoryCgroup("azmon-test") as group:
            return subprocess.run(sys.argv[1:], env=os.environ | {"AZMON_TEST_CGROUP": str(group.path)}, check=False).returncode
    except NoCgroup as reason:
        print(f"skipped: {reason}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
