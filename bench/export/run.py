#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs export_bench: the steps in turn for time, then those that callgrind can count for instructions.

    run.py EXPORT_BENCH [--json FILE] [--rounds N] [--turns N]

Prints a table; ratio = ours / peer, so below 1 ours is cheaper. The file is a list of {"name","unit","ours","peer","peerName","ratio"},
names CASE/STEP/MEASURE. Items (breeze, worker) have no peer of their own in C++: they are put beside the official OTLP export, which
does less. Compressors are compared by time and by compressed bytes a span.
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

CASES = ("span10", "order")
STEPS = ("otlp", "breeze", "gzip", "gzip-libdeflate", "gzip-zlib", "worker", "peer-otlp")
OFFICIAL = "opentelemetry-cpp, recordables to OTLP bytes"
PEERS = (("otlp", "peer-otlp", OFFICIAL), ("breeze", "peer-otlp", OFFICIAL), ("worker", "peer-otlp", OFFICIAL),
         ("gzip", "gzip-libdeflate", "libdeflate, level 1"), ("gzip", "gzip-zlib", "zlib, level 1"))


def measure(program, step, case, rounds):
    out = subprocess.run([program, step, case, str(rounds)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()

    runs = {}
    for turn in range(options.turns):
        print(f"turn {turn + 1} of {options.turns}", file=sys.stderr, flush=True)
        for case in CASES:
            for step in STEPS:
                runs.setdefault((case, step), []).append(measure(options.program, step, case, options.rounds))

    def median(case, step, what):
        return statistics.median(run[what] for run in runs[(case, step)])

    rows = []
    for case in CASES:
        for step, peer, peer_name in PEERS:
            suffix = "-vs-zlib" if peer == "gzip-zlib" else ""
            rows.append(common.row(f"{case}/{step}/ns{suffix}", "ns CPU/span", median(case, step, "ns"), median(case, peer, "ns"), peer_name))
            if step == "gzip":
                rows.append(common.row(f"{case}/{step}/bytes{suffix}", "B/span", median(case, step, "bytes_out"), median(case, peer, "bytes_out"),
                                       peer_name))
        if not shutil.which("valgrind"):
            print("bench: valgrind is not installed, so there are no instruction counts", file=sys.stderr)
            continue
        print(f"callgrind {case}", file=sys.stderr, flush=True)
        # Not the compressors: valgrind hides the wide vector instructions that they choose on this machine.
        peer = common.instructions([options.program, "peer-otlp", case], "*MeasuredPeer*")
        for step in ("otlp", "breeze"):
            ours = common.instructions([options.program, step, case], "*MeasuredStep*")
            rows.append(common.row(f"{case}/{step}/instructions", "1/span", ours, peer, OFFICIAL))
    common.report(rows, options.json)


if __name__ == "__main__":
    main()
