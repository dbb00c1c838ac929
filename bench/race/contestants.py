# SPDX-License-Identifier: MIT
"""Who takes part in the race, and what has to be there for it. `prepare` returns why a contestant cannot take part, or ""."""
import dataclasses
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "bench/peers"
GO_TOOL = ROOT / "tools/dev/go-tool.sh"


@dataclasses.dataclass
class Contestant:
    name: str
    order: list  # command of order-processor
    receipt: list
    items: int = 7  # an order
    order_items: int = 3  # of them order-processor's
    collector: list = dataclasses.field(default_factory=list)  # command of the Collector between services and sink
    directory: pathlib.Path = PEERS


def run(command, directory, log):
    """Whether a command of the preparation succeeds; its output goes to a file."""
    with open(log, "ab") as file:
        return subprocess.run(command, cwd=directory, stdout=file, stderr=subprocess.STDOUT, check=False).returncode == 0


def is_newer(target, source):
    return target.exists() and target.stat().st_mtime >= source.stat().st_mtime


def azmon(programs, _work):
    return Contestant("azmon", [programs / "order-processor"], [programs / "receipt"]), ""


def cpp_sdk(programs, work):
    if not shutil.which("go"):
        return None, "no Go is installed to build its Collector"
    log = work / "collector.log"
    print(f"race: building the Collector if it was not yet, some minutes then; log: {log}", file=sys.stderr, flush=True)
    with open(log, "wb") as file:
        built = subprocess.run([GO_TOOL, "collector"], stdout=subprocess.PIPE, stderr=file, check=False)
    if built.returncode != 0:
        return None, f"its Collector does not build: {log}"
    command = [pathlib.Path(built.stdout.decode().strip()), f"--config=file:{PEERS / 'collector' / 'azmon.yaml'}"]
    return Contestant("cpp-sdk", [programs / "peer-cpp-order-processor"], [programs / "peer-cpp-receipt"], collector=command), ""


def node(_programs, work):
    npm, program = shutil.which("npm"), shutil.which("node")
    if not npm or not program:
        return None, "no Node is installed"
    directory = work / "node"
    directory.mkdir(parents=True, exist_ok=True)
    lock = PEERS / "node" / "package-lock.json"
    for file in (PEERS / "node").iterdir():
        shutil.copy2(file, directory / file.name)
    if not is_newer(directory / "node_modules" / ".package-lock.json", lock):
        if not run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], directory, work / "node.log"):
            return None, f"npm cannot install it: {work / 'node.log'}"
    return Contestant("node", [program, directory / "order-processor.js"], [program, directory / "receipt.js"], items=8, directory=directory), ""


def python(_programs, work):
    directory = work / "python"
    lock = PEERS / "python" / "requirements.lock"
    if not is_newer(directory / "installed", lock):
        if not run([sys.executable, "-m", "venv", directory], PEERS, work / "python.log") or not run(
                [directory / "bin" / "pip", "install", "--quiet", "--requirement", lock], PEERS, work / "python.log"):
            return None, f"pip cannot install it: {work / 'python.log'}"
        (directory / "installed").touch()

    def serve(module):
        return ["bash", "-c", f'exec "{directory}/bin/gunicorn" --bind "$HOST:$PORT" --workers 2 --worker-class gthread --threads 16 --keep-alive 30 '
                f"--log-level warning {module}:app"]
    return Contestant("python", serve("order_processor"), serve("receipt"), directory=PEERS / "python"), ""


ALL = {"azmon": azmon, "cpp-sdk": cpp_sdk, "node": node, "python": python}
