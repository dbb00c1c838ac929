# SPDX-License-Identifier: MIT
"""What the benchmarks share: counting instructions, and the table and file of their results."""
import json
import os
import re
import subprocess
import sys
import tempfile


def instructions(command, toggle, rounds=2, units_per_round=1000):
    """Instructions a unit inside the functions that match `toggle`.

    `command` is run with the number of rounds behind it, once with 1 and once with 1 + rounds: what starting costs cancels out.
    """
    counts = []
    for count in (1, 1 + rounds):
        with tempfile.NamedTemporaryFile(suffix=".callgrind") as file:
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={file.name}", "--collect-atstart=no", f"--toggle-collect={toggle}",
                 *command, str(count)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
        if not found:
            sys.exit("bench: callgrind printed no count:\n" + done.stderr)
        counts.append(int(found[1]))
    return (counts[1] - counts[0]) / (rounds * units_per_round)


def row(name, unit, ours, peer=None, peer_name=None):
    """ratio = ours / peer."""
    return {"name": name, "unit": unit, "ours": round(ours, 4), "peer": None if peer is None else round(peer, 4), "peerName": peer_name,
            "ratio": round(ours / peer, 4) if peer else None}


def report(rows, json_file=None):
    """Prints the table, with the load of the machine, and writes the list of rows."""
    width = max(len(line["name"]) for line in rows)
    print(f"{'measure':{width}}  {'unit':12} {'ours':>10} {'peer':>10} {'ratio':>7}  peer")
    for line in rows:
        peer = "-" if line["peer"] is None else line["peer"]
        ratio = "-" if line["ratio"] is None else f"{line['ratio']:.3f}"
        print(f"{line['name']:{width}}  {line['unit']:12} {line['ours']:>10} {peer:>10} {ratio:>7}  {line['peerName'] or ''}")
    finish(rows, json_file)


def finish(rows, json_file=None):
    """Says how busy the machine is and writes the list of rows."""
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if json_file:
        with open(json_file, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")
