#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""needed.py LIBAZMON: the library links neither gRPC nor protobuf, so it can stand in any program beside their other versions."""

import subprocess
import sys

entries = [line.split("[")[1].rstrip("]\n") for line in
           subprocess.run(["readelf", "--dynamic", "--wide", sys.argv[1]], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
           if "(NEEDED)" in line]
unwanted = [name for name in entries if "grpc" in name or "protobuf" in name or "opentelemetry_proto" in name]
if not any("libcurl" in name for name in entries):
    sys.exit(f"no NEEDED entry of libcurl, so this is not what was meant to be looked at: {entries}")
if unwanted:
    sys.exit(f"libazmon links {', '.join(unwanted)}")
print(f"{len(entries)} NEEDED entries, none of gRPC or protobuf")
