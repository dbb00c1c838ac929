#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev check: the rules of the tree that no compiler knows. Runs as a test too."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

CXX = {".cc", ".h"}
WITH_SPDX = CXX | {".py", ".ts", ".tsx", ".mjs", ".css", ".cmake", ".sh", ".proto", ".yaml", ".yml", ".bicep", ".html", ".svg"}
SPDX = "SPDX-License-Identifier: MIT"

# Which parts a part may include, apart from itself. The arrows of docs/architecture.md point down only.
PUBLIC = {"azmon"}
ALLOWED = {
    "azmon/src/base": set(),
    "azmon/src/otlp": {"base"},
    "azmon/src/journal": {"base", "otlp"},
    "azmon/src/envelope": {"base", "otlp"},
    "azmon/src/transport": {"base"},
    "azmon/src/identity": {"base", "transport"} | PUBLIC,
    "azmon/src/resource": {"base", "transport"} | PUBLIC,
    "azmon/src/sampling": {"base", "otlp"} | PUBLIC,
    "azmon/src/meter": {"base", "otlp", "journal", "envelope"} | PUBLIC,
    "azmon/src/capture": {"base", "otlp", "journal", "envelope", "sampling"} | PUBLIC,
    "azmon/src/deliver": {"base", "otlp", "journal", "envelope", "identity", "transport"} | PUBLIC,
    "azmon/src/distro": {"base", "otlp", "journal", "envelope", "identity", "transport", "capture", "deliver", "meter", "resource", "sampling"} | PUBLIC,
    "azmon/instrumentation": {"base", "net"} | PUBLIC,
    "net": {"base"},
    "services": {"base", "net", "services"} | PUBLIC,
    "local": {"base", "otlp", "net", "local"},
}
# Headers of others that only some places may include.
FENCED = {
    "opentelemetry/sdk/": ("azmon/src/capture/", "azmon/src/meter/", "azmon/src/distro/", "azmon/include/azmon/sdk.h"),
    "opentelemetry/sdk/version/": ("azmon/src/resource/", "azmon/src/distro/"),
    "sqlite3.h": ("local/store/", "azmon/instrumentation/sqlite/", "bench/"),
    "curl/curl.h": ("azmon/src/transport/", "azmon/instrumentation/curl/", "bench/"),
}
# In the library these are reached through src/base, so that a test can replace them.
# Threads that wait on a condition variable until a deadline need the real steady clock: their shells are named.
CLOCK_SHELLS = ("azmon/src/deliver/delivery.cc", "azmon/src/distro/telemetry.cc")
THROUGH_BASE = re.compile(r"\b(system_clock::now|steady_clock::now|std::random_device|std::cout|std::cerr|std::getenv|printf\()")

# Written apart, so that this file does not find itself.
MACHINE = re.compile("|".join([
    r"(?<![\w.])/" + r"(?:work|root)/\w", r"/tmp/" + r"(?:b|work)/", "registry" + r"\.(?:npm|yarn)", r"deb\." + r"debian\.org",
    r"files\." + "pythonhosted", r"pypi\." + "org", r"proxy\." + r"golang", r"(?:static|index)\." + r"crates\.io", r"repo1?\." + r"maven"]))
BINARY = {".png", ".ico", ".gz", ".bin", ".woff2", ".jpg", ".pb"}


class Checks:
    def __init__(self):
        self.failed: list[str] = []
        self.counted = 0

    def that(self, good: bool, text: str):
        self.counted += 1
        if not good:
            self.failed.append(text)


