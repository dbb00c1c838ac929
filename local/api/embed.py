#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts the page into the program: builds local/web (unless --plain), copies its dist/, and writes one assembly file and one C++ table.

The assembler reads the files by .incbin: no huge C arrays to compile. Equal sources give equal bytes.
"""

import argparse
import fcntl
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

PLAIN = """<!doctype html>
<!-- SPDX-License-Identifier: MIT -->
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>azmon-local</title></head>
<body>
<h1>azmon-local runs</h1>
<p>This program was built without its page. To build it in: have Node 20.19 or newer with npm, configure without
<code>-DAZMON_WEB=OFF</code> and build again (<code>./dev build</code> does both).</p>
<p>Everything else works: <a href="/api/v1/transactions">transactions</a>, <a href="/api/v1/items">items</a>,
<a href="/api/v1/stats">what to set and what has arrived</a>.</p>
</body>
</html>
"""


def build_page(web: pathlib.Path, npm: str, dist_copy: pathlib.Path):
    """`npm run build`, and a copy of dist/. The lock keeps two build trees from doing it at the same time in the one source tree."""
    (web / "node_modules").mkdir(exist_ok=True)
    with open(web / "node_modules" / ".azmon-build-lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (web / "node_modules" / "vite").is_dir():
            run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], web)
            # As ./dev marks it, so that it does not install a second time.
            digest = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
            (web / "node_modules" / ".azmon-lock").write_text(digest + "  -", encoding="utf-8")
        run([npm, "run", "--silent", "build"], web)
        shutil.rmtree(dist_copy, ignore_errors=True)
        shutil.copytree(web / "dist", dist_copy)


def run(command: list[str], directory: pathlib.Path):
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{' '.join(command)} failed in {directory}; build without the page by -DAZMON_WEB=OFF")


def plain_page(dist: pathlib.Path):
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    data = PLAIN.encode()
    (dist / "index.html").write_bytes(data)
    files = [{"path": "index.html", "type": "text/html; charset=utf-8", "bytes": len(data), "gzipBytes": None, "immutable": False}]
    (dist / "manifest.json").write_text(json.dumps({"files": files}), encoding="utf-8")


def quoted(text: str) -> str:
    return json.dumps(text)


def write_if_changed(path: pathlib.Path, text: str):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def write_sources(dist: pathlib.Path, is_page: bool, out: pathlib.Path):
    files = sorted(json.loads((dist / "manifest.json").read_text(encoding="utf-8"))["files"], key=lambda file: file["path"].encode())
    assembly = ["/* Written by embed.py. */", '.section .rodata.azmon_page, "a", %progbits']
    declarations, rows = [], []

    def blob(name: str, path: pathlib.Path):
        assembly.extend([f".global {name}, {name}_end", f".hidden {name}, {name}_end", ".balign 16", f"{name}:", f".incbin {quoted(str(path))}", f"{name}_end:"])
        declarations.append(f"extern const char {name}[], {name}_end[];")

    for number, file in enumerate(files):
        path = dist / file["path"]
        data = path.read_bytes()
        if len(data) != file["bytes"]:
            sys.exit(f"{path} has not the size that manifest.json says")
        name = f"azmon_page_{number}"
        blob(name, path)
        packed = "std::string_view()"
        if file["gzipBytes"] is not None:
            blob(name + "_gz", path.with_name(path.name + ".gz"))
            packed = f"View({name}_gz, {name}_gz_end)"
        etag = '"' + hashlib.sha256(data).hexdigest()[:20] + '"'
        rows.append(f"      {{{quoted(file['path'])}, {quoted(file['type'])}, {quoted(etag)}, {'true' if file['immutable'] else 'false'}, "
                    f"View({name}, {name}_end), {packed}}},")
    assembly.append('.section .note.GNU-stack, "", %progbits')
    out.mkdir(parents=True, exist_ok=True)
    (out / "page_assets.S").write_text("\n".join(assembly) + "\n", encoding="utf-8")
    table = "\n".join(rows)
    write_if_changed(out / "page_assets.cc", f"""// Written by embed.py.
#include <array>

#include "local/api/assets.h"

extern "C" {{
{chr(10).join(declarations)}
}}

namespace azmon::local {{
namespace {{
std::string_view View(const char* begin, const char* end) {{ return {{begin, static_cast<std::size_t>(end - begin)}}; }}
}}  // namespace

std::span<const Asset> EmbeddedAssets() {{
  static const std::array<Asset, {len(rows)}> assets = {{{{
{table}
  }}}};
  return assets;
}}

bool HasEmbeddedPage() {{ return {'true' if is_page else 'false'}; }}

}}  // namespace azmon::local
""")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--web", type=pathlib.Path, help="local/web of the source tree")
    parser.add_argument("--npm", help="the npm program")
    parser.add_argument("--plain", action="store_true", help="a page that says how to build the real one")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="where page_assets.S, page_assets.cc and dist/ go")
    arguments = parser.parse_args()
    dist = arguments.out / "dist"
    if arguments.plain:
        plain_page(dist)
    else:
        build_page(arguments.web, arguments.npm, dist)
    write_sources(dist, not arguments.plain, arguments.out)


if __name__ == "__main__":
    main()
