#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compose.yaml itself, by docker compose on Podman's socket: networks, names, health, ports, and 20 orders."""

import os
import pathlib
import shutil
import signal
import socket
import struct
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
_AARDVARK_PID = pathlib.Path("/run/containers/networks/aardvark-dns/aardvark.pid")


def is_name_known(resolver: str, name: str) -> bool:
    """Asks for the address of a name (RFC 1035 section 4)."""
    question = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0) + bytes([len(name)]) + name.encode() + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(2)
        try:
            asked.sendto(question, (resolver, 53))
            answers = struct.unpack(">H", asked.recv(512)[6:8])[0]
        except OSError:
            return False
    return answers > 0


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
            self._refresh_names()

    def _refresh_names(self):
        """Podman's resolver of Debian 12 sometimes misses a container that starts while it reads its list; told to read again, it has it."""
        running = self.podman("ps", "--format", "{{.Names}}", "--filter", f"label=com.docker.compose.project={_PROJECT}")[1].split()
        code, gateway = self.podman("network", "inspect", "--format", "{{range .Subnets}}{{.Gateway}}{{end}}", f"{_PROJECT}_default")
        names = [name.removeprefix(f"{_PROJECT}-").rpartition("-")[0] for name in running]
        if code == 0 and _AARDVARK_PID.exists() and not all(is_name_known(gateway.strip(), name) for name in names):
            os.kill(int(_AARDVARK_PID.read_text(encoding="utf-8")), signal.SIGHUP)

    def __call__(self, *arguments: str, seconds: float = 240) -> tuple[int, str]:
        return command([self._program, "--project-name", _PROJECT, "--file", ROOT / "compose.yaml", *arguments], environment=self._environment, seconds=seconds)

    def stop(self):
        self("down", "--timeout", "5")
        self._done.set()
        self._health.join(20)
        self.service.stop()

    wait_whole = System.wait_whole


def without_upstream_resolver():
    """Runs this program again where the machine's resolver is one that refuses at once: Podman's own passes on what it does not know, and on a
    machine without a network each name would wait five seconds for that."""
    inside = "AZMON_REHEARSAL_INSIDE"
    if os.environ.get(inside):
        return
    if command(["unshare", "--mount", "true"])[0] != 0:
        skip_all("this machine lets nobody make a mount namespace")
    with tempfile.NamedTemporaryFile("w", prefix="azmon-resolver-", delete=False) as resolver:
        resolver.write("nameserver 127.0.0.1\n")
    script = 'mount --bind "$0" /etc/resolv.conf && rm "$0" && exec "$@"'
    os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, resolver.name, sys.executable, "-B", *sys.argv],
               os.environ | {inside: "1"})


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
            compose("up", "--detach", "--no-build", "--no-deps", "checkout")
            code = compose.podman("wait", f"{_PROJECT}-checkout-1", seconds=180)[1].strip()
            output = compose.podman.logs(f"{_PROJECT}-checkout-1")
            orders = orders_of(output)
            failed = next((order.trace_id for order in orders if not order.ok), None)
            steps = [(item["cloud_RoleName"], item["name"], item["resultCode"], item["duration"], item["customDimensions"].get("error.type"))
                     for item in (compose.local.items(failed) if failed else [])]
            checks.that(code == "0" and len(orders) == 20 and all(order.ok for order in orders), "20 orders go through, found by name in the network of compose",
                        f"{code}\n{output[-2500:]}\n{steps}\n" + compose("logs", "--tail", "30", "order-processor", "receipt", "azurite")[1][-6000:])
            wrong = compose.wait_whole([order.trace_id for order in orders], 40)
            checks.that(orders and not wrong, "their traces are whole both ways, on the page's port of this machine", str(dict(list(wrong.items())[:1]))[:1500])
        finally:
            compose.stop()


if __name__ == "__main__":
    containers.require("buildah", "podman", "runc", "mmdebstrap")
    without_upstream_resolver()
    run(test)
