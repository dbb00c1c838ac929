#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes SERVICE_TOKEN, 256 random bits, unless the azd environment has one. To rotate: docs/deploy.md
set -eu

if [ -n "${SERVICE_TOKEN:-}" ]; then
  exit 0
fi
token="$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
azd env set SERVICE_TOKEN "$token"
