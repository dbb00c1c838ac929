# SPDX-License-Identifier: MIT
"""Images without a daemon and without a registry: buildah builds them from the real Dockerfiles, on a Debian 13 base that mmdebstrap makes from the
machine's own package mirror in place of the official one. Podman runs them, with the settings that a machine without systemd needs."""

import os
import pathlib
import shutil
import subprocess
import time

from support import ROOT, Failure, command, need, skip_all

BASE = "docker.io/library/debian:trixie-slim"
AZURITE = "mcr.microsoft.com/azure-storage/azurite:3.35.0"
_CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "azmon/base"
_CONFIGURATION = """[containers]
default_ulimits=["nofile=1024:1024","nproc=1024:1024"]
[network]
network_backend="netavark"
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="none"
"""


# What the official image has too: its program, and BusyBox's nc -z, by which compose asks for its health.
_AZURITE_PROGRAMS = r"""
printf '#!/bin/sh\nexec /usr/bin/node /azurite/node_modules/azurite/dist/src/blob/main.js "$@"\n' > /usr/bin/azurite-blob
printf '#!/usr/bin/node\nrequire("net").connect(process.argv[4], process.argv[3]).on("connect", () => process.exit(0)).on("error", () => process.exit(1))\n' > /usr/bin/nc
chmod +x /usr/bin/azurite-blob /usr/bin/nc
node --version
"""


def require(*programs: str):
    if os.geteuid() != 0:
        skip_all("root is needed to build and run images here")
    for name in programs:
        if not shutil.which(name):
            skip_all(f"no {name} here: ./dev test --label deploy installs packages/apt-deploy.txt")


def exists(image: str) -> bool:
    return command(["buildah", "inspect", "--type", "image", image])[0] == 0


def make_base():
    if exists(BASE):
        return
    archive = _CACHE / "trixie.tar"
    if not archive.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        uris = need(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).split()
        site = next((uri for uri in uris if uri.rstrip("/").endswith("/debian")), None)
        if site is None:
            skip_all("no mirror of Debian is configured here to make a base image from")
        sources = _CACHE / "trixie.sources"
        sources.write_text(f"Types: deb\nURIs: {site}\nSuites: trixie trixie-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
                           encoding="utf-8")
        excludes = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale")]
        need(["mmdebstrap", "--variant=minbase", "--mode=root", "--skip=check/empty", "--include=ca-certificates", *excludes, "trixie", f"{archive}.new", sources])
        pathlib.Path(f"{archive}.new").rename(archive)
    container = need(["buildah", "from", "scratch"]).strip().splitlines()[-1]
    need(["buildah", "add", container, archive, "/"])
    need(["buildah", "commit", container, BASE])
    need(["buildah", "rm", container])


def build(dockerfile: str, tag: str, *arguments: str) -> float:
    """Builds from the repository; layers are kept. @return seconds"""
    start = time.monotonic()
    options = [word for argument in arguments for word in ("--build-arg", argument)]
    # The machine's authorities, where packages come through a proxy that it trusts.
    code, output = command(["nice", "-n", "10", "buildah", "bud", "--pull-never", "--layers", "--isolation", "chroot", "--network", "host", "--format", "docker",
                            "--volume", "/etc/ssl/certs:/etc/ssl/certs:ro", *options, "--file", ROOT / "docker" / dockerfile, "--tag", tag, ROOT], seconds=3400)
    if code != 0:
        raise Failure(f"{dockerfile} {arguments} is not built:\n{output[-4000:]}")
    return time.monotonic() - start


def build_services() -> dict[str, float]:
    make_base()
    return {name: build("service.Dockerfile", f"docker.io/azmon/{name}:latest", f"SERVICE={name}") for name in ("receipt", "order-processor", "checkout")}


def build_azmon_local() -> float:
    make_base()
    return build("azmon-local.Dockerfile", "docker.io/azmon/azmon-local:latest")


def make_azurite():
    """Azurite's image, from its npm package: no registry can be reached from here. A stand-in for Microsoft's."""
    package = ROOT / "build/npm/tools/node_modules"
    if not (package / "azurite").exists():
        skip_all("no Azurite in build/npm/tools: ./dev test installs it")
    if exists(AZURITE):
        return
    make_base()
    container = need(["buildah", "from", "--pull-never", BASE]).strip().splitlines()[-1]
    need(["buildah", "copy", container, package, "/azurite/node_modules"])
    node = pathlib.Path(os.path.realpath(shutil.which("node")))
    libraries = [line.split("=> ")[1].split(" ")[0] for line in need(["ldd", node]).splitlines() if "=> /" in line]
    foreign = [library for library in libraries if "libnode" in library or not library.startswith(("/lib", "/usr/lib"))]
    need(["buildah", "copy", container, node, *foreign, "/usr/bin/"])
    need(["buildah", "run", "--isolation", "chroot", container, "--", "sh", "-c", _AZURITE_PROGRAMS])
    need(["buildah", "commit", container, AZURITE])
    need(["buildah", "rm", container])


class Podman:
    """Podman with its configuration; containers started here are removed by stop_all()."""

    def __init__(self, work: pathlib.Path):
        self.work = work
        configuration = work / "containers.conf"
        configuration.write_text(_CONFIGURATION, encoding="utf-8")
        self.environment = {"CONTAINERS_CONF": str(configuration)}
        self._started: list[str] = []

    def __call__(self, *arguments: str, seconds: float = 120) -> tuple[int, str]:
        return command(["podman", *arguments], environment=self.environment, seconds=seconds)

    def run(self, name: str, image: str, environment: dict[str, str], *options: str, arguments: tuple[str, ...] = ()) -> str:
        """Detached, read-only, without capabilities, on the host's network. Skips where containers cannot run."""
        variables = [word for key, value in environment.items() for word in ("--env", f"{key}={value}")]
        code, output = self("run", "--detach", "--pull", "never", "--name", name, "--network", "host", "--read-only", "--cap-drop", "all", "--security-opt",
                            "no-new-privileges", "--no-healthcheck", *options, *variables, image, *arguments)
        if code != 0:
            raise Failure(f"podman cannot run {image}: {output[-1500:]}")
        self._started.append(name)
        return name

    def inspect(self, name: str, form: str) -> str:
        return need(["podman", "inspect", "--format", form, name], environment=self.environment).strip()

    def logs(self, name: str) -> str:
        return self("logs", name)[1]

    def stop_all(self):
        for name in reversed(self._started):
            subprocess.run(["podman", "rm", "--force", "--time", "0", name], env=os.environ | self.environment, check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
