#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Races the services against what a user would write today: order-processor → receipt → a blob store that keeps nothing.

    run.py RACE_BENCH [--json FILE] [--peers a,b] [--modes none,azmon,dual] [--seconds 12] [--turns 1] [--connections 32] [--losses]

RACE_BENCH is a path in the folder of the programs. Each contestant gets PORT, HOST, SERVICE_RECEIPT_API_NAME, OTEL_SERVICE_NAME,
AZURE_STORAGE_CONNECTION_STRING, STORAGE_ACCOUNT_CONTAINER_NAME, TELEMETRY (none, azmon: Application Insights, dual: OTLP/gRPC too) and the
addresses of the sink, every trace sampled; it answers POST /orders {"orderId": n} with 200 {"success": true} and writes a blob an order.
Contestants run in turn, mode by mode. CPU is that of all processes of a service, from before the load until its telemetry has arrived, so
that what is sent late counts. --losses also kills order-processor under load, and takes the receiver away for a second (where a Collector
is the receiver, it is killed).

Prints a table for each mode; ratio = ours / peer. The file is a list of {"name","unit","ours","peer","peerName","ratio"}. Needs wrk.
Who cannot take part is named with the reason.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import common
from race import contestants

HERE = pathlib.Path(__file__).resolve().parent
HZ = os.sysconf("SC_CLK_TCK")
# The well-known key of storage emulators.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
INSTRUMENTATION_KEY = "00000000-0000-0000-0000-0000000000aa"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} in {seconds} s")
        time.sleep(0.05)


