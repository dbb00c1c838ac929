# SPDX-License-Identifier: MIT
"""Programs that are started here, watched, and ended by their pid."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

_PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Something did not work; the text says what, and where to look."""


def _end_with_parent():
    # A demo or a test that is killed outright must not leave servers behind.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Process:
    """One program with its output in a log file. Its own process group: Ctrl-C reaches us alone, and we end it in order."""

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str], log: pathlib.Path):
        self.name, self.arguments, self.environment, self.log = name, arguments, environment, log
        self._process = None
        self.stopped_in = 0.0

    def start(self) -> "Process":
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "wb") as output:
            self._process = subprocess.Popen(
                self.arguments, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                process_group=0, preexec_fn=_end_with_parent)
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} still runs after {seconds:.0f} s; log: {self.log}\n{self.log_end()}") from None

    def stop(self, seconds: float = 15.0) -> int:
        """SIGTERM, then SIGKILL after `seconds`; the exit code (negative: the signal that ended it)."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            started = time.monotonic()
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self.stopped_in = time.monotonic() - started
        return self._process.returncode

    def kill(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def signal(self, number: int):
        self._process.send_signal(number)

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def log_end(self, lines: int = 20) -> str:
        return "\n".join("    " + line for line in self.output().splitlines()[-lines:])

    def resident_kib(self) -> int:
        """Resident memory now, from /proc."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0


def wait_until(condition, seconds: float, what: str, processes=(), pause: float = 0.05):
    """Calls `condition` until it returns something true, and returns that. Ends at once when one of `processes` ends."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        for process in processes:
            if process.exit_code() is not None:
                raise Failure(f"{process.name} ended with exit code {process.exit_code()} while waiting until {what}; log: {process.log}\n"
                              f"{process.log_end()}")
        if time.monotonic() > deadline:
            logs = "".join(f"\n{process.name}, log: {process.log}\n{process.log_end()}" for process in processes)
            raise Failure(f"waited {seconds:.0f} s until {what}{logs}")
        time.sleep(pause)


# Only loopback is spoken to: a proxy of the environment has no say in it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None,
         seconds: float = 10.0) -> tuple[int, dict[str, str], bytes]:
    """One request; the status 0 stands for no answer."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with _OPENER.open(request, timeout=seconds) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()
    except (urllib.error.URLError, OSError) as error:
        return 0, {}, str(error).encode()


def is_free(port: int) -> bool:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


_given_lock = threading.Lock()
_given: set[int] = set()


def port(usual: int | None = None) -> int:
    """`usual` where it is free and wanted, else a free port of loopback; never the same twice in this process."""
    with _given_lock:
        if usual and usual not in _given and is_free(usual):
            _given.add(usual)
            return usual
        while True:
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
                probe.bind(("127.0.0.1", 0))
                chosen = probe.getsockname()[1]
            if chosen not in _given:
                _given.add(chosen)
                return chosen


def say(text: str):
    print(text, flush=True)


def environment_without(*prefixes: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def raise_on_signals():
    """SIGTERM and SIGHUP become KeyboardInterrupt, so that everything that was started is ended."""
    def interrupt(number, frame):
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    # Where we run in the background of a script, SIGINT is ignored from birth; Ctrl-C is wanted here all the same.
    signal.signal(signal.SIGINT, interrupt)


def fail(text: str) -> int:
    print(text, file=sys.stderr, flush=True)
    return 1
