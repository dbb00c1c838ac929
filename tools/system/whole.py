# SPDX-License-Identifier: MIT
"""azmon-local, Azurite, receipt, order-processor and checkout, wired as ./dev demo wires them."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import time

from . import blobs, trace
from .processes import Failure, Process, environment_without, http, is_free, port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A caller's settings of these families would change what runs here.
_FOREIGN = ("OTEL_", "OTLP_", "AZMON_", "APPLICATIONINSIGHTS_", "AZURE_", "STORAGE_", "SERVICE_", "TELEMETRY", "ORDER_", "HOST",
            "PORT", "HEALTH_PORT")
# From the start of a program until it answers; generous, because a cold Azurite on a busy machine takes seconds.
_START_SECONDS = 60.0


@dataclasses.dataclass
class Order:
    order_id: str
    trace_id: str
    ok: bool
    line: str


def azurite_missing() -> str:
    """Why there is no Azurite here; empty where there is."""
    if not shutil.which("node"):
        return "no node in PATH"
    if not _azurite_main().exists():
        return f"no Azurite in {_azurite_main().parents[5]}: ./dev test installs it"
    return ""


def _azurite_main() -> pathlib.Path:
    return ROOT / "build/npm/tools/node_modules/azurite/dist/src/blob/main.js"


class Azurite:
    """Over TLS with `tls`, the files of a certificate and its key; then it takes tokens too, and looks at their claims but not their signature."""

    def __init__(self, work: pathlib.Path, usual_ports: bool = False, tls: tuple[pathlib.Path, pathlib.Path] | None = None):
        self.port = port(10000 if usual_ports else None)
        secure = ["--oauth", "basic", "--cert", str(tls[0]), "--key", str(tls[1])] if tls else []
        self.process = Process("Azurite", [
            "node", str(_azurite_main()), "--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--inMemoryPersistence",
            "--skipApiVersionCheck", "--disableTelemetry", "--silent", *secure],
            environment_without(*_FOREIGN), work / "azurite.log")

    def start(self):
        missing = azurite_missing()
        if missing:
            raise Failure(missing)
        self.process.start()

    def wait_ready(self):
        wait_until(lambda: http("GET", f"http://127.0.0.1:{self.port}/{blobs.ACCOUNT}?comp=list", seconds=2)[0] != 0,
                   _START_SECONDS, "Azurite answers", [self.process])


class AzmonLocal:
    """azmon-local in memory. A given `ports` (as of `ready`) makes it come up again where it was."""

    def __init__(self, programs: pathlib.Path, work: pathlib.Path, usual_ports: bool = False, ports: dict[str, int] | None = None,
                 location: pathlib.Path | None = None):
        if ports is None:
            ports = {name: (usual if usual_ports and is_free(usual) else 0)
                     for name, usual in (("port", 4380), ("otlp-grpc-port", 4317), ("otlp-http-port", 4318))}
        self._ready_file = work / "azmon-local.json"
        self._ready_file.unlink(missing_ok=True)
        self.ready: dict = {}
        arguments = [str(programs / "azmon-local"), "--ready-json", str(self._ready_file)]
        for name, number in ports.items():
            arguments += [f"--{name}", str(number)]
        arguments += ["--location", str(location)] if location else ["--in-memory"]
        self.process = Process("azmon-local", arguments, environment_without(*_FOREIGN), work / "azmon-local.log")

    def start(self):
        self.process.start()

    def wait_ready(self):
        def read():
            try:
                return json.loads(self._ready_file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return None
        self.ready = wait_until(read, _START_SECONDS, "azmon-local is ready", [self.process])

    @property
    def page(self) -> str:
        return self.ready["page"]

    def link(self, trace_id: str) -> str:
        return f"{self.page.rstrip('/')}/transactions/{trace_id}"

    def api(self, path: str):
        status, _, body = http("GET", f"{self.page.rstrip('/')}/api/v1/{path}", seconds=20)
        if status == 404:
            return None
        if status != 200:
            raise Failure(f"azmon-local answered {status} for /api/v1/{path}: {body[:300]!r}")
        return json.loads(body)

    def items(self, trace_id: str) -> list[dict]:
        found = self.api(f"transactions/{trace_id}")
        return found["items"] if found else []


class System:
    """Everything that one order passes. `with System(...) as system:` starts all but checkout, and ends all in order."""

    def __init__(self, programs: pathlib.Path, work: pathlib.Path, *, usual_ports: bool = False, azure: bool = True, otlp: bool = True,
                 connection_string: str | None = None, environment: dict[str, str] | None = None):
        self.programs, self.work, self.usual_ports = programs, work, usual_ports
        self._azure, self._otlp, self._connection_string = azure, otlp, connection_string
        self._extra = environment or {}
        work.mkdir(parents=True, exist_ok=True)
        for name in ("azmon-local", "receipt", "order-processor", "checkout"):
            if not (programs / name).exists():
                raise Failure(f"{programs / name} is not built: ./dev build")
        self.local = AzmonLocal(programs, work, usual_ports)
        self.azurite = Azurite(work, usual_ports)
        self.services: dict[str, Process] = {}
        self.ports: dict[str, int] = {}
        self.health_ports: dict[str, int] = {}
        self._runs = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.local.start()
        self.azurite.start()
        self.local.wait_ready()
        self.azurite.wait_ready()
        self.start_service("receipt", 8002, 9002, AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(self.azurite.port),
                           STORAGE_ACCOUNT_CONTAINER_NAME="receipts")
        self.start_service("order-processor", 8001, 9001, SERVICE_RECEIPT_API_NAME=f"127.0.0.1:{self.ports['receipt']}")
        for name in self.services:
            self.wait_service(name)

    def telemetry_environment(self) -> dict[str, str]:
        variables = {"OTEL_TRACES_SAMPLER": "always_on"}
        if self._azure:
            variables["APPLICATIONINSIGHTS_CONNECTION_STRING"] = self._connection_string or self.local.ready["connectionString"]
        if self._otlp:
            endpoint = self.local.ready["otlpGrpc"]
            variables["OTLP_EXPORT_ENDPOINT"] = endpoint if "://" in endpoint else f"http://{endpoint}"
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
        return variables | self._extra

    def start_service(self, name: str, usual: int, usual_health: int, **variables: str) -> Process:
        self.ports[name] = self.ports.get(name) or port(usual if self.usual_ports else None)
        self.health_ports[name] = self.health_ports.get(name) or port(usual_health if self.usual_ports else None)
        environment = environment_without(*_FOREIGN) | self.telemetry_environment() | {
            "HOST": "127.0.0.1", "PORT": str(self.ports[name]), "HEALTH_PORT": str(self.health_ports[name])} | variables
        self.services[name] = Process(name, [str(self.programs / name)], environment, self.work / f"{name}.log").start()
        return self.services[name]

    def wait_service(self, name: str):
        wait_until(lambda: http("GET", f"http://127.0.0.1:{self.ports[name]}/healthz", seconds=2)[0] == 200,
                   _START_SECONDS, f"{name} answers on /healthz", [self.services[name]])

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def checkout(self, count: int, rate: float, **variables: str) -> Process:
        """Starts checkout with `count` orders to place."""
        self._runs += 1
        environment = environment_without(*_FOREIGN) | self.telemetry_environment() | {
            "HEALTH_PORT": str(port(9000 if self.usual_ports else None)),
            "SERVICE_ORDER_PROCESSOR_API_NAME": f"127.0.0.1:{self.ports['order-processor']}"} | variables
        return Process("checkout", [str(self.programs / "checkout"), "--count", str(count), "--rate", f"{rate:g}"], environment,
                       self.work / f"checkout-{self._runs}.log").start()

    def telemetryz(self, name: str) -> dict:
        status, _, body = http("GET", f"http://127.0.0.1:{self.health_ports[name]}/telemetryz", seconds=5)
        if status != 200:
            raise Failure(f"{name} answered {status} for /telemetryz: {body[:300]!r}")
        return json.loads(body)["destinations"]

    def wait_whole(self, trace_ids: list[str], seconds: float, sources=("breeze", "otlp")) -> dict[str, dict[str, list[str]]]:
        """Waits until every trace is whole by every source. What is still wrong at the end: trace → source → problems."""
        deadline = time.monotonic() + seconds
        wrong = {trace_id: {source: ["not asked for yet"] for source in sources} for trace_id in trace_ids}
        while wrong:
            for trace_id in list(wrong):
                items = self.local.items(trace_id)
                wrong[trace_id] = {source: found for source in sources if (found := trace.problems(items, source))}
                if not wrong[trace_id]:
                    del wrong[trace_id]
            if time.monotonic() > deadline or not wrong:
                break
            time.sleep(0.1)
        return wrong

    def stop(self) -> dict[str, int]:
        """Ends services first, so that what they still have to send finds azmon-local alive. Exit codes by name."""
        codes = {}
        for name in ("order-processor", "receipt"):
            if name in self.services:
                codes[name] = self.services[name].stop()
        codes["azmon-local"] = self.local.process.stop()
        codes["Azurite"] = self.azurite.process.stop()
        return codes


_LINE = re.compile(r"^order (\S+) (ok|failed) (.*?) ?trace ([0-9a-f]{32})$")


def orders_of(output: str) -> list[Order]:
    """The orders that a checkout has told about in its output."""
    found = []
    for line in output.splitlines():
        match = _LINE.match(line.strip())
        if match:
            found.append(Order(match[1], match[4], match[2] == "ok", line.strip()))
    return found


def default_programs() -> pathlib.Path:
    return pathlib.Path(os.environ.get("AZMON_PROGRAMS") or ROOT / "build/release/bin")