def tree_files() -> list[pathlib.PurePosixPath]:
    """What git knows or would add; from a tarball everything."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                             capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        names = [name for name in listing.stdout.split("\0") if name]
    else:
        left_out = {"build", "node_modules", "dist", "__pycache__"}
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and not left_out & set(path.parts)]
    return [pathlib.PurePosixPath(name) for name in sorted(set(names)) if (ROOT / name).is_file()]


def is_data(path: pathlib.PurePosixPath) -> bool:
    """Corpora and golden files: outside bytes, taken as they are."""
    return path.parts[0] == "fuzz" and "corpus" in path.parts or path.parts[:2] in (("tests", "golden"), ("tests", "conformance"))


def part_of(path: pathlib.PurePosixPath) -> str | None:
    for depth in (3, 2, 1):
        name = "/".join(path.parts[:depth])
        if name in ALLOWED and len(path.parts) > depth:
            return name
    return None


def check_text(path: pathlib.PurePosixPath, text: str, checks: Checks):
    script = text.startswith("#!")
    if (path.suffix in WITH_SPDX or script or path.name == "CMakeLists.txt") and not is_data(path):
        checks.that(any(SPDX in line for line in text.splitlines()[:4]), f"{path}: no line '{SPDX}' at its head")
    found = MACHINE.search(text)
    checks.that(found is None, f"{path}: '{found[0] if found else ''}' belongs to one machine or one registry")
    if is_data(path):
        return
    checks.that(not text or text.endswith("\n"), f"{path}: no newline at the end")
    if path.suffix != ".md":
        trailing = next((number for number, line in enumerate(text.splitlines(), 1) if line != line.rstrip()), 0)
        checks.that(not trailing, f"{path}:{trailing}: white space at the end of the line")
    if path.suffix in CXX | {".py", ".ts", ".tsx", ".cmake"}:
        checks.that("\t" not in text, f"{path}: a tab")


def check_cxx(path: pathlib.PurePosixPath, text: str, checks: Checks):
    if path.suffix == ".h":
        checks.that("#pragma once" in text, f"{path}: no #pragma once")
    part = part_of(path)
    test = (path.stem.endswith(("_test", "_test_support", "_benchmark", "_fuzz")) or path.stem == "test_support"
            or path.parts[0] in ("tests", "bench", "fuzz"))
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if include:
            name = include[2]
            fences = [(fenced, places) for fenced, places in FENCED.items() if name.startswith(fenced)]
            if fences:
                fenced, places = max(fences)  # the longest, which says most
                checks.that(str(path).startswith(places) or test, f"{path}:{number}: {name} may be included in {', '.join(places)} only")
            if include[1] == '"' and part and not test and "/" in name:
                other = name.split("/")[0]
                own = part.split("/")[-1]
                checks.that(other == own or other in ALLOWED[part], f"{path}:{number}: {part} may not include {name}")
        elif str(path).startswith("azmon/src/") and not str(path).startswith("azmon/src/base/") and not test:
            code = line.split("//")[0]
            found = THROUGH_BASE.search(code)
            shell = found is not None and found[0] == "steady_clock::now" and str(path) in CLOCK_SHELLS
            checks.that(found is None or shell, f"{path}:{number}: '{found[0] if found else ''}' is reached through src/base")


def check_public_headers(path: pathlib.PurePosixPath, text: str, checks: Checks):
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if include:
            checks.that(include[1].startswith("azmon/"), f"{path}:{number}: a public header includes {include[1]}")


def check_sources_are_built(files: list[pathlib.PurePosixPath], checks: Checks):
    lists = {}
    for path in files:
        if path.name == "CMakeLists.txt":
            lists[path.parent] = (ROOT / path).read_text(encoding="utf-8")
    for path in files:
        if path.suffix == ".cc" and not is_data(path):
            named = any(path.name in lists.get(parent, "") for parent in path.parents)
            checks.that(named or path.parts[0] == "fuzz", f"{path}: no CMakeLists.txt above it names it")


def check_locks(path: pathlib.PurePosixPath, text: str, checks: Checks):
    packages = json.loads(text)["packages"]
    for name, entry in packages.items():
        checks.that("resolved" not in entry or name == "" or entry.get("link", False), f"{path}: {name} names a registry (resolved)")
        checks.that(name == "" or "integrity" in entry or entry.get("link", False) or entry.get("inBundle", False), f"{path}: {name} has no integrity")


def check_links(path: pathlib.PurePosixPath, text: str, checks: Checks):
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            checks.that((ROOT / path.parent / target).exists(), f"{path}: the link {target} leads nowhere")


def check_package_lists(files: list[pathlib.PurePosixPath], checks: Checks):
    seen: dict[str, str] = {}
    for path in files:
        if path.parts[0] == "packages" and path.suffix == ".txt":
            for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
                entry = line.split("#")[0].split()
                if entry:
                    key = " ".join(entry)
                    checks.that(key not in seen, f"{path}: {key} stands in {seen.get(key)} too")
                    form = r"[a-z0-9][a-z0-9.-]+==[0-9.]+" if path.parts[1] == "pip" else r"[a-z0-9][a-z0-9+.-]+( @(bookworm|trixie))?"
                    checks.that(re.fullmatch(form, key) is not None, f"{path}: '{line}' is no package")
                    seen[key] = str(path)


def check_shell(files: list[pathlib.PurePosixPath], checks: Checks):
    scripts = [str(path) for path in files if path.suffix == ".sh" or (path.suffix == "" and is_bash(path))]
    for script in scripts:
        if str(script).endswith(".sh") and "Sourced by" in (ROOT / script).read_text(encoding="utf-8"):
            continue  # read with the script that sources it
        text = (ROOT / script).read_text(encoding="utf-8")
        wanted = "set -eu" if text.startswith("#!/bin/sh") else "set -euo pipefail"  # where there is no bash
        checks.that(f"{wanted}\n" in text, f"{script}: no {wanted}")
    if not shutil.which("shellcheck"):
        print("skipped: shellcheck is not installed; ./dev check installs it")
        return
    result = subprocess.run(["shellcheck", "--external-sources", "--format=gcc", *scripts], cwd=ROOT, capture_output=True, text=True, check=False)
    checks.that(result.returncode == 0, "shellcheck:\n" + result.stdout + result.stderr)


def is_bash(path: pathlib.PurePosixPath) -> bool:
    with open(ROOT / path, "rb") as file:
        head = file.read(40)
    return head.startswith(b"#!") and b"sh" in head.splitlines()[0] and b"bash" in head


def check_python(files: list[pathlib.PurePosixPath], checks: Checks):
    for path in files:
        if path.suffix == ".py":
            source = (ROOT / path).read_text(encoding="utf-8")
            try:
                compile(source, str(path), "exec")
                checks.that(True, "")
            except SyntaxError as error:
                checks.that(False, f"{path}: {error}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev check", allow_abbrev=False)
    parser.parse_args()
    checks, files = Checks(), tree_files()
    for path in files:
        if path.suffix in BINARY or os.path.islink(ROOT / path):
            continue
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            checks.that(is_data(path), f"{path}: not UTF-8")
            continue
        check_text(path, text, checks)
        if path.suffix in CXX and not is_data(path):
            check_cxx(path, text, checks)
        if str(path).startswith("azmon/include/"):
            check_public_headers(path, text, checks)
        if path.name == "package-lock.json":
            check_locks(path, text, checks)
        if path.suffix == ".md":
            check_links(path, text, checks)
    check_sources_are_built(files, checks)
    check_package_lists(files, checks)
    check_shell(files, checks)
    check_python(files, checks)
    for text in checks.failed:
        print(text)
    print(f"{checks.counted} checks of {len(files)} files")
    print(f"{1 if not checks.failed else 0} passed, {len(checks.failed)} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
