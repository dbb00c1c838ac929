#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compose.yaml itself, by docker compose on Podman's socket: networks, names, health, ports, and 20 orders."""

import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import containers
from support import ROOT, Checks, command, run, skip_all

sys.path.insert(0, str(ROOT / "tools"))
from system.processes import Process, port, wait_until  # noqa: E402
from system.whole import AzmonLocal, System, orders_of  # noqa: E402

_PROJECT = "azmonrehearsal"


class Compose:
    def __init__(self, work: pathlib.Path, program: str):
        self.podman = containers.Podman(work)
        self._socket = work / "podman.sock"
        self.page_port = port()
        self._environment = {"DOCKER_HOST": f"unix://{self._socket}", "AZMON_LOCAL_PORT": str(self.page_port), "ORDER_COUNT": "20", "ORDER_RATE": "5",
                             "DOCKER_CONFIG": str(work / "docker")}
        self._program = program
        self.service = Process("podman", ["podman", "system", "service", "--time", "0", f"unix://{self._socket}"], os.environ | self.podman.environment,
                               work / "podman.log").start()
        wait_until(self._socket.exists, 30, "Podman's socket is there", [self.service])
        self._done = threading.Event()
        # Podman's own timer of health checks needs systemd.
        self._health = threading.Thread(target=self._check_health, daemon=True)
        self._health.start()
        self.local = AzmonLocal.__new__(AzmonLocal)
        self.local.ready = {"page": f"http://127.0.0.1:{self.page_port}"}

    def _check_health(self):
        while not self._done.wait(1):
            for identity in self.podman("ps", "--quiet", "--filter", f"label=com.docker.compose.project={_PROJECT}")[1].split():
                self.podman("healthcheck", "run", identity)

    def __call__(self, *arguments: str, seconds: float = 240) -> tuple[int, str]:
        return command([self._program, "--project-name", _PROJECT, "--file", ROOT / "compose.yaml", *arguments], environment=self._environment, seconds=seconds)

    def stop(self):
        self("down", "--timeout", "5")
        self._done.set()
        self._health.join(20)
        self.service.stop()

    wait_whole = System.wait_whole


def compose_program() -> str:
    if shutil.which("docker-compose"):
        return shutil.which("docker-compose")
    if not shutil.which("go"):
        skip_all("no docker-compose here, and no Go to build it with")
    code, output = command([ROOT / "tools/dev/go-tool.sh", "docker-compose"], seconds=3000)
    if code != 0:
        skip_all(f"docker compose cannot be built: {output.strip()[-300:]}")
    return output.strip().splitlines()[-1]


def test(checks: Checks):
    containers.require("buildah", "podman", "runc", "mmdebstrap")
    if not pathlib.Path("/usr/lib/podman/aardvark-dns").exists() or not pathlib.Path("/usr/lib/podman/netavark").exists():
        skip_all("no netavark and aardvark-dns here: ./dev test --label deploy installs packages/apt-deploy.txt")
    program = compose_program()
    containers.build_services()
    containers.build_azmon_local()
    containers.make_azurite()
    with tempfile.TemporaryDirectory(prefix="azmon-compose-") as name:
        compose = Compose(pathlib.Path(name), program)
        try:
            start = time.monotonic()
            code, output = compose("up", "--detach", "--no-build", "--wait", "azmon-local", "azurite", "receipt", "order-processor")
            if not checks.that(code == 0, "docker compose up: every service becomes healthy, in the order of depends_on",
                               output[-1500:] + compose("logs", "--tail", "20")[1][-3000:]):
                return
            print(f"up in {time.monotonic() - start:.1f} s", flush=True)
            code, output = compose("up", "--no-build", "--no-deps", "--no-log-prefix", "checkout", seconds=180)
            orders = orders_of(output)
            checks.that(code == 0 and len(orders) == 20 and all(order.ok for order in orders), "20 orders go through, found by name in the network of compose", output[-2500:])
            wrong = compose.wait_whole([order.trace_id for order in orders], 40)
            checks.that(not wrong, "their traces are whole both ways, on the page's port of this machine", str(dict(list(wrong.items())[:1]))[:1500])
        finally:
            compose.stop()


if __name__ == "__main__":
    run(test)