def is_listening(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class Session:
    """A program with all its processes."""

    def __init__(self, command, environment, directory, log, port):
        self._arguments = (command, environment, directory, log, port)
        self.start()

    def start(self):
        command, environment, directory, log, port = self._arguments
        with open(log, "ab") as file:
            self._process = subprocess.Popen([str(part) for part in command], cwd=directory, env={**os.environ, **environment},
                                             stdout=subprocess.DEVNULL, stderr=file, start_new_session=True)
        wait_for(lambda: self._process.poll() is not None or is_listening(port), f"{command[0]} does not listen; its log is {log}: no answer")
        if self._process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {self._process.returncode}; its log is {log}")

    def pids(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getsid(int(entry.name)) == self._process.pid:
                    found.append(int(entry.name))
            except ProcessLookupError:
                pass
        return found

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
            except FileNotFoundError:
                pass
        return ticks / HZ

    def rss_mb(self):
        kilobytes = 0
        for pid in self.pids():
            try:
                text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
                kilobytes += int((re.search(r"VmRSS:\s+(\d+)", text) or [0, 0])[1])
            except FileNotFoundError:
                pass
        return kilobytes / 1024

    def signal(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        self.signal(signal.SIGKILL)
        self._process.wait()

    def end(self):
        self.signal(signal.SIGTERM)
        try:
            wait_for(lambda: self._process.poll() is not None and not self.pids(), "it has not ended", 8)
        except RuntimeError:
            self.kill()


class Stage:
    """The sink and one contestant's services, running."""

    def __init__(self, programs, contestant, mode, logs):
        self.contestant, self.mode = contestant, mode
        self.ports = dict(zip(("order", "receipt", "order_health", "receipt_health", "http", "blob", "grpc", "collector"), free_ports(8)))
        ports = self.ports
        self.parts = {}
        try:
            self.parts["sink"] = Session([programs / "peer-sink", "--http", ports["http"], "--blob", ports["blob"], "--grpc", ports["grpc"]], {}, HERE,
                                         logs / "sink.log", ports["http"])
            environment = {
                "HOST": "127.0.0.1", "TELEMETRY": mode, "STORAGE_ACCOUNT_CONTAINER_NAME": "orders", "NODE_ENV": "production",
                "SERVICE_RECEIPT_API_NAME": f"127.0.0.1:{ports['receipt']}", "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
                "APPLICATION_INSIGHTS_NO_STATSBEAT": "1",
                "AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
                                                   f"BlobEndpoint=http://127.0.0.1:{ports['blob']}/devstoreaccount1;"}
            if mode == "none":
                environment["OTEL_SDK_DISABLED"] = "true"
            else:
                sink = f"http://127.0.0.1:{ports['http']}/"
                environment.update(SAMPLING="all", OTEL_TRACES_SAMPLER="always_on", APPLICATIONINSIGHTS_CONNECTION_STRING=
                                   f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={sink};LiveEndpoint={sink}")
                if mode == "dual":
                    environment["OTLP_EXPORT_ENDPOINT"] = f"http://127.0.0.1:{ports['grpc']}"
                if contestant.collector:
                    command = [*contestant.collector, f"--config=file:{contestants.PEERS / 'collector' / 'dual.yaml'}"] if mode == "dual" else contestant.collector
                    of_collector = {"COLLECTOR_GRPC_PORT": str(ports["collector"]), "SINK_HTTP": f"127.0.0.1:{ports['http']}",
                                    "SINK_GRPC": f"127.0.0.1:{ports['grpc']}"}
                    self.parts["collector"] = Session(command, of_collector, HERE, logs / "collector.log", ports["collector"])
                    environment["OTLP_EXPORT_ENDPOINT"] = f"http://127.0.0.1:{ports['collector']}"
            for name, command, key in (("receipt", contestant.receipt, "receipt"), ("order-processor", contestant.order, "order")):
                own = {"PORT": str(ports[key]), "HEALTH_PORT": str(ports[key + "_health"]), "OTEL_SERVICE_NAME": name}
                self.parts[name] = Session(command, {**environment, **own}, contestant.directory, logs / f"{contestant.name}-{name}.log", ports[key])
        except BaseException:
            self.end()
            raise

    def services(self):
        return [self.parts[name] for name in ("order-processor", "receipt", "collector") if name in self.parts]

    def ask(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['http']}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def spans(self):
        stats = json.loads(self.ask("/__stats"))
        return stats["requests"] + stats["dependencies"], stats["otlp_spans"], stats["blob_puts"]

    def load(self, seconds, connections, seed):
        return subprocess.Popen(["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "orders.lua",
                                 f"http://127.0.0.1:{self.ports['order']}/orders"], stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "WRK_SEED": str(seed)})

    def settle(self):
        """Until nothing more arrives at the sink."""
        if self.mode == "none":
            time.sleep(1)
            return
        seen, calm_since = None, time.monotonic()
        while time.monotonic() - calm_since < 7:
            now = self.spans()
            if now != seen:
                seen, calm_since = now, time.monotonic()
            time.sleep(0.5)

    def end(self):
        for name in ("order-processor", "receipt", "collector", "sink"):
            if name in self.parts:
                self.parts[name].end()


def outcome(load):
    found = re.search(r"WRK (.*)", load.communicate()[0])
    if not found:
        raise RuntimeError("wrk printed no result")
    return json.loads(found[1])


def busy_seconds():
    fields = pathlib.Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    return (sum(int(fields[i]) for i in (0, 1, 2, 5, 6, 7))) / HZ


def lap(stage, options, turn):
    outcome(stage.load(options.warmup, options.connections, 1))
    stage.settle()
    stage.ask("/__reset", "POST")
    before = [part.cpu_seconds() for part in stage.services()]
    all_before, busy = [part.cpu_seconds() for part in stage.parts.values()], busy_seconds()
    load = stage.load(options.seconds, options.connections, 100 + turn)
    result = outcome(load)
    foreign = busy_seconds() - busy - sum(part.cpu_seconds() for part in stage.parts.values()) + sum(all_before)
    stage.settle()
    orders = result["requests"]
    breeze, otlp, blobs = stage.spans()
    # Orders that were under way when wrk ended are carried out and not counted by it.
    expected = stage.contestant.items * orders
    measured = {"requests_per_s": result["rps"], "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"],
                "cpu_s_per_1k": sum(part.cpu_seconds() for part in stage.services()) * 1000 / orders - sum(before) * 1000 / orders,
                "rss_mb": sum(part.rss_mb() for part in stage.services()), "foreign_cores": max(0.0, foreign / options.seconds),
                "failed": result["non2xx"] + result["errors"], "orders": orders, "blobs": blobs}
    if stage.mode != "none":
        measured["lost_azure"] = max(0, expected - breeze)
    if stage.mode == "dual":
        measured["lost_otlp"] = max(0, expected - otlp)
    return measured


def loss_of_kill(stage, options):
    """Spans of order-processor that had ended when it was killed under load and never arrived, though it was started again."""
    outcome(stage.load(2, options.connections, 1))
    stage.settle()
    stage.ask("/__reset", "POST")
    load = stage.load(options.seconds, options.connections, 7)
    time.sleep(options.seconds * 0.75)
    stage.parts["order-processor"].kill()
    answered = outcome(load)["requests"]
    stage.parts["order-processor"].start()
    stage.settle()
    breeze, otlp, blobs = stage.spans()
    others = (stage.contestant.items - stage.contestant.order_items) * blobs
    expected = stage.contestant.order_items * answered
    return {"lost_azure": max(0, expected - (breeze - others)), "lost_otlp": max(0, expected - (otlp - others)), "expected": expected}


def loss_of_receiver(stage, options):
    """Spans that did not arrive because the receiver was away for a second."""
    outcome(stage.load(2, options.connections, 1))
    stage.settle()
    stage.ask("/__reset", "POST")
    load = stage.load(options.seconds, options.connections, 8)
    time.sleep(options.seconds * 0.4)
    if "collector" in stage.parts:
        stage.parts["collector"].kill()
        time.sleep(1)
        stage.parts["collector"].start()
    else:
        stage.ask("/__down?ms=1000", "POST")
    answered = outcome(load)["requests"]
    stage.settle()
    breeze, otlp, _ = stage.spans()
    expected = stage.contestant.items * answered
    return {"lost_azure": max(0, expected - breeze), "lost_otlp": max(0, expected - otlp), "expected": expected}


def race(options, programs, ready, logs):
    """{(contestant, mode): laps}, {(contestant, "kill" | "receiver"): loss}"""
    laps, losses = {}, {}

    def on_stage(contestant, mode, act, what):
        print(f"race: {contestant.name} {mode} {what}", file=sys.stderr, flush=True)
        try:
            stage = Stage(programs, contestant, mode, logs)
        except RuntimeError as error:
            print(f"race: {contestant.name} cannot take part in {mode}: {error}", file=sys.stderr)
            return None
        try:
            return act(stage)
        except RuntimeError as error:
            print(f"race: {contestant.name} broke off in {mode}: {error}", file=sys.stderr)
            return None
        finally:
            stage.end()

    for turn in range(options.turns):
        for mode in options.modes:
            for contestant in ready:
                if (measured := on_stage(contestant, mode, lambda stage, n=turn: lap(stage, options, n), f"turn {turn + 1}")) is not None:
                    laps.setdefault((contestant.name, mode), []).append(measured)
    if options.losses:
        for contestant in ready:
            for what, act in (("kill", loss_of_kill), ("receiver", loss_of_receiver)):
                if (measured := on_stage(contestant, "dual", lambda stage, f=act: f(stage, options), what)) is not None:
                    losses[(contestant.name, what)] = measured
    return laps, losses


def rows_of(options, laps, losses, names):
    units = {"requests_per_s": "1/s", "p50_ms": "ms", "p99_ms": "ms", "cpu_s_per_1k": "s/1k orders", "rss_mb": "MB", "lost_azure": "spans",
             "lost_otlp": "spans", "failed": "orders", "foreign_cores": "cores"}
    rivals = [name for name in names if name != "azmon"] or [None]

    def value(name, mode, what):
        found = [measured[what] for measured in laps.get((name, mode), []) if what in measured]
        return statistics.median(found) if found else None

    def pair(measure, unit, of):
        for rival in rivals:
            peer = of(rival) if rival else None
            if of("azmon") is not None:
                yield common.row(f"{measure}" + (f"/{rival}" if rival else ""), unit, of("azmon"), peer, rival)

    rows = []
    for mode in options.modes:
        for what, unit in units.items():
            rows += pair(f"{mode}/{what}", unit, lambda name, m=mode, w=what: value(name, m, w))
    if "none" in options.modes and "dual" in options.modes:
        def telemetry(name):
            dual, none = value(name, "dual", "cpu_s_per_1k"), value(name, "none", "cpu_s_per_1k")
            return None if dual is None or none is None else dual - none

        def share(name):
            dual, none = value(name, "dual", "requests_per_s"), value(name, "none", "requests_per_s")
            return None if dual is None or none is None else dual / none
        rows += pair("telemetry/cpu_s_per_1k", "s/1k orders", telemetry)
        rows += pair("telemetry/dual_by_none", "share", share)
    for what in ("kill", "receiver"):
        for lost in ("lost_azure", "lost_otlp"):
            rows += pair(f"{what}/{lost}", "spans", lambda name, w=what, x=lost: losses.get((name, w), {}).get(x))
    return rows


def print_tables(rows, names):
    """A line for each contestant, a table for each mode and for what was lost."""
    cells, columns = {}, {}
    for line in rows:
        section, what = line["name"].split("/")[:2]
        columns.setdefault(section, {})[what] = None
        cells[(section, what, "azmon")] = line["ours"]
        if line["peerName"]:
            cells[(section, what, line["peerName"])] = line["peer"]
    for section, found in columns.items():
        print(f"\n{section:10}" + "".join(f"{what:>16}" for what in found))
        for name in names:
            values = [cells.get((section, what, name)) for what in found]
            print(f"{name:10}" + "".join(f"{'-' if value is None else format(value, '.6g'):>16}" for value in values))
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--json")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(contestants.ALL))
    parser.add_argument("--modes", type=lambda text: text.split(","), default=["none", "azmon", "dual"])
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--losses", action="store_true")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("bench: wrk is not installed; it makes the load")
    programs = pathlib.Path(options.program).resolve().parent
    work = programs.parents[1] / "peers"
    work.mkdir(exist_ok=True)
    ready = []
    for name in dict.fromkeys(["azmon", *options.peers]):
        contestant, reason = contestants.ALL[name](programs, work)
        if contestant:
            ready.append(contestant)
        else:
            print(f"race: skipped: {name}: {reason}")
    logs = tempfile.mkdtemp(prefix="azmon-race-")
    laps, losses = race(options, programs, ready, pathlib.Path(logs))
    names = [contestant.name for contestant in ready if any(key[0] == contestant.name for key in laps)]
    rows = rows_of(options, laps, losses, names)
    print_tables(rows, names)
    common.finish(rows, options.json)
    print(f"logs: {logs}")


if __name__ == "__main__":
    main()
