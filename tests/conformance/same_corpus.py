#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""This corpus and the one that other implementations are measured by, if it lies beside this repository, are the same."""
import filecmp
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
THERE = HERE.parents[2] / "shared" / "conformance"
SKIPPED = 77
LICENSE_LINE = b"# SPDX-License-Identifier: MIT\n"


def differences(ours, theirs):
    """Paths of files that are not on both sides, or not equal."""
    names = {p.relative_to(ours) for p in ours.rglob("*.json")} | {p.relative_to(theirs) for p in theirs.rglob("*.json")}
    for name in sorted(names):
        a, b = ours / name, theirs / name
        if not a.exists() or not b.exists() or not filecmp.cmp(a, b, shallow=False):
            yield name


def main():
    if not THERE.is_dir():
        print(f"skipped: there is no {THERE}")
        return SKIPPED
    failed = list(differences(HERE / "cases", THERE / "cases"))
    if (HERE / "README.md").read_bytes() != (THERE / "README.md").read_bytes():
        failed.append("README.md")
    # Every source file of ours names its licence.
    if (HERE / "compare.py").read_bytes().replace(LICENSE_LINE, b"", 1) != (THERE / "compare.py").read_bytes().replace(LICENSE_LINE, b"", 1):
        failed.append("compare.py")
    for name in failed:
        print(f"differs: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
