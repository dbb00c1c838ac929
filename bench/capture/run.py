#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs capture_bench: the pipelines in turn for time and allocations, then each under callgrind for instructions.

    run.py CAPTURE_BENCH [--json FILE] [--rounds N] [--turns N]

Prints a table; ratio = ours / peer, so below 1 ours is cheaper. The file is a list of {"name","unit","ours","peer","peerName","ratio"},
names PIPELINE/CASE/MEASURE; `…-vs-dual` compares with two batch processors, the others with one.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import common

CASES = ("span10", "span0")
PIPELINES = ("sdk", "single", "dual")
PEER_NAMES = {"single": "opentelemetry-cpp SDK, one batch processor", "dual": "opentelemetry-cpp SDK, two batch processors"}


def measure(program, pipeline, case, rounds):
    out = subprocess.run([program, pipeline, case, str(rounds)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()

    results = {}
    for turn in range(options.turns):
        print(f"turn {turn + 1} of {options.turns}", file=sys.stderr, flush=True)
        for case in CASES:
            for pipeline in PIPELINES:
                results.setdefault((pipeline, case), []).append(measure(options.program, pipeline, case, options.rounds))
    values = {}
    for key, runs in results.items():
        values[key] = {"ns": statistics.median(run["ns"] for run in runs),
                       "allocations": statistics.median(run["allocations"] for run in runs),
                       "bytes": statistics.median(run["bytes"] for run in runs)}
    if shutil.which("valgrind"):
        for key in values:
            print(f"callgrind {key[0]} {key[1]}", file=sys.stderr, flush=True)
            values[key]["instructions"] = common.instructions([options.program, *key], "*SpanLoop*")
    else:
        print("bench: valgrind is not installed, so there are no instruction counts", file=sys.stderr)

    rows = []
    units = {"ns": "ns CPU/span", "allocations": "1/span", "bytes": "B/span", "instructions": "1/span"}
    for case in CASES:
        for name, unit in units.items():
            ours = values[("sdk", case)].get(name)
            if ours is None:
                continue
            for peer_pipeline in ("single", "dual"):
                peer = values[(peer_pipeline, case)][name]
                suffix = "" if peer_pipeline == "single" else "-vs-dual"
                rows.append(common.row(f"sdk/{case}/{name}{suffix}", unit, ours, peer, PEER_NAMES[peer_pipeline]))
    common.report(rows, options.json)


if __name__ == "__main__":
    main()
