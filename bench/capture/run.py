#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs capture_bench: the pipelines in turn for time and allocations, then each under callgrind for instructions.

    run.py CAPTURE_BENCH [--json FILE] [--rounds N] [--turns N]

Prints a table; ratio = ours / peer, so below 1 ours is cheaper. The file is a list of {"name","unit","ours","peer","peerName","ratio"},
names PIPELINE/CASE/MEASURE; `…-vs-dual` compares with two batch processors, the others with one.
"""
import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

CASES = ("span10", "span0")
PIPELINES = ("sdk", "single", "dual")
PEER_NAMES = {"single": "opentelemetry-cpp SDK, one batch processor", "dual": "opentelemetry-cpp SDK, two batch processors"}


def measure(program, pipeline, case, rounds):
    out = subprocess.run([program, pipeline, case, str(rounds)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def instructions(program, pipeline, case):
    """Instructions a span, by the difference of runs of 3 rounds and of 1: what starting costs cancels out."""
    counts = []
    for rounds in (1, 3):
        with tempfile.NamedTemporaryFile(suffix=".callgrind") as file:
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={file.name}", "--collect-atstart=no",
                 "--toggle-collect=*SpanLoop*", program, pipeline, case, str(rounds)],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
        if not found:
            sys.exit("bench: callgrind printed no count:\n" + done.stderr)
        counts.append(int(found[1]))
    return (counts[1] - counts[0]) / 2000


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
            values[key]["instructions"] = instructions(options.program, *key)
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
                rows.append({"name": f"sdk/{case}/{name}{suffix}", "unit": unit, "ours": round(ours, 2), "peer": round(peer, 2),
                             "peerName": PEER_NAMES[peer_pipeline], "ratio": round(ours / peer, 4) if peer else None})
    width = max(len(row["name"]) for row in rows)
    print(f"{'measure':{width}}  {'unit':12} {'ours':>10} {'peer':>10} {'ratio':>7}  peer")
    for row in rows:
        print(f"{row['name']:{width}}  {row['unit']:12} {row['ours']:>10} {row['peer']:>10} {row['ratio']:>7.3f}  {row['peerName']}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
