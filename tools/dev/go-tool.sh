#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# go-tool.sh NAME: builds a tool of packages/go from its Go module, at the version and with the sums that are kept there, and prints where it
# is. Built once a version, under the user's cache directory, at low priority; needs Go.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"
name="$1"
source="$root/packages/go/$name"
[[ -f "$source/go.mod" ]] || { echo "go-tool.sh: no tool '$name' in packages/go" >&2; exit 2; }
command -v go >/dev/null || { echo "go-tool.sh: no Go here" >&2; exit 1; }

version_flags() {
  case "$name" in
    # azd compares its own version with azure.yaml's requiredVersions.
    azd) echo "-X 'github.com/azure/azure-dev/cli/azd/internal.Version=1.31.0 (commit 0000000000000000000000000000000000000000)'" ;;
    kube-apiserver) echo "-X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36" ;;
  esac
}

sum="$( (find "$source" -type f -print0 | sort --zero-terminated | xargs --null cat && cat "${BASH_SOURCE[0]}") | sha256sum | cut -c 1-16)"
program="${XDG_CACHE_HOME:-$HOME/.cache}/azmon/tools/$sum/$name"
if [[ ! -x "$program" ]]; then
  mkdir -p "$(dirname "$program")"
  # A folder with a main.go is the tool itself.
  package="$(sed -n 's/^tool \(.*\)$/\1/p' "$source/go.mod")"
  (cd "$source" && GOFLAGS=-mod=readonly nice -n 15 go build -p 1 -trimpath -ldflags "-s -w $(version_flags)" \
    -o "$program.new" "${package:-.}") >&2
  mv "$program.new" "$program"
fi
printf '%s\n' "$program"
