# SPDX-License-Identifier: MIT
"""Where the peers are that these tests compare with, and how the one program in two languages is run."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support import Failure, Process, environment_without  # noqa: E402

HERE = ROOT / "tests/oracles"
BUILT = pathlib.Path(os.environ.get("AZMON_ORACLES") or ROOT / "build/release/tests")
NPM = ROOT / "build/npm/test"
PYTHON = ROOT / "build/python/bin/python3"
_FOREIGN = ("OTEL_", "OTLP_", "AZMON_", "APPLICATIONINSIGHTS_", "NODE_OPTIONS", "WEBSITE_", "CONTAINER_APP_", "KUBERNETES_")
# A Node with a whole SDK starts slowly on a busy machine.
_SECONDS = 120.0
_BUILD_SECONDS = 900.0


def npm_missing(package: str) -> str:
    if not shutil.which("node"):
        return "no node in PATH"
    return "" if (NPM / "node_modules" / package).exists() else f"no {package} in {NPM}: ./dev test installs it where it reaches npm's registry"


def python_missing(module: str) -> str:
    found = PYTHON.exists() and subprocess.run([str(PYTHON), "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
    return "" if found else f"no {module} in {PYTHON.parents[1]}: ./dev test installs it where it reaches PyPI"


def collector() -> tuple[pathlib.Path | None, str]:
    """The Collector, built now if it was not yet; or None and why there is none."""
    if not shutil.which("go"):
        return None, "no go in PATH, and the Collector is built from its Go modules: Go 1.26 or newer"
    try:
        result = subprocess.run([str(ROOT / "tools/dev/go-tool.sh"), "collector"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=_BUILD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, f"the Collector was not built within {_BUILD_SECONDS:.0f} s"
    if result.returncode != 0:
        return None, "the Collector cannot be built here: " + (result.stderr.strip().splitlines() or ["no reason told"])[-1]
    return pathlib.Path(result.stdout.strip()), ""


def environment(variables: dict[str, str]) -> dict[str, str]:
    return environment_without(*_FOREIGN) | {
        "OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.version=4.5.6,deployment.environment.name=test",
        "OTEL_TRACES_SAMPLER": "always_on", "OTEL_METRIC_EXPORT_INTERVAL": "60000", "OTEL_NODE_RESOURCE_DETECTORS": "env"} | variables


def run_to_end(name: str, command: list[str], variables: dict[str, str], work: pathlib.Path) -> str:
    """Runs a program until it has sent everything, and returns its output; anything but the exit code 0 is a Failure."""
    process = Process(name, command, environment(variables), work / f"{name}.log").start()
    try:
        if (code := process.wait(_SECONDS)) != 0:
            raise Failure(f"{name} ended with {code}; log: {process.log}\n{process.log_end()}")
    finally:
        process.kill()
    return process.output()


def run_ours(variables: dict[str, str], work: pathlib.Path):
    run_to_end("otlp_program", [str(BUILT / "otlp_program")], variables, work)


def run_official(variables: dict[str, str], work: pathlib.Path):
    run_to_end("program.mjs", ["node", str(HERE / "program.mjs"), str(NPM)], variables, work)
