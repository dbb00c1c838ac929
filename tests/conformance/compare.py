#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares an implementation's envelopes with the corpus. Python 3, no packages.

    compare.py CASES_DIR OUTPUT_DIR               OUTPUT_DIR/<family>/<name>.json is the JSON array of envelopes
    compare.py CASES_DIR OUTPUT.jsonl             one line {"name": "<family>/<name>", "envelopes": [...]} per case
    compare.py CASES_DIR -                        the same lines on standard input
    compare.py CASES_DIR --run PROGRAM [ARG...]   starts PROGRAM ARG... CASES_DIR and reads its standard output

Options before --run: --family NAME (repeatable; NAME may end in *), --verbose N (differences shown per case, 3),
--max N (failing cases shown, 40). Every case has to pass: what counts is "ours" where a case has it, else "expected".
Exit status: 0 all passed, 1 something failed, 2 wrong usage.
"""
import datetime
import fnmatch
import json
import os
import re
import subprocess
import sys

TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:00)$")
DURATION = re.compile(r"^(?:(\d+)\.)?([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,7}))?$")
LOOSE_DURATION = re.compile(r"^(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d)(?:\.(\d{1,7}))?$")
AT_TIME = re.compile(r"^\$\[\d+\]\.time$")
AT_DURATION = re.compile(r"^\$\[\d+\]\.data\.baseData\.duration$")
ANY_TEXT = re.compile(r"^\$\[\d+\]\.(iKey|tags\['ai\.internal\.sdkVersion'\])$")
AT_INSTANCE = re.compile(r"\['(ai\.cloud\.roleInstance|cloud/roleInstance)'\]$")
AT_LINKS = re.compile(r"\['_MS\.links'\]$")


def well_formed(s):
    s = "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in s)
    return re.sub("\ufffd+", "\ufffd", s)


def normalise(v):
    """README, rules 2 and 8."""
    if isinstance(v, str):
        return well_formed(v)
    if isinstance(v, list):
        return [normalise(x) for x in v]
    if isinstance(v, dict):
        pairs = ((well_formed(k), normalise(x)) for k, x in v.items())
        return {k: x for k, x in pairs if x is not None and x != {}}
    return v


def instant(text):
    """(seconds text, ticks of 100 ns) or None."""
    m = TIME.match(text) if isinstance(text, str) else None
    if not m:
        return None
    try:
        base = datetime.datetime.fromisoformat(m[1] + "+00:00")
    except ValueError:
        return None
    return int(base.timestamp()) * 10**7 + int(((m[2] or "") + "0" * 7)[:7])


def ticks(text, strict):
    m = (DURATION if strict else LOOSE_DURATION).match(text) if isinstance(text, str) else None
    if not m:
        return None
    whole = ((int(m[1] or 0) * 24 + int(m[2])) * 60 + int(m[3])) * 60 + int(m[4])
    return whole * 10**7 + int(((m[5] or "") + "0" * 7)[:7])


def short(v):
    text = json.dumps(v, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:100]}…{text[-30:]} ({len(text)} characters)"


def long_difference(want, got):
    n = next((i for i, (x, y) in enumerate(zip(want, got)) if x != y), min(len(want), len(got)))
    return f"differ from character {n} on: expected …{want[n:n + 30]!r} ({len(want)} chars), found …{got[n:n + 30]!r} ({len(got)} chars)"


def diff(want, got, path, strict, out):
    """Appends the differences. strict: want is from "ours": times and durations are exact to 100 ns."""
    def wrong(): out.append(f"{path}: expected {short(want)}, found {short(got)}")

    if AT_TIME.match(path):
        if want == "<now>":
            if instant(got) is None: out.append(f"{path}: not a UTC time: {short(got)}")
            return
        a, b = instant(want), instant(got)
        if b is None or (a != b if strict else abs(a // 10**4 - b // 10**4) > 1): wrong()
    elif ANY_TEXT.match(path):
        if not isinstance(got, str) or not got: out.append(f"{path}: not a non-empty text: {short(got)}")
    elif want == "<hostname>" and AT_INSTANCE.search(path):
        if not isinstance(got, str) or not got: out.append(f"{path}: not a non-empty text: {short(got)}")
    elif AT_DURATION.match(path) and isinstance(want, str):
        a, b = ticks(want, strict), ticks(got, strict)
        if want != got and (a is None or b is None or abs(a - b) > (0 if strict else 1)): wrong()
    elif AT_LINKS.search(path) and isinstance(want, str) and isinstance(got, str):
        try: same = json.loads(want) == json.loads(got)
        except ValueError: same = want == got
        if not same: out.append(f"{path}: {long_difference(want, got)}")
    elif isinstance(want, dict) and isinstance(got, dict):
        for k in sorted(set(want) | set(got)):
            p = f"{path}.{k}" if re.match(r"^\w+$", k) else f"{path}[{k!r}]"
            if k not in got: out.append(f"{p}: missing, expected {short(want[k])}")
            elif k not in want: out.append(f"{p}: unexpected {short(got[k])}")
            else: diff(want[k], got[k], p, strict, out)
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got): out.append(f"{path}: {len(want)} items expected, {len(got)} found")
        for i, (x, y) in enumerate(zip(want, got)): diff(x, y, f"{path}[{i}]", strict, out)
    elif isinstance(want, bool) or isinstance(got, bool) or not (isinstance(want, (int, float)) and isinstance(got, (int, float))):
        if type(want) is type(got) and want == got: return
        if isinstance(want, str) and isinstance(got, str) and max(len(want), len(got)) > 100: out.append(f"{path}: {long_difference(want, got)}")
        else: wrong()
    elif want != got and not abs(want - got) <= 1e-9 * max(abs(want), abs(got)): wrong()


def is_metric(envelope):
    return isinstance(envelope, dict) and isinstance(envelope.get("data"), dict) and envelope["data"].get("baseType") == "MetricData"


def metric_key(envelope):
    """Sorts aggregated points: metric name, then dimensions."""
    base = envelope["data"].get("baseData")
    base = base if isinstance(base, dict) else {}
    points = base.get("metrics")
    point = points[0] if isinstance(points, list) and points and isinstance(points[0], dict) else {}
    return json.dumps([point.get("name"), base.get("properties")], sort_keys=True)


def compare(case, envelopes):
    """The list of differences of one case; empty: it passes."""
    strict = "ours" in case
    want, got = normalise(case["ours"] if strict else case["expected"]), normalise(envelopes)
    if not isinstance(got, list):
        return ["$: not an array of envelopes"]
    if case["input"]["signal"] == "standard-metrics":
        head = 0
        while head < len(got) and is_metric(got[head]): head += 1
        if any(is_metric(x) for x in got[head:]): return ["$: a metric envelope behind the items"]
        want = sorted((x for x in want if is_metric(x)), key=metric_key) + [x for x in want if not is_metric(x)]
        got = sorted(got[:head], key=metric_key) + got[head:]
    out = []
    diff(want, got, "$", strict, out)
    return out


def no_constant(text):
    raise ValueError(f"{text} is no JSON")


def parse(text):
    return json.loads(text, parse_constant=no_constant)


def read_cases(folder, families):
    cases = {}
    for family in sorted(os.listdir(folder)):
        if families and not any(fnmatch.fnmatchcase(family, f) for f in families): continue
        for f in sorted(os.listdir(os.path.join(folder, family))):
            if not f.endswith(".json"): continue
            with open(os.path.join(folder, family, f), encoding="utf-8") as file:
                cases[f"{family}/{f[:-5]}"] = json.load(file)
    return cases


def read_folder(folder, cases, problems):
    outputs = {}
    for name in cases:
        path = os.path.join(folder, *name.split("/")) + ".json"
        if not os.path.exists(path): continue
        try:
            with open(path, encoding="utf-8") as file: outputs[name] = parse(file.read())
        except ValueError as e: problems.append(f"{name}: {e}")
    return outputs


def read_lines(lines, problems):
    outputs = {}
    for i, line in enumerate(lines, 1):
        if not line.strip(): continue
        try:
            o = parse(line if isinstance(line, str) else line.decode("utf-8"))
            name, envelopes = o["name"], o["envelopes"]
        except (ValueError, KeyError, TypeError) as e:
            problems.append(f"line {i}: not {{\"name\", \"envelopes\"}}: {e!r}: {line[:80]!r}")
            continue
        if name in outputs: problems.append(f"line {i}: a second output for {name}")
        outputs[name] = envelopes
    return outputs


def report(cases, outputs, verbose, maximum, problems):
    totals, shown, failed = {}, 0, 0
    for name, case in cases.items():
        total = totals.setdefault(name.split("/")[0], [0, 0])
        total[0] += 1
        found = compare(case, outputs[name]) if name in outputs else ["no output"]
        if not found:
            total[1] += 1
            continue
        failed += 1
        if shown < maximum:
            shown += 1
            deltas = " (deviates from the official exporter: " + ", ".join(case.get("deltas", [])) + ")" if case.get("deltas") else ""
            print(f"FAIL {name}{deltas}")
            for line in found[:verbose]: print("     " + line)
            if len(found) > verbose: print(f"     … and {len(found) - verbose} more")
    if failed > shown: print(f"… and {failed - shown} more failing cases (--max)")
    for line in problems: print("PROBLEM " + line)
    print(f"{'family':24}{'passed':>7}{'of':>6}")
    for family, (n, ok) in totals.items(): print(f"{family:24}{ok:7}{n:6}" + ("" if ok == n else f"   {n - ok} failed"))
    print(f"{'all':24}{len(cases) - failed:7}{len(cases):6}")
    return 0 if not failed and not problems and cases else 1


def main(argv):
    options, program = argv, None
    if "--run" in argv: options, program = argv[:argv.index("--run")], argv[argv.index("--run") + 1:]
    families, numbers, positional, it = [], {"--verbose": 3, "--max": 40}, [], iter(options)
    for x in it:
        if x == "--family": families.append(next(it, ""))
        elif x in numbers: numbers[x] = int(next(it, "0"))
        else: positional.append(x)
    if len(positional) != (2 if program is None else 1) or program == [] or not os.path.isdir(positional[0]):
        print(__doc__)
        return 2
    cases, problems = read_cases(positional[0], families), []
    if program is not None:
        done = subprocess.run(program + [positional[0]], stdout=subprocess.PIPE)
        if done.returncode: problems.append(f"{program[0]} ended with status {done.returncode}")
        outputs = read_lines(done.stdout.splitlines(), problems)
    elif os.path.isdir(positional[1]): outputs = read_folder(positional[1], cases, problems)
    elif positional[1] == "-": outputs = read_lines(sys.stdin.buffer, problems)
    else:
        with open(positional[1], "rb") as file: outputs = read_lines(file, problems)
    if not families: problems += [f"output for an unknown case: {n}" for n in outputs if n not in cases]
    return report(cases, outputs, numbers["--verbose"], numbers["--max"], problems)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
