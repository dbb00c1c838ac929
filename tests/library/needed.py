#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""needed.py LIBAZMON: the library links neither gRPC nor protobuf, so it can stand in any program beside their other versions; and
it is never unloaded, for its threads would return into nothing."""

import subprocess
import sys

lines = subprocess.run(["readelf", "--dynamic", "--wide", sys.argv[1]], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
entries = [line.split("[")[1].rstrip("]\n") for line in lines if "(NEEDED)" in line]
if not any("(FLAGS_1)" in line and "NODELETE" in line for line in lines):
    sys.exit("dlclose() may unload it: the flag NODELETE is missing")
unwanted = [name for name in entries if "grpc" in name or "protobuf" in name or "opentelemetry_proto" in name]
if not any("libcurl" in name for name in entries):
    sys.exit(f"no NEEDED entry of libcurl, so this is not what was meant to be looked at: {entries}")
if unwanted:
    sys.exit(f"libazmon links {', '.join(unwanted)}")
print(f"{len(entries)} NEEDED entries, none of gRPC or protobuf")
