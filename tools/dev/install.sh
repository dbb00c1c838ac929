# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Installs what ./dev needs and what the machine lacks; does nothing, without network, when all is there.
# Sourced by ./dev after step.sh.

: "${root:?}" "${build_root:?}"
node_minimum="20.19.0"

# ---- Debian packages

# The release's code name, or nothing on another distribution.
debian_release() {
  (
    # shellcheck disable=SC1091
    . /etc/os-release 2>/dev/null || true
    if [[ "${ID:-}" == debian ]]; then
      printf '%s' "${VERSION_CODENAME:-}"
    fi
  )
}

# Names of one list for this release: `name`, or `name @bookworm` for one release alone.
read_package_list() {
  local release="$1" name tag
  sed -e 's/#.*//' "$root/packages/$2" | while read -r name tag; do
    if [[ -n "$name" && (-z "$tag" || "$tag" == "@$release") ]]; then
      printf '%s\n' "$name"
    fi
  done
}

is_installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# install_packages LIST… : lists of packages/
install_packages() {
  local release list name missing=()
  release="$(debian_release)"
  if [[ "$release" != bookworm && "$release" != trixie ]]; then
    say "This is not Debian 12 or 13: the packages of $* are taken as installed."
    return
  fi
  for list in "$@"; do
    while read -r name; do
      is_installed "$name" || missing+=("$name")
    done < <(read_package_list "$release" "$list")
  done
  if ((${#missing[@]} > 0)); then
    install_debian_packages "$release" "${missing[@]}"
  fi
}

# as_root COMMAND…
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

install_debian_packages() {
  local release="$1"
  shift
  say "Debian packages that are missing: $*"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "these packages must be installed by root, and there is no sudo. As root: apt-get install $*"
    say "Root is needed for this one thing, apt-get install; sudo may ask for your password."
    sudo --validate || fail "no root: ask somebody who has it for: apt-get install $*"
  fi
  step "update package lists" apt-update as_root apt-get update
  if [[ "$release" == bookworm && "$*" == *opentelemetry* ]]; then
    add_backports
  fi
  step "install $# Debian packages" apt-install as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "$@"
}

# opentelemetry-cpp is in Debian 13 and, for Debian 12, in bookworm-backports. A source for it is added only where none is
# configured, on the mirror that the machine uses already, and pinned: nothing but opentelemetry comes from there.
add_backports() {
  local site key
  # shellcheck disable=SC2016  # apt's own variables
  if apt-get indextargets --format '$(CODENAME)' 'Created-By: Packages' | grep -q -x bookworm-backports; then
    return
  fi
  # shellcheck disable=SC2016
  site="$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "bookworm" { print $2; exit }')"
  [[ -n "$site" ]] || fail "no source of Debian 12 is configured in /etc/apt, so bookworm-backports cannot be added beside it"
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  say "Adding $site bookworm-backports to /etc/apt/sources.list.d, pinned to opentelemetry-*"
  as_root tee /etc/apt/preferences.d/azmon-backports >/dev/null <<EOF
# Written by ./dev of azmon: from bookworm-backports come opentelemetry packages and nothing else.
Package: *
Pin: release n=bookworm-backports
Pin-Priority: -10

Package: opentelemetry-* libopentelemetry-*
Pin: release n=bookworm-backports
Pin-Priority: 600
EOF
  as_root tee /etc/apt/sources.list.d/azmon-backports.sources >/dev/null <<EOF
# Written by ./dev of azmon.
Types: deb
URIs: $site
Suites: bookworm-backports
Components: main
Signed-By: $key
EOF
  step "update package lists" apt-update as_root apt-get update
}

# ---- Node and npm packages

# is_node_new_enough PROGRAM
is_node_new_enough() {
  local version
  version="$("$1" --version 2>/dev/null)" || return 1
  [[ "$(printf '%s\n' "$node_minimum" "${version#v}" | sort --version-sort | head -n 1)" == "$node_minimum" ]]
}

# Puts a Node of 20.19 or newer first in PATH: the machine's, or else one from npm, under build/npm/node.
install_node() {
  local own="$build_root/npm/node"
  if command -v node >/dev/null && command -v npm >/dev/null && is_node_new_enough node; then
    return
  fi
  if ! command -v npm >/dev/null && [[ ! -x "$own/bin/node" ]]; then
    # With it comes Debian's own Node: new enough on Debian 13; on Debian 12 it only fetches the newer one.
    install_packages apt-node.txt
    if is_node_new_enough node; then
      return
    fi
  fi
  npm_install "$root/packages/node" "$own" "fetch Node"
  if [[ ! -x "$own/bin/node" ]]; then
    mkdir -p "$own/bin"
    (cd "$own/bin" && ln -sf ../node_modules/node-linux-*/bin/node node && ln -sf ../node_modules/npm/bin/npm-cli.js npm)
  fi
  PATH="$own/bin:$PATH"
  export PATH
  # Debian's Node trusts the machine's authorities, this one only those it was built with; behind a company's proxy it needs the former.
  local authorities=/etc/ssl/certs/ca-certificates.crt
  if [[ -z "${NODE_EXTRA_CA_CERTS:-}" && -r "$authorities" ]]; then
    export NODE_EXTRA_CA_CERTS="$authorities"
  fi
  is_node_new_enough node || fail "there is no Node of $node_minimum or newer for this machine ($(uname -m)): install one and run this again"
}

# Azurite, into build/npm/tools.
install_npm_tools() {
  npm_install "$root/packages/npm" "$build_root/npm/tools" "install Azurite"
}

# The official SDKs and exporters that tests compare ours with, into build/npm/test.
install_npm_test() {
  npm_install "$root/packages/npm-test" "$build_root/npm/test" "install the official SDKs"
}

# A Collector from its Go modules, once. Where it cannot be built its test is skipped and says why; that must not keep the others from running.
build_collector() {
  if command -v go >/dev/null; then
    (step "build an OpenTelemetry Collector" collector timeout 900 "$root/tools/dev/go-tool.sh" collector) ||
      say "There is no Collector: its test will be skipped."
  fi
}

# The tools that check the deployment files and the official SDK for Python, into a virtual environment of build/python.
install_python_tools() {
  local list="$root/packages/pip/requirements.txt" own="$build_root/python" sum
  sum="$(sha256sum <"$list")"
  if [[ -f "$own/.azmon-list" && "$(<"$own/.azmon-list")" == "$sum" ]]; then
    return
  fi
  step "make build/python" python-venv python3 -m venv --clear "$own"
  step "install Python tools" python-tools "$own/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
  printf '%s' "$sum" >"$own/.azmon-list"
}

# What the page of azmon-local is built with.
install_web() {
  npm_install "$root/local/web" "$root/local/web" "install the page's packages"
}

# npm_install FROM TO TITLE: `npm ci` of FROM's lock file in TO, only when the lock changed since the last time.
npm_install() {
  local from="$1" to="$2" title="$3" sum stamp="$2/node_modules/.azmon-lock"
  sum="$(sha256sum <"$from/package-lock.json")"
  if [[ -f "$stamp" && "$(<"$stamp")" == "$sum" ]]; then
    return
  fi
  mkdir -p "$to"
  if [[ "$from" != "$to" ]]; then
    cp "$from/package.json" "$from/package-lock.json" "$to/"
  fi
  # Install scripts of packages are not run: none of ours needs one.
  step "$title" "npm-$(basename "$to")" npm ci --prefix "$to" --ignore-scripts --no-audit --no-fund --loglevel=error
  printf '%s' "$sum" >"$stamp"
}
