#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs delivery_bench against a sink that counts and keeps nothing: both destinations, one delivery thread.

    run.py DELIVERY_BENCH [--json FILE] [--turns N]

Prints a table. There is no peer: opentelemetry-cpp has no exporter for Application Insights, and what its batch processor loses at full
load is in `./dev bench race`. spans_per_worker_second is by the CPU of the delivery thread, so that other work on the machine does not
spoil it; spans_per_second is by the clock. The file is a list of {"name","unit","ours","peer","peerName","ratio"}.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import common
from race.run import Session, free_ports


def measure(program, case):
    http, grpc = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="azmon-delivery-") as logs:
        sink = Session([program.parent / "peer-sink", "--http", http, "--grpc", grpc], {}, logs, pathlib.Path(logs) / "sink.log", http)
        try:
            found = json.loads(subprocess.run([program, case, str(http), str(grpc)], check=True, stdout=subprocess.PIPE, text=True).stdout)
            with urllib.request.urlopen(f"http://127.0.0.1:{http}/__stats", timeout=10) as answer:
                stats = json.load(answer)
        finally:
            sink.end()
    arrived = {"azure": stats["requests"] + stats["dependencies"], "otlp": stats["otlp_spans"]}
    # What the ledger says is held against what the sink counted.
    found["missing"] = max(found["spans"] - count for count in arrived.values())
    if not found["flushed"]:
        print(f"delivery: {case}: not all was delivered in time", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--json")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for case in ("sustained", "burst", "recovery"):
        runs = [measure(options.program, case) for _ in range(options.turns)]

        def median(what, of=runs):
            return statistics.median(what(run) for run in of)
        rows.append(common.row(f"{case}/spans_per_worker_second", "1/s", median(lambda run: run["spans"] / run["worker_cpu_s"])))
        rows.append(common.row(f"{case}/spans_per_second", "1/s", median(lambda run: run["spans"] / (run["append_s"] + run["flush_s"]))))
        rows.append(common.row(f"{case}/lost", "spans", max(run["lost"] for run in runs)))
        rows.append(common.row(f"{case}/missing_at_the_sink", "spans", max(run["missing"] for run in runs)))
        rows.append(common.row(f"{case}/seconds_to_empty", "s", median(lambda run: run["flush_s"])))
        rows.append(common.row(f"{case}/peak_rss", "MB", median(lambda run: run["peak_kb"] / 1024)))
    common.report(rows, options.json)


if __name__ == "__main__":
    main()
