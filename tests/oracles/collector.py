#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real OpenTelemetry Collector takes traces, logs and metrics of azmon by gRPC and by HTTP; what it writes is what was sent."""

import json
import pathlib
import socket

import otlp
import peers
from support import AzmonLocal, Checks, Process, default_programs, environment_without, port, run, skip_all, wait_until, work_directory


class Collector:
    """`with Collector(program, work) as collector:`; its output is complete after it has ended."""

    def __init__(self, program: pathlib.Path, work: pathlib.Path):
        self._output = work / "output"
        self._output.mkdir(parents=True, exist_ok=True)
        for old in self._output.iterdir():
            old.unlink()
        self.grpc, self.http = port(), port()
        self.process = Process("Collector", [str(program), f"--config=file:{peers.HERE / 'collector.yaml'}"],
                               environment_without("OTEL_") | {"GRPC_PORT": str(self.grpc), "HTTP_PORT": str(self.http), "OUTPUT": str(self._output)},
                               work / "collector.log")

    def __enter__(self):
        self.process.start()
        wait_until(lambda: _listens(self.grpc) and _listens(self.http), 60, "the Collector listens", [self.process])
        return self

    def __exit__(self, *_):
        self.process.stop(30)

    def requests(self) -> dict[str, list[dict]]:
        return {signal: [json.loads(line) for line in (self._output / f"{signal}.jsonl").read_text(encoding="utf-8").splitlines()]
                for signal in otlp.SIGNALS}


def _listens(number: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) == 0


def test(checks: Checks):
    program, reason = peers.collector()
    if program is None:
        skip_all(reason)
    work = work_directory("collector")
    with otlp.Sink() as sink:
        peers.run_ours({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, work)
        sent = otlp.comparable(sink.requests(peers.BUILT / "otlp_json"))
    checks.that(len(sent) > 10, "the program sends", str(len(sent)))
    local = AzmonLocal(default_programs(), work)
    local.start()
    try:
        local.wait_ready()
        for protocol, compression in (("grpc", "none"), ("grpc", "gzip"), ("http/protobuf", "none"), ("http/protobuf", "gzip")):
            with Collector(program, work) as collector:
                number = collector.grpc if protocol == "grpc" else collector.http
                # Both destinations at once; the program's exit code says that each has answered for everything.
                peers.run_ours({"APPLICATIONINSIGHTS_CONNECTION_STRING": local.ready["connectionString"],
                                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{number}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                                "OTEL_EXPORTER_OTLP_COMPRESSION": compression}, work)
            found = otlp.differences(sent, otlp.comparable(collector.requests()))
            checks.that(not found, f"{protocol}, compression {compression}: the Collector has what was sent", "\n        ".join(found))
        stats = local.api("stats")
        checks.that(stats["bySource"]["breeze"] >= 4 * 12 and stats["rejected"] == 0, "azmon-local took the other half, all four times", str(stats))
    finally:
        local.process.stop()


if __name__ == "__main__":
    run(test, lambda: "")
