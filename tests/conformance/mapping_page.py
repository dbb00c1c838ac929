#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mapping_page.py PROGRAM: docs/reference/mapping.md is what `PROGRAM --mapping` prints; --write makes it so."""
import difflib
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference" / "mapping.md"


def main(argv):
    printed = subprocess.run([argv[1], "--mapping"], stdout=subprocess.PIPE, check=True).stdout.decode()
    if "--write" in argv:
        PAGE.write_text(printed, encoding="utf-8")
    there = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(there.splitlines(True), printed.splitlines(True), str(PAGE), "azmon-conformance --mapping"))
    return 0 if there == printed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
