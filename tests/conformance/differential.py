#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random telemetry through azmon-conformance and through reference.py: both must map it alike.

    differential.py [--seed N] [--cases N] [--keep DIR] PROGRAM

What is random: which attributes of the corpus's spans, events, links and log records come together, their values, kinds, states, names
and times. A failing run prints its seed; the same seed gives the same cases.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import compare  # noqa: E402
import reference  # noqa: E402

reference.NOW = "<now>"  # compare.py takes any time for it

NUMBERS = [0, 1, 80, 443, 8080, 65535, 65536, -1, 200, 399, 400, 404, 500]
TEXTS = ["", " ", "0", "false", "443", " 8080 ", "a/b", "http://u:p@h.example:8081/p/../q?x#f", "https://H.example", "HTTP://[2001:db8::1]:80/",
         "unix://h:80/x", "/p?q#f", "/a b/ü", "10.1.2.3", "2001:db8::1", "[2001:db8::1]:81", "h.example:443", "\u20ac" * 50, "x\ty\nz", "404", "4e2", " 500 ",
         "Infinity", "1e400", "0x1F4", "+1", ".5", "99999999999999999999", "True", "00:00:01", "1.00:00:00.1234567", "2024-02-30T00:00:00Z",
         "2024-02-29T23:59:59.123456789+05:30", "https://h:0/", "https://h:00443/a//b/./c/%2E%2e/d", "http:\\\\h\\a", "https://a@b@c/?x", "h:", ":80", "[::1]"]
LONG = [["e", 149], ["\u00e9", 300], ["\u20ac", 2731], ["\U0001f600", 600], ["ab", 20000], ["\U0001f600x", 11000]]


def has_raw_bytes(v): return "stringBytesHex" in json.dumps(v)


class Pools:
    """What the corpus has, by place."""

    def __init__(self, cases):
        self.attributes, self.values = {"span": [], "event": [], "log": [], "resource": [], "point": []}, {}
        self.names, self.event_names, self.bodies, self.times, self.links, self.scopes, self.metrics = [], ["exception"], [], [], [], [], []
        for case in cases.values():
            i = case["input"]
            self.add("resource", i.get("resource", {}).get("attributes", []))
            self.scopes.append(i.get("scope", {"name": ""}))
            for s in i.get("spans", []):
                self.add("span", s.get("attributes", []))
                self.names.append(s.get("name", ""))
                self.times.append((s["startTimeUnixNano"], s["endTimeUnixNano"]))
                self.links += s.get("links", [])[:3]
                for e in s.get("events", []):
                    self.add("event", e.get("attributes", []))
                    self.event_names.append(e.get("name", ""))
            for log in i.get("logRecords", []):
                self.add("log", log.get("attributes", []))
                self.bodies.append(log.get("body", {"absent": 1}))
            self.metrics += [m for m in i.get("metrics", [])]
        for pool in (self.names, self.event_names, self.bodies, self.links, self.metrics): pool[:] = [x for x in pool if not has_raw_bytes(x)]

    def add(self, place, attributes):
        clean = [a for a in attributes if not has_raw_bytes(a)]
        self.attributes[place].append(clean)
        for a in clean:
            if isinstance(a["key"], str): self.values.setdefault(a["key"], []).append(a["value"])


