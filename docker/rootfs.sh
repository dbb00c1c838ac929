#!/bin/sh
# SPDX-License-Identifier: MIT
# rootfs.sh PROGRAM NAME ROOTFS: makes the file system of an image: PROGRAM as /usr/bin/NAME, what it needs to run, and dpkg's records of
# the packages that this comes from, so that scanners know what is inside. Runs in the build stage, on Debian.
set -eu

program="$1"
name="$2"
rootfs="$3"
packages="$(mktemp)"

# keep FILE: copies a file to where it really lies (/lib is a link to usr/lib), and notes its package.
keep() {
  real="$(readlink -f -- "$1")"
  mkdir -p "$rootfs$(dirname "$real")"
  cp -- "$real" "$rootfs$real"
  link="$(readlink -f -- "$(dirname "$1")")/$(basename "$1")"
  if [ "$link" != "$real" ]; then
    mkdir -p "$rootfs$(dirname "$link")"
    ln -sf -- "$real" "$rootfs$link"
  fi
  # dpkg knows some files of /usr/lib under their old place in /lib.
  owner="$(dpkg-query --search "$real" 2>/dev/null || dpkg-query --search "${real#/usr}" 2>/dev/null || true)"
  if [ -n "$owner" ]; then
    printf '%s\n' "$owner" | sed -e 's/: .*//' >>"$packages"
  fi
}

mkdir -p "$rootfs/usr/bin" "$rootfs/usr/lib" "$rootfs/usr/lib64" "$rootfs/etc" "$rootfs/tmp"
chmod 1777 "$rootfs/tmp"
ln -s usr/lib "$rootfs/lib"
ln -s usr/lib64 "$rootfs/lib64"

# Our own shared library lies in the build tree; everything else comes from packages.
ldd -- "$program" | sed -n -e 's/.*=> \(\/[^ ]*\) .*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
  case "$library" in
    /lib* | /usr/lib*) keep "$library" ;;
    *)
      cp -- "$(readlink -f -- "$library")" "$rootfs/usr/lib/$(basename "$library")"
      strip --strip-unneeded "$rootfs/usr/lib/$(basename "$library")"
      ;;
  esac
done
# The kernel looks for the loader under this name.
loader="$(ldd -- "$program" | sed -n -e 's/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) (.*/\1/p')"
if [ ! -e "$rootfs$loader" ]; then
  ln -s -- "$(readlink -f -- "$loader")" "$rootfs$loader"
fi

cp -- "$program" "$rootfs/usr/bin/$name"
strip --strip-unneeded "$rootfs/usr/bin/$name"

keep /etc/ssl/certs/ca-certificates.crt
printf 'ca-certificates\n' >>"$packages"
keep /etc/os-release
printf 'hosts: files dns\n' >"$rootfs/etc/nsswitch.conf"
printf 'root:x:0:0:root:/:/sbin/nologin\napp:x:10001:10001:app:/:/sbin/nologin\n' >"$rootfs/etc/passwd"
printf 'root:x:0:\napp:x:10001:\n' >"$rootfs/etc/group"

records="$rootfs/var/lib/dpkg/status.d"
mkdir -p "$records"
sort -u "$packages" | while read -r package; do
  dpkg-query --status "$package" >"$records/${package%%:*}"
  copyright="/usr/share/doc/${package%%:*}/copyright"
  if [ -f "$copyright" ]; then
    mkdir -p "$rootfs$(dirname "$copyright")"
    cp -- "$(readlink -f -- "$copyright")" "$rootfs$copyright"
  fi
done
rm -f "$packages"

# What the loader cannot find must be told here, not when the service starts.
if chroot "$rootfs" "/usr/bin/$name" --version; then
  exit 0
fi
echo "rootfs.sh: $name does not run in its own file system" >&2
exit 1
