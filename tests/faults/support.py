# SPDX-License-Identifier: MIT
"""What the fault tests share: azmon-loadgen against something that fails, and what it said about it."""

import json
import os
import pathlib
import shutil
import socket
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from system import checks  # noqa: E402
from system.checks import run_test  # noqa: E402
from system.processes import Failure, Process, environment_without, say, wait_until  # noqa: E402,F401

_KEY = "00000000-0000-4000-8000-0000a2004380"


class Checks(checks.Checks):
    def adds_up(self, name: str, account: dict, spans: int) -> None:
        """accepted = delivered + dropped + in_journal. Azure's destination has a few items more than spans: the library's own."""
        known = account["delivered"] + sum(account["dropped"].values()) + account["in_journal"]
        self.that(account["accepted"] == known and account["accepted"] >= spans, f"the account for {name} adds up", f"{spans} spans, {account}")


def programs() -> pathlib.Path:
    return pathlib.Path(os.environ.get("AZMON_PROGRAMS") or ROOT / "build/release/bin")


def work_directory(name: str) -> pathlib.Path:
    path = ROOT / "build/faults" / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def missing_root(*commands: str) -> str:
    if os.geteuid() != 0:
        return "it needs root"
    absent = [command for command in commands if shutil.which(command) is None]
    return f"there is no {', '.join(absent)}" if absent else ""


def refused_port() -> int:
    """A port at which nobody listens; another test could take it, so it only fits where an answer would do no harm."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment_of(url: str, storage: pathlib.Path) -> dict[str, str]:
    """Both destinations at one server, which never saw this identity before."""
    return environment_without("OTEL_", "OTLP_", "AZMON_", "APPLICATIONINSIGHTS_") | {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={_KEY};IngestionEndpoint={url}/",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_METRICS_EXPORTER": "none",
        "AZMON_STORAGE_DIRECTORY": str(storage)}


def loadgen_result(load: Process) -> dict:
    """The line that azmon-loadgen prints at its end."""
    lines = [line for line in load.output().splitlines() if line.startswith("{")]
    if not lines:
        raise Failure(f"azmon-loadgen told nothing; log: {load.log}\n{load.log_end()}")
    return json.loads(lines[-1])


def run(test, missing=lambda: "") -> None:
    run_test(test, Checks(), missing())