class Maker:
    def __init__(self, seed, pools):
        self.r, self.pools = random.Random(seed), pools
        self.usual = 0.75  # share of values that the corpus has for the key

    def value(self, key):
        r = self.r
        roll = r.random()
        if roll < self.usual and key in self.pools.values: return r.choice(self.pools.values[key])
        if roll < 0.86: return {"stringValue": r.choice(TEXTS)}
        if roll < 0.89: return {"stringRepeat": [["x", r.randrange(4)], r.choice(LONG)]}
        if roll < 0.96: return {"intValue": str(r.choice(NUMBERS))}
        return r.choice([{"doubleValue": 8081.0}, {"doubleValue": 80.5}, {"boolValue": False}, {"boolValue": True}, {},
                         {"arrayValue": {"values": [{"stringValue": "h"}, {"intValue": "9007199254740993"}]}}])

    def attributes(self, place, others=()):
        """Of one to three examples together, some left out, some with another value, now and then a key of anywhere."""
        r, out = self.r, {}
        for _ in range(r.choice([1, 1, 2, 2, 3])):
            source = r.choice(self.pools.attributes[r.choice((place, place, *others))])
            for a in source:
                if r.random() < 0.85: out[json.dumps(a["key"])] = a if r.random() < self.usual or not isinstance(a["key"], str) else {"key": a["key"], "value": self.value(a["key"])}
        for _ in range(r.choice([0, 0, 0, 1, 2])):
            key = r.choice(list(self.pools.values)) if r.random() < 0.9 else r.choice(["k" * 150, "k" * 151, "\U0001f600" * 75, "\U0001f600" * 76, "_MS.x", "microsoft.x", "microsoft_x"])
            out[json.dumps(key)] = {"key": key, "value": self.value(key)}
        out = list(out.values())
        r.shuffle(out)
        return out[:120]

    def id(self, digits): return "0" * digits if self.r.random() < 0.05 else f"{self.r.getrandbits(4 * digits):0{digits}x}"

    def span(self):
        r = self.r
        start, end = r.choice(self.pools.times)
        span = {"name": r.choice(self.pools.names), "kind": r.choice(["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]), "traceId": self.id(32),
                "spanId": self.id(16), "startTimeUnixNano": start, "endTimeUnixNano": end, "status": {"code": r.choice(["UNSET", "UNSET", "OK", "ERROR"])},
                "attributes": self.attributes("span"), "events": [], "links": [r.choice(self.pools.links) for _ in range(r.choice([0, 0, 0, 1, 3]))]}
        if r.random() < 0.6: span["parentSpanId"] = self.id(16)
        for _ in range(r.choice([0, 0, 1, 2])):
            span["events"].append({"timeUnixNano": start, "name": r.choice(self.pools.event_names), "attributes": self.attributes("event", ("log", "span"))})
        return span

    def log(self):
        r = self.r
        log = {"timeUnixNano": r.choice(self.pools.times)[0], "attributes": self.attributes("log", ("span", "event"))}
        if r.random() < 0.2: log["timeUnixNano"], log["observedTimeUnixNano"] = "0", r.choice(self.pools.times)[0]
        if r.random() < 0.8: log["severityNumber"] = r.choice([0, 1, 8, 9, 12, 13, 17, 21, 24, 25])
        if r.random() < 0.3: log["severityText"] = r.choice(["WARN", "NOTICE", ""])
        if r.random() < 0.3: log["eventName"] = r.choice(["", "device.app.crash"])
        body = r.choice(self.pools.bodies)
        if body != {"absent": 1}: log["body"] = body
        if r.random() < 0.7: log["traceId"], log["spanId"] = self.id(32), self.id(16)
        return log

    def case(self):
        r = self.r
        self.usual = r.choice([0.3, 0.75, 0.9])
        i = {"config": {"resourceMetric": r.random() < 0.2}, "resource": {"attributes": self.attributes("resource")}, "scope": r.choice(self.pools.scopes)}
        signal = r.choice(["trace"] * 5 + ["log"] * 3 + ["metric"])
        if signal == "trace": i["spans"] = [self.span() for _ in range(3)]
        elif signal == "log": i["logRecords"] = [self.log() for _ in range(3)]
        else:
            i["metrics"] = [r.choice(self.pools.metrics)]
            i["config"]["metricNamespace"] = r.random() < 0.5
        return {"input": {"signal": signal, **i}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--keep", help="where the failing cases are written")
    parser.add_argument("program")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int(os.environ.get("AZMON_TEST_SEED", "1"))
    print(f"seed={seed}")
    maker = Maker(seed, Pools(compare.read_cases(str(HERE / "cases"), [])))
    cases = {}
    while len(cases) < options.cases:
        case = maker.case()
        case["ours"] = reference.map_case(case)
        if case["ours"] is not None: cases[f"random/{len(cases):05}"] = case
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "random").mkdir()
        for name, case in cases.items():
            case["name"] = name
            (pathlib.Path(folder) / f"{name}.json").write_text(json.dumps(case), encoding="utf-8")
        done = subprocess.run([options.program, folder], stdout=subprocess.PIPE, check=False)
    problems = [] if done.returncode == 0 else [f"{options.program} ended with status {done.returncode}"]
    outputs = compare.read_lines(done.stdout.splitlines(), problems)
    if options.keep:
        pathlib.Path(options.keep).mkdir(parents=True, exist_ok=True)
        for name, case in cases.items():
            if compare.compare(case, outputs.get(name, [])):
                (pathlib.Path(options.keep) / (name.replace("/", "-") + ".json")).write_text(json.dumps(case, indent=1, ensure_ascii=False), encoding="utf-8")
    status = compare.report(cases, outputs, 3, 20, problems)
    if status: print(f"replay: {sys.argv[0]} --seed={seed} --cases={options.cases} {options.program}")
    return status


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(main())
