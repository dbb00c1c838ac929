#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""installed.py BUILD_DIRECTORY: the library as others get it: installed, as .deb packages, by pkg-config and as a vcpkg port.

The README's program is built in an empty directory, outside the tree, against what was installed and nothing else.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from support import ROOT, Checks, command, need, run

_ASIO_PROGRAM = """
#include <azmon/asio.h>
#include <azmon/azmon.h>
#include <azmon/http.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

boost::asio::awaitable<void> Work() {
  co_await boost::asio::this_coro::executor;
  if (azmon::http::RedactQuery("sig=secret") != "sig=REDACTED") throw 1;
}

int main() {
  azmon::asio::InstallContext();
  auto telemetry = azmon::Configure();
  boost::asio::io_context io;
  azmon::asio::spawn(io.get_executor(), Work(), boost::asio::detached);
  io.run();
}
"""

_CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(shop LANGUAGES C CXX)
find_package(azmon 0.1 REQUIRED COMPONENTS azmon http asio sdk)
foreach(standard 17 20)
  add_executable(shop${standard} shop.cc)
  set_target_properties(shop${standard} PROPERTIES CXX_STANDARD ${standard} CXX_EXTENSIONS OFF)
  target_link_libraries(shop${standard} PRIVATE azmon::azmon)
