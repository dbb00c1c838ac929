#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The images, built from the real Dockerfiles without a daemon, looked into, and run read-only without capabilities: 20 orders go through them,
with telemetry over TLS to azmon-local in its own image."""

import json
import os
import pathlib
import re
import socket
import sys
import tempfile
import time

import containers
from support import ROOT, Checks, command, need, run

sys.path.insert(0, str(ROOT / "tools"))
from system import blobs  # noqa: E402
from system.processes import http as call, port, wait_until  # noqa: E402
from system.whole import AzmonLocal, Azurite, System, orders_of  # noqa: E402

_MEGABYTE = 1_000_000
_GOAL_BYTES = 35 * _MEGABYTE


def image_of(name: str) -> str:
    return f"docker.io/azmon/{name}:latest"


def look_into(checks: Checks, name: str, goal: int):
    container = need(["buildah", "from", "--pull-never", image_of(name)]).strip().splitlines()[-1]
    try:
        root = pathlib.Path(need(["buildah", "mount", container]).strip().splitlines()[-1])
        files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
        size = sum(path.stat().st_size for path in files)
        print(f"{name}: {size / _MEGABYTE:.1f} MB in {len(files)} files", flush=True)
        checks.that(size <= goal, f"{name}: the image has at most {goal // _MEGABYTE} MB", f"{size / _MEGABYTE:.1f}")
        programs = [path.name for path in files if os.access(path, os.X_OK) and path.parent.name in ("bin", "sbin")]
        checks.that(len(programs) == 1, f"{name}: one program, no shell, no package manager", str(programs))
        records = {path.name for path in (root / "var/lib/dpkg/status.d").iterdir()}
        checks.that({"libc6", "libssl3t64", "ca-certificates", "libstdc++6"} <= records, f"{name}: it says which packages it holds", str(sorted(records)))
        owned = all((root / "usr/share/doc" / record / "copyright").exists() for record in records if (root / "usr/share/doc" / record).exists())
        checks.that(owned, f"{name}: with their licences")
        loose = [str(path.relative_to(root)) for path in files if path.stat().st_mode & 0o6002]
        checks.that(not loose, f"{name}: nothing is set-uid or writable by all", str(loose))
        left = [str(path.relative_to(root)) for path in files if re.search(r"\.(cc|h|o|a|py|env)$", path.name)]
        checks.that(not left, f"{name}: no sources, no objects", str(left[:5]))
        configuration = json.loads(need(["buildah", "inspect", "--type", "image", image_of(name)]))["Docker"]["config"]
        checks.that(configuration["User"] == "10001:10001" and configuration["Entrypoint"][0].startswith("/usr/bin/") and configuration["Healthcheck"]["Test"][0] == "CMD",
                    f"{name}: user 10001, entry point and health check without a shell", str(configuration))
    finally:
        need(["buildah", "rm", container])


class Containers:
    """azmon-local and the services in containers, Azurite beside them."""

    def __init__(self, work: pathlib.Path):
        self.work, self.podman = work, containers.Podman(work)
        self.azurite = Azurite(work, False)
        self.azurite.start()
        self.azurite.wait_ready()
        shared = work / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        self.ports = {name: port() for name in ("port", "otlp-grpc-port", "otlp-http-port", "receipt", "order-processor", "receipt health", "order-processor health",
                                                "checkout health")}
        self.podman.run("azmon-rehearsal-local", image_of("azmon-local"), {}, "--tmpfs", "/tmp", "--volume", f"{shared}:/shared", arguments=(
            "--location", "/shared/data", "--ready-json", "/shared/ready.json", *(word for name in ("port", "otlp-grpc-port", "otlp-http-port")
                                                                                  for word in (f"--{name}", str(self.ports[name])))))
        wait_until(lambda: (shared / "ready.json").exists(), 60, "azmon-local is ready")
        self.local = AzmonLocal.__new__(AzmonLocal)
        self.local.ready = {"page": f"http://127.0.0.1:{self.ports['port']}"}
        ready = json.loads((shared / "ready.json").read_text(encoding="utf-8"))
        self.bundle = work / "authorities.pem"
        self.bundle.write_bytes(pathlib.Path(ready["caFile"].replace("/shared", str(shared), 1)).read_bytes())
        self.bundle.chmod(0o644)

    def start(self, name: str, **settings: str):
        environment = {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=https://localhost:{self.ports['port']}/",
            "OTLP_EXPORT_ENDPOINT": f"http://localhost:{self.ports['otlp-http-port']}", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_SAMPLER": "always_on", "AZMON_STORAGE_DIRECTORY": "/journal", "HOST": "127.0.0.1", "SERVICE_TOKEN": "0" * 64,
            "HEALTH_PORT": str(self.ports[f"{name} health"])} | settings
        if name in self.ports:
            environment["PORT"] = str(self.ports[name])
        self.podman.run(f"azmon-rehearsal-{name}", image_of(name), environment, "--tmpfs", "/journal:rw,mode=1777", "--volume",
                        f"{self.bundle}:/etc/ssl/certs/ca-certificates.crt:ro")

    def answer_time(self, name: str) -> float:
        start = time.monotonic()
        wait_until(lambda: answers(self.ports[f"{name} health"]), 60, f"{name} answers", pause=0.002)
        return time.monotonic() - start

    def stop(self):
        self.podman.stop_all()
        self.azurite.process.stop()

    wait_whole = System.wait_whole


def answers(number: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", number), 1):
            return call("GET", f"http://127.0.0.1:{number}/livez", seconds=2)[0] == 200
    except OSError:
        return False


def run_them(checks: Checks, system: Containers):
    podman = system.podman
    system.start("receipt", AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(system.azurite.port))
    system.answer_time("receipt")
    start = time.monotonic()
    system.start("order-processor", SERVICE_RECEIPT_API_NAME=f"localhost:{system.ports['receipt']}")
    started = time.monotonic() - start
    answered = started + system.answer_time("order-processor")
    print(f"order-processor: first answer {answered * 1000:.0f} ms after podman was asked, which took {started * 1000:.0f} ms of them", flush=True)
    for name in ("receipt", "order-processor"):
        wait_until(lambda: podman("exec", f"azmon-rehearsal-{name}", "/usr/bin/service", "--health")[0] == 0, 60, f"{name} is healthy by its own word", pause=0.5)
        checks.that(True, f"{name}: its health check, the program itself, says that it is ready")
        status = pathlib.Path(f"/proc/{podman.inspect(f'azmon-rehearsal-{name}', '{{.State.Pid}}')}/status").read_text(encoding="ascii")
        good = re.search(r"Uid:\s+10001", status) and re.search(r"CapEff:\s+0+\n", status) and re.search(r"NoNewPrivs:\s+1", status)
        checks.that(good, f"{name}: runs as 10001, without capabilities, and gets none", status)
    checks.that(podman("exec", "azmon-rehearsal-local", "/usr/bin/azmon-local", "wait", "--count", "0", "--timeout", "5s", "--url", system.local.ready["page"])[0] == 0,
                "azmon-local: its health check says that it is ready")
    system.start("checkout", SERVICE_ORDER_PROCESSOR_API_NAME=f"localhost:{system.ports['order-processor']}", ORDER_COUNT="20", ORDER_RATE="10")
    code, output = podman("wait", "azmon-rehearsal-checkout", seconds=120)
    lines = orders_of(podman.logs("azmon-rehearsal-checkout"))
    checks.that(code == 0 and output.strip().splitlines()[-1] == "0" and len(lines) == 20 and all(order.ok for order in lines), "20 orders go through the containers, all well",
                f"{output}\n{podman.logs('azmon-rehearsal-checkout')[-1500:]}\n{podman.logs('azmon-rehearsal-receipt')[-800:]}")
    wrong = system.wait_whole([order.trace_id for order in lines], 40)
    checks.that(lines and not wrong, "their traces are whole both ways: over TLS to a name, and by OTLP", str(dict(list(wrong.items())[:1]))[:1500])
    for name in ("order-processor", "receipt"):
        start = time.monotonic()
        podman("stop", "--time", "20", f"azmon-rehearsal-{name}")
        checks.that(podman.inspect(f"azmon-rehearsal-{name}", "{{.State.ExitCode}}") == "0", f"{name}: SIGTERM ends it with 0",
                    f"{time.monotonic() - start:.1f} s {podman.logs(f'azmon-rehearsal-{name}')[-800:]}")


def test(checks: Checks):
    containers.require("buildah", "podman", "runc", "mmdebstrap")
    took = containers.build_services() | {"azmon-local": containers.build_azmon_local()}
    print("built in " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items()), flush=True)
    code, output = command(["buildah", "bud", "--pull-never", "--layers", "--isolation", "chroot", "--format", "docker", "--volume", "/etc/ssl/certs:/etc/ssl/certs:ro",
                            "--network", "host", "--file", ROOT / "docker/service.Dockerfile", ROOT], seconds=600)
    checks.that(code != 0, "a build without SERVICE fails, and says so by its step", output[-500:])
    for name in ("receipt", "order-processor", "checkout", "azmon-local"):
        look_into(checks, name, _GOAL_BYTES)
    with tempfile.TemporaryDirectory(prefix="azmon-images-") as name:
        os.chmod(name, 0o755)
        system = Containers(pathlib.Path(name))
        try:
            run_them(checks, system)
        finally:
            system.stop()


if __name__ == "__main__":
    run(test)