endforeach()
add_executable(coroutines coroutines.cc)
target_link_libraries(coroutines PRIVATE azmon::azmon azmon::asio azmon::http)
"""


def readme_program() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"```cpp\n(.*?)```", text, re.DOTALL)[1]


def environment_of_others() -> dict[str, str]:
    """No setting of ours; nothing that the test is run with."""
    return {name: "" for name in os.environ if name.startswith(("APPLICATIONINSIGHTS_", "OTLP_", "OTEL_", "AZMON_"))}


def needed(library: pathlib.Path) -> list[str]:
    return re.findall(r"\(NEEDED\).*\[(.*)\]", need(["readelf", "--dynamic", "--wide", library]))


def library_directory(prefix: pathlib.Path) -> pathlib.Path:
    return next(prefix.rglob("libazmon.so.0")).parent


def check_what_is_installed(checks: Checks, prefix: pathlib.Path):
    ours = {str(path.relative_to(ROOT / "azmon/include")) for path in (ROOT / "azmon/include").rglob("*.h")}
    theirs = {str(path.relative_to(prefix / "include")) for path in (prefix / "include").rglob("*") if path.is_file()}
    checks.that(ours == theirs, "the headers that are installed are those of azmon/include, all and only", f"{sorted(ours ^ theirs)}")
    libraries = needed(library_directory(prefix) / "libazmon.so.0")
    checks.that("libcurl" in " ".join(libraries), "libazmon.so.0 is the library that was meant: it needs libcurl", str(libraries))
    foreign = [name for name in libraries if re.search("grpc|protobuf|opentelemetry_proto|boost|ssl", name)]
    checks.that(not foreign, "its NEEDED entries hold no gRPC and no protobuf", str(foreign))
    text = "\n".join(path.read_text(encoding="utf-8") for path in prefix.rglob("*") if path.suffix in (".cmake", ".pc"))
    checks.that(str(ROOT) not in text and str(prefix) not in text, "no file of the package names the place where it was built or installed")


def build_with_cmake(checks: Checks, prefix: pathlib.Path, work: pathlib.Path, title: str):
    work.mkdir()
    (work / "shop.cc").write_text(readme_program(), encoding="utf-8")
    (work / "coroutines.cc").write_text(_ASIO_PROGRAM, encoding="utf-8")
    (work / "CMakeLists.txt").write_text(_CMAKE, encoding="utf-8")
    code, output = command(["cmake", "-S", work, "-B", work / "out", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
                            f"-DCMAKE_BUILD_RPATH={library_directory(prefix)}"])
    if not checks.that(code == 0, f"{title}: find_package(azmon) finds azmon::azmon, http, asio and sdk", output[-3000:]):
        return
    code, output = command(["ninja", "-C", work / "out"])
    if not checks.that(code == 0, f"{title}: the README's program builds as C++17 and as C++20, and a coroutine program", output[-3000:]):
        return
    commands = need(["ninja", "-C", work / "out", "-t", "commands", "shop17"])
    checks.that("-std=c++17" in commands and str(ROOT) not in commands.replace(str(prefix), ""), "as C++17, and nothing of the tree is used", commands)
    for program in ("shop17", "shop20", "coroutines"):
        code, output = command([work / "out" / program], environment=environment_of_others(), seconds=60)
        checks.that(code == 0, f"{title}: {program} runs and ends with 0", output)


def build_with_pkg_config(checks: Checks, prefix: pathlib.Path, work: pathlib.Path):
    work.mkdir()
    (work / "shop.cc").write_text(readme_program(), encoding="utf-8")
    where = {"PKG_CONFIG_PATH": str(library_directory(prefix) / "pkgconfig")}
    flags = need(["pkg-config", "--cflags", "--libs", "azmon"], environment=where).split()
    for standard in ("17", "20"):
        program = work / f"shop{standard}"
        code, output = command(["g++", f"-std=c++{standard}", "-Wall", "-Wextra", work / "shop.cc", "-o", program, *flags,
                                f"-Wl,-rpath,{library_directory(prefix)}"])
        checks.that(code == 0, f"pkg-config azmon: the README's program builds as C++{standard}", output[-3000:])
        if code == 0:
            code, output = command([program], environment=environment_of_others(), seconds=60)
            checks.that(code == 0, f"pkg-config azmon: it runs as C++{standard}", output)


def check_wrong_use(checks: Checks, prefix: pathlib.Path, work: pathlib.Path):
    work.mkdir()
    (work / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(shop LANGUAGES C CXX)\n"
                                         "find_package(azmon ${wanted} REQUIRED COMPONENTS ${part})\n", encoding="utf-8")
    for wanted, part, claim in (("1.0", "azmon", "version 1.0 is not found in 0.1: there is no ABI promise"),
                                ("0.1", "nothing", "a component that does not exist is refused")):
        code, output = command(["cmake", "-S", work, "-B", work / part / wanted, f"-DCMAKE_PREFIX_PATH={prefix}", f"-Dwanted={wanted}",
                                f"-Dpart={part}"])
        checks.that(code != 0 and "azmon" in output, claim, output[-2000:])


def check_debian_packages(checks: Checks, build: pathlib.Path, work: pathlib.Path):
    need(["cpack", "--config", build / "CPackConfig.cmake", "-G", "DEB", "-B", work / "cpack"], cwd=build)
    packages = {path.name.split("_")[0]: path for path in (work / "cpack").glob("*.deb")}
    if not checks.that(set(packages) == {"libazmon0", "libazmon-dev", "azmon-local"}, "cpack makes the three packages", str(sorted(packages))):
        return
    root = work / "unpacked"
    for name, path in packages.items():
        need(["dpkg-deb", "--extract", path, root])
        fields = need(["dpkg-deb", "--field", path])
        checks.that("Maintainer:" in fields and "Description:" in fields and (root / f"usr/share/doc/{name}/copyright").is_file(),
                    f"{name} has its fields and its copyright file", fields)
    depends = {name: need(["dpkg-deb", "--field", path, "Depends"]) for name, path in packages.items()}
    checks.that("libcurl4" in depends["libazmon0"] and "opentelemetry-cpp" in depends["libazmon0"] and "grpc" not in depends["libazmon0"],
                "libazmon0 depends on what it links", depends["libazmon0"])
    checks.that("libazmon0 (= " in depends["libazmon-dev"] and "opentelemetry-cpp-dev" in depends["libazmon-dev"],
                "libazmon-dev depends on just this libazmon0", depends["libazmon-dev"])
    checks.that("libgrpc" in depends["azmon-local"] and "libazmon0" not in depends["azmon-local"], "azmon-local stands alone", depends["azmon-local"])
    triggers = need(["dpkg-deb", "--info", packages["libazmon0"]])
    checks.that("shlibs" in triggers and "postinst" in triggers, "libazmon0 brings its shlibs file and tells ldconfig", triggers)
    program = root / "usr/bin/azmon-local"
    checks.that(".debug_info" not in need(["readelf", "--sections", "--wide", program]), "azmon-local is stripped")
    code, output = command([program, "--version"], seconds=60)
    checks.that(code == 0, "azmon-local of the package runs", output)
    build_with_cmake(checks, root / "usr", work / "from-deb", "from the .deb")


def check_vcpkg_port(checks: Checks, work: pathlib.Path):
    """vcpkg itself downloads what it builds; here its functions are played by ours, so that the port's own lines run."""
    port = ROOT / "packaging/vcpkg/azmon"
    manifest = json.loads((port / "vcpkg.json").read_text(encoding="utf-8"))
    version = re.search(r"project\(azmon VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
    checks.that(manifest["version"] == version, "the vcpkg port has the version of CMakeLists.txt", manifest["version"])
    code, output = command(["cmake", f"-DPORT={port}", f"-DWORK={work / 'vcpkg'}", "-P", pathlib.Path(__file__).parent / "vcpkg_functions.cmake"])
    checks.that(code == 0 and "port: configured" in output, "the vcpkg port configures the library alone, and installs its licence and usage",
                output[-3000:])
    names = [entry if isinstance(entry, str) else entry["name"] for entry in manifest["dependencies"]]
    asked = re.findall(r"found: (\S+)", output)
    known = {"CURL": "curl", "simdjson": "simdjson", "opentelemetry-cpp": "opentelemetry-cpp", "isal": "isal", "protozero": "protozero"}
    checks.that(asked and {known[name] for name in asked if name in known} == set(known.values()) <= set(names),
                "the port's dependencies are the packages that the build asks for", f"{asked} {names}")
    checks.that(not [name for name in asked if re.search("SQLite|GTest|nlohmann", name)],
                "without the packages of the services, azmon-local and the tests", str(asked))


def test(checks: Checks):
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="azmon-installed-") as name:
        work = pathlib.Path(name)
        prefix = work / "prefix"
        for component in ("library", "dev"):
            need(["cmake", "--install", build, "--prefix", prefix, "--component", component])
        check_what_is_installed(checks, prefix)
        # Moved after installing: nothing in it may hang on the place.
        prefix = prefix.rename(work / "elsewhere")
        build_with_cmake(checks, prefix, work / "shop", "installed")
        build_with_pkg_config(checks, prefix, work / "pkg-config")
        check_wrong_use(checks, prefix, work / "wrong")
        check_debian_packages(checks, build, work)
        check_vcpkg_port(checks, work)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: installed.py BUILD_DIRECTORY")
    subprocess.run(["cmake", "--version"], check=True, stdout=subprocess.DEVNULL)
    run(test)
